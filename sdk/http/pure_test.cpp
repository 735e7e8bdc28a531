// Everything of this room that needs no network, by table.
#include "pacing.hpp"
#include "verdict.hpp"

#include <reelgate/http/body.hpp>
#include <reelgate/http/failure.hpp>
#include <reelgate/http/redirect.hpp>
#include <reelgate/http/retry_after.hpp>
#include <reelgate/http/url.hpp>

#include <curl/curl.h>
#include <gmock/gmock.h>

#include <limits>

namespace reelgate::http {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Sat, 21 Nov 2026 12:00:00 GMT
const auto kNow = std::chrono::system_clock::from_time_t(1795262400);

struct RetryRow {
    const char* value;
    std::optional<std::chrono::milliseconds> expected;
};

TEST(RetryAfter, IsSecondsOrADateInThreeForms)
{
    // clang-format off
    const RetryRow rows[]{
        {"0", 0ms},
        {"120", 120s},
        {" 7 ", 7s},
        {"31536000", 365 * 24h},
        {"99999999999999999999999", 365 * 24h},
        {"Sat, 21 Nov 2026 12:00:30 GMT", 30s},
        {"Saturday, 21-Nov-26 12:01:00 GMT", 60s},
        {"Sat Nov 21 12:00:05 2026", 5s},
        {"Sat, 21 Nov 2026 11:00:00 GMT", 0s},
        {"Fri, 01 Jan 2100 00:00:00 GMT", 365 * 24h},
        {"", {}},
        {"-5", {}},
        {"1.5", {}},
        {"soon", {}},
        {"12 seconds", {}},
        {"Sat, 99 Nov 2026 12:00:30 GMT", {}},
    };
    // clang-format on
    for (const RetryRow& row : rows)
        EXPECT_EQ(parse_retry_after(row.value, kNow), row.expected) << row.value;
}

TEST(RetryAfter, OfAnAnswerTrustsItsOwnClock)
{
    EXPECT_EQ(retry_after({}, kNow), std::nullopt);
    EXPECT_EQ(retry_after(
                  {
                      {"Retry-After", "3"}
    },
                  kNow),
              3s);
    EXPECT_EQ(retry_after(
                  {
                      {"retry-after-ms", "1500"},
                      {"Retry-After",    "2"   }
    },
                  kNow),
              1500ms);
    EXPECT_EQ(retry_after(
                  {
                      {"Date",        "Sat, 21 Nov 2026 15:00:00 GMT"},
                      {"Retry-After", "Sat, 21 Nov 2026 15:00:09 GMT"}
    },
                  kNow),
              9s);
    EXPECT_EQ(retry_after(
                  {
                      {"Date",        "nonsense"                     },
                      {"Retry-After", "Sat, 21 Nov 2026 12:00:09 GMT"}
    },
                  kNow),
              9s);
}

struct RedirectRow {
    const char* name;
    const char* method;
    int status;
    const char* location;
    const char* expected; // "METHOD url", with " +body" and " +key"; "" if refused
};

class Redirects : public testing::TestWithParam<RedirectRow> {};

TEST_P(Redirects, LeadWhereTheyMay)
{
    const RedirectRow& row = GetParam();
    const bool with_body =
        std::string_view{row.method} == "POST" || std::string_view{row.method} == "PUT";
    Headers headers{
        {"X-Goog-Api-Key", "secret"  },
        {"Authorization",  "Bearer s"},
        {"Accept",         "*/*"     }
    };
    if (with_body) headers.add("Content-Type", "text/plain");
    const Hop from{row.method, *parse_url("https://api.example/v1/a?x=1"), headers, with_body};
    const auto to = follow(from, row.status, row.location);
    if (*row.expected == '\0') {
        ASSERT_FALSE(to);
        EXPECT_THAT(to.error(), AllOf(Not(HasSubstr("secret")), Not(testing::IsEmpty())));
        return;
    }
    ASSERT_TRUE(to) << to.error();
    std::string found = to->method + " " + to->url.text();
    if (to->with_body) found += " +body";
    if (to->headers.has("x-goog-api-key") || to->headers.has("authorization")) found += " +key";
    EXPECT_EQ(found, row.expected);
    EXPECT_TRUE(to->headers.has("accept"));
    EXPECT_EQ(to->headers.has("content-type"), to->with_body);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Each, Redirects, testing::Values(
        RedirectRow{"SameHost", "DELETE", 307, "/b", "DELETE https://api.example/b +key"},
        RedirectRow{"Relative", "DELETE", 302, "b", "DELETE https://api.example/v1/b +key"},
        RedirectRow{"DefaultPortIsTheSame", "DELETE", 308, "https://API.example:443/b", "DELETE https://api.example/b +key"},
        RedirectRow{"Post301", "POST", 301, "/b", "GET https://api.example/b +key"},
        RedirectRow{"Post302", "POST", 302, "/b", "GET https://api.example/b +key"},
        RedirectRow{"Post303", "POST", 303, "/b", "GET https://api.example/b +key"},
        RedirectRow{"Put303", "PUT", 303, "/b", "GET https://api.example/b +key"},
        RedirectRow{"Head303", "HEAD", 303, "https://api.example/b", "HEAD https://api.example/b +key"},
        RedirectRow{"Put302", "PUT", 302, "/b", "PUT https://api.example/b +body +key"},
        RedirectRow{"Post307", "POST", 307, "/b", "POST https://api.example/b +body +key"},
        RedirectRow{"Post308", "POST", 308, "/b", "POST https://api.example/b +body +key"},
        RedirectRow{"OtherHost", "POST", 303, "https://cdn.example/b?sig=1", "GET https://cdn.example/b?sig=1"},
        RedirectRow{"OtherPort", "POST", 303, "https://api.example:8443/b", "GET https://api.example:8443/b"},
        RedirectRow{"SchemeRelative", "POST", 303, "//cdn.example/b", "GET https://cdn.example/b"},
        RedirectRow{"SpaceInIt", "POST", 303, "/a b", "GET https://api.example/a%20b +key"},
        RedirectRow{"FragmentGoes", "POST", 303, "/b#part", "GET https://api.example/b +key"},
        RedirectRow{"BodyToOtherHost", "POST", 307, "https://cdn.example/b", ""},
        RedirectRow{"ToHttp", "POST", 303, "http://api.example/b", ""},
        RedirectRow{"ToFile", "POST", 303, "file:///etc/passwd", ""},
        RedirectRow{"ToFtp", "POST", 303, "ftp://api.example/b", ""},
        RedirectRow{"ToData", "POST", 303, "data:text/plain,secret", ""},
        RedirectRow{"WithPassword", "POST", 303, "https://u:secret@api.example/b", ""},
        RedirectRow{"Nowhere", "POST", 303, "", ""}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

TEST(Redirects, GiveNoKeyBackOnTheWayHome)
{
    const Hop home{"GET", *parse_url("https://a/"), {{"X-Key", "s"}}, false};
    const auto away = follow(home, 302, "https://b/");
    ASSERT_TRUE(away);
    const auto back = follow(*away, 302, "https://a/chosen-by-b");
    ASSERT_TRUE(back);
    EXPECT_FALSE(back->headers.has("x-key"));
}

struct WordsRow {
    FailureKind kind;
    bool left;
    Purpose purpose;
    const char* expected; // category phase billing
};

TEST(Failures, SayWhatTheRecordNeeds)
{
    using K = FailureKind;
    using P = Purpose;
    // clang-format off
    const WordsRow rows[]{
        {K::dns, false, P::submit, "network_error connect not_billed"},
        {K::connect, false, P::poll, "network_error connect "},
        {K::tls_name, false, P::submit, "network_error connect not_billed"},
        {K::timeout_connect, false, P::submit, "timeout connect not_billed"},
        {K::timeout_total, false, P::submit, "timeout connect not_billed"},
        {K::timeout_total, true, P::submit, "submit_ambiguous submit maybe_billed"},
        {K::stalled, true, P::submit, "submit_ambiguous submit maybe_billed"},
        {K::stalled, true, P::download, "timeout download "},
        {K::timeout_total, true, P::poll, "timeout poll "},
        {K::no_verdict, true, P::submit, "submit_ambiguous submit maybe_billed"},
        {K::no_verdict, true, P::poll, "network_error poll "},
        {K::truncated, true, P::submit, "submit_ambiguous submit maybe_billed"},
        {K::truncated, true, P::download, "network_error download "},
        {K::too_large, true, P::submit, "submit_ambiguous submit maybe_billed"},
        {K::too_large, true, P::download, "output_invalid download "},
        {K::connect, true, P::submit, "submit_ambiguous submit maybe_billed"}, // of a later hop
        {K::cancelled, false, P::submit, "cancelled connect not_billed"},
        {K::cancelled, true, P::submit, "cancelled submit maybe_billed"},
        {K::bad_request, false, P::submit, "invalid_params validate not_billed"},
        {K::local_file, true, P::download, "storage_full store "},
        {K::local_file, false, P::submit, "storage_full store not_billed"},
        {K::local_file, true, P::submit, "submit_ambiguous submit maybe_billed"},
    };
    // clang-format on
    for (const WordsRow& row : rows) {
        const Words said = words({row.kind, row.left, 0, ""}, row.purpose);
        const std::string all = std::string{said.category} + " " + std::string{said.phase} + " " +
                                std::string{said.billing};
        EXPECT_EQ(all, row.expected) << to_string(row.kind) << (row.left ? ", left" : "");
    }
}

struct SeenRow {
    Seen seen;
    FailureKind expected;
};

TEST(Verdicts, FollowFromWhatWasSeen)
{
    const auto before = [](CURLcode code, const char* text = "") {
        Seen seen;
        seen.code = code;
        seen.text = text;
        return seen;
    };
    const auto after = [](CURLcode code, bool whole, int status) {
        Seen seen;
        seen.code = code;
        seen.connected = true;
        seen.sent_whole = whole;
        seen.status = status;
        return seen;
    };
    // clang-format off
    const SeenRow rows[]{
        {before(CURLE_COULDNT_RESOLVE_HOST), FailureKind::dns},
        {before(CURLE_COULDNT_CONNECT), FailureKind::connect},
        {before(CURLE_RECV_ERROR), FailureKind::connect},
        {before(CURLE_OPERATION_TIMEDOUT), FailureKind::timeout_connect},
        {before(CURLE_SSL_CONNECT_ERROR), FailureKind::tls},
        {before(CURLE_SSL_CACERT_BADFILE), FailureKind::tls},
        {before(CURLE_PEER_FAILED_VERIFICATION, "self-signed certificate"), FailureKind::tls},
        {before(CURLE_URL_MALFORMAT), FailureKind::bad_request},
        {after(CURLE_SEND_ERROR, false, 0), FailureKind::send},
        {after(CURLE_RECV_ERROR, false, 0), FailureKind::send},
        {after(CURLE_RECV_ERROR, true, 0), FailureKind::no_verdict},
        {after(CURLE_GOT_NOTHING, true, 0), FailureKind::no_verdict},
        {after(CURLE_RECV_ERROR, true, 200), FailureKind::truncated},
        {after(CURLE_PARTIAL_FILE, true, 200), FailureKind::truncated},
        {after(CURLE_WEIRD_SERVER_REPLY, true, 0), FailureKind::protocol},
        {after(CURLE_BAD_CONTENT_ENCODING, true, 200), FailureKind::protocol},
    };
    // clang-format on
    for (const SeenRow& row : rows)
        EXPECT_EQ(kind_of(row.seen), row.expected) << row.seen.code << " " << row.seen.status;
}

TEST(StallClock, CountsTheNewestBytesOnly)
{
    const StallClock::TimePoint t0{};
    StallClock clock{10s, 100};
    EXPECT_FALSE(clock.is_over(0, t0));
    EXPECT_FALSE(clock.is_over(99, t0 + 9s));
    EXPECT_TRUE(clock.is_over(99, t0 + 10s)); // 99 in ten seconds is silence
    EXPECT_FALSE(clock.is_over(100, t0 + 11s));
    EXPECT_EQ(clock.over_at(), t0 + 21s);
    EXPECT_FALSE(clock.is_over(199, t0 + 20s));
    EXPECT_TRUE(clock.is_over(199, t0 + 21s));
    StallClock never{0s, 1};
    EXPECT_FALSE(never.is_over(0, t0));
    EXPECT_FALSE(never.is_over(0, t0 + 1000h));
    EXPECT_EQ(never.over_at(), StallClock::TimePoint::max());
}

std::string flat(const Body& body)
{
    std::string out;
    for (const auto& piece : body.pieces)
        out += std::holds_alternative<std::string>(piece)
                   ? std::get<std::string>(piece)
                   : "<" + std::get<FilePiece>(piece).path + ">";
    return out;
}

TEST(Multipart, IsWhatAServerReads)
{
    Multipart form;
    form.add_field("prompt", "a \"quoted\" cat");
    form.add_file("input", "a\"b\r\nc.png", "image/png\r\nEvil: 1", "/tmp/x.png");
    form.add_bytes("mask", "m.png", "image/png", std::string{"\0\1", 2});
    const std::string type = form.content_type();
    ASSERT_THAT(type, testing::StartsWith("multipart/form-data; boundary=reelgate-"));
    const std::string b = "--" + type.substr(type.find('=') + 1);
    const std::string expected =
        b + "\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na \"quoted\" cat\r\n" + b +
        "\r\nContent-Disposition: form-data; name=\"input\"; filename=\"a%22b%0D%0Ac.png\"\r\n"
        "Content-Type: image/pngEvil: 1\r\n\r\n</tmp/x.png>\r\n" +
        b +
        "\r\nContent-Disposition: form-data; name=\"mask\"; filename=\"m.png\"\r\n"
        "Content-Type: image/png\r\n\r\n" +
        std::string{"\0\1", 2} + "\r\n" + b + "--\r\n";
    EXPECT_EQ(flat(std::move(form).finish()), expected);
    EXPECT_NE(Multipart{}.content_type(), Multipart{}.content_type());
}

} // namespace
} // namespace reelgate::http
