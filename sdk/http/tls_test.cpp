#include <reelgate/http/client.hpp>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace reelgate::http {
namespace {

using fakes::answers;
using fakes::Connection;
using fakes::LoopbackServer;

class Tls : public testing::Test {
protected:
    // A client that trusts this certificate and no other.
    Client trusting(const fakes::Certificate& certificate)
    {
        const std::string path = dir_ / "ca.pem";
        std::ofstream{path} << certificate.certificate_pem;
        return Client{
            {.user_agent = "reelgate", .ca_file = path, .proxy = {}}
        };
    }

    static Request post(const std::string& url, std::string body = "paid")
    {
        Request out;
        out.method = "POST";
        out.url = url;
        out.body = Body::bytes(std::move(body));
        return out;
    }

    ScratchDir dir_;
};

TEST_F(Tls, WorksWithATrustedCertificate)
{
    const auto certificate = fakes::self_signed("IP:127.0.0.1");
    LoopbackServer server{answers(200, "secret"), certificate};
    const Client client = trusting(certificate);
    for (int i = 0; i < 2; ++i) {
        const auto answer = client.perform(post(server.url(), std::string(100'000, 'x')));
        ASSERT_TRUE(answer) << answer.error().text;
        EXPECT_EQ(answer->body, "secret");
    }
    EXPECT_EQ(server.connections(), 2);
}

struct DistrustRow {
    const char* name;
    const char* certificate_for;
    bool trusted;
    FailureKind expected;
};

TEST_F(Tls, TellsAWrongNameFromAStranger)
{
    const DistrustRow rows[]{
        {"another name",                 "DNS:api.example", true,  FailureKind::tls_name},
        {"another address",              "IP:127.0.0.2",    true,  FailureKind::tls_name},
        {"a stranger",                   "IP:127.0.0.1",    false, FailureKind::tls     },
        {"a stranger with another name", "DNS:api.example", false, FailureKind::tls     },
    };
    for (const DistrustRow& row : rows) {
        const auto certificate = fakes::self_signed(row.certificate_for);
        LoopbackServer server{answers(200, "must not be asked"), certificate};
        const Client client =
            trusting(row.trusted ? certificate : fakes::self_signed("DNS:other.example"));
        const auto answer = client.perform(post(server.url()));
        ASSERT_FALSE(answer) << row.name;
        EXPECT_EQ(to_string(answer.error().kind), to_string(row.expected))
            << row.name << ": " << answer.error().text;
        EXPECT_FALSE(answer.error().request_left) << row.name;
        EXPECT_EQ(words(answer.error(), Purpose::submit).phase, "connect");
        EXPECT_TRUE(server.requests().empty()) << row.name;
    }
}

TEST_F(Tls, ByNameWorksToo)
{
    const auto certificate = fakes::self_signed("DNS:localhost");
    LoopbackServer server{answers(200, "ok"), certificate};
    const std::string port = std::to_string(server.port());
    EXPECT_TRUE(trusting(certificate).perform(post("https://localhost:" + port + "/")));
}

TEST_F(Tls, ToAServerWithoutItNothingLeaves)
{
    LoopbackServer server{[](Connection& c) {
        c.send("HTTP/1.1 400 This is plain HTTP\r\n\r\n");
        c.hold();
    }};
    const auto answer =
        Client{}.perform(post("https://127.0.0.1:" + std::to_string(server.port()) + "/"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, FailureKind::tls) << answer.error().text;
    EXPECT_FALSE(answer.error().request_left);
}

TEST_F(Tls, DroppedAfterTheRequestGivesNoVerdict)
{
    const auto certificate = fakes::self_signed("IP:127.0.0.1");
    LoopbackServer server{[](Connection& c) {
                              c.read_request();
                              c.reset();
                          },
                          certificate};
    const auto answer = trusting(certificate).perform(post(server.url()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, FailureKind::no_verdict) << answer.error().text;
    EXPECT_TRUE(answer.error().request_left);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Tls, DroppedInTheRequestKillsNobody)
{
    // Writing into a closed connection raises SIGPIPE, of which the default is death.
    const auto certificate = fakes::self_signed("IP:127.0.0.1");
    LoopbackServer server{[](Connection& c) {
                              c.read_head();
                              c.reset();
                          },
                          certificate};
    const auto answer =
        trusting(certificate).perform(post(server.url(), std::string(32U << 20U, 'x')));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, FailureKind::send) << answer.error().text;
    EXPECT_TRUE(answer.error().request_left);
}

TEST_F(Tls, CutInTheBodyIsSeenOrAtLeastSuspected)
{
    const auto certificate = fakes::self_signed("IP:127.0.0.1");
    const auto cuts = [](std::string_view answer) {
        return [answer](Connection& c) {
            c.read_request();
            c.send(answer);
            c.cut();
        };
    };
    const Client client = trusting(certificate);
    LoopbackServer counted{cuts("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nhalf of"),
                           certificate};
    const auto broken = client.perform(post(counted.url()));
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, FailureKind::truncated) << broken.error().text;

    // libcurl does not insist on the goodbye that would make this one certain.
    LoopbackServer endless{cuts("HTTP/1.1 200 OK\r\n\r\nhalf of"), certificate};
    const auto doubtful = client.perform(post(endless.url()));
    if (doubtful)
        EXPECT_FALSE(doubtful->body_end_known);
    else
        EXPECT_EQ(doubtful.error().kind, FailureKind::truncated);
}

} // namespace
} // namespace reelgate::http
