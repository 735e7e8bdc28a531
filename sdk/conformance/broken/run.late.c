/* Tells of a run that is over. */
#define ON_RUN                                                                                     \
    static const rg_job* before = NULL;                                                            \
    const rg_job* over = __atomic_exchange_n(&before, job, __ATOMIC_SEQ_CST);                      \
    if (over && !running) tell(over, 1, 1)
#include "good.h"
