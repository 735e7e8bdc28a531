/* @NAME@: a film that is computed here. */
#include <reelgate/abi/provider.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kDescription[] =
    "{\"id\": \"@ID@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"license\": \"Apache-2.0\", \"max_concurrency\": 2, \"silent_for_s\": 60,"
    " \"cancel_within_s\": 10, \"resources\": {\"gpu\": \"none\"}, \"billing\": \"free\","
    " \"egress\": \"none\","
    " \"models\": [{\"id\": \"gradient\", \"tasks\": [\"t2v\"], \"seed\": true, \"fps\": [16, 24],"
    "  \"sizes\": {\"multiple_of\": 16, \"max_pixels\": 921600},"
    "  \"frames\": {\"min\": 1, \"max\": 240},"
    "  \"default\": {\"size\": \"640x368\", \"frames\": 48, \"fps\": 24}}],"
    /* What the operator sets; it has been checked and completed when it reaches create(). */
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "  \"brightness\": {\"type\": \"integer\", \"title\": \"Brightness\", \"minimum\": 16,"
    "   \"maximum\": 235, \"default\": 200}}},"
    /* What a request may say beyond the common words; it arrives under "params". */
    " \"params_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

typedef struct provider {
    long brightness;
} provider;

static rg_bytes bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

/* The result of a call, or its failure record: both are JSON. */
static rg_status answer(const rg_sink* out, rg_status status, const char* json)
{
    if (RG_HAS(out, write) && out->write) out->write(out->self, bytes(json));
    return status;
}

/* A number of an object that the host wrote: finding the member is enough. Its name inside a text
 * would have its quotes escaped and is not found. */
static long number(rg_bytes json, const char* member)
{
    char key[64];
    const int size = snprintf(key, sizeof key, "\"%s\":", member);
    for (size_t at = 0; at + (size_t)size < json.size; ++at) {
        if (memcmp(json.data + at, key, (size_t)size) != 0) continue;
        char digits[24] = {0};
        const size_t left = json.size - at - (size_t)size;
        memcpy(digits, json.data + at + size, left < sizeof digits - 1 ? left : sizeof digits - 1);
        return strtol(digits, NULL, 10);
    }
    return 0;
}

/* Pure: no file, network, device or thread. */
static rg_status describe(const rg_sink* out) { return answer(out, RG_OK, kDescription); }

/* No network and no device memory here: those are for the first run(). */
static rg_status create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    (void)host;
    provider* made = malloc(sizeof *made);
    if (!made)
        return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"code\": \"host_memory\"}");
    made->brightness = number(config, "brightness");
    *self = made;
    return RG_OK;
}

static void destroy(void* self) { free(self); }

/* Could it take a job now? Within 2 s and free of charge; may overlap run(). */
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

/* Frame by frame; returns how many were written, fewer when cancelled. */
static long render(FILE* clip, const rg_job* job, long brightness)
{
    const long width = number(job->request_json, "width");
    const long height = number(job->request_json, "height");
    const long frames = number(job->request_json, "frames");
    long frame = 0;
    for (; frame < frames && !cancelled(job); ++frame) {
        fputs("FRAME\n", clip);
        for (long at = 0; at < width * height; ++at)
            fputc((int)(16 + (at + 4 * frame) % width * (brightness - 16) / width), clip);
        for (long at = 0; at < width * height / 2; ++at) /* both colour planes */
            fputc(128, clip);
        tell(job, frame + 1, frames);
    }
    return frame;
}

static rg_status run(void* self, const rg_job* job, const rg_sink* out)
{
    const provider* my = self;
    if (!RG_HAS(job, artifact) || !job->artifact) /* a host older than this plugin, or a broken one */
        return answer(
            out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"the host takes no film\"}");
    const long frames = number(job->request_json, "frames");
    if (number(job->request_json, "width") < 16 || number(job->request_json, "height") < 16 ||
        frames < 1) /* never from a host that reads the description */
        return answer(
            out, RG_REJECTED, "{\"category\": \"invalid_params\", \"text\": \"there is no such film\"}");

    char path[4096];
    const int size =
        snprintf(path, sizeof path, "%.*s/clip.y4m", (int)job->work_dir.size, job->work_dir.data);
    FILE* clip = size > 0 && (size_t)size < sizeof path ? fopen(path, "wb") : NULL;
    if (!clip)
        return answer(
            out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"clip.y4m cannot be created\"}");

    fprintf(clip,
            "YUV4MPEG2 W%ld H%ld F%ld:1 C420jpeg\n",
            number(job->request_json, "width"),
            number(job->request_json, "height"),
            number(job->request_json, "fps"));
    const long written = render(clip, job, my->brightness);
    const int broken = ferror(clip);
    if (fclose(clip) != 0 || broken)
        return answer(
            out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"clip.y4m is not whole\"}");
    if (written < frames)
        return answer(out, RG_CANCELLED, "{\"category\": \"cancelled\", \"compute_stopped\": true}");
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
