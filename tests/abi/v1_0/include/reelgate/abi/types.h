/* The words both sides of the plugin boundary use. C11, no include but the two below.
 *
 * A header here only ever grows at the end: members and enumerators are appended, never moved,
 * retyped or removed. What is optional is an extension with a header of its own (reelgate/ext).
 *
 * Thread tags, one on every function:
 *   [pool]  the host calls it from a thread that may block
 *   [run]   the plugin calls it while run() of that job has not returned, from any thread
 *   [any]   from any thread, at any time between create() and destroy(), concurrently, never blocks
 */
#ifndef REELGATE_ABI_TYPES_H
#define REELGATE_ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define RG_ABI_MAJOR 1 /* also in the entry symbol's name: a new major is a new symbol */
#define RG_ABI_MINOR 0 /* one more whenever a member or an enumerator is appended */

/* A plugin that needs a newer host member defines this before it includes anything. */
#ifndef RG_MIN_HOST_MINOR
#define RG_MIN_HOST_MINOR 0
#endif

/* Does the other side, perhaps built years apart, have this member? */
#define RG_HAS(p, member)                                                                          \
    ((p) != NULL && (p)->struct_size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

#define RG_EXPORT __attribute__((visibility("default"), used))

/* UTF-8, not terminated, never freed by the receiver, good until the call returns. */
typedef struct rg_bytes {
    const char* data;
    size_t size;
} rg_bytes;

/* Of a fixed size, so that a value this header does not know is a number and not undefined. */
typedef int32_t rg_status;
enum {
    RG_OK = 0,
    RG_BUSY = 1,      /* try later, here or elsewhere */
    RG_REJECTED = 2,  /* the request itself: nobody should be asked again */
    RG_FAILED = 3,    /* this attempt: another provider may try */
    RG_AMBIGUOUS = 4, /* it left and no verdict came: work may exist, money may be spent */
    RG_CANCELLED = 5
};

/* How a call gives text back. The storage is the caller's and nothing changes hands. On RG_OK the
 * text is the result of the call, otherwise a failure record (a JSON object) or nothing. */
typedef struct rg_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* self;
    void (*write)(void* self, rg_bytes text); /* [pool] called again, it appends */
} rg_sink;

#endif
