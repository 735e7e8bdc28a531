#include "service.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { kSilenceSeconds = 20 }; /* shorter than the time that a cancel may take */

typedef struct transfer {
    const call* what;
    reply* answer;
    CURL* curl;
} transfer;

int is_cancelled(const rg_job* job)
{
    return RG_HAS(job, is_cancelled) && job->is_cancelled && job->is_cancelled(job->self);
}

/* Where the value of a member begins; json.size where there is none. */
static size_t value_of(rg_bytes json, const char* member)
{
    char key[64];
    const size_t size = (size_t)snprintf(key, sizeof key, "\"%s\"", member);
    for (size_t at = 0; at + size < json.size; ++at) {
        if (memcmp(json.data + at, key, size) != 0) continue;
        size_t next = at + size;
        while (next < json.size && strchr(" \t\r\n", json.data[next]))
            ++next;
        if (next == json.size || json.data[next] != ':') continue; /* it was a value */
        do
            ++next;
        while (next < json.size && strchr(" \t\r\n", json.data[next]));
        return next;
    }
    return json.size;
}

int text_in(rg_bytes json, const char* member, char* to, size_t size)
{
    size_t at = value_of(json, member);
    size_t used = 0;
    if (at >= json.size || json.data[at] != '"') return 0;
    for (++at; at < json.size && json.data[at] != '"'; ++at) {
        if (json.data[at] == '\\' && ++at < json.size && !strchr("\"\\/", json.data[at])) return 0;
        if (at == json.size || used + 1 >= size) return 0;
        to[used++] = json.data[at];
    }
    to[used] = '\0';
    return at < json.size;
}

double number_in(rg_bytes json, const char* member, double otherwise)
{
    char digits[32] = {0};
    const size_t at = value_of(json, member);
    const size_t left = json.size - at;
    memcpy(digits, json.data + at, left < sizeof digits - 1 ? left : sizeof digits - 1);
    char* end = digits;
    const double value = strtod(digits, &end);
    return end == digits ? otherwise : value;
}

int flag_in(rg_bytes json, const char* member, int otherwise)
{
    const size_t at = value_of(json, member);
    if (json.size - at >= 4 && memcmp(json.data + at, "true", 4) == 0) return 1;
    if (json.size - at >= 5 && memcmp(json.data + at, "false", 5) == 0) return 0;
    return otherwise;
}

static size_t take_body(char* data, size_t one, size_t count, void* self)
{
    transfer* t = self;
    const size_t size = one * count;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->what->file && status == 200) return fwrite(data, 1, size, t->what->file);
    const size_t room = sizeof t->answer->body - t->answer->size;
    const size_t taken = size < room ? size : room;
    memcpy(t->answer->body + t->answer->size, data, taken);
    t->answer->size += taken;
    return size;
}

static int tell_progress(void* self, curl_off_t all, curl_off_t got, curl_off_t a, curl_off_t b)
{
    const transfer* t = self;
    const rg_job* job = t->what->job;
    (void)a, (void)b;
    if (!job) return 0;
    if (t->what->file && RG_HAS(job, progress) && job->progress) {
        const rg_progress p = {.struct_size = sizeof p,
                               .source = all > 0 ? RG_MEASURED : RG_NONE,
                               .value = all > 0 ? (double)got / (double)all : 0,
                               .stage = {"download", strlen("download")}};
        job->progress(job->self, &p);
    }
    return is_cancelled(job); /* anything but 0 ends the call */
}

void service_start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static struct curl_slist* headers_of(const service* s, const call* what)
{
    char line[2048];
    struct curl_slist* headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no waiting for a 100, and no second sending */
    snprintf(line, sizeof line, "Authorization: Bearer %s", s->api_key);
    headers = curl_slist_append(headers, line);
    if (!what->idempotency_key) return headers;
    snprintf(line, sizeof line, "Idempotency-Key: %s", what->idempotency_key);
    return curl_slist_append(headers, line);
}

/* Redirects stay off, so that the key goes to no other host; a connection of its own for every call, so
 * that none can turn out dead and be tried again; nothing from the environment. */
static void prepare(CURL* curl, const service* s, const call* what, transfer* t)
{
    char url[4096];
    snprintf(url, sizeof url, "%s%s", s->url, what->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, what->method);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)kSilenceSeconds);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (what->body.size > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)what->body.size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, what->body.data);
    }
}

void service_call(const service* s, const call* what, reply* r)
{
    memset(r, 0, sizeof *r);
    r->retry_after_s = -1;
    CURL* curl = curl_easy_init();
    if (!curl) {
        snprintf(r->error, sizeof r->error, "no memory for a call");
        return;
    }
    transfer t = {what, r, curl};
    struct curl_slist* headers = headers_of(s, what);
    prepare(curl, s, what, &t);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

    const CURLcode code = curl_easy_perform(curl);
    curl_off_t ready = 0, retry_after = 0;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &ready);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
        r->retry_after_s = retry_after < 86400 ? (int)retry_after : 86400;
    r->left = code == CURLE_OK || ready > 0; /* the connection stood, and sending began */
    if (code == CURLE_OK)
        r->status = (int)status;
    else
        snprintf(r->error, sizeof r->error, "%s %s: %s", what->method, what->path, curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}
