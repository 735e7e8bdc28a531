/* Works with the host it was built for, and with no later one. */
#define ON_CREATE                                                                                  \
    if (host->abi_minor != RG_ABI_MINOR)                                                           \
    return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"what host is this?\"}")
#include "good.h"
