/* Linked without the version script of the SDK. */
#include "good.h"

RG_EXPORT int helper_of_mine(void);
int helper_of_mine(void) { return 1; }
