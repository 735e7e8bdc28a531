/* Says its intent and does not wait for the answer. */
#include "post.h"
#define INTENDS does_not_wait(job)
#include <reelgate/abi/provider.h>
static int does_not_wait(const rg_job* job);
#include "good.h"

static void* intend(void* job_)
{
    const rg_job* job = (const rg_job*)job_;
    return MAY_SUBMIT ? NULL : job_;
}

static int does_not_wait(const rg_job* job)
{
    pthread_t asking;
    void* refused = NULL;
    pthread_create(&asking, NULL, intend, (void*)job);
    post();
    pthread_join(asking, &refused);
    return refused == NULL;
}
