/* A whole, good provider in C, with a hook at each place where one of the broken plugins does
 * something else. A defect defines its hooks, includes this file, and is good in all the rest: what
 * the suite then says can only be about the defect. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem, whoever includes this first */
#endif

#include <reelgate/abi/provider.h>
#include <reelgate/ext/resume.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Texts of the description */
#ifndef VERSION
#define VERSION "1.0.0"
#endif
#ifndef NAME
#define NAME "A broken plugin"
#endif
#ifndef BILLING
#define BILLING "free"
#endif
#ifndef EGRESS
#define EGRESS "none"
#endif
#ifndef CONCURRENCY
#define CONCURRENCY "4"
#endif
#ifndef CONFIG /* properties of its config_schema */
#define CONFIG "\"style\": {\"type\": \"string\"}"
#endif
/* Statements, each in the function it is named after */
#ifndef ON_DESCRIBE
#define ON_DESCRIBE
#endif
#ifndef ON_CREATE
#define ON_CREATE
#endif
#ifndef ON_DESTROY
#define ON_DESTROY
#endif
#ifndef ON_PROBE
#define ON_PROBE
#endif
#ifndef ON_RUN
#define ON_RUN
#endif
#ifndef ON_FRAME /* before each frame; `frame` counts from 0 */
#define ON_FRAME
#endif
#ifndef ON_ACCEPTED
#define ON_ACCEPTED
#endif
#ifndef ON_RESUME
#define ON_RESUME
#endif
/* Expressions */
#ifndef FRAME_RATE
#define FRAME_RATE fps
#endif
#ifndef COLOUR
#define COLOUR (96 + frame % 64)
#endif
#ifndef PROGRESS
#define PROGRESS ((double)frame / (double)frames)
#endif
#ifndef OBEYS
#define OBEYS 1
#endif
#ifndef LOST_OUTPUT
#define LOST_OUTPUT (lost)
#endif
#ifndef FRAME_MS /* what a frame of a long film costs */
#define FRAME_MS 0
#endif
#ifndef INTENDS
#define INTENDS (job->intend(job->self, text_bytes("{\"what\": \"a film\"}")) == RG_OK)
#endif

static inline rg_bytes text_bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

static inline rg_status answer(const rg_sink* out, rg_status status, const char* text)
{
    if (RG_HAS(out, write) && out->write) out->write(out->self, text_bytes(text));
    return status;
}

/* Does `text` hold `word`? */
static inline int holds(rg_bytes text, const char* word)
{
    return memmem(text.data, text.size, word, strlen(word)) != NULL;
}

static inline void rest(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static inline void hang(void)
{
    while (1)
        rest(1000);
}

/* The number behind a member of the flat object that the host sends. */
static inline long number(rg_bytes request, const char* member)
{
    char key[32];
    const int size = snprintf(key, sizeof key, "\"%s\":", member);
    const char* found = (const char*)memmem(request.data, request.size, key, (size_t)size);
    if (!found) return 0;
    char digits[16] = {0};
    const size_t left = (size_t)(request.data + request.size - found) - (size_t)size;
    memcpy(digits, found + size, left < 15 ? left : 15);
    return strtol(digits, NULL, 10);
}

static int running = 0; /* runs that are on, in this process */
static int ran = 0;     /* runs that there have been */

static rg_status describe(const rg_sink* out)
{
    static const char kDescription[] =
        "{\"id\": \"org.example.broken\", \"name\": \"" NAME "\", \"version\": \"" VERSION "\","
        " \"license\": \"Apache-2.0\", \"max_concurrency\": " CONCURRENCY
        ", \"billing\": \"" BILLING "\", \"egress\": \"" EGRESS "\", \"cancel_within_s\": 1,"
        " \"models\": [{\"id\": \"bars\", \"tasks\": [\"t2v\"], \"fps\": [16, 24], \"seed\": true,"
        "  \"sizes\": {\"multiple_of\": 16, \"max_pixels\": 65536},"
        "  \"frames\": {\"min\": 5, \"max\": 121, \"step\": 4, \"offset\": 1},"
        "  \"default\": {\"size\": \"256x256\", \"frames\": 49, \"fps\": 24}}],"
        " \"config_schema\": {\"type\": \"object\", \"properties\": {" CONFIG
        "}, \"additionalProperties\": false},"
        " \"params_schema\": {\"type\": \"object\", \"properties\": {\"strength\": {\"type\": "
        "\"number\"}},"
        " \"additionalProperties\": false}}";
    ON_DESCRIBE;
    return answer(out, RG_OK, kDescription);
}

static rg_status create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    (void)host, (void)config, (void)out;
    ON_CREATE;
    *self = &ran; /* nothing else is kept between runs */
    return RG_OK;
}

static void destroy(void* self)
{
    (void)self;
    ON_DESTROY;
}

static rg_status probe(void* self, const rg_sink* out)
{
    (void)self;
    ON_PROBE;
    return answer(out, RG_OK, "{\"state\": \"ready\"}");
}

static int cancelled(const rg_job* job)
{
    return RG_HAS(job, is_cancelled) && job->is_cancelled && job->is_cancelled(job->self);
}

/* Is it the most that may be asked for? The suite asks for that only to cancel it. */
static inline int is_heavy(const rg_job* job)
{
    return number(job->request_json, "width") > 200 && number(job->request_json, "frames") > 100;
}

static void tell(const rg_job* job, long frame, long frames)
{
    if (!RG_HAS(job, progress) || !job->progress) return;
    const rg_progress progress = {.struct_size = sizeof progress,
                                  .source = RG_MEASURED,
                                  .value = PROGRESS,
                                  .step = (uint32_t)frame,
                                  .steps = (uint32_t)frames,
                                  .stage = text_bytes("render")};
    job->progress(job->self, &progress);
}

/* Frame by frame; returns the frames written, fewer when cancelled. */
static long render(FILE* clip, const rg_job* job, long width, long height, long frames)
{
    static __thread unsigned char line[65536];
    long frame = 0;
    for (; frame < frames && !(OBEYS && cancelled(job)); ++frame) {
        ON_FRAME;
        fputs("FRAME\n", clip);
        memset(line, 128, sizeof line);
        for (long left = width * height; left > 0; left -= (long)sizeof line)
            fwrite(line, 1, left < (long)sizeof line ? (size_t)left : sizeof line, clip);
        memset(line, (int)(COLOUR), sizeof line);
        for (long left = width * height / 2; left > 0; left -= (long)sizeof line)
            fwrite(line, 1, left < (long)sizeof line ? (size_t)left : sizeof line, clip);
        if (FRAME_MS > 0 && frames > 20) rest(FRAME_MS);
        tell(job, frame + 1, frames);
    }
    return frame;
}

static rg_status film(const rg_job* job, const rg_sink* out)
{
    const long width = number(job->request_json, "width");
    const long height = number(job->request_json, "height");
    const long frames = number(job->request_json, "frames");
    const long fps = number(job->request_json, "fps");
    if (width < 16 || height < 16 || frames < 1 || fps < 1)
        return answer(
            out, RG_REJECTED, "{\"category\": \"invalid_params\", \"text\": \"no such film\"}");
    char path[4096];
    snprintf(path, sizeof path, "%.*s/clip.y4m", (int)job->work_dir.size, job->work_dir.data);
    FILE* clip = fopen(path, "wb");
    if (!clip)
        return answer(out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"no file\"}");
    fprintf(clip, "YUV4MPEG2 W%ld H%ld F%ld:1 C420jpeg\n", width, height, FRAME_RATE);
    const long done = render(clip, job, width, height, frames);
    int lost = ferror(clip);
    lost |= fclose(clip);
    if (LOST_OUTPUT)
        return answer(out, RG_FAILED, "{\"category\": \"storage_full\", \"text\": \"no room\"}");
    if (done < frames) return answer(out, RG_CANCELLED, "{\"compute_stopped\": true}");
    return job->artifact(job->self,
                         text_bytes("clip.y4m"),
                         text_bytes("{\"role\": \"video\", \"mime\": \"video/x-yuv4mpeg\"}"));
}

static rg_status submit_and_film(const rg_job* job, const rg_sink* out)
{
    if (strcmp(BILLING, "paid") == 0) {
        if (!(INTENDS)) {
            if (cancelled(job)) return answer(out, RG_CANCELLED, "{\"compute_stopped\": true}");
            return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"it may not\"}");
        }
        job->accepted(job->self, text_bytes("{\"id\": \"1\"}"));
        ON_ACCEPTED;
    }
    return film(job, out);
}

static rg_status run(void* self, const rg_job* job, const rg_sink* out)
{
    (void)self;
#ifndef TRUSTS_THE_SIZE
    if (!RG_HAS(job, accepted))
        return answer(
            out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"the host is too old\"}");
#endif
    __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
    ON_RUN;
    __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
    const rg_status status = submit_and_film(job, out);
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return status;
}

static rg_status resume(void* self, const rg_job* job, rg_bytes remote, const rg_sink* out)
{
    (void)self, (void)remote;
    ON_RESUME;
    return film(job, out);
}

static rg_status abandon(void* self, rg_bytes remote, const rg_sink* out)
{
    (void)self, (void)remote;
    return answer(out, RG_OK, "{\"compute_stopped\": true}");
}

static const void* extension(const char* id)
{
    static const rg_resume table = {
        .struct_size = sizeof table, .resume = resume, .abandon = abandon};
    return strcmp(id, RG_EXT_RESUME) == 0 ? &table : NULL;
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
                                      .run = run,
                                      .extension = extension};
    return &table;
}
