/* A static initialiser that never comes back. */
#include "good.h"

__attribute__((constructor)) static void wait_for_a_server(void) { hang(); }
