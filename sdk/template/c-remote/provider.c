/* @NAME@: films that a service makes. The order is what keeps money safe: intend, create, accepted,
 * follow. resume() is the last of these alone, and nothing but submit() may cost anything. */
#include "service.h"

#include <reelgate/abi/provider.h>
#include <reelgate/ext/resume.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { kPatience = 10 }; /* unanswered questions in a row: each is free, so a gap costs no film */
enum { kIdSize = 201 };

static const char kDescription[] =
    "{\"id\": \"@ID@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"license\": \"Apache-2.0\", \"max_concurrency\": 4, \"silent_for_s\": 120,"
    " \"cancel_within_s\": 30, \"resources\": {\"gpu\": \"none\"}, \"billing\": \"paid\","
    " \"egress\": \"cloud\","
    " \"models\": [{\"id\": \"standard\", \"tasks\": [\"t2v\"], \"seed\": true, \"fps\": [24],"
    "  \"sizes\": [\"832x480\", \"1280x720\"],"
    "  \"frames\": {\"min\": 24, \"max\": 240},"
    "  \"default\": {\"size\": \"1280x720\", \"frames\": 120, \"fps\": 24}}],"
    /* What the operator sets; it has been checked and completed when it reaches create(). */
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false,"
    "  \"required\": [\"api_key\"], \"properties\": {"
    "  \"url\": {\"type\": \"string\", \"title\": \"Address of the service\", \"minLength\": 1,"
    "   \"maxLength\": 1000, \"default\": \"https://api.example.com/v1\"},"
    "  \"api_key\": {\"type\": \"string\", \"title\": \"API key\", \"minLength\": 1,"
    "   \"maxLength\": 1000, \"x-secret\": true},"
    "  \"poll_s\": {\"type\": \"number\", \"title\": \"Between two questions\", \"minimum\": 0,"
    "   \"maximum\": 60, \"default\": 2, \"x-unit\": \"s\", \"x-advanced\": true}}},"
    " \"params_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

/* What a status of the service means. What the host does next follows from the category. */
static const struct meaning {
    int answer;
    rg_status status;
    const char* category;
} kMeanings[] = {{400, RG_REJECTED, "invalid_params"},
                 {401, RG_FAILED, "auth_failed"},
                 {402, RG_FAILED, "quota_exhausted"},
                 {403, RG_FAILED, "auth_failed"},
                 {404, RG_FAILED, "artifact_unavailable"},
                 {422, RG_REJECTED, "invalid_params"},
                 {429, RG_BUSY, "rate_limited"},
                 {503, RG_BUSY, "provider_overloaded"}};

typedef struct provider {
    service service;
    int poll_ms;
} provider;

/* A failure before it is written into the sink. */
typedef struct failure {
    rg_status status;
    const char* category;
    const char* phase;
    const char* billing; /* NULL: follows from the phase */
    char text[400];
    int provider_code; /* 0: none */
    int retry_after_s; /* -1: not said */
} failure;

static rg_bytes bytes(const char* text)
{
    const rg_bytes b = {text, strlen(text)};
    return b;
}

static rg_status answer(const rg_sink* out, rg_status status, const char* json)
{
    if (RG_HAS(out, write) && out->write) out->write(out->self, bytes(json));
    return status;
}

static rg_status report(const rg_sink* out, failure f)
{
    char json[1024], more[128] = "";
    for (char* c = f.text; *c; ++c)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '?';
    if (f.provider_code)
        snprintf(more, sizeof more, ", \"provider_code\": \"%d\"", f.provider_code);
    if (f.retry_after_s >= 0)
        snprintf(more + strlen(more), sizeof more - strlen(more), ", \"retry_after_s\": %d", f.retry_after_s);
    snprintf(json,
             sizeof json,
             "{\"category\": \"%s\", \"phase\": \"%s\", \"text\": \"%s\"%s%s%s%s}",
             f.category,
             f.phase,
             f.text,
             f.billing ? ", \"billing\": \"" : "",
             f.billing ? f.billing : "",
             f.billing ? "\"" : "",
             more);
    return answer(out, f.status, json);
}

static failure failed(rg_status status, const char* category, const char* phase, const char* text)
{
    failure f = {.status = status, .category = category, .phase = phase, .retry_after_s = -1};
    snprintf(f.text, sizeof f.text, "%s", text);
    return f;
}

static failure done(void)
{
    const failure none = {.status = RG_OK};
    return none;
}

/* No answer, or one that is no success. Whether anything had left decides about money. */
static failure no_success(const reply* r, const char* phase)
{
    const int submit = strcmp(phase, "submit") == 0;
    if (r->status == 0 && !r->left) {
        failure f = failed(RG_FAILED, "network_error", "connect", r->error);
        f.billing = submit ? "not_billed" : NULL;
        return f;
    }
    failure f = failed(RG_FAILED, r->status == 0 ? "network_error" : "provider_error", phase, r->error);
    f.provider_code = r->status;
    f.retry_after_s = r->retry_after_s;
    if (r->status != 0) snprintf(f.text, sizeof f.text, "the service answered %d", r->status);
    for (size_t i = 0; i < sizeof kMeanings / sizeof *kMeanings; ++i)
        if (kMeanings[i].answer == r->status)
            f.status = kMeanings[i].status, f.category = kMeanings[i].category;
    if (!submit) return f;
    f.billing = "not_billed";
    if (r->status == 404) f.category = "model_not_found";
    /* A gateway in between says these of a request that may have gone through. */
    if (r->status == 0 || r->status == 500 || r->status == 502 || r->status == 504)
        f.status = RG_AMBIGUOUS, f.category = "submit_ambiguous", f.billing = "maybe_billed";
    return f;
}

/* Pure: no file, network, device or thread. */
static rg_status describe(const rg_sink* out) { return answer(out, RG_OK, kDescription); }

/* No network here. */
static rg_status create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    (void)host;
    provider* my = calloc(1, sizeof *my);
    if (!my) return answer(out, RG_FAILED, "{\"category\": \"unknown\", \"code\": \"host_memory\"}");
    if (!text_in(config, "url", my->service.url, sizeof my->service.url) ||
        !text_in(config, "api_key", my->service.api_key, sizeof my->service.api_key) ||
        (strncmp(my->service.url, "http://", 7) != 0 && strncmp(my->service.url, "https://", 8) != 0)) {
        free(my);
        return report(out,
                      failed(RG_REJECTED,
                             "invalid_params",
                             "validate",
                             "url must be an http or https address, and api_key a plain text"));
    }
    my->poll_ms = (int)(number_in(config, "poll_s", 2) * 1000);
    service_start();
    *self = my;
    return RG_OK;
}

static void destroy(void* self) { free(self); }

/* Could it take a job now? Within 2 s; a read that costs nothing may be asked here. */
static rg_status probe(void* self, const rg_sink* out)
{
    (void)self;
    return answer(out, RG_OK, "{\"state\": \"ready\"}");
}

/* Ends at once when cancelled; without a descriptor the flag is asked ten times a second. */
static void let_pass(const rg_job* job, int milliseconds)
{
    struct pollfd cancel = {.fd = job->cancel_fd, .events = POLLIN};
    while (milliseconds > 0 && !is_cancelled(job)) {
        const int slice = milliseconds < 100 || job->cancel_fd >= 0 ? milliseconds : 100;
        if (poll(&cancel, 1, slice) > 0) return;
        milliseconds -= slice;
    }
}

static void tell(const rg_job* job, double share)
{
    if (!RG_HAS(job, progress) || !job->progress) return;
    const rg_progress progress = {.struct_size = sizeof progress,
                                  .source = share < 0 ? RG_NONE : RG_ESTIMATED,
                                  .value = share < 0 ? 0 : share,
                                  .stage = bytes("remote")};
    job->progress(job->self, &progress);
}

/* An id of the service becomes part of an address. */
static int is_usable_id(const char* id)
{
    return *id && id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

/* Asks the service to stop, and claims no more than it said. */
static void stop_remote(const provider* my, const char* id, int* stopped, const char** billing)
{
    char path[kIdSize + 32];
    reply r;
    snprintf(path, sizeof path, "/videos/%s", id);
    const call what = {.method = "DELETE", .path = path};
    service_call(&my->service, &what, &r);
    const int known = r.status >= 200 && r.status < 300;
    const rg_bytes said = {r.body, r.size};
    *stopped = known && flag_in(said, "stopped", 0);
    *billing = !known ? "maybe_billed" : flag_in(said, "charged", 1) ? "billed" : "not_billed";
}

static rg_status submit(const provider* my, const rg_job* job, char* id, const rg_sink* out)
{
    char key[256];
    reply r;
    const int has_key = text_in(job->request_json, "idempotency_key", key, sizeof key);
    const call what = {.method = "POST",
                       .path = "/videos",
                       .body = job->request_json, /* this service takes the host's own words */
                       .idempotency_key = has_key ? key : NULL,
                       .job = job};
    service_call(&my->service, &what, &r);
    if (r.status == 0 && is_cancelled(job)) {
        failure f = failed(RG_CANCELLED, "cancelled", r.left ? "submit" : "connect", "cancelled");
        f.billing = r.left ? "maybe_billed" : "not_billed";
        return report(out, f);
    }
    if (r.status < 200 || r.status >= 300) return report(out, no_success(&r, "submit"));
    const rg_bytes said = {r.body, r.size};
    if (text_in(said, "id", id, kIdSize) && is_usable_id(id)) return RG_OK;
    failure f = failed(
        RG_AMBIGUOUS, "submit_ambiguous", "submit", "the service accepted, and gave no usable id");
    f.billing = "maybe_billed";
    return report(out, f);
}

/* Asks until the film is done. Only a verdict ends it: a word that is not known yet means that it goes on. */
static failure follow(const provider* my, const rg_job* job, const char* id)
{
    char path[kIdSize + 32], status[64];
    reply r;
    snprintf(path, sizeof path, "/videos/%s", id);
    const call what = {.method = "GET", .path = path, .job = job};
    for (int unanswered = 0; !is_cancelled(job); let_pass(job, my->poll_ms)) {
        service_call(&my->service, &what, &r);
        const rg_bytes said = {r.body, r.size};
        if (r.status != 200) {
            const int verdict = r.status == 401 || r.status == 403 || r.status == 404;
            if (verdict || ++unanswered > kPatience) return no_success(&r, "poll");
            tell(job, -1);
            continue;
        }
        unanswered = 0;
        if (!text_in(said, "status", status, sizeof status)) status[0] = '\0';
        if (strcmp(status, "done") == 0) return done();
        if (strcmp(status, "failed") == 0) {
            char why[300] = "the service says no more";
            text_in(said, "error", why, sizeof why);
            failure f = failed(RG_FAILED, "provider_error", "run", why);
            f.billing = flag_in(said, "charged", 1) ? "billed" : "not_billed";
            return f;
        }
        tell(job, number_in(said, "progress", -1));
    }
    return failed(RG_CANCELLED, "cancelled", "poll", "cancelled");
}

static failure download(const provider* my, const rg_job* job, const char* id)
{
    char path[kIdSize + 32], part[4096], whole[4096];
    reply r;
    snprintf(path, sizeof path, "/videos/%s/content", id);
    snprintf(part, sizeof part, "%.*s/clip.part", (int)job->work_dir.size, job->work_dir.data);
    snprintf(whole, sizeof whole, "%.*s/clip.mp4", (int)job->work_dir.size, job->work_dir.data);
    FILE* file = fopen(part, "wb");
    if (!file)
        return failed(RG_FAILED, "storage_full", "store", "clip.part cannot be created");
    const call what = {.method = "GET", .path = path, .job = job, .file = file};
    service_call(&my->service, &what, &r);
    const int broken = ferror(file);
    if (fclose(file) != 0 || broken)
        return failed(RG_FAILED, "storage_full", "store", "the film is not whole on disk");
    if (r.status != 200) return no_success(&r, "download");
    if (rename(part, whole) != 0)
        return failed(RG_FAILED, "storage_full", "store", "clip.mp4 cannot be named");
    if (job->artifact(job->self,
                      bytes("clip.mp4"),
                      bytes("{\"role\": \"video\", \"mime\": \"video/mp4\"}")) != RG_OK)
        return failed(RG_FAILED, "output_invalid", "verify", "the host refused the film");
    return done();
}

/* What is left to do for work that exists; a cancel is passed on to the service. */
static rg_status
finish(const provider* my, const rg_job* job, const char* id, const rg_sink* out)
{
    failure f = follow(my, job, id);
    if (f.status == RG_OK) f = download(my, job, id);
    if (f.status == RG_OK) return RG_OK;
    if (!is_cancelled(job)) return report(out, f);

    int stopped = 0;
    const char* billing = "maybe_billed";
    char json[160];
    stop_remote(my, id, &stopped, &billing);
    snprintf(json,
             sizeof json,
             "{\"category\": \"cancelled\", \"compute_stopped\": %s, \"billing\": \"%s\"}",
             stopped ? "true" : "false",
             billing);
    return answer(out, RG_CANCELLED, json);
}

static rg_status run(void* self, const rg_job* job, const rg_sink* out)
{
    /* A host that cannot write down what this plugin does must not make it spend money. */
    if (!RG_HAS(job, artifact) || !job->artifact || !RG_HAS(job, intend) || !job->intend ||
        !RG_HAS(job, accepted) || !job->accepted)
        return answer(
            out, RG_FAILED, "{\"category\": \"unknown\", \"text\": \"the host takes no film\"}");
    char id[kIdSize], remote[kIdSize + 16];
    const rg_status intent = job->intend(job->self, bytes("{\"endpoint\": \"create\"}"));
    if (intent == RG_CANCELLED) return RG_CANCELLED;
    if (intent != RG_OK) { /* not on disk: nothing may leave */
        failure f = failed(RG_FAILED, "unknown", "submit", "the host did not record the intent");
        f.billing = "not_billed";
        return report(out, f);
    }
    const rg_status made = submit(self, job, id, out);
    if (made != RG_OK) return made;
    snprintf(remote, sizeof remote, "{\"id\": \"%s\"}", id);
    if (job->accepted(job->self, bytes(remote)) != RG_OK) {
        failure f = failed(RG_AMBIGUOUS, "submit_ambiguous", "submit", "the host did not record ");
        snprintf(f.text + strlen(f.text), sizeof f.text - strlen(f.text), "the film %s", id);
        f.billing = "maybe_billed";
        return report(out, f);
    }
    return finish(self, job, id, out);
}

static rg_status resume(void* self, const rg_job* job, rg_bytes remote, const rg_sink* out)
{
    char id[kIdSize];
    if (!text_in(remote, "id", id, sizeof id) || !is_usable_id(id))
        return report(out, failed(RG_FAILED, "unknown", "poll", "what was accepted has no usable id"));
    return finish(self, job, id, out);
}

static rg_status give_up(void* self, rg_bytes remote, const rg_sink* out)
{
    char id[kIdSize], json[96];
    int stopped = 0;
    const char* billing = "maybe_billed";
    if (text_in(remote, "id", id, sizeof id) && is_usable_id(id))
        stop_remote(self, id, &stopped, &billing);
    snprintf(json,
             sizeof json,
             "{\"compute_stopped\": %s, \"billing\": \"%s\"}",
             stopped ? "true" : "false",
             billing);
    return answer(out, RG_OK, json);
}

static const void* extension(const char* id)
{
    static const rg_resume table = {.struct_size = sizeof table, .resume = resume, .abandon = give_up};
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
