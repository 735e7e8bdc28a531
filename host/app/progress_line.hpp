// Progress for a person: one line that is rewritten on a terminal, a line for each step forward
// elsewhere. A share that nobody knows is never drawn as one.
#pragma once

#include "host/plugin/host_services.hpp"

#include <optional>
#include <string>

namespace reelgate {

class ProgressLine {
public:
    // `fd` is a terminal or not; `silent` prints nothing.
    ProgressLine(int fd, bool silent);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    // `eta_s`: seconds that are left, where somebody says so.
    void show(const ProgressNote& note, std::optional<double> eta_s = {});
    void say(const std::string& sentence);

private:
    void print(const std::string& text) const;

    int fd_;
    bool silent_;
    bool terminal_;
    bool line_open_ = false;
    std::string last_;
};

// "denoise 3/10 30 %, 1:05 left", "remote": what is known and no more.
std::string progress_text(const ProgressNote& note, std::optional<double> eta_s = {});

} // namespace reelgate
