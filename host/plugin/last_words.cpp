#include "host/plugin/last_words.hpp"

#include <execinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <fstream>

namespace reelgate {
namespace {

constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int kPatienceMs = 200;
constexpr std::size_t kHandlerStack = 64 * 1024; // backtrace() alone was seen to need 12 KiB

// A signal handler can be handed nothing, so these two are the room's only globals.
std::atomic<int> last_channel{-1};
thread_local std::array<char, 64> job_of_thread{};

void speak_and_die(int signal, siginfo_t* info, void* /*context*/)
{
    LastWords words;
    words.signal = signal;
    words.code = info->si_code;
    words.thread = static_cast<std::int32_t>(::syscall(SYS_gettid));
    words.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    words.job = job_of_thread;
    std::array<void*, kMaxReturnAddresses> frames{};
    words.depth = static_cast<std::uint32_t>(::backtrace(frames.data(), int{frames.size()}));
    for (std::size_t i = 0; i < words.depth; ++i)
        words.frames[i] = reinterpret_cast<std::uintptr_t>(frames[i]);

    const int channel = last_channel.load();
    if (::write(channel, &words, sizeof words) == ssize_t{sizeof words}) {
        // While we wait, the host reads our maps; they are gone once the signal is raised again.
        pollfd answer{.fd = channel, .events = POLLIN, .revents = 0};
        ::poll(&answer, 1, kPatienceMs);
    }
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

struct Mapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    std::string file;
};

std::optional<std::uint64_t> hex_at(std::string_view& text)
{
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (failed != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1); // the '-' or the space behind it
    return value;
}

// begin-end perms offset device inode  path
std::optional<Mapping> parse_mapping(std::string_view line)
{
    Mapping m;
    const auto begin = hex_at(line);
    const auto end = begin ? hex_at(line) : std::nullopt;
    if (!end || line.size() < 5) return std::nullopt;
    line.remove_prefix(5); // the permissions
    const auto offset = hex_at(line);
    if (!offset) return std::nullopt;
    m.begin = *begin;
    m.end = *end;
    m.offset = *offset;
    if (const std::size_t slash = line.find_last_of('/'); slash != std::string_view::npos)
        m.file = line.substr(slash + 1);
    return m;
}

} // namespace

std::string_view LastWords::job_id() const
{
    const auto end = std::find(job.begin(), job.end(), '\0');
    return {job.data(), static_cast<std::size_t>(end - job.begin())};
}

void install_last_words(int channel)
{
    last_channel = channel;
    // The first call loads a library, which a handler must not do.
    std::array<void*, 1> first{};
    ::backtrace(first.data(), 1);

    struct sigaction action {};
    action.sa_sigaction = speak_and_die;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    for (const int signal : kFatal)
        ::sigaction(signal, &action, nullptr);
}

AlternateStack::AlternateStack() : memory_(new char[kHandlerStack])
{
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = kHandlerStack;
    ::sigaltstack(&stack, nullptr);
}

AlternateStack::~AlternateStack()
{
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
}

void name_job_of_thread(std::string_view job)
{
    job_of_thread = {};
    std::copy_n(job.begin(), std::min(job.size(), job_of_thread.size() - 1), job_of_thread.begin());
}

std::optional<LastWords> parse_last_words(std::string_view bytes)
{
    LastWords words;
    const std::uint32_t magic = words.magic;
    if (bytes.size() != sizeof words) return std::nullopt;
    std::memcpy(&words, bytes.data(), sizeof words);
    // The plugin shares the process and may write here: believe the shape, not the numbers.
    if (words.magic != magic || words.depth > kMaxReturnAddresses) return std::nullopt;
    return words;
}

std::vector<std::string> locate_frames(int pid, const LastWords& words)
{
    std::vector<Mapping> mappings;
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);)
        if (auto m = parse_mapping(line); m && !m->file.empty()) mappings.push_back(std::move(*m));

    std::vector<std::string> located;
    for (std::size_t i = 0; i < words.depth; ++i) {
        const std::uint64_t at = words.frames[i];
        const auto in = std::find_if(mappings.begin(), mappings.end(), [at](const Mapping& m) {
            return m.begin <= at && at < m.end;
        });
        located.push_back(in == mappings.end() ? hex(at)
                                               : in->file + '+' + hex(at - in->begin + in->offset));
    }
    return located;
}

std::string hex(std::uint64_t value)
{
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

std::string signal_name(int signal)
{
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

} // namespace reelgate
