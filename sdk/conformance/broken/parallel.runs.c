/* Declares four runs at once and has room for one. */
#define FRAME_MS 3
#define ON_RUN                                                                                     \
    if (__atomic_load_n(&running, __ATOMIC_SEQ_CST) > 0)                                           \
    return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"one at a time\"}")
#include "good.h"
