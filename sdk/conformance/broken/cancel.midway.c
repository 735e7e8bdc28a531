/* Deaf once it has begun. */
#define CONCURRENCY "1"
#define FRAME_MS (is_heavy(job) ? 15 : 0)
#define ON_RUN                                                                                     \
    if (is_heavy(job)) rest(200)
#define OBEYS (frame == 0)
#include "good.h"
