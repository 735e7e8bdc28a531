// What arrives at a server and what comes back from it, when both behave.
#include <reelgate/http/client.hpp>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace reelgate::http {
namespace {

using fakes::answers;
using fakes::Connection;
using fakes::http_answer;
using fakes::LoopbackServer;
using namespace std::chrono_literals;

Request get(std::string url)
{
    Request out;
    out.url = std::move(url);
    return out;
}

Request post(std::string url, std::string body)
{
    Request out = get(std::move(url));
    out.method = "POST";
    out.body = Body::bytes(std::move(body));
    return out;
}

TEST(Client, BringsTheAnswer)
{
    LoopbackServer server{answers(200, R"({"id":"x"})", "Content-Type: application/json\r\n")};
    const Client client;
    Request request = get(server.url("/v1/a?b=c"));
    request.headers = {
        {"X-Key",   "k"},
        {"X-Empty", "" }
    };
    const auto answer = client.perform(request);

    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, R"({"id":"x"})");
    EXPECT_EQ(answer->received, answer->body.size());
    EXPECT_TRUE(answer->body_complete);
    EXPECT_TRUE(answer->body_end_known);
    EXPECT_EQ(answer->headers.get("content-type"), "application/json");
    EXPECT_EQ(answer->effective_url, server.url("/v1/a?b=c"));
    EXPECT_GT(answer->timings.connected.count(), 0);
    EXPECT_LE(answer->timings.connected, answer->timings.first_byte);
    EXPECT_LE(answer->timings.first_byte, answer->timings.total);

    const auto seen = server.requests();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].method, "GET");
    EXPECT_EQ(seen[0].target, "/v1/a?b=c");
    EXPECT_EQ(seen[0].headers.at("x-key"), "k");
    EXPECT_EQ(seen[0].headers.at("x-empty"), "");
    EXPECT_EQ(seen[0].headers.at("user-agent"), "reelgate");
    EXPECT_FALSE(seen[0].headers.contains("accept-encoding"));
    EXPECT_FALSE(seen[0].headers.contains("cookie"));
}

struct MethodRow {
    const char* method;
    bool body;
    const char* expected_length; // "": no Content-Length is sent
};

TEST(Client, SendsEachMethodAsItIs)
{
    const MethodRow rows[]{
        {"GET",     false, "" },
        {"HEAD",    false, "" },
        {"DELETE",  false, "" },
        {"OPTIONS", false, "" },
        {"POST",    false, "0"},
        {"POST",    true,  "4"},
        {"PUT",     true,  "4"},
        {"PATCH",   true,  "4"},
        {"DELETE",  true,  "4"},
    };
    const Client client;
    for (const MethodRow& row : rows) {
        LoopbackServer server{[](Connection& c) {
            const bool head = c.read_request().method == "HEAD";
            const std::string text = http_answer(200, "body");
            c.send(head ? text.substr(0, text.size() - 4) : text);
        }};
        Request request = get(server.url());
        request.method = row.method;
        if (row.body) request.body = Body::bytes("data");
        const auto answer = client.perform(request);
        ASSERT_TRUE(answer) << row.method << ": " << answer.error().text;
        EXPECT_EQ(answer->body, std::string_view{row.method} == "HEAD" ? "" : "body");

        const auto seen = server.requests();
        ASSERT_EQ(seen.size(), 1U) << row.method;
        EXPECT_EQ(seen[0].method, row.method);
        EXPECT_EQ(seen[0].body, row.body ? "data" : "");
        const auto length = seen[0].headers.find("content-length");
        EXPECT_EQ(length == seen[0].headers.end() ? "" : length->second, row.expected_length)
            << row.method;
        EXPECT_FALSE(seen[0].headers.contains("content-type")) << row.method;
    }
}

TEST(Client, SendsALargeBodyAtOnceAndWithoutAsking)
{
    LoopbackServer server{answers(201, "")};
    const std::string body(3U << 20U, 'x');
    Request request = post(server.url(), body);
    request.headers.set("Content-Type", "application/json");
    std::vector<Progress> news;
    request.progress = [&](const Progress& p) { news.push_back(p); };
    const auto answer = Client{}.perform(request);
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 201);

    const auto seen = server.requests();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen[0].headers.contains("expect"));
    EXPECT_EQ(seen[0].headers.at("content-type"), "application/json");
    EXPECT_EQ(seen[0].body, body);
    ASSERT_FALSE(news.empty());
    EXPECT_EQ(news.back().sent, body.size());
    EXPECT_EQ(news.back().to_send, body.size());
}

TEST(Client, StreamsFilesInAMultipartForm)
{
    const ScratchDir dir;
    const std::string picture(200'000, '\7');
    std::ofstream{dir / "in.png"} << picture;
    Multipart form;
    form.add_field("prompt", "a cat");
    form.add_file("input_reference", "in.png", "image/png", dir / "in.png");
    LoopbackServer server{answers(200, "{}")};
    Request request = get(server.url());
    request.method = "POST";
    request.headers.set("Content-Type", form.content_type());
    request.body = std::move(form).finish();
    ASSERT_TRUE(Client{}.perform(request));

    const auto seen = server.requests();
    ASSERT_EQ(seen.size(), 1U);
    const std::string type = seen[0].headers.at("content-type");
    const std::string boundary = "--" + type.substr(type.find("boundary=") + 9);
    EXPECT_EQ(seen[0].body,
              boundary + "\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na cat\r\n" +
                  boundary +
                  "\r\nContent-Disposition: form-data; name=\"input_reference\"; "
                  "filename=\"in.png\"\r\nContent-Type: image/png\r\n\r\n" +
                  picture + "\r\n" + boundary + "--\r\n");
}

TEST(Client, GivesEveryStatusWithItsBody)
{
    for (const int status :
         {201, 304, 302, 400, 401, 403, 404, 408, 409, 417, 429, 500, 502, 503}) {
        // Each of these makes some client send a second time; the ledger says that this one does
        // not.
        const std::string headers = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                                    "WWW-Authenticate: Basic realm=\"r\"\r\nRetry-After: 1\r\n"
                                    "Location: /elsewhere\r\nSet-Cookie: a=b\r\n";
        const std::string body = status == 304 ? "" : "<html>no</html>";
        LoopbackServer server{answers(status, body, headers)};
        const auto answer = Client{}.perform(post(server.url(), "paid"));
        ASSERT_TRUE(answer) << status << ": " << answer.error().text;
        EXPECT_EQ(answer->status, status);
        EXPECT_EQ(answer->body, body);
        EXPECT_EQ(answer->headers.get("retry-after"), "1");
        EXPECT_EQ(server.requests().size(), 1U) << status;
        EXPECT_EQ(server.connections(), 1) << status;
    }
}

TEST(Client, ReadsChunksInterimAnswersAndTrailers)
{
    LoopbackServer server{[](Connection& c) {
        c.read_request();
        c.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n  c\r\n\r\n"
               "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-A: from a trailer\r\n\r\n");
    }};
    const auto answer = Client{}.perform(get(server.url()));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "hello world");
    EXPECT_TRUE(answer->body_end_known);
    EXPECT_EQ(answer->headers.get("x-a"), "b c");
    EXPECT_FALSE(answer->headers.has("x-early"));
}

TEST(Client, ReadsABodyThatEndsWithTheConnection)
{
    LoopbackServer server{[](Connection& c) {
        c.read_request();
        c.send("HTTP/1.0 200 OK\r\n\r\nall of it");
    }};
    const auto answer = Client{}.perform(get(server.url()));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "all of it");
    EXPECT_FALSE(answer->body_end_known);
}

TEST(Client, HearsARefusalBeforeTheBodyIsThrough)
{
    LoopbackServer server{[](Connection& c) {
        c.read_head();
        c.send(http_answer(413, "too much"));
        c.hold();
    }};
    const auto answer = Client{}.perform(post(server.url(), std::string(8U << 20U, 'x')));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 413);
    EXPECT_EQ(answer->body, "too much");
}

TEST(Client, KeepsAVerdictWhoseBodyBreaksOff)
{
    LoopbackServer broken{[](Connection& c) {
        c.read_request();
        c.send("HTTP/1.1 402 Payment Required\r\nContent-Length: 1000\r\n\r\nno cred");
    }};
    LoopbackServer endless{[](Connection& c) {
        c.read_request();
        c.send("HTTP/1.1 500 Oops\r\n\r\n");
        while (c.is_open())
            c.send(std::string(65'536, 'x'));
    }};
    LoopbackServer silent{[](Connection& c) {
        c.read_request();
        c.send("HTTP/1.1 429 Slow Down\r\nContent-Length: 9\r\n\r\n");
        c.hold();
    }};
    const Client client;
    const auto first = client.perform(post(broken.url(), "x"));
    ASSERT_TRUE(first) << first.error().text;
    EXPECT_EQ(first->status, 402);
    EXPECT_EQ(first->body, "no cred");
    EXPECT_FALSE(first->body_complete);

    Request request = post(endless.url(), "x");
    request.limits.max_error_bytes = 1000;
    const auto second = client.perform(request);
    ASSERT_TRUE(second) << second.error().text;
    EXPECT_EQ(second->body, std::string(1000, 'x'));
    EXPECT_FALSE(second->body_complete);

    request = post(silent.url(), "x");
    request.limits.stall_window = 50ms;
    const auto third = client.perform(request);
    ASSERT_TRUE(third) << third.error().text;
    EXPECT_EQ(third->status, 429);
    EXPECT_FALSE(third->body_complete);
}

// A zlib stream by hand: one block with the fixed code, an 'a' and then the longest possible match
// (258 bytes at distance 1) as often as asked. 13 bits make 258 bytes.
std::string deflated_letters(std::uint64_t matches)
{
    std::string out = "\x78\x01";
    unsigned bits = 0;
    unsigned held = 0;
    const auto put = [&](unsigned value, unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            bits |= ((value >> i) & 1U) << held;
            if (++held == 8) {
                out += static_cast<char>(bits);
                bits = held = 0;
            }
        }
    };
    const auto code = [&](unsigned value, unsigned count) { // codes go highest bit first
        for (unsigned i = count; i-- > 0;)
            put((value >> i) & 1U, 1);
    };
    put(1, 1);
    put(1, 2);
    code(0x30 + 'a', 8);
    for (std::uint64_t i = 0; i < matches; ++i) {
        code(0xC0 + 285 - 280, 8);
        code(0, 5);
    }
    code(0, 7);
    if (held > 0) out += static_cast<char>(bits);
    std::uint64_t a = 1;
    std::uint64_t b = 0;
    for (std::uint64_t i = 0; i < 1 + matches * 258; ++i) {
        a = (a + 'a') % 65521;
        b = (b + a) % 65521;
    }
    for (const std::uint64_t half : {b, a})
        for (const unsigned shift : {8U, 0U})
            out += static_cast<char>((half >> shift) & 255U);
    return out;
}

TEST(Client, UnpacksWithinTheLimitOfWhatComesOut)
{
    const auto packed = [](std::uint64_t matches) {
        return answers(200, deflated_letters(matches), "Content-Encoding: deflate\r\n");
    };
    LoopbackServer server{packed(10)};
    Request request = get(server.url());
    request.compressed = true;
    const auto answer = Client{}.perform(request);
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, std::string(2581, 'a'));
    EXPECT_EQ(server.requests().at(0).headers.at("accept-encoding"), "gzip, deflate");

    LoopbackServer bomb{packed(100'000)}; // 160 kB that mean 25 MB
    request.url = bomb.url();
    request.limits.max_body_bytes = 1U << 20U;
    const auto refused = Client{}.perform(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::too_large);
}

void all_proxies_are(const std::string& value)
{
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
        ::setenv(name, value.c_str(), 1); // NOLINT(concurrency-mt-unsafe): no other thread reads it
}

TEST(Client, TakesNothingFromTheEnvironment)
{
    const fakes::ClosedPort nobody;
    const std::string proxy = "http://127.0.0.1:" + std::to_string(nobody.port());
    all_proxies_are(proxy);
    const Client client;
    const LoopbackServer server{answers(200, "direct")};
    const auto answer = client.perform(get(server.url()));
    all_proxies_are("");
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "direct");
}

TEST(Client, UsesAProxyThatIsAskedFor)
{
    LoopbackServer proxy{answers(200, "through it")};
    const Client client{
        {.user_agent = "me/1", .ca_file = {}, .proxy = proxy.url("")}
    };
    const auto answer = client.perform(get("http://example.invalid/a"));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "through it");
    EXPECT_EQ(proxy.requests().at(0).target, "http://example.invalid/a");
    EXPECT_EQ(proxy.requests().at(0).headers.at("user-agent"), "me/1");
}

TEST(Client, MayBeCalledFromManyThreads)
{
    LoopbackServer server{[](Connection& c) {
        const std::string path = c.read_request().target;
        c.send(http_answer(200, path));
    }};
    const Client client;
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> threads;
        threads.reserve(12);
        for (int t = 0; t < 12; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 5; ++i) {
                    const std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
                    const auto answer = client.perform(get(server.url(path)));
                    if (answer && answer->body == path) ++right;
                }
            });
    }
    EXPECT_EQ(right, 60);
    EXPECT_EQ(server.connections(), 60);
}

TEST(Client, NeverSendsAgainOnAConnectionThatWasKept)
{
    // The first answer offers to keep the connection, the second request is read and dropped: the
    // case in which libraries send again.
    LoopbackServer server{
        {[](Connection& c) {
             c.read_request();
             c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
             c.read_request();
             c.reset();
         }, [](Connection& c) {
             c.read_request();
             c.reset();
         }}
    };
    const Client client;
    ASSERT_TRUE(client.perform(post(server.url("/1"), "paid")));
    const auto lost = client.perform(post(server.url("/2"), "paid"));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, FailureKind::no_verdict);
    const auto seen = server.requests();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].target, "/1");
    EXPECT_EQ(seen[1].target, "/2");
    EXPECT_EQ(server.connections(), 2);
}

} // namespace
} // namespace reelgate::http
