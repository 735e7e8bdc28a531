#include "host/plugin/last_words.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ostream>

namespace reelgate {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

std::string bytes_of(const LastWords& words)
{
    std::string bytes(sizeof words, '\0');
    std::memcpy(bytes.data(), &words, sizeof words);
    return bytes;
}

LastWords some_words()
{
    LastWords words;
    words.signal = SIGBUS;
    words.address = 0x1234;
    words.depth = 2;
    words.frames[1] = 0x5678;
    std::memcpy(words.job.data(), "a-1", 3);
    return words;
}

TEST(LastWords, ArriveAsTheyWereSpoken)
{
    const auto read = parse_last_words(bytes_of(some_words()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->signal, SIGBUS);
    EXPECT_EQ(read->address, 0x1234U);
    EXPECT_EQ(read->depth, 2U);
    EXPECT_EQ(read->frames[1], 0x5678U);
    EXPECT_EQ(read->job_id(), "a-1");
}

struct BadRow {
    const char* name;
    std::string bytes;
};
void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }

class BadWords : public testing::TestWithParam<BadRow> {};

TEST_P(BadWords, AreNone) { EXPECT_FALSE(parse_last_words(GetParam().bytes)); }

std::vector<BadRow> bad_words()
{
    const std::string good = bytes_of(some_words());
    LastWords other = some_words();
    other.magic ^= 1U;
    LastWords deep = some_words();
    deep.depth = kMaxReturnAddresses + 1;
    // clang-format off
    return {
        {"nothing", ""},
        {"cut", good.substr(0, good.size() - 1)},
        {"too_long", good + '\0'},
        {"other_magic", bytes_of(other)},
        {"too_deep", bytes_of(deep)},
        {"a_print", std::string(good.size(), 'x')},
    };
    // clang-format on
}

INSTANTIATE_TEST_SUITE_P(Rows, BadWords, testing::ValuesIn(bad_words()), [](const auto& row) {
    return std::string(row.param.name);
});

// What the plugin wrote there may have no end.
TEST(LastWords, AJobWithoutAnEndIsCut)
{
    LastWords words;
    words.job.fill('j');
    EXPECT_EQ(words.job_id(), std::string(words.job.size(), 'j'));
    EXPECT_EQ(LastWords{}.job_id(), "");
}

TEST(LastWords, FramesAreNamedByLibraryAndOffset)
{
    LastWords words;
    words.depth = 3;
    words.frames[0] = reinterpret_cast<std::uintptr_t>(&parse_last_words);
    words.frames[1] = reinterpret_cast<std::uintptr_t>(&::write);
    words.frames[2] = 0x10;
    words.frames[3] = words.frames[0]; // beyond its depth
    EXPECT_THAT(locate_frames(::getpid(), words),
                ElementsAre(StartsWith("plugin_boundary_test+0x"), testing::_, "0x10"));
}

// The process may be gone, or the frame anywhere.
TEST(LastWords, WithoutMapsAFrameIsANumber)
{
    LastWords words;
    words.depth = 1;
    words.frames[0] = 0xabcdef;
    EXPECT_THAT(locate_frames(-1, words), ElementsAre("0xabcdef"));
}

TEST(LastWords, SignalsHaveNames)
{
    EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
    EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
    EXPECT_EQ(signal_name(99), "signal 99");
}

struct Fatal {
    int signal;
    bool answered; // the host reads, and lets it go on
};
void PrintTo(const Fatal& row, std::ostream* out) { *out << signal_name(row.signal); }

class Dying : public testing::TestWithParam<Fatal> {};

[[noreturn]] void die_of(int signal, int channel)
{
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
    install_last_words(channel);
    const AlternateStack stack;
    name_job_of_thread("a name that is longer than the sixty-three bytes that there are for a job");
    ::raise(signal);
    ::_exit(0);
}

TEST_P(Dying, SpeaksAndThenDiesOfItsSignal)
{
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t child = ::fork();
    if (child == 0) die_of(GetParam().signal, ends[1]);
    ::close(ends[1]);

    std::string record(sizeof(LastWords), '\0');
    ASSERT_EQ(::recv(ends[0], record.data(), record.size(), MSG_WAITALL),
              static_cast<ssize_t>(record.size()));
    const auto words = parse_last_words(record);
    ASSERT_TRUE(words);
    EXPECT_EQ(words->signal, GetParam().signal);
    EXPECT_EQ(words->job_id(), "a name that is longer than the sixty-three bytes that there are");
    EXPECT_GT(words->depth, 0U);
    EXPECT_FALSE(locate_frames(child, *words).empty());

    if (GetParam().answered) {
        EXPECT_EQ(::send(ends[0], "", 1, MSG_NOSIGNAL), 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), GetParam().signal);
    ::close(ends[0]);
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         Dying,
                         testing::Values(Fatal{SIGSEGV, true},
                                         Fatal{SIGBUS, true},
                                         Fatal{SIGFPE, true},
                                         Fatal{SIGILL, true},
                                         Fatal{SIGABRT, true},
                                         Fatal{SIGSEGV, false}));

} // namespace
} // namespace reelgate
