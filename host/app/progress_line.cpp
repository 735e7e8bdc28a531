#include "host/app/progress_line.hpp"

#include "host/app/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace reelgate {
namespace {

constexpr int kBarWidth = 30;

std::string bar(double share)
{
    const auto full = static_cast<std::size_t>(std::lround(share * kBarWidth));
    return '[' + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] ";
}

// "1:05": a person wants no more of it than that.
std::string time_text(double seconds)
{
    const auto whole = static_cast<long>(std::clamp(std::ceil(seconds), 0.0, 359'999.0));
    const auto two = [](long number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    const std::string hours = whole >= 3600 ? std::to_string(whole / 3600) + ':' : "";
    const long minutes = whole / 60 % 60;
    return hours + (hours.empty() ? std::to_string(minutes) : two(minutes)) + ':' + two(whole % 60);
}

} // namespace

std::string progress_text(const ProgressNote& note, std::optional<double> eta_s)
{
    std::string text = printable(note.stage.empty() ? "working" : note.stage);
    if (note.steps > 0) text += ' ' + std::to_string(note.step) + '/' + std::to_string(note.steps);
    if (note.source != RG_NONE) text += ' ' + std::to_string(std::lround(note.value * 100)) + " %";
    if (note.source == RG_ESTIMATED) text += " (estimated)";
    if (eta_s) text += ", " + time_text(*eta_s) + " left";
    return text;
}

ProgressLine::ProgressLine(int fd, bool silent)
    : fd_(fd), silent_(silent), terminal_(::isatty(fd) == 1)
{
}

ProgressLine::~ProgressLine()
{
    if (line_open_) print("\n");
}

void ProgressLine::show(const ProgressNote& note, std::optional<double> eta_s)
{
    if (silent_) return;
    const std::string text = progress_text(note, eta_s);
    if (terminal_) {
        line_open_ = true;
        return print("\r\033[K" + (note.source == RG_NONE ? "" : bar(note.value)) + text);
    }
    // Not every percent is worth a line of a file.
    const std::string landmark =
        note.stage + (note.source == RG_NONE ? "" : std::to_string(std::floor(note.value * 10)));
    if (landmark == last_) return;
    last_ = landmark;
    print(text + '\n');
}

void ProgressLine::say(const std::string& sentence)
{
    if (silent_) return;
    print((line_open_ ? "\n" : "") + sentence + '\n');
    line_open_ = false;
}

void ProgressLine::print(const std::string& text) const
{
    // Progress that cannot be shown is no reason to stop the work.
    [[maybe_unused]] const auto written = ::write(fd_, text.data(), text.size());
}

} // namespace reelgate
