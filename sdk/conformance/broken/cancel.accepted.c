/* Deaf when the cancel comes as soon as the work is accepted. */
#define BILLING "paid"
#define ON_ACCEPTED                                                                                \
    if (cancelled(job)) hang()
#include "good.h"
