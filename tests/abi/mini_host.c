/* A host in one file: loads a plugin, makes one film through the table and says what happened.
 * Built against the headers of today and those of 1.0, so that old and new meet in both directions.
 * mini_host <plugin.so> <work directory>; exit 0 if the film is there and the right size. */
#include <reelgate/abi/provider.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char said[65536];
static size_t said_size;
static char artifact_name[256];
static unsigned progress_count;
static double progress_last = -1;

static void write_said(void* self, rg_bytes text)
{
    (void)self;
    const size_t room = sizeof said - 1 - said_size;
    const size_t size = text.size < room ? text.size : room;
    memcpy(said + said_size, text.data, size);
    said_size += size;
    said[said_size] = '\0';
}

static rg_bytes bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

static void heard_log(void* self, int32_t level, rg_bytes event, rg_bytes fields)
{
    (void)self, (void)level, (void)event, (void)fields;
}
static const void* no_extension(void* self, const char* id)
{
    (void)self, (void)id;
    return NULL;
}
static int32_t never_cancelled(void* self)
{
    (void)self;
    return 0;
}
static void heard_progress(void* self, const rg_progress* progress)
{
    (void)self;
    if (RG_HAS(progress, value) && progress->value >= progress_last) {
        progress_last = progress->value;
        ++progress_count;
    }
}
static rg_status took_artifact(void* self, rg_bytes path, rg_bytes meta)
{
    (void)self, (void)meta;
    if (path.size >= sizeof artifact_name) return RG_REJECTED;
    memcpy(artifact_name, path.data, path.size);
    artifact_name[path.size] = '\0';
    return RG_OK;
}
static rg_status yes(void* self, rg_bytes text)
{
    (void)self, (void)text;
    return RG_OK;
}

static int fail(const char* what, long status)
{
    fprintf(stderr, "%s: %ld %s\n", what, status, said);
    return 1;
}

/* One life of a provider: create, probe, run, destroy. */
static int make_film(const rg_provider* provider, const char* config, const char* work_dir)
{
    const rg_sink out = {sizeof out, 0, NULL, write_said};
    const rg_host host = {
        sizeof host, RG_ABI_MINOR, NULL, bytes(work_dir), bytes(work_dir), heard_log, no_extension};
    const rg_job job = {
        sizeof job,
        -1,
        NULL,
        bytes("{\"model\": \"bars\", \"task\": \"t2v\", \"prompt\": \"\\\"width\\\": 7\","
              " \"width\": 64, \"height\": 48, \"frames\": 5, \"fps\": 24}"),
        bytes(work_dir),
        never_cancelled,
        heard_progress,
        yes,
        took_artifact,
        yes,
        yes};
    void* self = NULL;
    rg_status status = provider->create(&host, bytes(config), &self, &out);
    if (status != RG_OK) return fail("create", status);
    status = provider->probe(self, &out);
    if (status != RG_OK || !strstr(said, "ready")) return fail("probe", status);
    status = provider->run(self, &job, &out);
    if (status != RG_OK) return fail("run", status);
    provider->destroy(self);
    return 0;
}

int main(int count, char** words)
{
    if (count != 3) return fail("mini_host <plugin.so> <work directory>", count);
    void* library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) return fail(dlerror(), 0);
    const rg_provider* (*entry)(void) = NULL;
    *(void**)&entry = dlsym(library, RG_ENTRY_SYMBOL);
    if (!entry) return fail(RG_ENTRY_SYMBOL " is missing", 0);
    const rg_provider* provider = entry();
    if (!RG_HAS(provider, run) || provider->min_host_minor > RG_ABI_MINOR)
        return fail("the table does not fit", (long)provider->struct_size);

    const rg_sink out = {sizeof out, 0, NULL, write_said};
    const rg_status status = provider->describe(&out);
    if (status != RG_OK || !strstr(said, "\"models\"")) return fail("describe", status);
    if (make_film(provider, "{\"bars\": 8}", words[2]) != 0) return 1;

    char path[4096];
    struct stat film;
    snprintf(path, sizeof path, "%s/%s", words[2], artifact_name);
    const long expected = 5L * (6 + 64 * 48 * 3 / 2);
    if (stat(path, &film) != 0 || film.st_size <= expected || film.st_size > expected + 64)
        return fail("the film has the wrong size", (long)film.st_size);
    if (progress_count != 5)
        return fail("progress did not rise frame by frame", (long)progress_count);
    return 0;
}
