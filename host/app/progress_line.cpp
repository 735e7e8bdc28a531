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

} // namespace

std::string progress_text(const ProgressNote& note)
{
    std::string text = printable(note.stage.empty() ? "working" : note.stage);
    if (note.steps > 0) text += ' ' + std::to_string(note.step) + '/' + std::to_string(note.steps);
    if (note.source != RG_NONE) text += ' ' + std::to_string(std::lround(note.value * 100)) + " %";
    if (note.source == RG_ESTIMATED) text += " (estimated)";
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

void ProgressLine::show(const ProgressNote& note)
{
    if (silent_) return;
    const std::string text = progress_text(note);
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
