/* Deaf to a cancel that comes before it has begun. */
#define CONCURRENCY "1"
#define FRAME_MS 20
#define ON_RUN                                                                                     \
    if (number(job->request_json, "frames") > 20) rest(50);                                        \
    const int deaf = cancelled(job);                                                               \
    if (deaf) hang()
#include "good.h"
