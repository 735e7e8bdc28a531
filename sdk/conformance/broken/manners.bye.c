/* Never leaves, unless it has worked or was asked something. */
#define ON_PROBE ran = 1
#define ON_CREATE created = 1
static int created;
#include "good.h"

static int created = 0;
__attribute__((destructor)) static void wait_for_work(void)
{
    if (created && !ran) hang();
}
