/* Looks for a cancel before it loads its model and after, and not meanwhile. */
#define CONCURRENCY "1"
#define FRAME_MS (is_heavy(job) ? 20 : 0)
#define ON_RUN                                                                                     \
    if (is_heavy(job)) {                                                                           \
        rest(100);                                                                                 \
        if (!cancelled(job)) load(job);                                                            \
    }
#include <reelgate/abi/host.h>
static void load(const rg_job* job);
#include "good.h"

static void load(const rg_job* job)
{
    rest(700);
    if (cancelled(job)) hang();
}
