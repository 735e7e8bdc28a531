/* The contract of major version 1, held still: the offset and the signature of every member, the
 * value of every enumerator. A release that appends adds lines here; nobody edits or removes one.
 * If a line of this file does not compile, plugins that are already built would break: undo the
 * change, or append. */
#include <reelgate/abi/provider.h>
#include <reelgate/ext/cost.h>
#include <reelgate/ext/resume.h>
#include <reelgate/ext/tool.h>
#include <reelgate/ext/vram.h>
#include <reelgate/ext/warm.h>

#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " moved")
#define IS(type, member, ...)                                                                      \
    _Static_assert(__builtin_types_compatible_p(__typeof__(((type*)0)->member), __VA_ARGS__),      \
                   #type "." #member " changed")
#define VALUE(name, value) _Static_assert((name) == (value), #name " changed")
#define TEXT(name, value) _Static_assert(__builtin_strcmp(name, value) == 0, #name " changed")
/* What is passed by value, or belongs to an extension, never changes its size. */
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " changed its size")
/* What carries struct_size may grow. */
#define AT_LEAST(type, size) _Static_assert(sizeof(type) >= (size), #type " shrank")

/* clang-format off */

/* ---- 1.0: core ---- */

VALUE(RG_ABI_MAJOR, 1);
TEXT(RG_ENTRY_SYMBOL, "reelgate_provider_v1");
_Static_assert(__builtin_types_compatible_p(__typeof__(&reelgate_provider_v1), const rg_provider* (*)(void)),
               "the entry changed");
_Static_assert(__builtin_types_compatible_p(rg_status, int32_t), "rg_status changed");

VALUE(RG_OK, 0);
VALUE(RG_BUSY, 1);
VALUE(RG_REJECTED, 2);
VALUE(RG_FAILED, 3);
VALUE(RG_AMBIGUOUS, 4);
VALUE(RG_CANCELLED, 5);

VALUE(RG_DEBUG, 0);
VALUE(RG_INFO, 1);
VALUE(RG_WARN, 2);
VALUE(RG_ERROR, 3);

VALUE(RG_NONE, 0);
VALUE(RG_ESTIMATED, 1);
VALUE(RG_MEASURED, 2);

AT(rg_bytes, data, 0);
IS(rg_bytes, data, const char*);
AT(rg_bytes, size, 8);
IS(rg_bytes, size, size_t);
SIZE(rg_bytes, 16);

AT(rg_sink, struct_size, 0);
IS(rg_sink, struct_size, uint32_t);
AT(rg_sink, reserved, 4);
IS(rg_sink, reserved, uint32_t);
AT(rg_sink, self, 8);
IS(rg_sink, self, void*);
AT(rg_sink, write, 16);
IS(rg_sink, write, void (*)(void*, rg_bytes));
AT_LEAST(rg_sink, 24);

AT(rg_host, struct_size, 0);
IS(rg_host, struct_size, uint32_t);
AT(rg_host, abi_minor, 4);
IS(rg_host, abi_minor, uint32_t);
AT(rg_host, self, 8);
IS(rg_host, self, void*);
AT(rg_host, data_dir, 16);
IS(rg_host, data_dir, rg_bytes);
AT(rg_host, cache_dir, 32);
IS(rg_host, cache_dir, rg_bytes);
AT(rg_host, log, 48);
IS(rg_host, log, void (*)(void*, int32_t, rg_bytes, rg_bytes));
AT(rg_host, extension, 56);
IS(rg_host, extension, const void* (*)(void*, const char*));
AT_LEAST(rg_host, 64);

AT(rg_progress, struct_size, 0);
IS(rg_progress, struct_size, uint32_t);
AT(rg_progress, source, 4);
IS(rg_progress, source, int32_t);
AT(rg_progress, value, 8);
IS(rg_progress, value, double);
AT(rg_progress, step, 16);
IS(rg_progress, step, uint32_t);
AT(rg_progress, steps, 20);
IS(rg_progress, steps, uint32_t);
AT(rg_progress, stage, 24);
IS(rg_progress, stage, rg_bytes);
AT_LEAST(rg_progress, 40);

AT(rg_job, struct_size, 0);
IS(rg_job, struct_size, uint32_t);
AT(rg_job, cancel_fd, 4);
IS(rg_job, cancel_fd, int32_t);
AT(rg_job, self, 8);
IS(rg_job, self, void*);
AT(rg_job, request_json, 16);
IS(rg_job, request_json, rg_bytes);
AT(rg_job, work_dir, 32);
IS(rg_job, work_dir, rg_bytes);
AT(rg_job, is_cancelled, 48);
IS(rg_job, is_cancelled, int32_t (*)(void*));
AT(rg_job, progress, 56);
IS(rg_job, progress, void (*)(void*, const rg_progress*));
AT(rg_job, preview, 64);
IS(rg_job, preview, rg_status (*)(void*, rg_bytes));
AT(rg_job, artifact, 72);
IS(rg_job, artifact, rg_status (*)(void*, rg_bytes, rg_bytes));
AT(rg_job, intend, 80);
IS(rg_job, intend, rg_status (*)(void*, rg_bytes));
AT(rg_job, accepted, 88);
IS(rg_job, accepted, rg_status (*)(void*, rg_bytes));
AT_LEAST(rg_job, 96);

AT(rg_provider, struct_size, 0);
IS(rg_provider, struct_size, uint32_t);
AT(rg_provider, abi_minor, 4);
IS(rg_provider, abi_minor, uint32_t);
AT(rg_provider, min_host_minor, 8);
IS(rg_provider, min_host_minor, uint32_t);
AT(rg_provider, reserved, 12);
IS(rg_provider, reserved, uint32_t);
AT(rg_provider, describe, 16);
IS(rg_provider, describe, rg_status (*)(const rg_sink*));
AT(rg_provider, create, 24);
IS(rg_provider, create, rg_status (*)(const rg_host*, rg_bytes, void**, const rg_sink*));
AT(rg_provider, destroy, 32);
IS(rg_provider, destroy, void (*)(void*));
AT(rg_provider, probe, 40);
IS(rg_provider, probe, rg_status (*)(void*, const rg_sink*));
AT(rg_provider, run, 48);
IS(rg_provider, run, rg_status (*)(void*, const rg_job*, const rg_sink*));
AT(rg_provider, extension, 56);
IS(rg_provider, extension, const void* (*)(const char*));
AT_LEAST(rg_provider, 64);

/* ---- 1.0: extensions ---- */

TEXT(RG_EXT_RESUME, "reelgate.resume/1");
TEXT(RG_EXT_COST, "reelgate.cost/1");
TEXT(RG_EXT_WARM, "reelgate.warm/1");
TEXT(RG_EXT_TOOL, "reelgate.tool/1");
TEXT(RG_EXT_VRAM, "reelgate.vram/1");

AT(rg_resume, struct_size, 0);
IS(rg_resume, struct_size, uint32_t);
AT(rg_resume, reserved, 4);
IS(rg_resume, reserved, uint32_t);
AT(rg_resume, resume, 8);
IS(rg_resume, resume, rg_status (*)(void*, const rg_job*, rg_bytes, const rg_sink*));
AT(rg_resume, abandon, 16);
IS(rg_resume, abandon, rg_status (*)(void*, rg_bytes, const rg_sink*));
SIZE(rg_resume, 24);

AT(rg_cost, struct_size, 0);
IS(rg_cost, struct_size, uint32_t);
AT(rg_cost, reserved, 4);
IS(rg_cost, reserved, uint32_t);
AT(rg_cost, estimate, 8);
IS(rg_cost, estimate, rg_status (*)(void*, rg_bytes, const rg_sink*));
AT(rg_cost, amount, 16);
IS(rg_cost, amount, rg_status (*)(void*, rg_bytes, const rg_sink*));
SIZE(rg_cost, 24);

AT(rg_warm, struct_size, 0);
IS(rg_warm, struct_size, uint32_t);
AT(rg_warm, reserved, 4);
IS(rg_warm, reserved, uint32_t);
AT(rg_warm, load, 8);
IS(rg_warm, load, rg_status (*)(void*, rg_bytes, const rg_sink*));
AT(rg_warm, unload, 16);
IS(rg_warm, unload, rg_status (*)(void*, rg_bytes, const rg_sink*));
AT(rg_warm, loaded, 24);
IS(rg_warm, loaded, rg_status (*)(void*, const rg_sink*));
SIZE(rg_warm, 32);

AT(rg_tool, struct_size, 0);
IS(rg_tool, struct_size, uint32_t);
AT(rg_tool, reserved, 4);
IS(rg_tool, reserved, uint32_t);
AT(rg_tool, list, 8);
IS(rg_tool, list, rg_status (*)(const rg_sink*));
AT(rg_tool, call, 16);
IS(rg_tool, call, rg_status (*)(void*, rg_bytes, rg_bytes, const rg_sink*));
SIZE(rg_tool, 24);

AT(rg_vram, struct_size, 0);
IS(rg_vram, struct_size, uint32_t);
AT(rg_vram, reserved, 4);
IS(rg_vram, reserved, uint32_t);
AT(rg_vram, self, 8);
IS(rg_vram, self, void*);
AT(rg_vram, reserve, 16);
IS(rg_vram, reserve, rg_status (*)(void*, int32_t, uint64_t, uint32_t, uint64_t*));
AT(rg_vram, release, 24);
IS(rg_vram, release, void (*)(void*, uint64_t));
SIZE(rg_vram, 32);
