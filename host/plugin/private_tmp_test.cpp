// Temporary files of workers, left behind on purpose in every way that a plugin has.
#include "host/base/log.hpp"
#include "host/plugin/private_tmp.hpp"
#include "host/plugin/supervised.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class Tmp : public ::testing::Test {
protected:
    Tmp()
    {
        fs::create_directories(place_.cache_dir);
        fs::create_directories(dir_ / "outside/tmp");
        std::ofstream(dir_ / "outside/kept") << "kept";
        std::ofstream(dir_ / "outside/tmp/kept") << "kept";
    }

    void sweep()
    {
        asio::co_spawn(loop_, remove_unheld_tmp(place_), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        loop_.restart();
        loop_.run();
    }

    std::size_t left() const
    {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(tmp_))
            ++count;
        return count;
    }

    bool outside_is_whole() const
    {
        return fs::exists(dir_ / "outside/kept") && fs::exists(dir_ / "outside/tmp/kept");
    }

    const ScratchDir dir_;
    const TmpPlace place_{.data_dir = dir_ / "data", .cache_dir = dir_ / "data/cache"};
    const fs::path tmp_ = place_.cache_dir / "tmp";
    asio::io_context loop_{1};
};

TEST_F(Tmp, EachIsNewAndEmptyAndNobodyElses)
{
    const auto one = PrivateTmp::make(place_);
    const auto other = PrivateTmp::make(place_);
    ASSERT_TRUE(one && other);
    EXPECT_NE(one->path(), other->path());
    EXPECT_EQ(one->path().parent_path(), tmp_);
    EXPECT_TRUE(fs::is_empty(one->path()));
    EXPECT_EQ(fs::status(one->path()).permissions(), fs::perms::owner_all);
}

TEST_F(Tmp, WhatIsHeldStaysAndWhatIsNotGoes)
{
    auto held = PrivateTmp::make(place_);
    auto given_up = PrivateTmp::make(place_);
    ASSERT_TRUE(held && given_up);
    std::ofstream(held->path() / "file") << "needed";
    std::ofstream(given_up->path() / "file") << "left behind";
    const fs::path gone = given_up->path();
    given_up = internal_error("its worker has ended");
    sweep();
    EXPECT_TRUE(fs::exists(held->path() / "file"));
    EXPECT_FALSE(fs::exists(gone));
}

struct Leftover {
    const char* name;
    std::function<void(const fs::path& own, const fs::path& outside)> leave;
};

void PrintTo(const Leftover& row, std::ostream* out) { *out << row.name; }

void make_deep(const fs::path& own)
{
    constexpr int kDepth = 60;
    const std::string name(200, 'd'); // together three times the longest path
    Fd here(::open(own.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < kDepth; ++i) {
        ASSERT_EQ(::mkdirat(here.get(), name.c_str(), S_IRWXU), 0);
        here = Fd(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        Fd(::openat(here.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR));
    }
}

// clang-format off
const std::vector<Leftover> kLeftovers{
    {"files", [](const fs::path& own, const fs::path&) {
        for (int i = 0; i < 1000; ++i) std::ofstream(own / std::to_string(i)) << i;
    }},
    {"a_tree", [](const fs::path& own, const fs::path&) {
        for (const char* branch : {"a/b/c", "a/d/e", "f/g", "moved-up-1/moved-up-2"}) {
            fs::create_directories(own / branch);
            std::ofstream(own / branch / "file") << branch;
        }
    }},
    {"deeper_than_paths_can_be", [](const fs::path& own, const fs::path&) { make_deep(own); }},
    {"links_to_outside", [](const fs::path& own, const fs::path& outside) {
        fs::create_directory_symlink(outside, own / "link");
        fs::create_directories(own / "a/b");
        fs::create_directory_symlink(outside, own / "a/b/link");
        fs::create_symlink(outside / "kept", own / "file");
    }},
    {"no_rights", [](const fs::path& own, const fs::path&) {
        fs::create_directories(own / "a/b/c");
        for (const char* branch : {"a/b/c", "a/b", "a", ""})
            fs::permissions(own / branch, fs::perms::none);
    }},
    {"a_link_in_its_own_place", [](const fs::path& own, const fs::path& outside) {
        fs::remove(own);
        fs::create_directory_symlink(outside, own);
    }},
    {"a_pipe", [](const fs::path& own, const fs::path&) {
        fs::create_directories(own / "a");
        ASSERT_EQ(::mkfifo((own / "a/pipe").c_str(), S_IRUSR), 0);
    }},
};
// clang-format on

class Left : public Tmp, public ::testing::WithParamInterface<Leftover> {};

TEST_P(Left, GoesWithoutTouchingWhatLiesOutside)
{
    auto own = PrivateTmp::make(place_);
    ASSERT_TRUE(own);
    GetParam().leave(own->path(), dir_ / "outside");
    own = internal_error("its worker has ended");
    sweep();
    EXPECT_EQ(left(), 0U);
    EXPECT_TRUE(outside_is_whole());
}

INSTANTIATE_TEST_SUITE_P(, Left, ::testing::ValuesIn(kLeftovers), [](const auto& row) {
    return std::string(row.param.name);
});

TEST_F(Tmp, ALinkInPlaceOfItsParentIsReplaced)
{
    fs::create_directory_symlink(dir_ / "outside", tmp_);
    sweep();
    EXPECT_TRUE(outside_is_whole());
    const auto made = PrivateTmp::make(place_);
    ASSERT_TRUE(made) << made.error().sentence();
    EXPECT_FALSE(fs::is_symlink(tmp_));
    EXPECT_TRUE(outside_is_whole());
}

TEST_F(Tmp, ALinkInPlaceOfTheCacheIsNotFollowed)
{
    fs::remove(place_.cache_dir);
    fs::create_directory_symlink(dir_ / "outside", place_.cache_dir);
    sweep();
    EXPECT_TRUE(outside_is_whole());
    const auto made = PrivateTmp::make(place_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "no_private_tmp");
}

TEST_F(Tmp, GoesWithItsWorker)
{
    Manifest manifest;
    manifest.id = "org.example.litters";
    manifest.version = "1.0.0";
    manifest.runtime = Manifest::Runtime::exec;
    manifest.directory = fs::path(REELGATE_BINARY_DIR) / "tests/jail";
    manifest.command = {"./jail_probe", "tmp"}; // leaves a file there, and ends
    ProviderSettings settings;
    settings.id = manifest.id;
    settings.data_dir = place_.data_dir;
    settings.cache_dir = place_.cache_dir;
    settings.work_root = dir_ / "work";
    fs::create_directories(settings.work_root);
    settings.limits.crashes = 1;
    const SystemClock clock;
    const Log log{STDERR_FILENO, LogFormat::text, Level::error};
    SupervisedProvider provider(loop_.get_executor(),
                                log,
                                clock,
                                fs::path(REELGATE_BINARY_DIR) / "bin/reelgate-worker",
                                manifest,
                                settings);
    const auto whole = [](SupervisedProvider& its) -> asio::awaitable<void> {
        const auto opened = co_await its.open(20s);
        EXPECT_FALSE(opened);
        co_await its.stop();
    };
    asio::co_spawn(loop_, whole(provider), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    loop_.run();
    const std::vector<std::string> printed = provider.output().tail(5);
    EXPECT_NE(std::find(printed.begin(), printed.end(), "ok"), printed.end())
        << ::testing::PrintToString(printed);
    EXPECT_EQ(left(), 0U);
}

} // namespace
} // namespace reelgate
