/* Extension of the plugin: looks up what became of a submit whose answer was lost. For providers
 * that can list or look up their jobs; one that cannot leaves the extension out, and its lost
 * submits wait for a person. */
#ifndef REELGATE_EXT_RECONCILE_H
#define REELGATE_EXT_RECONCILE_H

#include "../abi/host.h"

#define RG_EXT_RECONCILE "reelgate.reconcile/1"

typedef struct rg_reconcile {
    uint32_t struct_size;
    uint32_t reserved;

    /* `intent_json` is what intend() got. Asks, never submits. Result: {"found": true, "remote":
     * {...}} with what accepted() would have got; {"found": false} only where it is certain that
     * nothing was accepted and nothing will be; {"found": null} where that is not known yet. [pool]
     */
    rg_status (*find)(void* self, rg_bytes intent_json, const rg_sink* out);
} rg_reconcile;

#endif
