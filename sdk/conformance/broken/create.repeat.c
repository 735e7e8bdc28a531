/* Loses a descriptor with each instance. */
#define ON_CREATE                                                                                  \
    if (open("/dev/null", O_RDONLY) < 0) return RG_FAILED
#include "good.h"
