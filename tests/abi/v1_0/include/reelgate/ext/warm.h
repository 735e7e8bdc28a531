/* Extension of the plugin: loads a model before the first job needs it, and lets it go. */
#ifndef REELGATE_EXT_WARM_H
#define REELGATE_EXT_WARM_H

#include "../abi/host.h"

#define RG_EXT_WARM "reelgate.warm/1"

typedef struct rg_warm {
    uint32_t struct_size;
    uint32_t reserved;

    /* Returns when the model is ready to run; loading one that is loaded is no failure. [pool] */
    rg_status (*load)(void* self, rg_bytes model, const rg_sink* out);

    /* Gives back what the model holds; the next run() loads it again. [pool] */
    rg_status (*unload)(void* self, rg_bytes model, const rg_sink* out);

    /* A JSON array of model ids. [pool] */
    rg_status (*loaded)(void* self, const rg_sink* out);
} rg_warm;

#endif
