/* The table as a host calls it, against a small service of its own. Each row is an attempt; the first
 * thing that is not so ends the program. */
#define _GNU_SOURCE
#include "small_upstream.h"

#include <reelgate/ext/resume.h>

#define CREATE "POST /v1/videos"
#define STATE "GET /v1/videos/v-1"
#define CONTENT "GET /v1/videos/v-1/content"
#define STOP "DELETE /v1/videos/v-1"
#define ROWS 6

static const char kRequest[] = "{\"model\":\"standard\",\"prompt\":\"a lighthouse\",\"width\":1280,"
                               "\"height\":720,\"frames\":120,\"fps\":24,\"seed\":1,\"params\":{},"
                               "\"attempt\":{\"idempotency_key\":\"k1\"}}";

typedef struct attempt {
    const char* name;
    scripted script[ROWS];
    enum { RUN, RESUME } kind;
    unsigned cancel_at;
    int cancelled; /* from the start */
    rg_status on_intend;
    int nobody_there;
    rg_status status;
    const char* said[3]; /* parts of the failure record */
    const char* order;   /* of the calls into the host */
    const char* calls;   /* of the calls to the service; NULL: there may be one or not */
} attempt;

static void try_one(const rg_provider* table, const attempt* a)
{
    const rg_resume* resume = table->extension(RG_EXT_RESUME);
    upstream u;
    char config[256];
    fprintf(stderr, "%s\n", a->name);
    small_start(&u, a->script, ROWS);
    if (a->nobody_there) small_stop(&u);
    snprintf(config, sizeof config, "{\"url\":\"%s\",\"api_key\":\"secret\",\"poll_s\":0}", u.url);

    record r = small_record();
    r.on_intend = a->on_intend;
    r.cancel_at = a->cancel_at;
    r.cancelled = a->cancelled;
    void* self = small_create(table, config);
    const rg_job job = small_job(&r, kRequest);
    const rg_sink out = small_sink(&r);
    const rg_status status = a->kind == RUN
                                 ? table->run(self, &job, &out)
                                 : resume->resume(self, &job, small_bytes("{\"id\":\"v-1\"}"), &out);
    if (!a->nobody_there) small_stop(&u);
    table->destroy(self);

    fprintf(stderr, "  %d %s\n  %s\n%s", status, r.order, r.answer, u.calls);
    CHECK(status == a->status);
    CHECK(strcmp(r.order, a->order) == 0);
    CHECK(!a->calls || strcmp(u.calls, a->calls) == 0);
    for (size_t i = 0; i < 3 && a->said[i]; ++i)
        CHECK(strstr(r.answer, a->said[i]) != NULL);
    if (status == RG_OK) {
        CHECK(strcmp(r.artifact, "clip.mp4") == 0);
        CHECK(small_size_of(&r, "clip.mp4") == (long)strlen("the film"));
    }
    if (a->kind == RUN && u.calls[0]) {
        CHECK(strstr(u.first, "Authorization: Bearer secret\r\n") != NULL);
        CHECK(strstr(u.first, "Idempotency-Key: k1\r\n") != NULL);
        CHECK(strstr(u.first, "a lighthouse") != NULL);
    }
    small_forget(&r, "clip.mp4", "clip.part");
}

#define ACCEPTS {CREATE, 201, "{\"id\": \"v-1\"}", 0}
#define RUNNING {STATE, 200, "{\"status\": \"running\", \"progress\": 0.5}", 1}
#define DONE {STATE, 200, "{\"status\": \"done\"}", 0}
#define FILM {CONTENT, 200, "the film", 0}
#define STOPS {STOP, 200, "{\"stopped\": true, \"charged\": false}", 0}
#define REFUSAL(answer, rg, category)                                                              \
    {.name = "the submit is answered " #answer, .script = {{CREATE, answer, "{}", 0}},             \
     .status = rg, .said = {"\"category\": \"" category "\"", #answer, "\"retry_after_s\": 7"},    \
     .order = "i", .calls = CREATE "\n"}

static const attempt kAttempts[] = {
    {.name = "a film is paid for once and in the right order",
     .script = {ACCEPTS, RUNNING, DONE, FILM},
     .status = RG_OK,
     .order = "iapA",
     .calls = CREATE "\n" STATE "\n" STATE "\n" CONTENT "\n"},
    {.name = "nothing leaves without an intent on disk",
     .script = {ACCEPTS},
     .on_intend = RG_FAILED,
     .status = RG_FAILED,
     .said = {"not_billed"},
     .order = "i",
     .calls = ""},
    {.name = "a dropped submit is ambiguous",
     .script = {{CREATE, 0, "", 0}},
     .status = RG_AMBIGUOUS,
     .said = {"submit_ambiguous", "maybe_billed"},
     .order = "i",
     .calls = CREATE "\n"},
    {.name = "a service that is not there cost nothing",
     .nobody_there = 1,
     .status = RG_FAILED,
     .said = {"network_error", "\"phase\": \"connect\"", "not_billed"},
     .order = "i",
     .calls = ""},
    REFUSAL(400, RG_REJECTED, "invalid_params"),
    REFUSAL(401, RG_FAILED, "auth_failed"),
    REFUSAL(404, RG_FAILED, "model_not_found"),
    REFUSAL(429, RG_BUSY, "rate_limited"),
    REFUSAL(500, RG_AMBIGUOUS, "submit_ambiguous"),
    REFUSAL(503, RG_BUSY, "provider_overloaded"),
    {.name = "an id that is no id is never asked for",
     .script = {{CREATE, 201, "{\"id\": \"../admin\"}", 0}},
     .status = RG_AMBIGUOUS,
     .said = {"no usable id"},
     .order = "i",
     .calls = CREATE "\n"},
    {.name = "resume makes no second film",
     .script = {ACCEPTS, RUNNING, DONE, FILM},
     .kind = RESUME,
     .status = RG_OK,
     .order = "pA",
     .calls = STATE "\n" STATE "\n" CONTENT "\n"},
    {.name = "a gap in the network costs no film",
     .script = {{STATE, 0, "", 1}, {STATE, 503, "{}", 1}, DONE, FILM},
     .kind = RESUME,
     .status = RG_OK,
     .order = "pA",
     .calls = STATE "\n" STATE "\n" STATE "\n" CONTENT "\n"},
    {.name = "a cancel stops the service and says what it said",
     .script = {RUNNING, DONE, FILM, STOPS},
     .kind = RESUME,
     .cancel_at = 1,
     .status = RG_CANCELLED,
     .said = {"\"compute_stopped\": true", "not_billed"},
     .order = "p",
     .calls = STATE "\n" STOP "\n"},
    {.name = "a cancel of the submit says what it may have cost",
     .script = {ACCEPTS},
     .cancelled = 1,
     .status = RG_CANCELLED,
     .said = {"\"category\": \"cancelled\"", "_billed\""},
     .order = "i"},
    {.name = "a failed film says why",
     .script = {ACCEPTS, {STATE, 200, "{\"status\": \"failed\", \"error\": \"too dark\"}", 0}},
     .status = RG_FAILED,
     .said = {"too dark", "provider_error", "\"billing\": \"billed\""},
     .order = "ia",
     .calls = CREATE "\n" STATE "\n"},
};

static void an_address_that_is_none_is_refused(const rg_provider* table)
{
    record r = {.on_intend = RG_OK};
    const rg_sink out = small_sink(&r);
    const rg_host host = {.struct_size = sizeof host, .abi_minor = RG_ABI_MINOR};
    void* self = NULL;
    const char config[] = "{\"url\":\"ftp://example.com\",\"api_key\":\"secret\",\"poll_s\":0}";
    CHECK(table->create(&host, small_bytes(config), &self, &out) == RG_REJECTED);
    CHECK(strstr(r.answer, "invalid_params") != NULL);
}

int main(void)
{
    const rg_provider* table = reelgate_provider_v1();
    for (size_t i = 0; i < sizeof kAttempts / sizeof *kAttempts; ++i)
        try_one(table, &kAttempts[i]);
    an_address_that_is_none_is_refused(table);
    return 0;
}
