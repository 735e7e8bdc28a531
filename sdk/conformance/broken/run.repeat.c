/* Loses a descriptor with each run. */
#define ON_RUN                                                                                     \
    if (open("/dev/null", O_RDONLY) < 0) return RG_FAILED
#include "good.h"
