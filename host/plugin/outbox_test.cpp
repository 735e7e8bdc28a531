#include "host/plugin/outbox.hpp"

#include "host/plugin/frames.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <utility>
#include <vector>

namespace reelgate {
namespace {

std::string frame_of(const Json& json) { return *encode_frame(json); }

// An outbox on a socket pair; nothing leaves before drain().
class OutboxTest : public testing::Test {
public:
    ~OutboxTest() override
    {
        for (const int end : ends_)
            if (end >= 0) ::close(end);
    }

protected:
    // Closes the outbox and returns every frame that came out.
    std::vector<Json> drain()
    {
        std::vector<Json> frames;
        std::thread reader([&] { frames = read_all(); });
        outbox_.close();
        outbox_.write_until_closed();
        ::shutdown(ends_[0], SHUT_WR);
        reader.join();
        return frames;
    }

    std::vector<Json> read_all() const
    {
        std::vector<Json> frames;
        FrameReader reader;
        std::array<char, 4096> block{};
        for (ssize_t got = 0; (got = ::read(ends_[1], block.data(), block.size())) > 0;) {
            reader.feed({block.data(), static_cast<std::size_t>(got)});
            for (auto next = reader.next(); next && *next; next = reader.next())
                frames.push_back(**next);
        }
        return frames;
    }

    std::array<int, 2> ends_ = connected();
    Outbox outbox_{ends_[0]};

private:
    static std::array<int, 2> connected()
    {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        return ends;
    }
};

TEST_F(OutboxTest, ManyReportsLeaveAsTheLast)
{
    for (std::uint32_t i = 1; i <= 10'000; ++i)
        outbox_.progress("a", {RG_MEASURED, 0.5, i, 10'000, "render"});
    const auto frames = drain();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0]["step"], 10'000);
    EXPECT_EQ(frames[0]["source"], "measured");
}

TEST_F(OutboxTest, TheLastWordOfAJobHasItsProgressBeforeIt)
{
    outbox_.progress("a", {RG_NONE, 0, 1, 2, "load"});
    outbox_.progress("b", {RG_NONE, 0, 1, 2, "load"});
    outbox_.preview("a", "p.png");
    outbox_.finish("a",
                   frame_of({
                       {"type", "done"},
                       {"job",  "a"   }
    }));
    const auto frames = drain();
    ASSERT_EQ(frames.size(), 4U);
    EXPECT_EQ(frames[0]["type"], "preview");
    EXPECT_EQ(frames[1]["type"], "progress");
    EXPECT_EQ(frames[1]["job"], "a");
    EXPECT_EQ(frames[2]["type"], "done");
    EXPECT_EQ(frames[3]["job"], "b");
}

TEST_F(OutboxTest, ThePreviewThatLeavesIsTheLast)
{
    outbox_.preview("a", "1.png");
    outbox_.preview("a", "2.png");
    outbox_.preview("b", "3.png");
    const auto frames = drain();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0]["path"], "2.png");
    EXPECT_EQ(frames[1]["job"], "b");
}

TEST_F(OutboxTest, StagesMayBeNoText)
{
    outbox_.progress("a", {RG_ESTIMATED, 0.25, 0, 0, "\xff\n\""});
    const auto frames = drain();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0]["stage"], "\uFFFD\n\"");
    EXPECT_EQ(frames[0]["value"], 0.25);
}

TEST_F(OutboxTest, LostLogLinesAreCounted)
{
    for (int i = 0; i < 300; ++i)
        outbox_.log(frame_of({
            {"type", "log"},
            {"n",    i    }
        }));
    const auto frames = drain();
    ASSERT_EQ(frames.size(), kLogRing + 1);
    EXPECT_EQ(frames[0]["event"], "log.lost");
    EXPECT_EQ(frames[0]["fields"]["lines"], 300 - static_cast<int>(kLogRing));
    EXPECT_EQ(frames[1]["n"], 300 - static_cast<int>(kLogRing));
    EXPECT_EQ(frames.back()["n"], 299);
}

TEST_F(OutboxTest, VerdictsGoBeforeLogLines)
{
    outbox_.log(frame_of({
        {"type", "log"}
    }));
    outbox_.say(frame_of({
        {"type", "created"}
    }));
    const auto frames = drain();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0]["type"], "created");
}

// Whoever speaks may write what the writing thread would have to be woken for: nothing is lost,
// torn or overtaken when several do, at a wire that takes less than a frame.
TEST_F(OutboxTest, FramesOfManyThreadsStayWholeAndInOrder)
{
    constexpr int kThreads = 4;
    constexpr int kFrames = 300;
    const int little = 1;
    ASSERT_EQ(::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
    std::thread writer([&] { outbox_.write_until_closed(); });
    std::vector<std::thread> speakers;
    for (int who = 0; who < kThreads; ++who)
        speakers.emplace_back([this, who] {
            for (int n = 0; n < kFrames; ++n) {
                const std::string text(static_cast<std::size_t>(n) * 17, 'x');
                outbox_.progress(std::to_string(who), {RG_NONE, 0, 1, 2, text.substr(0, 200)});
                outbox_.say(frame_of({
                    {"type", "said"},
                    {"who",  who   },
                    {"n",    n     },
                    {"text", text  }
                }));
            }
        });
    std::thread closer([&] {
        for (std::thread& speaker : speakers)
            speaker.join();
        outbox_.close();
        writer.join();
        ::shutdown(ends_[0], SHUT_WR);
    });
    const auto frames = read_all();
    closer.join();
    std::array<int, kThreads> next{};
    for (const Json& frame : frames) {
        if (frame["type"] != "said") continue;
        EXPECT_EQ(frame["n"], next.at(frame["who"].get<std::size_t>())++);
        EXPECT_EQ(frame["text"].get<std::string>().size(), frame["n"].get<std::size_t>() * 17);
    }
    for (const int seen : next)
        EXPECT_EQ(seen, kFrames);
}

TEST_F(OutboxTest, TheWriterEndsWhenTheWireIsGone)
{
    ::close(std::exchange(ends_[1], -1));
    outbox_.say(frame_of({
        {"type", "created"}
    }));
    outbox_.write_until_closed();
    SUCCEED(); // it came back, and no SIGPIPE came
}

} // namespace
} // namespace reelgate
