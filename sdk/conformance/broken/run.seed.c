/* Says that it obeys the seed and asks the clock. */
#define COLOUR (now() % 100 + frame % 64)
static long now(void);
#include "good.h"

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_nsec / 1000;
}
