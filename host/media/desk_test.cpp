// Who waits for whom, and who is told to end; the children are scripts that would sleep for an
// hour.
#include "host/media/desk.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <vector>

namespace reelgate {
namespace {

using Answer = Result<MediaFacts>;

class Desk : public testing::Test {
protected:
    Desk()
    {
        std::ofstream(dir_ / "stuck")
            << "#!/bin/sh\necho x >> '" << (dir_ / "begun").string() << "'\nexec sleep 3600\n";
        std::filesystem::permissions(dir_ / "stuck", std::filesystem::perms::owner_all);
    }
    ~Desk() override
    {
        desk_.stop_all();
        turn_until([&] { return tasks_.size() == 0; });
        desk_.join();
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    }

    std::size_t begun() const
    {
        std::ifstream file(dir_ / "begun");
        return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
    }

    void turn_until(const std::function<bool()>& reached)
    {
        const auto latest = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!reached()) {
            ASSERT_LT(std::chrono::steady_clock::now(), latest) << "waited in vain";
            loop_.restart();
            loop_.run_one_for(std::chrono::milliseconds(5));
        }
    }

    asio::awaitable<void> look(MediaLane lane, std::string name, std::shared_ptr<std::string> said)
    {
        auto work = [this](const MediaTool& tool) { return probe_media(tool, dir_ / "film", {}); };
        auto looking = desk_.run(lane, std::move(name), std::move(work));
        const Answer answer = co_await std::move(looking);
        *said = answer ? "ok" : answer.error().code;
    }
    // What will be said of it; nothing as long as it goes on.
    std::shared_ptr<std::string> ask(MediaLane lane, const std::string& name)
    {
        auto said = std::make_shared<std::string>();
        tasks_.spawn(look(lane, name, said));
        loop_.restart();
        loop_.poll();
        return said;
    }

    const ScratchDir dir_;
    MediaDesk desk_{
        dir_ / "stuck", {.films = 2, .pictures = 1, .pictures_waiting = 1}
    };
    asio::io_context loop_{1};
    TaskGroup tasks_{loop_.get_executor()};
};

TEST_F(Desk, AChildAtWorkIsKilledOnceItIsTold)
{
    const auto one = ask(MediaLane::films, "one");
    const auto other = ask(MediaLane::films, "other");
    turn_until([&] { return begun() == 2; });
    desk_.stop("one");
    turn_until([&] { return !one->empty(); });
    EXPECT_EQ(*one, "media_stopped");
    EXPECT_EQ(*other, "");
}

TEST_F(Desk, WhoWaitsIsToldWithoutABegin)
{
    ask(MediaLane::films, "one");
    ask(MediaLane::films, "two");
    turn_until([&] { return begun() == 2; });
    const auto three = ask(MediaLane::films, "three");
    desk_.stop("three");
    turn_until([&] { return !three->empty(); });
    EXPECT_EQ(*three, "media_stopped");
    EXPECT_EQ(begun(), 2U);
}

TEST_F(Desk, TheNextBeginsWhereOneEnds)
{
    const auto one = ask(MediaLane::films, "one");
    ask(MediaLane::films, "two");
    ask(MediaLane::films, "three");
    turn_until([&] { return begun() == 2; });
    desk_.stop("two");
    turn_until([&] { return begun() == 3; });
    EXPECT_EQ(*one, "");
}

TEST_F(Desk, FilmsThatAreStuckKeepNoPictureWaiting)
{
    for (const char* name : {"one", "two", "three", "four"})
        ask(MediaLane::films, name);
    turn_until([&] { return begun() == 2; });
    ask(MediaLane::pictures, "picture");
    turn_until([&] { return begun() == 3; });
}

TEST_F(Desk, PicturesBeyondTheLimitAreTurnedAway)
{
    const auto first = ask(MediaLane::pictures, "first");
    const auto waiting = ask(MediaLane::pictures, "waiting");
    const auto third = ask(MediaLane::pictures, "third");
    EXPECT_EQ(*third, "pictures_full");
    desk_.stop("first");
    turn_until([&] { return !first->empty(); });
    EXPECT_EQ(*waiting, "");
    EXPECT_EQ(*ask(MediaLane::pictures, "fourth"), "");
}

TEST_F(Desk, OnceItIsClosedEverythingEndsAndNothingBegins)
{
    std::vector<std::shared_ptr<std::string>> said;
    for (const char* name : {"one", "two", "three"})
        said.push_back(ask(MediaLane::films, name));
    turn_until([&] { return begun() == 2; });
    desk_.stop_all();
    turn_until([&] { return tasks_.size() == 0; });
    for (const auto& each : said)
        EXPECT_EQ(*each, "media_stopped");
    EXPECT_EQ(*ask(MediaLane::films, "late"), "shutting_down");
}

// As a group of tasks tells its own, which is not to be awaited for an hour.
TEST_F(Desk, WhoIsCancelledWhileHeWaitsLeavesTheQueue)
{
    ask(MediaLane::pictures, "at work");
    turn_until([&] { return begun() == 1; });
    TaskGroup others(loop_.get_executor());
    auto said = std::make_shared<std::string>();
    others.spawn(look(MediaLane::pictures, "waiting", said));
    loop_.restart();
    loop_.poll();
    others.stop();
    turn_until([&] { return others.size() == 0; });
    EXPECT_EQ(*ask(MediaLane::pictures, "in its place"), "");
}

TEST(MediaTool, ThatWasToldToStopStartsNothing)
{
    const ScratchDir dir;
    const Fd always(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Answer answer = probe_media({"/nonexistent", always.get()}, dir / "film", {});
    EXPECT_EQ(answer.error().code, "media_stopped");
    EXPECT_EQ(answer.error().category, Category::cancelled);
}

} // namespace
} // namespace reelgate
