// reelgate-media: one operation on one file, then the end. Whatever a decoder does with a hostile
// file it does here: without new rights, with little memory and time, and with nothing of the
// daemon in reach.
//
//   reelgate-media probe [--max-pixels N] [--max-frames N] [--max-bytes N] [--cpu-seconds N] [--]
//   FILE
//
// One JSON object on stdout (host/media/answer.hpp) and exit status 0, whatever the file is; status
// 2 and a sentence on stderr when the command line is wrong.
#include "host/media/answer.hpp"
#include "host/media/probe.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <new>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace reelgate;

// What a file within the default limits needs is under half of this (see ProbeLimits).
constexpr rlim_t kMemory = rlim_t{1} << 30;
// Code, read-only data and stacks count as address space but hold no data of the file.
constexpr rlim_t kAddressSpace = kMemory + (rlim_t{1} << 30);
// Probing writes no file; the answer alone may go to one when a person runs this.
constexpr rlim_t kWrittenFile = rlim_t{1} << 20;
constexpr rlim_t kOpenFiles = 32;
constexpr int kWrongUse = 2;

struct Order {
    ProbeLimits limits;
    std::uint64_t cpu_seconds = 300; // as MediaLimits says it of the wall clock
    std::string file;
};

struct Option {
    std::string_view name;
    std::uint64_t& value;
};

std::optional<Order> order_from(int argc, char** argv)
{
    if (argc < 2 || std::string_view(argv[1]) != "probe") return std::nullopt;
    Order order;
    const std::array options{
        Option{"--max-pixels",  order.limits.max_pixels},
        Option{"--max-frames",  order.limits.max_frames},
        Option{"--max-bytes",   order.limits.max_bytes },
        Option{"--cpu-seconds", order.cpu_seconds      }
    };
    const auto option_value = [&](std::string_view name) -> std::uint64_t* {
        for (const Option& option : options)
            if (option.name == name) return &option.value;
        return nullptr;
    };
    bool files_only = false;
    for (int i = 2; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (files_only || !word.starts_with("-")) {
            if (!order.file.empty() || word.empty()) return std::nullopt;
            order.file = word;
            continue;
        }
        files_only = word == "--";
        if (files_only) continue;
        std::uint64_t* value = option_value(word);
        if (value == nullptr || ++i == argc) return std::nullopt;
        const std::string_view number = argv[i];
        const auto [end, status] =
            std::from_chars(number.data(), number.data() + number.size(), *value);
        if (status != std::errc{} || end != number.data() + number.size()) return std::nullopt;
    }
    if (order.file.empty()) return std::nullopt;
    return order;
}

bool limit(__rlimit_resource what, rlim_t soft, rlim_t hard)
{
    rlimit now{};
    if (::getrlimit(what, &now) != 0) return false;
    const rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
    return ::setrlimit(what, &wanted) == 0;
}

// A sanitizer's shadow memory is terabytes of address space.
bool limit_memory()
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return limit(RLIMIT_DATA, kMemory, kMemory) && limit(RLIMIT_AS, kAddressSpace, kAddressSpace);
#endif
}

Result<Done> lock_down(const Order& order)
{
    const rlim_t cpu = order.cpu_seconds;
    const bool done = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                      ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && limit(RLIMIT_CORE, 0, 0) &&
                      limit(RLIMIT_CPU, cpu, cpu + 1) &&
                      limit(RLIMIT_FSIZE, kWrittenFile, kWrittenFile) &&
                      limit(RLIMIT_NOFILE, kOpenFiles, kOpenFiles) && limit_memory();
    if (done) return Done{};
    return system_error(Category::internal, "limiting this process", errno);
}

Result<MediaFacts> run(const Order& order)
{
    RG_CHECK(lock_down(order));
    RG_TRY(const Source source, Source::open(order.file));
    try {
        return probe(source, order.limits);
    } catch (const std::bad_alloc&) {
        return Error{.category = Category::output_invalid,
                     .text = "probing the file takes more memory than is allowed",
                     .code = "too_large",
                     .phase = Phase::verify};
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::optional<Order> order = order_from(argc, argv);
    if (!order) {
        std::fputs("usage: reelgate-media probe [--max-pixels N] [--max-frames N] [--max-bytes N] "
                   "[--cpu-seconds N] [--] FILE\n",
                   stderr);
        return kWrongUse;
    }
    const std::string answer = answer_text(run(*order)) + "\n";
    const bool written = std::fwrite(answer.data(), 1, answer.size(), stdout) == answer.size() &&
                         std::fflush(stdout) == 0;
    return written ? 0 : 1;
}
