#include "host/plugin/worker_output.hpp"

#include "host/base/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

// A terminal that shows the log must not obey it.
std::string printable(std::string_view line)
{
    std::string out(line.substr(0, kMaxOutputLine));
    std::replace_if(
        out.begin(),
        out.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; },
        '?');
    return out;
}

} // namespace

WorkerOutput::WorkerOutput(std::filesystem::path directory) : directory_(std::move(directory))
{
    if (!directory_.empty()) open_file();
}

void WorkerOutput::open_file()
{
    std::error_code ignored; // opening fails next, and says why
    std::filesystem::create_directories(directory_, ignored);
    const auto path = directory_ / kLogFile;
    // O_NONBLOCK: this is the loop, and a fifo without a reader would hold it for ever.
    constexpr int kHow = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file_ = Fd(::open(path.c_str(), kHow, 0600));
    if (!file_) return give_up_file(std::error_code(errno, std::generic_category()).message());
    struct stat facts {};
    if (::fstat(file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        return give_up_file("it is not a plain file");
    file_size_ = static_cast<std::uint64_t>(facts.st_size);
}

void WorkerOutput::rotate()
{
    std::error_code failed;
    std::filesystem::rename(directory_ / kLogFile, directory_ / kOlderLogFile, failed);
    if (failed) return give_up_file("it is full and cannot be renamed: " + failed.message());
    open_file();
}

void WorkerOutput::remember(std::string_view line)
{
    ring_.push_back(printable(line));
    if (ring_.size() > kOutputRing) ring_.pop_front();
}

void WorkerOutput::give_up_file(std::string_view why)
{
    file_.reset();
    remember("-- no worker.log is written: " + std::string(why));
}

void WorkerOutput::feed(std::string_view bytes, SteadyTime now, WallTime wall)
{
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        // A line that never ends is cut; the rest of it is dropped with its end.
        partial_ += part.substr(0, kMaxOutputLine - std::min(kMaxOutputLine, partial_.size()));
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        if (within_rate(now))
            keep(partial_, wall);
        else
            ++dropped_;
        partial_.clear();
    }
}

void WorkerOutput::note(std::string_view line, WallTime wall)
{
    keep("-- " + std::string(line), wall);
}

std::vector<std::string> WorkerOutput::tail(std::size_t lines) const
{
    const std::size_t skip = ring_.size() - std::min(lines, ring_.size());
    std::vector<std::string> last(ring_.begin() + static_cast<std::ptrdiff_t>(skip), ring_.end());
    if (!partial_.empty()) last.push_back(printable(partial_));
    return last;
}

bool WorkerOutput::within_rate(SteadyTime now)
{
    if (now - second_ >= 1s) {
        second_ = now;
        in_second_ = 0;
    }
    return ++in_second_ <= kOutputLinesPerSecond;
}

void WorkerOutput::keep(std::string_view line, WallTime wall)
{
    if (dropped_ > dropped_said_) {
        const std::uint64_t newly = dropped_ - dropped_said_;
        dropped_said_ = dropped_;
        keep("-- " + std::to_string(newly) + " lines dropped: too many at once", wall);
    }
    remember(line);
    if (!file_) return;

    const std::string text = timestamp(wall) + ' ' + ring_.back() + '\n';
    if (file_size_ >= kMaxLogFile) rotate();
    if (!file_) return;
    if (::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
        file_size_ += text.size();
}

} // namespace reelgate
