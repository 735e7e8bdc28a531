/* Colour bars as Y4M: a whole provider in C, without any library. */
#include <reelgate/abi/provider.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kDescription[] =
    "{\"id\": \"org.example.cbars\", \"name\": \"Colour bars in C\", \"version\": \"1.0.0\","
    " \"license\": \"Apache-2.0\", \"max_concurrency\": 4, \"billing\": \"free\", \"egress\": "
    "\"none\","
    " \"models\": [{\"id\": \"cbars\", \"tasks\": [\"t2v\"], \"fps\": [16, 24], \"seed\": true,"
    "  \"sizes\": {\"multiple_of\": 16, \"max_pixels\": 921600},"
    "  \"frames\": {\"min\": 5, \"max\": 121, \"step\": 4, \"offset\": 1},"
    "  \"default\": {\"size\": \"640x368\", \"frames\": 49, \"fps\": 24}}],"
    " \"config_schema\": {\"type\": \"object\", \"properties\": {}, \"additionalProperties\": "
    "false},"
    " \"params_schema\": {\"type\": \"object\", \"properties\": {}, \"additionalProperties\": "
    "false}}";

static rg_bytes bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

static rg_status answer(const rg_sink* out, rg_status status, const char* text)
{
    if (RG_HAS(out, write) && out->write) out->write(out->self, bytes(text));
    return status;
}

/* The host sends a flat object of numbers and texts that it wrote itself: finding the member is
 * enough. A name inside a text has its quotes escaped and is not found. */
static long number(rg_bytes request, const char* member)
{
    char key[32];
    const int size = snprintf(key, sizeof key, "\"%s\":", member);
    for (size_t at = 0; at + (size_t)size < request.size; ++at) {
        if (memcmp(request.data + at, key, (size_t)size) != 0) continue;
        char digits[16] = {0};
        const size_t left = request.size - at - (size_t)size;
        memcpy(digits, request.data + at + size, left < 15 ? left : 15);
        return strtol(digits, NULL, 10);
    }
    return 0;
}

static rg_status describe(const rg_sink* out) { return answer(out, RG_OK, kDescription); }

static rg_status create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    (void)host, (void)config, (void)out;
    *self = NULL; /* nothing to keep between runs */
    return RG_OK;
}

static void destroy(void* self) { (void)self; }

static rg_status probe(void* self, const rg_sink* out)
{
    (void)self;
    return answer(out, RG_OK, "{\"state\": \"ready\"}");
}

static int cancelled(const rg_job* job)
{
    return RG_HAS(job, is_cancelled) && job->is_cancelled && job->is_cancelled(job->self);
}

static void tell(const rg_job* job, long frame, long frames)
{
    if (!RG_HAS(job, progress) || !job->progress) return;
    const rg_progress progress = {.struct_size = sizeof progress,
                                  .source = RG_MEASURED,
                                  .value = (double)frame / (double)frames,
                                  .step = (uint32_t)frame,
                                  .steps = (uint32_t)frames,
                                  .stage = bytes("render")};
    job->progress(job->self, &progress);
}

/* Frame by frame; returns the frames written, fewer when cancelled. */
static long render(FILE* clip, const rg_job* job, long width, long height, long frames)
{
    long frame = 0;
    for (; frame < frames && !cancelled(job); ++frame) {
        fputs("FRAME\n", clip);
        for (long at = 0; at < width * height; ++at)
            fputc((int)(235 - 27 * (at % width * 8 / width)), clip);
        for (long at = 0; at < width * height / 2; ++at)
            fputc((int)(96 + frame % 64), clip);
        tell(job, frame + 1, frames);
    }
    return frame;
}

static rg_status run(void* self, const rg_job* job, const rg_sink* out)
{
    (void)self;
    if (!RG_HAS(job, artifact) || !job->artifact)
        return answer(
            out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"the host takes no film\"}");
    const long width = number(job->request_json, "width");
    const long height = number(job->request_json, "height");
    const long frames = number(job->request_json, "frames");
    const long fps = number(job->request_json, "fps");
    if (width < 16 || height < 16 || frames < 1 || fps < 1)
        return answer(
            out, RG_REJECTED, "{\"category\": \"invalid_params\", \"text\": \"no such film\"}");

    char path[4096];
    const int length =
        snprintf(path, sizeof path, "%.*s/clip.y4m", (int)job->work_dir.size, job->work_dir.data);
    FILE* clip = length < (int)sizeof path ? fopen(path, "wb") : NULL;
    if (!clip)
        return answer(out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"no file\"}");
    fprintf(clip, "YUV4MPEG2 W%ld H%ld F%ld:1 C420jpeg\n", width, height, fps);
    const long done = render(clip, job, width, height, frames);
    const int broken = ferror(clip);
    if (fclose(clip) != 0 || broken)
        return answer(out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"no room\"}");
    if (done < frames) return answer(out, RG_CANCELLED, "{\"compute_stopped\": true}");
    return job->artifact(job->self,
                         bytes("clip.y4m"),
                         bytes("{\"role\": \"video\", \"mime\": \"video/x-yuv4mpeg\"}"));
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
