// Progress for a person: one line that is rewritten on a terminal, a line for each step forward
// elsewhere. A share that nobody knows is never drawn as one.
#pragma once

#include "host/plugin/host_services.hpp"

#include <string>

namespace reelgate {

class ProgressLine {
public:
    // `fd` is a terminal or not; `silent` prints nothing.
    ProgressLine(int fd, bool silent);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const ProgressNote& note);
    void say(const std::string& sentence);

private:
    void print(const std::string& text) const;

    int fd_;
    bool silent_;
    bool terminal_;
    bool line_open_ = false;
    std::string last_;
};

// "denoise 3/10 30 %", "remote": what is known and no more.
std::string progress_text(const ProgressNote& note);

} // namespace reelgate
