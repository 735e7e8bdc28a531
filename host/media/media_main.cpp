// reelgate-media: one operation on one file, then the end. Whatever a decoder does with a hostile
// file it does here: without rights, with little memory and time, and with nothing in reach but the
// file and what is made of it (host/media/cell.hpp).
//
//   reelgate-media probe       [limits] [--] FILE
//   reelgate-media thumbnail   [limits] [--frames N] [--] FILE OUTPUT
//   reelgate-media spritesheet [limits] [--frames N] [--] FILE OUTPUT
//   reelgate-media convert     [limits] [--copy-pictures 1] [--copy-sound 1] [--fps-nano N] [--]
//                              FILE OUTPUT
//
// The limits are --max-pixels, --max-frames, --max-bytes, --max-seconds and --cpu-seconds. One JSON
// object on stdout (host/media/answer.hpp) and exit status 0, whatever the file is; status 2 and a
// sentence on stderr when the command line is wrong.
#include "host/base/fd.hpp"
#include "host/media/answer.hpp"
#include "host/media/cell.hpp"
#include "host/media/convert.hpp"
#include "host/media/derive.hpp"
#include "host/media/probe.hpp"
#include "host/media/still.hpp"

#include <fcntl.h>
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
#include <vector>

namespace {

using namespace reelgate;

// What a file within the default limits needs is under half of this (see ProbeLimits).
constexpr rlim_t kMemory = rlim_t{1} << 30;
// An encoder holds as many pictures as a decoder.
constexpr rlim_t kMemoryToConvert = rlim_t{2} << 30;
// Code, read-only data and stacks count as address space but hold no data of the file.
[[maybe_unused]] constexpr rlim_t kAddressSpaceBesides = rlim_t{1} << 30;
// Probing writes no file; the answer alone may go to one when a person runs this.
constexpr rlim_t kWrittenAnswer = rlim_t{1} << 20;
constexpr rlim_t kWrittenPicture = rlim_t{16} << 20;
constexpr rlim_t kOpenFiles = 32;
constexpr int kWrongUse = 2;

struct Order {
    ProbeLimits limits;
    std::uint64_t cpu_seconds = 300; // as MediaLimits says it of the wall clock
    std::uint64_t frames = 1;
    std::uint64_t copy_pictures = 0;
    std::uint64_t copy_sound = 0;
    std::uint64_t fps_nano = 24'000'000'000;
    std::vector<std::string> files = {};
};

using Answer = std::string (*)(const Order& order);

struct Operation {
    std::string_view name;
    std::size_t files;
    rlim_t memory;
    rlim_t written;
    Answer run;
};

struct Option {
    std::string_view name;
    std::uint64_t& value;
};

// Whatever a library throws for want of memory is the file's doing.
template <class T, class Run>
Result<T> within_memory(Run run)
{
    try {
        return run();
    } catch (const std::bad_alloc&) {
        return Error{.category = Category::output_invalid,
                     .text = "reading the file takes more memory than is allowed",
                     .code = "too_large",
                     .phase = Phase::verify};
    }
}

std::string probed(const Order& order)
{
    return answer_text(within_memory<MediaFacts>([&]() -> Result<MediaFacts> {
        RG_TRY(const Source source, Source::open(order.files[0]));
        return probe(source, order.limits);
    }));
}

template <Result<std::string> (*derive)(const Source&, const Derivation&)>
std::string derived(const Order& order)
{
    return made_text(within_memory<std::string>([&]() -> Result<std::string> {
        RG_TRY(const Source source, Source::open(order.files[0]));
        return derive(source,
                      {.limits = order.limits, .frames = order.frames, .output = order.files[1]});
    }));
}

Result<std::string> convert_to_mp4(const Order& order)
{
    const Conversion how{.copy_pictures = order.copy_pictures != 0,
                         .copy_sound = order.copy_sound != 0,
                         .fps = static_cast<double>(order.fps_nano) / 1e9};
    std::error_code unknown; // then opening it says why
    if (std::filesystem::is_directory(order.files[0], unknown)) {
        RG_CHECK(convert_numbered(order.files[0], order.limits, how, order.files[1]));
        return std::string("video/mp4");
    }
    RG_TRY(const Source source, Source::open(order.files[0]));
    RG_CHECK(convert(source, order.limits, how, order.files[1]));
    return std::string("video/mp4");
}

std::string converted(const Order& order)
{
    return made_text(within_memory<std::string>([&] { return convert_to_mp4(order); }));
}

// clang-format off
constexpr std::array kOperations{
    Operation{"probe",       1, kMemory,          kWrittenAnswer,  probed},
    Operation{"thumbnail",   2, kMemory,          kWrittenPicture, derived<derive_thumbnail>},
    Operation{"spritesheet", 2, kMemory,          kWrittenPicture, derived<derive_spritesheet>},
    Operation{"convert",     2, kMemoryToConvert, 0,               converted}, // as much as is read
};
// clang-format on

const Operation* operation_named(std::string_view name)
{
    for (const Operation& operation : kOperations)
        if (operation.name == name) return &operation;
    return nullptr;
}

bool read_number(std::string_view text, std::uint64_t& value)
{
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    return status == std::errc{} && end == text.data() + text.size();
}

std::optional<Order> order_from(int argc, char** argv, std::size_t files)
{
    Order order;
    const std::array options{
        Option{"--max-pixels",    order.limits.max_pixels },
        Option{"--max-frames",    order.limits.max_frames },
        Option{"--max-bytes",     order.limits.max_bytes  },
        Option{"--max-seconds",   order.limits.max_seconds},
        Option{"--cpu-seconds",   order.cpu_seconds       },
        Option{"--frames",        order.frames            },
        Option{"--copy-pictures", order.copy_pictures     },
        Option{"--copy-sound",    order.copy_sound        },
        Option{"--fps-nano",      order.fps_nano          }
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
            if (word.empty()) return std::nullopt;
            order.files.emplace_back(word);
            continue;
        }
        files_only = word == "--";
        if (files_only) continue;
        std::uint64_t* value = option_value(word);
        if (value == nullptr || ++i == argc || !read_number(argv[i], *value)) return std::nullopt;
    }
    if (order.files.size() != files) return std::nullopt;
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
bool limit_memory([[maybe_unused]] rlim_t memory)
{
#if defined(REELGATE_UNDER_ASAN) || defined(REELGATE_UNDER_TSAN)
    return true;
#else
    const rlim_t space = memory + kAddressSpaceBesides;
    return limit(RLIMIT_DATA, memory, memory) && limit(RLIMIT_AS, space, space);
#endif
}

bool lock_down(const Operation& operation, const Order& order)
{
    const rlim_t cpu = order.cpu_seconds;
    const rlim_t written = operation.written > 0 ? operation.written : order.limits.max_bytes;
    std::signal(SIGXFSZ, SIG_IGN); // writing too much fails, and is said
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && limit(RLIMIT_CORE, 0, 0) &&
           limit(RLIMIT_CPU, cpu, cpu + 1) && limit(RLIMIT_FSIZE, written, written) &&
           limit(RLIMIT_NOFILE, kOpenFiles, kOpenFiles) && limit_memory(operation.memory);
}

// Made here, because once inside no file can be made.
Result<Cell> cell_for(const Order& order)
{
    Cell cell{.input = order.files[0]};
    if (order.files.size() == 1) return cell;
    cell.output = order.files[1];
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const Fd output(::open(cell.output->c_str(), kNew, 0600));
    if (!output) return making_failed("making " + order.files[1], -errno);
    return cell;
}

std::string answer(const Operation& operation, const Order& order)
{
    const Result<Cell> cell = cell_for(order);
    if (!cell) return made_text(cell.error());
    if (!lock_down(operation, order)) {
        const Error failure = system_error(Category::internal, "limiting this process", errno);
        return answer_text(failure);
    }
    enter_cell(*cell);
    return operation.run(order);
}

} // namespace

int main(int argc, char** argv)
{
    const Operation* const operation = argc < 2 ? nullptr : operation_named(argv[1]);
    const std::optional<Order> order =
        operation == nullptr ? std::nullopt : order_from(argc, argv, operation->files);
    if (!order) {
        std::fputs("usage: reelgate-media probe|thumbnail|spritesheet|convert [--max-pixels N] "
                   "[--max-frames N] [--max-bytes N] [--max-seconds N] [--cpu-seconds N] "
                   "[--frames N] [--copy-pictures 0|1] [--copy-sound 0|1] [--fps-nano N] "
                   "[--] FILE [OUTPUT]\n",
                   stderr);
        return kWrongUse;
    }
    const std::string text = answer(*operation, *order) + "\n";
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? 0 : 1;
}
