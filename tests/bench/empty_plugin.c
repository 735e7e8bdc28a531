/* A provider that makes nothing, for what the boundary itself costs. Its run() says when it was
 * entered, by the clock that all processes of a machine share, and succeeds. */
#include <reelgate/abi/provider.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char kDescription[] =
    "{\"id\": \"bench-empty\", \"name\": \"Nothing\", \"version\": \"1.0.0\","
    " \"license\": \"Apache-2.0\", \"max_concurrency\": 1, \"billing\": \"free\", \"egress\": "
    "\"none\","
    " \"models\": [{\"id\": \"none\", \"tasks\": [\"t2v\"], \"fps\": [24],"
    "  \"sizes\": {\"multiple_of\": 16, \"max_pixels\": 921600},"
    "  \"frames\": {\"min\": 5, \"max\": 121, \"step\": 4, \"offset\": 1},"
    "  \"default\": {\"size\": \"64x64\", \"frames\": 5, \"fps\": 24}}]}";

static rg_status answer(const rg_sink* out, const char* text)
{
    const rg_bytes bytes = {text, strlen(text)};
    out->write(out->self, bytes);
    return RG_OK;
}

static rg_status describe(const rg_sink* out) { return answer(out, kDescription); }

static rg_status create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    (void)host, (void)config, (void)out;
    *self = NULL;
    return RG_OK;
}

static void destroy(void* self) { (void)self; }

static rg_status probe(void* self, const rg_sink* out)
{
    (void)self;
    return answer(out, "{\"state\": \"ready\"}");
}

static rg_status run(void* self, const rg_job* job, const rg_sink* out)
{
    (void)self, (void)out;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char text[32];
    const int size = snprintf(
        text, sizeof text, "%" PRId64, (int64_t)now.tv_sec * 1000000000 + (int64_t)now.tv_nsec);
    const rg_progress progress = {
        .struct_size = sizeof progress, .source = RG_NONE, .stage = {text, (size_t)size}
    };
    job->progress(job->self, &progress);
    return RG_OK;
}

const rg_provider* reelgate_provider_v1(void)
{
    static const rg_provider table = {.struct_size = sizeof table,
                                      .abi_minor = RG_ABI_MINOR,
                                      .min_host_minor = RG_MIN_HOST_MINOR,
                                      .describe = describe,
                                      .create = create,
                                      .destroy = destroy,
                                      .probe = probe,
                                      .run = run};
    return &table;
}
