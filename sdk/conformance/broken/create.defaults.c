/* Cannot be created without a setting that has no default. */
#define ON_CREATE                                                                                  \
    if (!holds(config, "\"style\""))                                                               \
    return answer(out, RG_FAILED, "{\"category\": \"invalid_params\", \"text\": \"no style\"}")
#include "good.h"
