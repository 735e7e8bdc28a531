/* Invents a state. */
#define ON_PROBE                                                                                   \
    if (!ran) return answer(out, RG_OK, "{\"state\": \"splendid\"}")
#include "good.h"
