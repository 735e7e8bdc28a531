/* A host that is just large enough for tests: it gives a job and writes down what is done with it. */
#ifndef SMALL_HOST_H
#define SMALL_HOST_H

#include <reelgate/abi/provider.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(that)                                                                                \
    do {                                                                                           \
        if (!(that)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #that);                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef struct record {
    char answer[4096];   /* what the last call gave back */
    char order[256];     /* "i" intend, "a" accepted, "p" a row of progress, "A" artifact */
    char artifact[256];  /* path */
    char remote[256];    /* what accepted() was told */
    unsigned steps;      /* calls of progress() */
    unsigned cancel_at;  /* is cancelled from this step on; 0: never */
    int cancelled;
    rg_status on_intend; /* what intend() returns */
    char work_dir[64];
} record;

static inline void small_append(char* to, size_t size, const char* text, size_t length)
{
    const size_t used = strlen(to);
    const size_t fits = length < size - used - 1 ? length : size - used - 1;
    memcpy(to + used, text, fits);
    to[used + fits] = '\0';
}

static inline void small_note(record* r, char what)
{
    const size_t used = strlen(r->order);
    if (used == 0 || r->order[used - 1] != what) small_append(r->order, sizeof r->order, &what, 1);
}

static inline void small_write(void* self, rg_bytes text)
{
    record* r = self;
    small_append(r->answer, sizeof r->answer, text.data, text.size);
}

static inline int32_t small_is_cancelled(void* self) { return ((record*)self)->cancelled; }

static inline void small_progress(void* self, const rg_progress* progress)
{
    record* r = self;
    (void)progress;
    small_note(r, 'p');
    if (++r->steps == r->cancel_at) r->cancelled = 1;
}

static inline rg_status small_preview(void* self, rg_bytes path)
{
    (void)self, (void)path;
    return RG_OK;
}

static inline rg_status small_artifact(void* self, rg_bytes path, rg_bytes meta)
{
    record* r = self;
    (void)meta;
    small_note(r, 'A');
    r->artifact[0] = '\0';
    small_append(r->artifact, sizeof r->artifact, path.data, path.size);
    return RG_OK;
}

static inline rg_status small_intend(void* self, rg_bytes what)
{
    record* r = self;
    (void)what;
    small_note(r, 'i');
    return r->on_intend;
}

static inline rg_status small_accepted(void* self, rg_bytes remote)
{
    record* r = self;
    small_note(r, 'a');
    small_append(r->remote, sizeof r->remote, remote.data, remote.size);
    return RG_OK;
}

static inline rg_bytes small_bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

/* Where the calls of one test go, with a work directory of its own. */
static inline record small_record(void)
{
    record r = {.work_dir = "/tmp/provider-test-XXXXXX"};
    CHECK(mkdtemp(r.work_dir) != NULL);
    return r;
}

static inline rg_sink small_sink(record* r)
{
    const rg_sink sink = {.struct_size = sizeof sink, .self = r, .write = small_write};
    r->answer[0] = '\0';
    return sink;
}

static inline rg_job small_job(record* r, const char* request)
{
    const rg_job job = {.struct_size = sizeof job,
                        .cancel_fd = -1,
                        .self = r,
                        .request_json = small_bytes(request),
                        .work_dir = small_bytes(r->work_dir),
                        .is_cancelled = small_is_cancelled,
                        .progress = small_progress,
                        .preview = small_preview,
                        .artifact = small_artifact,
                        .intend = small_intend,
                        .accepted = small_accepted};
    return job;
}

static inline void* small_create(const rg_provider* table, const char* config)
{
    record r = {.on_intend = RG_OK};
    const rg_sink out = small_sink(&r);
    const rg_host host = {.struct_size = sizeof host, .abi_minor = RG_ABI_MINOR};
    void* self = NULL;
    CHECK(table->create(&host, small_bytes(config), &self, &out) == RG_OK);
    return self;
}

/* Bytes of a file in the work directory; -1 where there is none. */
static inline long small_size_of(const record* r, const char* name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", r->work_dir, name);
    FILE* file = fopen(path, "rb");
    if (!file) return -1;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    fclose(file);
    return size;
}

/* Removes the work directory and the two files that a run may leave in it. */
static inline void small_forget(const record* r, const char* one, const char* other)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", r->work_dir, one);
    remove(path);
    snprintf(path, sizeof path, "%s/%s", r->work_dir, other);
    remove(path);
    remove(r->work_dir);
}

#endif
