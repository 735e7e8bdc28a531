/* Extension of the host: device memory is shared between providers by reservation. What a worker
 * reserved is released when the worker ends, however it ends. A host that keeps no such account
 * answers NULL when asked for it, and the plugin goes on without. */
#ifndef REELGATE_EXT_VRAM_H
#define REELGATE_EXT_VRAM_H

#include "../abi/host.h"

#define RG_EXT_VRAM "reelgate.vram/1"

typedef struct rg_vram {
    uint32_t struct_size;
    uint32_t reserved;
    void* self;

    /* Waits up to wait_ms for room. RG_OK: *ticket names what is reserved; RG_BUSY: none. [run] */
    rg_status (*reserve)(
        void* self, int32_t gpu, uint64_t bytes, uint32_t wait_ms, uint64_t* ticket);

    /* [any] */
    void (*release)(void* self, uint64_t ticket);
} rg_vram;

#endif
