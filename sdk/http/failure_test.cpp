// What is said when a call brings no answer, and above all whether the request had left.
#include <reelgate/http/client.hpp>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace reelgate::http {
namespace {

using fakes::Connection;
using fakes::http_answer;
using fakes::LoopbackServer;
using namespace std::chrono_literals;
using K = FailureKind;

Request post(std::string url, std::string body)
{
    Request out;
    out.method = "POST";
    out.url = std::move(url);
    out.body = Body::bytes(std::move(body));
    return out;
}

void says(Connection& c, std::string_view bytes)
{
    c.read_request();
    c.send(bytes);
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

struct FailureRow {
    const char* name;
    fakes::Script script;
    void (*spoil)(Request&);
    FailureKind expected;
    int status;
};

void nothing(Request&) {}
void short_silence(Request& r) { r.limits.stall_window = 50ms; }
void short_total(Request& r) { r.limits.total_timeout = 80ms; }
void small_body(Request& r) { r.limits.max_body_bytes = 1000; }
void small_head(Request& r) { r.limits.max_header_bytes = 1000; }
void large_request(Request& r)
{
    r.body = Body::bytes(std::string(64U << 20U, 'x'));
    r.limits.stall_window = 100ms;
}

class Broken : public testing::TestWithParam<FailureRow> {};

// In each of these the request has left, and the server counts one request, ever.
TEST_P(Broken, IsToldApartAndNeverRepeated)
{
    const FailureRow& row = GetParam();
    LoopbackServer server{row.script};
    Request request = post(server.url("/submit?key=SECRET"), "one paid film");
    row.spoil(request);
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer) << answer->status;
    const Failure& why = answer.error();
    EXPECT_EQ(to_string(why.kind), to_string(row.expected)) << why.text;
    EXPECT_TRUE(why.request_left);
    EXPECT_EQ(why.status, row.status);
    EXPECT_THAT(why.text, testing::StartsWith("POST " + server.url("/submit: ")));
    EXPECT_EQ(why.text.find("SECRET"), std::string::npos);
    EXPECT_EQ(words(why, Purpose::submit).category, "submit_ambiguous");
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(server.requests().size(), 1U);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Each, Broken, testing::Values(
        FailureRow{"SilentBeforeTheHead", [](auto& c) { c.read_request(); c.hold(); }, short_silence, K::stalled, 0},
        FailureRow{"SilentAfterTheHead", [](auto& c) { says(c, std::string{kOk} + "Content-Length: 9\r\n\r\n"); c.hold(); }, short_silence, K::stalled, 200},
        FailureRow{"SilentInTheBody", [](auto& c) { says(c, std::string{kOk} + "Content-Length: 9\r\n\r\nabc"); c.hold(); }, short_silence, K::stalled, 200},
        FailureRow{"TooSlow", [](auto& c) { says(c, std::string{kOk} + "Content-Length: 9999\r\n\r\n" + std::string(500, 'x')); c.hold(); },
                   [](Request& r) { r.limits.stall_window = 80ms; r.limits.stall_bytes = 5000; }, K::stalled, 200},
        FailureRow{"NobodyReadsTheBody", [](auto& c) { c.read_head(); c.ignore(); }, [](Request& r) { large_request(r); r.limits.total_timeout = 0ms; }, K::stalled, 0},
        FailureRow{"TakesTooLong", [](auto& c) { c.read_request(); c.hold(); }, short_total, K::timeout_total, 0},
        FailureRow{"TakesTooLongInTheBody", [](auto& c) { says(c, std::string{kOk} + "\r\nabc"); c.hold(); }, short_total, K::timeout_total, 200},
        FailureRow{"DroppedAfterTheBody", [](auto& c) { c.read_request(); c.reset(); }, nothing, K::no_verdict, 0},
        FailureRow{"ClosedAfterTheBody", [](auto& c) { c.read_request(); c.close(); }, nothing, K::no_verdict, 0},
        FailureRow{"ClosedInTheHead", [](auto& c) { says(c, "HTTP/1.1 200 OK\r\nContent-"); }, nothing, K::no_verdict, 0},
        FailureRow{"DroppedInTheRequest", [](auto& c) { c.read_head(); c.reset(); }, large_request, K::send, 0},
        FailureRow{"ShorterThanPromised", [](auto& c) { says(c, std::string{kOk} + "Content-Length: 100\r\n\r\nabc"); }, nothing, K::truncated, 200},
        FailureRow{"ChunksBreakOff", [](auto& c) { says(c, std::string{kOk} + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"); }, nothing, K::truncated, 200},
        FailureRow{"ChunksAreNonsense", [](auto& c) { says(c, std::string{kOk} + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"); }, nothing, K::truncated, 200},
        FailureRow{"BodyPromisedTooLarge", [](auto& c) { says(c, std::string{kOk} + "Content-Length: 999999999999\r\n\r\n"); c.hold(); }, small_body, K::too_large, 200},
        FailureRow{"BodyWithoutEnd", [](auto& c) { says(c, std::string{kOk} + "\r\n"); while (c.is_open()) c.send(std::string(65536, 'x')); }, small_body, K::too_large, 200},
        FailureRow{"OneLongHeader", [](auto& c) { says(c, std::string{kOk} + "X: " + std::string(5000, 'x') + "\r\n\r\n"); }, small_head, K::too_large, 0},
        FailureRow{"HeadersWithoutEnd", [](auto& c) { says(c, kOk); while (c.is_open()) c.send("X-More: x\r\n"); }, small_head, K::too_large, 0},
        FailureRow{"InterimAnswersWithoutEnd", [](auto& c) { c.read_request(); while (c.is_open()) c.send("HTTP/1.1 103 Wait\r\n\r\n"); }, small_head, K::too_large, 0},
        FailureRow{"NotHttp", [](auto& c) { says(c, "SSH-2.0-OpenSSH_9.2\r\n"); }, nothing, K::protocol, 0},
        FailureRow{"UnknownPacking", [](auto& c) { says(c, http_answer(200, "not deflate", "Content-Encoding: deflate\r\n")); }, [](Request& r) { r.compressed = true; }, K::protocol, 200}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

struct NotSentRow {
    const char* name;
    void (*spoil)(Request&);
    FailureKind expected;
};

class NotSent : public testing::TestWithParam<NotSentRow> {};

// In each of these nothing may have reached the server, and the failure promises it.
TEST_P(NotSent, IsPromised)
{
    const NotSentRow& row = GetParam();
    LoopbackServer server{fakes::answers(200, "must not be asked")};
    Request request = post(server.url(), "one paid film");
    row.spoil(request);
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer) << answer->status;
    EXPECT_EQ(to_string(answer.error().kind), to_string(row.expected)) << answer.error().text;
    EXPECT_FALSE(answer.error().request_left);
    EXPECT_EQ(words(answer.error(), Purpose::submit).billing, "not_billed");
    EXPECT_EQ(server.connections(), 0);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Each, NotSent, testing::Values(
        NotSentRow{"NotAUrl", [](Request& r) { r.url = "nonsense"; }, K::bad_request},
        NotSentRow{"File", [](Request& r) { r.url = "file:///etc/hostname"; }, K::bad_request},
        NotSentRow{"PasswordInUrl", [](Request& r) { r.url.insert(7, "u:p@"); }, K::bad_request},
        NotSentRow{"HeaderInjection", [](Request& r) { r.headers.add("X", "a\r\nY: b"); }, K::bad_request},
        NotSentRow{"OurHeader", [](Request& r) { r.headers.add("content-LENGTH", "3"); }, K::bad_request},
        NotSentRow{"OddMethod", [](Request& r) { r.method = "POST /x HTTP/1.1\r\nX:"; }, K::bad_request},
        NotSentRow{"BodyInAGet", [](Request& r) { r.method = "GET"; }, K::bad_request},
        NotSentRow{"MightNeverEnd", [](Request& r) { r.limits.total_timeout = r.limits.stall_window = 0ms; }, K::bad_request},
        NotSentRow{"NoSuchFile", [](Request& r) { r.body = Body::file("/nonexistent/film.mp4"); }, K::local_file},
        NotSentRow{"NotAFile", [](Request& r) { r.body = Body::file("/tmp"); }, K::local_file},
        // A label over 63 letters is refused by every resolver without asking the network.
        NotSentRow{"NoSuchName", [](Request& r) { r.url = "http://" + std::string(70, 'a') + ".invalid/"; }, K::dns},
        NotSentRow{"PrivateAddress", [](Request& r) { r.public_addresses_only = true; }, K::address},
        NotSentRow{"PrivateAddressByName", [](Request& r) { r.url.replace(7, 9, "localhost"); r.public_addresses_only = true; }, K::address}),
    [](const auto& row) { return std::string{row.param.name}; });
// clang-format on

TEST(NotSentEither, WhenNobodyListens)
{
    const fakes::ClosedPort nobody;
    const auto answer =
        Client{}.perform(post("http://127.0.0.1:" + std::to_string(nobody.port()) + "/", "paid"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, K::connect) << answer.error().text;
    EXPECT_FALSE(answer.error().request_left);
}

TEST(NotSentEither, WhenTheHandshakeGetsNoAnswer)
{
    LoopbackServer mute{[](Connection& c) { c.hold(); }};
    Request request = post("https://127.0.0.1:" + std::to_string(mute.port()) + "/", "paid");
    request.limits.connect_timeout = 60ms;
    const auto slow = Client{}.perform(request);
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().kind, K::timeout_connect) << slow.error().text;
    EXPECT_FALSE(slow.error().request_left);

    request.limits.connect_timeout = 10s;
    request.limits.total_timeout = 60ms;
    const auto total = Client{}.perform(request);
    ASSERT_FALSE(total);
    EXPECT_EQ(total.error().kind, K::timeout_total) << total.error().text;
    EXPECT_FALSE(total.error().request_left);
    EXPECT_EQ(words(total.error(), Purpose::submit).phase, "connect");
}

TEST(DroppedAtOnce, IsSentOnceAtMost)
{
    LoopbackServer server{[](Connection& c) { c.reset(); }};
    for (int i = 1; i <= 20; ++i) {
        const auto answer = Client{}.perform(post(server.url(), "paid"));
        ASSERT_FALSE(answer);
        // The reset may overtake the request or not, so both are right; what is said must fit.
        const bool left = answer.error().request_left;
        EXPECT_THAT(answer.error().kind,
                    left ? testing::AnyOf(K::no_verdict, K::send)
                         : testing::AnyOf(K::connect, K::send));
        EXPECT_EQ(server.connections(), i);
        EXPECT_EQ(server.requests().size(), 0U);
    }
}

class Signal {
public:
    Signal() : fd_{::eventfd(0, EFD_CLOEXEC)} {}
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;
    ~Signal() { ::close(fd_); }
    void raise() const
    {
        const std::uint64_t one = 1;
        EXPECT_EQ(::write(fd_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    }
    int fd() const { return fd_; }

private:
    int fd_;
};

struct CancelRow {
    const char* name;
    const char* scheme;
    void (*script)(Connection&, const Signal&);
    bool left;
};

TEST(Cancel, EndsACallInEveryPhase)
{
    const CancelRow rows[]{
        {"in the handshake",
         "https", [](Connection& c, const Signal& s) {
             s.raise();
             c.hold();
         }, false},
        {"while it waits",
         "http",  [](Connection& c, const Signal& s) {
             c.read_request();
             s.raise();
             c.hold();
         }, true },
        {"in the body",
         "http",  [](Connection& c, const Signal& s) {
             says(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
             s.raise();
             c.hold();
         }, true },
        {"in the body of an error",
         "http",  [](Connection& c, const Signal& s) {
             says(c, "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nabc");
             s.raise();
             c.hold();
         }, true },
    };
    for (const CancelRow& row : rows) {
        const Signal signal;
        LoopbackServer server{[&](Connection& c) { row.script(c, signal); }};
        Request request =
            post(std::string{row.scheme} + "://127.0.0.1:" + std::to_string(server.port()), "paid");
        request.cancel_fd = signal.fd();
        const auto answer = Client{}.perform(request);
        ASSERT_FALSE(answer) << row.name;
        EXPECT_EQ(answer.error().kind, K::cancelled) << row.name << ": " << answer.error().text;
        EXPECT_EQ(answer.error().request_left, row.left) << row.name;
        std::uint64_t still_there = 0;
        EXPECT_EQ(::read(signal.fd(), &still_there, sizeof still_there),
                  static_cast<ssize_t>(sizeof still_there))
            << "the descriptor was read";
    }
}

TEST(Cancel, BeforehandLetsNothingLeave)
{
    const Signal signal;
    signal.raise();
    LoopbackServer server{fakes::answers(200, "")};
    Request request = post(server.url(), "paid");
    request.cancel_fd = signal.fd();
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, K::cancelled);
    EXPECT_FALSE(answer.error().request_left);
    EXPECT_EQ(server.connections(), 0);
}

TEST(Cancel, IsAlsoAFarEndThatIsGone)
{
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    LoopbackServer server{[&](Connection& c) {
        c.read_request();
        ::close(ends[1]);
        c.hold();
    }};
    Request request = post(server.url(), "paid");
    request.cancel_fd = ends[0];
    const auto answer = Client{}.perform(request);
    ::close(ends[0]);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, K::cancelled);
}

TEST(LocalFiles, ThatShrinkWhileTheyAreSentEndTheCall)
{
    const ScratchDir dir;
    const std::string path = dir / "film";
    std::ofstream{path} << "x";
    std::filesystem::resize_file(path, 256U << 20U); // more than the system buffers; takes no space
    LoopbackServer server{[&](Connection& c) {
        c.read_head();
        std::filesystem::resize_file(path, 1);
        c.read_request();
    }};
    Request request = post(server.url(), "");
    request.body = Body::file(path);
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, K::local_file) << answer.error().text;
    EXPECT_TRUE(answer.error().request_left);
    EXPECT_FALSE(server.requests().at(0).complete);
}

TEST(Exceptions, OfTheCallerDoNotPassAndDoNotForget)
{
    LoopbackServer server{fakes::answers(200, "")};
    Request request = post(server.url(), "paid");
    request.progress = [](const Progress& p) {
        if (p.sent > 0) throw std::runtime_error("the caller's own");
    };
    const auto answer = Client{}.perform(request);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, K::cancelled);
    EXPECT_TRUE(answer.error().request_left);
}

} // namespace
} // namespace reelgate::http
