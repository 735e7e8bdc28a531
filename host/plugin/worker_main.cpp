// reelgate-worker: runs one provider. Started by the daemon with the frames on REELGATE_FD, last
// words on the descriptor after it, and a launch order as its only argument.
#include "host/plugin/last_words.hpp"
#include "host/plugin/launch_order.hpp"
#include "host/plugin/worker.hpp"
#include "host/plugin/worker_jail.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>

namespace {

using namespace reelgate; // NOLINT(google-build-using-namespace): a main file, included by nobody

constexpr int kBadStart = 64; // EX_USAGE

std::optional<int> number_from_environment(const char* name)
{
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no thread exists yet
    if (text == nullptr) return std::nullopt;
    int value = 0;
    const std::string_view digits(text);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

// The parent may have died between the spawn and this line; then the signal will never come.
bool die_with_parent()
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto parent = number_from_environment("REELGATE_PARENT");
    return !parent || ::getppid() == *parent;
}

// Replaces this process by the plugin's own program; the parent-death signal survives that.
int become_program(const LaunchOrder& order, int wire)
{
    if (::chdir(order.plugin_dir.c_str()) != 0) {
        std::cerr << "cannot enter " << order.plugin_dir << '\n';
        return kBadStart;
    }
    if (order.stdio) {
        ::dup2(wire, STDIN_FILENO);
        ::dup2(wire, STDOUT_FILENO);
        ::close(wire);
        ::unsetenv("REELGATE_FD"); // NOLINT(concurrency-mt-unsafe): no thread exists yet
    }
    std::vector<char*> arguments;
    for (const std::string& word : order.command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data()); // no search: this file was checked, no other
    std::cerr << "cannot start " << order.command[0] << ": "
              << std::strerror(errno) // NOLINT(concurrency-mt-unsafe)
              << '\n';
    return kBadStart;
}

} // namespace

int main(int argc, char** argv)
{
    if (!die_with_parent()) return 0;
    const auto wire = number_from_environment("REELGATE_FD");
    if (argc != 2 || !wire) {
        std::cerr << "reelgate-worker is started by reelgate, not by hand.\n"
                     "To try a plugin: reelgate providers try DIR --prompt ... -o out.mp4\n";
        return kBadStart;
    }
    const auto order = launch_order_from(argv[1]);
    if (!order) {
        std::cerr << order.error().sentence() << '\n';
        return kBadStart;
    }
    const auto jail = enter_jail(*order);
    if (!jail) {
        std::cerr << jail.error().sentence() << '\n';
        return kBadStart;
    }
    const int words = *wire + 1;
    if (order->exec) {
        ::fcntl(words, F_SETFD, FD_CLOEXEC);
        return become_program(*order, *wire);
    }
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN); // a file that grows too long is a failed write, not a death
    ::fcntl(*wire, F_SETFD, FD_CLOEXEC);
    ::fcntl(words, F_SETFD, FD_CLOEXEC);
    install_last_words(words);
    const AlternateStack stack;
    return Worker(*order, *jail, *wire).serve();
}
