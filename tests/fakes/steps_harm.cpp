// What a bad plugin does to the process it is in.
#include "tests/fakes/act.hpp"
#include "tests/fakes/steps.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace reelgate::fakes {
namespace {

// The kernel refuses every access, whatever the compiler thinks about it.
volatile char* forbidden_page()
{
    void* page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return static_cast<volatile char*>(page);
}

void segv(int) { *forbidden_page() = 1; }

void bus(int)
{
    // A page of a file that ends before it.
    const int fd = ::memfd_create("bus", MFD_CLOEXEC);
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *static_cast<volatile char*>(page) = 1;
}

void fpe(int)
{
#if defined(__x86_64__)
    __asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\tcltd\n\tidivl %%ecx" ::
                         : "eax", "ecx", "edx");
#endif
    std::raise(SIGFPE); // where division does not trap
}

void ill(int)
{
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#endif
    std::raise(SIGILL);
}

void abort_it(int) { std::abort(); }
void exit_it(int code) { std::exit(code); } // NOLINT(concurrency-mt-unsafe): that is the point
void exit_at_once(int code) { ::_exit(code); }
void kill_it(int) { ::kill(::getpid(), SIGKILL); }

__attribute__((noinline)) int overflow(volatile char* above, std::uint64_t depth)
{
    volatile char here[4096];
    here[0] = static_cast<char>(depth);
    if (depth == ~std::uint64_t{0}) return *above;
    return overflow(here, depth + 1) + here[0];
}
void stack(int)
{
    volatile char bottom = 0;
    if (overflow(&bottom, 0) == 0) std::abort();
}

// std::terminate, as a destructor that throws brings it about.
void uncaught(int) noexcept { std::rethrow_exception(std::make_exception_ptr(1)); }

struct Death {
    std::string_view by;
    void (*die)(int code);
};
constexpr Death kDeaths[] = {
    {"segv",      segv        },
    {"bus",       bus         },
    {"fpe",       fpe         },
    {"ill",       ill         },
    {"abort",     abort_it    },
    {"exit",      exit_it     },
    {"_exit",     exit_at_once},
    {"kill",      kill_it     },
    {"stack",     stack       },
    {"terminate", uncaught    },
};

void crash(Act&, const Json& arguments)
{
    const auto by = arguments.at("by").get<std::string>();
    const int code = arguments.at("code").get<int>();
    for (const Death& death : kDeaths) {
        if (death.by != by) continue;
        if (arguments.at("thread").get<bool>())
            std::thread([&] { death.die(code); }).join();
        else
            death.die(code);
    }
}

// Sent to this thread, so that it does not get as far as its verdict before the process stands
// still.
void freeze(Act&, const Json&) { std::raise(SIGSTOP); }

void write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written <= 0) throw std::runtime_error("nobody reads descriptor " + std::to_string(fd));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void flood(Act&, const Json& arguments)
{
    const int fd =
        arguments.at("to").get<std::string>() == "stdout" ? STDOUT_FILENO : STDERR_FILENO;
    const auto width = arguments.at("line").get<std::size_t>();
    std::string line(std::max<std::size_t>(width, 1), '#');
    line.back() = '\n';
    auto left = arguments.at("bytes").get<std::size_t>();
    while (left > 0) {
        const std::size_t now = std::min(left, line.size());
        write_all(fd, std::string_view(line).substr(line.size() - now));
        left -= now;
    }
}

void scribble(Act&, const Json& arguments)
{
    write_all(arguments.at("fd").get<int>(), arguments.at("text").get<std::string>());
}

void allocate(Act& act, const Json& arguments)
{
    // Block by block and written to, so that it is really there and a limit is met on the way.
    constexpr std::size_t kBlock = std::size_t{16} << 20U;
    std::vector<std::string> blocks;
    std::size_t left = arguments.at("mb").get<std::size_t>() << 20U;
    while (left > 0) {
        const std::size_t now = std::min(left, kBlock);
        blocks.emplace_back(now, 'x');
        left -= now;
    }
    if (!arguments.at("keep").get<bool>()) return;
    for (std::string& block : blocks)
        act.scene.keep(std::move(block));
}

void grandchild(Act& act, const Json& arguments)
{
    posix_spawnattr_t how;
    ::posix_spawnattr_init(&how);
    if (arguments.at("leave").get<bool>()) ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID);
    std::string program = "sleep";
    std::string seconds = std::to_string(arguments.at("seconds").get<std::uint64_t>());
    char* const words[] = {program.data(), seconds.data(), nullptr};
    pid_t child = 0;
    const int failed_with = ::posix_spawnp(&child, "sleep", nullptr, &how, words, ::environ);
    ::posix_spawnattr_destroy(&how);
    if (failed_with != 0) throw std::runtime_error("cannot start a grandchild");
    act.record("grandchild",
               {
                   {"child", child}
    });
}

void open_files(Act&, const Json& arguments)
{
    for (std::uint64_t i = 0; i < arguments.at("count").get<std::uint64_t>(); ++i)
        if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
            throw std::runtime_error("no more descriptors after " + std::to_string(i));
}

// clang-format off
constexpr Argument kCrash[] = {
    {"by", Kind::word, R"("segv")", "", "segv|bus|fpe|ill|abort|exit|_exit|kill|stack|terminate"},
    {"code", Kind::count, "1", "of `exit` and `_exit`", {}, 255},
    {"thread", Kind::flag, "false", "on a thread of the plugin's own"}};
constexpr Argument kFlood[] = {
    {"bytes", Kind::count, "10000000", ""},
    {"to", Kind::word, R"("stdout")", "", "stdout|stderr"},
    {"line", Kind::count, "80", "its length, with the line feed", {}, 10'000'000}};
constexpr Argument kScribble[] = {
    {"text", Kind::text, R"("hello from a stray print\n")", ""},
    {"fd", Kind::count, "3", "the wire", {}, 1023}};
constexpr Argument kAllocate[] = {
    {"mb", Kind::count, "100", "", {}, 1'000'000},
    {"keep", Kind::flag, "false", "until the provider is destroyed"}};
constexpr Argument kGrandchild[] = {
    {"seconds", Kind::count, "600", "how long it sleeps"},
    {"leave", Kind::flag, "false", "with a session of its own"}};
constexpr Argument kOpenFiles[] = {{"count", Kind::count, "100", "never closed", {}, 100'000}};

constexpr CallSet kWithHost = kEveryCall & ~calls(Call::describe);
constexpr StepKind kSteps[] = {
    {"crash", kEveryCall, kCrash, crash, "ends the process"},
    {"freeze", kEveryCall, {}, freeze, "stops the process (SIGSTOP): not even a ping is answered"},
    {"flood", kEveryCall, kFlood, flood, "prints"},
    {"scribble", kEveryCall, kScribble, scribble, "writes to a descriptor that is not the plugin's"},
    {"allocate", kWithHost, kAllocate, allocate, "takes real memory"},
    {"grandchild", kWithHost, kGrandchild, grandchild, "starts a process that outlives the call, and records its pid"},
    {"open_files", kEveryCall, kOpenFiles, open_files, "leaks descriptors"},
};
// clang-format on

} // namespace

std::span<const StepKind> harm_steps() { return kSteps; }

} // namespace reelgate::fakes
