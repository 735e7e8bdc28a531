// Redirects over real connections; where each leads is pure_test's.
#include <reelgate/http/client.hpp>

#include "tests/fakes/loopback_server.hpp"

#include <gmock/gmock.h>

namespace reelgate::http {
namespace {

using fakes::answers;
using fakes::Connection;
using fakes::http_answer;
using fakes::LoopbackServer;

fakes::Script leads(int status, const std::string& to)
{
    return answers(status, "moved, and this text is nobody's", "Location: " + to + "\r\n");
}

Request with_key(const std::string& url, int max_redirects)
{
    Request out;
    out.url = url;
    out.headers = {
        {"X-Goog-Api-Key", "secret"       },
        {"Authorization",  "Bearer secret"},
        {"Accept",         "video/mp4"    }
    };
    out.limits.max_redirects = max_redirects;
    return out;
}

TEST(Redirected, CallCarriesNoKeyToAnotherOrigin)
{
    LoopbackServer cdn{answers(200, "film")};
    LoopbackServer api{leads(302, cdn.url("/film?sig=1"))};
    const auto answer = Client{}.perform(with_key(api.url("/content"), 5));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "film");
    EXPECT_EQ(answer->redirects, 1);
    EXPECT_EQ(answer->effective_url, cdn.url("/film?sig=1"));
    EXPECT_EQ(api.requests().at(0).headers.at("x-goog-api-key"), "secret");
    const auto there = cdn.requests().at(0).headers;
    EXPECT_FALSE(there.contains("x-goog-api-key"));
    EXPECT_FALSE(there.contains("authorization"));
    EXPECT_EQ(there.at("accept"), "video/mp4");
}

TEST(Redirected, CallKeepsItsKeyAtHome)
{
    LoopbackServer api{
        {leads(307, "/next"), answers(200, "film")}
    };
    Request request = with_key(api.url("/v1/create"), 5);
    request.method = "POST";
    request.body = Body::bytes("prompt");
    const auto answer = Client{}.perform(request);
    ASSERT_TRUE(answer) << answer.error().text;
    const auto seen = api.requests();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].method, "POST");
    EXPECT_EQ(seen[1].target, "/next");
    EXPECT_EQ(seen[1].body, "prompt");
    EXPECT_EQ(seen[1].headers.at("x-goog-api-key"), "secret");
}

TEST(Redirected, CallDoesNotReadWhatItLeaves)
{
    LoopbackServer api{
        {[](Connection& c) {
             c.read_request();
             c.send("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 9\r\n\r\n");
             c.hold(); // the nine bytes never come
         }, answers(200, "film")}
    };
    const auto answer = Client{}.perform(with_key(api.url(), 1));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "film");
}

struct RefusedRow {
    const char* name;
    int status;
    const char* location;
    const char* why;
};

TEST(Redirected, CallEndsWhereItMustNotGo)
{
    const RefusedRow rows[]{
        {"a file",                 302, "file:///etc/passwd",  "only http and https"},
        {"a loop",                 302, "/a",                  "circle"             },
        {"nowhere",                302, "",                    "nowhere"            },
        {"body to another origin", 307, "http://127.0.0.1:1/", "body"               },
    };
    for (const RefusedRow& row : rows) {
        LoopbackServer api{leads(row.status, row.location)};
        Request request = with_key(api.url("/a"), 5);
        if (row.status == 307) {
            request.method = "POST";
            request.body = Body::bytes("prompt");
        }
        const auto answer = Client{}.perform(request);
        ASSERT_FALSE(answer) << row.name;
        EXPECT_EQ(answer.error().kind, FailureKind::bad_redirect) << row.name;
        EXPECT_THAT(answer.error().text, testing::HasSubstr(row.why)) << row.name;
        EXPECT_TRUE(answer.error().request_left);
        EXPECT_EQ(answer.error().status, row.status);
        EXPECT_EQ(api.requests().size(), 1U) << row.name;
    }
}

TEST(Redirected, CallEndsAfterTheLastOneAllowed)
{
    LoopbackServer api{[](Connection& c) {
        const std::string path = c.read_request().target;
        c.send(http_answer(302, "", "Location: " + path + "x\r\n"));
    }};
    const auto answer = Client{}.perform(with_key(api.url("/"), 3));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, FailureKind::bad_redirect);
    EXPECT_EQ(api.requests().size(), 4U);
}

TEST(Redirected, CallRemembersThatItsFirstHopHadLeft)
{
    const fakes::ClosedPort nobody;
    LoopbackServer api{leads(303, "http://127.0.0.1:" + std::to_string(nobody.port()) + "/")};
    Request request = with_key(api.url(), 5);
    request.method = "POST";
    request.body = Body::bytes("prompt");
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, FailureKind::connect);
    EXPECT_TRUE(answer.error().request_left);
}

} // namespace
} // namespace reelgate::http
