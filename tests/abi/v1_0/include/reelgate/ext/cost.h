/* Extension of the plugin: what a request would cost, and what accepted work did cost. Amounts are
 * decimal strings in USD, never floating point: {"usd": "0.40", "basis": "list"}. */
#ifndef REELGATE_EXT_COST_H
#define REELGATE_EXT_COST_H

#include "../abi/host.h"

#define RG_EXT_COST "reelgate.cost/1"

typedef struct rg_cost {
    uint32_t struct_size;
    uint32_t reserved;

    /* Before the submit, from the plugin's own price data: no network. [pool] */
    rg_status (*estimate)(void* self, rg_bytes request_json, const rg_sink* out);

    /* After acceptance, as far as the remote side tells: may ask it, never charges. [pool] */
    rg_status (*amount)(void* self, rg_bytes remote_json, const rg_sink* out);
} rg_cost;

#endif
