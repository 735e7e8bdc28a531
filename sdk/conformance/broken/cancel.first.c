/* Deaf to a cancel that comes before it has begun. */
#define CONCURRENCY "1"
#define FRAME_MS (is_heavy(job) ? 20 : 0)
#define ON_RUN                                                                                     \
    if (is_heavy(job)) rest(200);                                                                  \
    const int deaf = cancelled(job);                                                               \
    if (deaf) hang()
#include "good.h"
