/* Extension of the plugin: finds accepted work again after a restart, gives it up on request. */
#ifndef REELGATE_EXT_RESUME_H
#define REELGATE_EXT_RESUME_H

#include "../abi/host.h"

#define RG_EXT_RESUME "reelgate.resume/1"

typedef struct rg_resume {
    uint32_t struct_size;
    uint32_t reserved;

    /* Like run(), but the work exists: remote_json is what accepted() got. Never submits. [pool] */
    rg_status (*resume)(void* self, const rg_job* job, rg_bytes remote_json, const rg_sink* out);

    /* Asks the remote side to stop. Result: {"compute_stopped": bool, "billing": "..."}. [pool] */
    rg_status (*abandon)(void* self, rg_bytes remote_json, const rg_sink* out);
} rg_resume;

#endif
