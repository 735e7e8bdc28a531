/* Greets whoever loads it. */
#include "good.h"

__attribute__((constructor)) static void greet(void)
{
    puts("Broken 1.0, all rights reserved"), fflush(stdout);
}
