/* Deaf when the cancel comes while it waits for the answer to its intent. */
#define BILLING "paid"
#define CONCURRENCY "1"
#define INTENDS intends(job)
#include <reelgate/abi/host.h>
static int intends(const rg_job* job);
#include "good.h"

static int intends(const rg_job* job)
{
    const rg_status answered = job->intend(job->self, text_bytes("{\"what\": \"a film\"}"));
    if (answered == RG_CANCELLED && !is_heavy(job)) hang();
    return answered == RG_OK;
}
