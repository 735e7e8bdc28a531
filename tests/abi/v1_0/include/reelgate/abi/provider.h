/* What a plugin gives to the host: one exported function that returns one table. */
#ifndef REELGATE_ABI_PROVIDER_H
#define REELGATE_ABI_PROVIDER_H

#include "host.h"

#define RG_ENTRY_SYMBOL "reelgate_provider_v1"

typedef struct rg_provider {
    uint32_t struct_size;
    uint32_t abi_minor;      /* RG_ABI_MINOR when the plugin was built */
    uint32_t min_host_minor; /* RG_MIN_HOST_MINOR when the plugin was built */
    uint32_t reserved;

    /* What this provider can do, as JSON. Pure: no file, network, device or thread. [pool] */
    rg_status (*describe)(const rg_sink* out);

    /* Takes a configuration that fits config_schema. No network, no device memory. [pool] */
    rg_status (*create)(const rg_host* host, rg_bytes config_json, void** self, const rg_sink* out);

    /* No call is in progress and none follows. [pool] */
    void (*destroy)(void* self);

    /* Could it take a job now? Free of charge, within 2 s; may overlap run(). [pool] */
    rg_status (*probe)(void* self, const rg_sink* out);

    /* One attempt, from the request to the last artifact. Overlaps itself up to max_concurrency. A
     * job is cancelled by a flag in `job`, never by a call. [pool] */
    rg_status (*run)(void* self, const rg_job* job, const rg_sink* out);

    /* A function table by id ("reelgate.resume/1"), or NULL. The member may be NULL too. [any] */
    const void* (*extension)(const char* id);
} rg_provider;

#ifdef __cplusplus
extern "C"
#endif
    RG_EXPORT const rg_provider*
    reelgate_provider_v1(void);

#endif
