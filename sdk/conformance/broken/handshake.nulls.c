/* Calls an optional member without a look at it. */
#define ON_CREATE                                                                                  \
    if (RG_HAS(host, log)) host->log(host->self, RG_INFO, text_bytes("created"), text_bytes("{}"))
#include "good.h"
