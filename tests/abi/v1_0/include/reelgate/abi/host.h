/* What the host gives to a plugin. */
#ifndef REELGATE_ABI_HOST_H
#define REELGATE_ABI_HOST_H

#include "types.h"

typedef enum rg_level { RG_DEBUG = 0, RG_INFO = 1, RG_WARN = 2, RG_ERROR = 3 } rg_level;

/* Where a progress value comes from. With RG_NONE the value is ignored: alive, share unknown. */
typedef enum rg_source { RG_NONE = 0, RG_ESTIMATED = 1, RG_MEASURED = 2 } rg_source;

typedef struct rg_host { /* lives until destroy() has returned */
    uint32_t struct_size;
    uint32_t abi_minor;
    void* self;
    rg_bytes data_dir;  /* the provider's own directory, kept */
    rg_bytes cache_dir; /* may be emptied between runs */
    void (*log)(void* self, int32_t level, rg_bytes event, rg_bytes fields_json); /* [any] */
    const void* (*extension)(void* self, const char* id); /* [any] NULL if unknown */
} rg_host;

typedef struct rg_progress {
    uint32_t struct_size;
    int32_t source; /* rg_source */
    double value;   /* 0..1 */
    uint32_t step, steps;
    rg_bytes stage; /* "load", "encode", "denoise", "decode", "remote", ... */
} rg_progress;

typedef struct rg_job { /* lives until run() returns */
    uint32_t struct_size;
    int32_t cancel_fd; /* readable once the job is cancelled; poll it, never read from it */
    void* self;
    rg_bytes request_json;
    rg_bytes work_dir; /* private to this attempt; holds inputs/ and nothing else at first */
    int32_t (*is_cancelled)(void* self);                       /* [any] */
    void (*progress)(void* self, const rg_progress* progress); /* [run] a sign of life, too */
    rg_status (*preview)(void* self, rg_bytes relative_path);  /* [run] */
    rg_status (*artifact)(void* self, rg_bytes relative_path, rg_bytes meta); /* [run] role, mime */
    rg_status (*intend)(void* self, rg_bytes what_json);     /* [run] returns once it is on disk */
    rg_status (*accepted)(void* self, rg_bytes remote_json); /* [run] returns once it is on disk */
} rg_job;

#endif
