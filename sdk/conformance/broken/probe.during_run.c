/* Has no time for questions while it works. */
#define FRAME_MS 5
#define ON_PROBE                                                                                   \
    if (__atomic_load_n(&running, __ATOMIC_SEQ_CST) > 0) return RG_BUSY
#include "good.h"
