/* Stands on a variable that only its worker has. */
#define ON_CREATE                                                                                  \
    if (strlen(getenv("REELGATE_FD")) == 0) return RG_FAILED
#include "good.h"
