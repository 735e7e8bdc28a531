#include <reelgate/http/client.hpp>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace reelgate::http {
namespace {

using fakes::answers;
using fakes::Connection;
using fakes::http_answer;
using fakes::LoopbackServer;
using fakes::Script;

std::string film()
{
    std::string out;
    for (int i = 0; i < 40'000; ++i)
        out += std::to_string(i);
    return out;
}

std::string contents(const std::filesystem::path& path)
{
    std::ostringstream out;
    out << std::ifstream{path, std::ios::binary}.rdbuf();
    return out.str();
}

constexpr std::string_view kNamed = "Accept-Ranges: bytes\r\nETag: \"v1\"\r\n";

// Promises all of `body`, sends a part of it and drops the connection.
Script sends_part(std::string body, std::size_t part, std::string headers = std::string{kNamed})
{
    return [=](Connection& c) {
        c.read_request();
        const std::string whole = http_answer(200, body, headers);
        c.send(std::string_view{whole}.substr(0, whole.size() - body.size() + part));
    };
}

// A server that does ranges as it should.
Script sends_rest(std::string body, std::string headers = std::string{kNamed})
{
    return [=](Connection& c) {
        const auto& request = c.read_request();
        const auto range = request.headers.find("range");
        if (range == request.headers.end()) return c.send(http_answer(200, body, headers));
        const std::size_t from = std::stoull(range->second.substr(6));
        const std::string said = "Content-Range: bytes " + std::to_string(from) + "-" +
                                 std::to_string(body.size() - 1) + "/" +
                                 std::to_string(body.size()) + "\r\n";
        c.send(http_answer(206, std::string_view{body}.substr(from), headers + said));
    };
}

class Download : public testing::Test {
protected:
    Expected<Response, Failure> fetch(const LoopbackServer& server,
                                      const std::string& target = "/film.mp4?sig=A")
    {
        Request request;
        request.url = server.url(target);
        return client_.download(request, path());
    }
    std::string path() const { return dir_ / "film.mp4"; }
    bool exists(const std::string& suffix = "") const
    {
        return std::filesystem::exists(path() + suffix);
    }
    void expect_only_the_film() const
    {
        EXPECT_EQ(contents(path()), film_);
        EXPECT_FALSE(exists(".part"));
        EXPECT_FALSE(exists(".part.meta"));
    }
    void expect_nothing() const { EXPECT_TRUE(std::filesystem::is_empty(dir_.path())); }

    ScratchDir dir_;
    Client client_;
    const std::string film_ = film();
};

TEST_F(Download, PutsTheWholeFileInItsPlace)
{
    LoopbackServer server{answers(200, film_)};
    const auto got = fetch(server);
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_TRUE(got->saved);
    EXPECT_EQ(got->received, film_.size());
    EXPECT_TRUE(got->body.empty());
    expect_only_the_film();
}

TEST_F(Download, ReplacesOnlyWhenAllIsHere)
{
    std::ofstream{path()} << "older";
    LoopbackServer server{
        {sends_part(film_, 1000, ""), answers(200, film_)}
    };
    ASSERT_FALSE(fetch(server));
    EXPECT_EQ(contents(path()), "older");
    ASSERT_TRUE(fetch(server));
    expect_only_the_film();
}

TEST_F(Download, LeavesErrorsToBeRead)
{
    for (const int status : {401, 404, 410, 500, 302, 204}) {
        LoopbackServer server{answers(status, status == 204 ? "" : "{\"error\":\"gone\"}")};
        const auto got = fetch(server);
        ASSERT_TRUE(got) << got.error().text;
        EXPECT_EQ(got->status, status);
        EXPECT_EQ(got->body, status == 204 ? "" : "{\"error\":\"gone\"}");
        EXPECT_FALSE(got->saved);
        expect_nothing();
    }
}

TEST_F(Download, GoesOnWhereItBroke)
{
    LoopbackServer server{
        {sends_part(film_, 1000), sends_part(film_, 1000), sends_rest(film_)}
    };
    const auto first = fetch(server);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().kind, FailureKind::truncated) << first.error().text;
    EXPECT_FALSE(exists());
    ASSERT_EQ(std::filesystem::file_size(path() + ".part"), 1000U);

    // The second answer ignores the range and starts anew; so does the file.
    ASSERT_FALSE(fetch(server));
    ASSERT_EQ(std::filesystem::file_size(path() + ".part"), 1000U);

    std::uint64_t promised = 0;
    Request request;
    request.url = server.url("/film.mp4?sig=ANOTHER"); // a link signed anew is the same film
    request.progress = [&](const Progress& p) { promised = p.to_receive.value_or(0); };
    const auto rest = client_.download(request, path());
    ASSERT_TRUE(rest) << rest.error().text;
    EXPECT_EQ(rest->status, 206);
    EXPECT_TRUE(rest->saved);
    EXPECT_EQ(rest->resumed_from, 1000U);
    EXPECT_EQ(rest->received, film_.size() - 1000);
    EXPECT_EQ(promised, film_.size());
    EXPECT_EQ(server.requests().at(2).headers.at("range"), "bytes=1000-");
    EXPECT_EQ(server.requests().at(2).headers.at("if-range"), "\"v1\"");
    expect_only_the_film();
}

TEST_F(Download, GoesOnForAnotherClientToo)
{
    LoopbackServer server{
        {sends_part(film_, 5000), sends_rest(film_)}
    };
    ASSERT_FALSE(fetch(server));
    client_ = Client{};
    const auto rest = fetch(server);
    ASSERT_TRUE(rest) << rest.error().text;
    EXPECT_EQ(rest->resumed_from, 5000U);
    expect_only_the_film();
}

TEST_F(Download, StartsAnewWhenTheContentHasChanged)
{
    LoopbackServer server{
        {sends_part(std::string(9000, 'o'), 1000),
         answers(200, film_, "Accept-Ranges: bytes\r\nETag: \"v2\"\r\n")}
    };
    ASSERT_FALSE(fetch(server));
    const auto whole = fetch(server);
    ASSERT_TRUE(whole) << whole.error().text;
    EXPECT_EQ(whole->resumed_from, 0U);
    EXPECT_TRUE(server.requests().at(1).headers.contains("if-range"));
    expect_only_the_film();
}

TEST_F(Download, StartsAnewForAnotherUrl)
{
    LoopbackServer server{
        {sends_part(film_, 1000), sends_rest(film_)}
    };
    ASSERT_FALSE(fetch(server, "/other.mp4"));
    const auto whole = fetch(server);
    ASSERT_TRUE(whole) << whole.error().text;
    EXPECT_FALSE(server.requests().at(1).headers.contains("range"));
    expect_only_the_film();
}

TEST_F(Download, KeepsNoPartThatCannotBeContinued)
{
    for (const char* headers : {"",
                                "ETag: \"v1\"\r\n",
                                "Accept-Ranges: bytes\r\n",
                                "Accept-Ranges: bytes\r\nETag: W/\"weak\"\r\n",
                                "Accept-Ranges: none\r\nETag: \"v1\"\r\n"}) {
        LoopbackServer server{sends_part(film_, 1000, headers)};
        ASSERT_FALSE(fetch(server)) << headers;
        expect_nothing();
    }
}

TEST_F(Download, BelievesNoContinuationOfSomethingElse)
{
    for (const char* odd : {"Content-Range: bytes 999-1001/2000\r\n",
                            "Content-Range: bytes 1000-/x\r\n",
                            "Content-Range: bytes 1000-1999/2000\r\nETag: \"v1\"\r\n",
                            "ETag: \"v1\"\r\n",
                            "Content-Range: bytes 0-9/10\r\n"}) {
        LoopbackServer server{
            {sends_part(film_, 1000), answers(206, "what is this", odd), sends_rest(film_)}
        };
        ASSERT_FALSE(fetch(server));
        const auto continued = fetch(server);
        ASSERT_FALSE(continued) << odd;
        EXPECT_EQ(continued.error().kind, FailureKind::protocol) << odd;
        EXPECT_TRUE(continued.error().request_left);
        ASSERT_TRUE(fetch(server));
        EXPECT_FALSE(server.requests().at(2).headers.contains("range"));
        expect_only_the_film();
        std::filesystem::remove(path());
    }
}

TEST_F(Download, ForgetsAPartThatTheServerRefuses)
{
    LoopbackServer server{
        {sends_part(film_, 1000), answers(416, "no such range"), sends_rest(film_)}
    };
    ASSERT_FALSE(fetch(server));
    const auto refused = fetch(server);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 416);
    EXPECT_FALSE(exists(".part"));
    ASSERT_TRUE(fetch(server));
    expect_only_the_film();
}

TEST_F(Download, KeepsThePartThroughAnErrorOfTheServer)
{
    LoopbackServer server{
        {sends_part(film_, 1000), answers(503, "later"), sends_rest(film_)}
    };
    ASSERT_FALSE(fetch(server));
    ASSERT_EQ(fetch(server)->status, 503);
    const auto rest = fetch(server);
    ASSERT_TRUE(rest) << rest.error().text;
    EXPECT_EQ(rest->resumed_from, 1000U);
    expect_only_the_film();
}

TEST_F(Download, DoesNotTrustADamagedNote)
{
    for (const char* note : {"", "x", "nonsense\n\"v1\"\n99999999\n", "http://x/\nW/\"v1\"\n9\n"}) {
        std::ofstream{path() + ".part"} << "leftover";
        std::ofstream{path() + ".part.meta"} << note;
        LoopbackServer server{sends_rest(film_)};
        ASSERT_TRUE(fetch(server)) << note;
        EXPECT_FALSE(server.requests().at(0).headers.contains("range"));
        expect_only_the_film();
        std::filesystem::remove(path());
    }
}

TEST_F(Download, IsBoundedWithWhatIsThere)
{
    LoopbackServer server{
        {sends_part(film_, 1000), sends_rest(film_)}
    };
    ASSERT_FALSE(fetch(server));
    Request request;
    request.url = server.url("/film.mp4");
    request.limits.max_body_bytes = film_.size() - 1; // the rest alone would fit
    const auto got = client_.download(request, path());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, FailureKind::too_large);
    EXPECT_EQ(words(got.error(), Purpose::download).category, "output_invalid");
    expect_nothing();
}

TEST_F(Download, SaysWhatIsWrongWithTheDisk)
{
    LoopbackServer server{answers(200, film_)};
    Request request;
    request.url = server.url();
    const auto nowhere = client_.download(request, dir_ / "no" / "such" / "dir");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().kind, FailureKind::local_file);
    EXPECT_FALSE(nowhere.error().request_left);
    EXPECT_EQ(server.connections(), 0);

    std::filesystem::create_directories(dir_ / "film.mp4" / "in the way");
    const auto blocked = fetch(server);
    ASSERT_FALSE(blocked);
    EXPECT_EQ(blocked.error().kind, FailureKind::local_file);
    EXPECT_EQ(words(blocked.error(), Purpose::download).category, "storage_full");
}

TEST_F(Download, OfTwoAtOnceOneIsRefused)
{
    const int other = ::open((path() + ".part").c_str(), O_RDWR | O_CREAT, 0644);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    LoopbackServer server{answers(200, film_)};
    const auto got = fetch(server);
    ::close(other);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, FailureKind::local_file);
    EXPECT_TRUE(exists(".part")) << "it is the other's";
    EXPECT_EQ(server.connections(), 0);
}

TEST_F(Download, FollowsToWhereTheFilmIs)
{
    LoopbackServer cdn{
        {sends_part(film_, 1000), sends_rest(film_)}
    };
    LoopbackServer api{answers(302, "", "Location: " + cdn.url("/x") + "\r\n")};
    Request request;
    request.url = api.url("/content");
    request.headers = {
        {"Authorization", "Bearer secret"}
    };
    request.limits.max_redirects = 5;
    ASSERT_FALSE(client_.download(request, path()));
    const auto rest = client_.download(request, path());
    ASSERT_TRUE(rest) << rest.error().text;
    EXPECT_EQ(rest->resumed_from, 1000U);
    EXPECT_FALSE(cdn.requests().at(0).headers.contains("authorization"));
    expect_only_the_film();
}

} // namespace
} // namespace reelgate::http
