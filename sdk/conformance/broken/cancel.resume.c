/* Deaf to a cancel while it looks for the work of an earlier life. */
#define BILLING "paid"
#define ON_RESUME                                                                                  \
    rest(100);                                                                                     \
    if (cancelled(job)) hang()
#include "good.h"
