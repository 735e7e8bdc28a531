/* Copies its configuration into a fixed buffer. */
#define ON_CREATE copy(config)
#include "reelgate/abi/types.h"
static void copy(rg_bytes config);
#include "good.h"

static __attribute__((noinline)) void copy(rg_bytes config)
{
    volatile char buffer[4096];
    for (size_t i = 0; i < config.size; ++i)
        buffer[i] = config.data[i];
}
