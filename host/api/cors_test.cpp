#include "host/api/cors.hpp"

#include <gtest/gtest.h>

namespace reelgate::api {
namespace {

std::string header(const Reply& reply, std::string_view name)
{
    for (const auto& [key, value] : reply.headers)
        if (key == name) return value;
    return "";
}

Call call_from(Verb verb, std::string origin)
{
    Call call;
    call.verb = verb;
    if (!origin.empty()) call.headers["origin"] = std::move(origin);
    return call;
}

struct CorsRow {
    Origins allowed;
    std::string origin;
    std::string told; // access-control-allow-origin
};

class Cors : public testing::TestWithParam<CorsRow> {};

TEST_P(Cors, ToldToThoseThatAreAllowedAndNobodyElse)
{
    const CorsRow& row = GetParam();
    Reply reply;
    const Call call = call_from(Verb::get, row.origin);
    allow_origin(reply, call, row.allowed);
    EXPECT_EQ(header(reply, "access-control-allow-origin"), row.told);
    EXPECT_EQ(header(reply, "access-control-allow-credentials"), row.told.empty() ? "" : "true");
    EXPECT_EQ(header(reply, "vary"), row.allowed.empty() ? "" : "Origin");
    const auto asked = preflight(call_from(Verb::options, row.origin), row.allowed);
    EXPECT_EQ(asked.has_value(), !row.told.empty());
}

const std::string kPage = "http://localhost:3000";
// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, Cors, testing::Values(
    CorsRow{{},                       kPage,                  ""},
    CorsRow{{kPage},                  "",                     ""},
    CorsRow{{kPage},                  kPage,                  kPage},
    CorsRow{{"http://a", kPage},      kPage,                  kPage},
    CorsRow{{kPage},                  "http://localhost:300", ""},
    CorsRow{{kPage},                  "http://evil.example",  ""},
    CorsRow{{"null"},                 "null",                 "null"},
    CorsRow{{"*"},                    "http://any.example",   "http://any.example"}));
// clang-format on

TEST(Preflight, EchoesTheHeadersThatAreAskedFor)
{
    Call call = call_from(Verb::options, kPage);
    call.headers["access-control-request-headers"] = "x-one, authorization";
    call.headers["access-control-request-private-network"] = "true";
    const auto reply = preflight(call, {"*"});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 204U);
    EXPECT_EQ(header(*reply, "access-control-allow-headers"), "x-one, authorization");
    EXPECT_EQ(header(*reply, "access-control-allow-private-network"), "true");
    EXPECT_EQ(header(*reply, "access-control-max-age"), "600");
    EXPECT_FALSE(preflight(call_from(Verb::post, kPage), {"*"}));
}

} // namespace
} // namespace reelgate::api
