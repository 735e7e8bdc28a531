/* Extension of the plugin: small commands of its own (check a model directory, import a workflow).
 * The command line and the page reach them by name; the host knows none of them. */
#ifndef REELGATE_EXT_TOOL_H
#define REELGATE_EXT_TOOL_H

#include "../abi/host.h"

#define RG_EXT_TOOL "reelgate.tool/1"

typedef struct rg_tool {
    uint32_t struct_size;
    uint32_t reserved;

    /* A JSON array of {"name", "summary", "arguments": schema}. Pure. [pool] */
    rg_status (*list)(const rg_sink* out);

    /* JSON in, JSON out. Free of charge; may read files and the network. [pool] */
    rg_status (*call)(void* self, rg_bytes name, rg_bytes arguments_json, const rg_sink* out);
} rg_tool;

#endif
