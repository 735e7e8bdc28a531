// A value that must not be seen. It prints as where it came from and a short hash, by which two of
// them can be told apart and nothing else learned; its text is had only by asking for it by name.
#pragma once

#include <iosfwd>
#include <string>

namespace reelgate {

class Secret {
public:
    Secret() = default;
    // `reference` is "env:NAME", "file:path" or "inline".
    Secret(std::string text, std::string reference);

    // Not set is something else than set to nothing: who needs it has not been configured.
    bool is_set() const { return !text_.empty(); }
    const std::string& reference() const { return reference_; }
    std::string shown() const; // "env:NAME (sha256 1f2e3d4c)", "env:NAME (not set)"
    std::string note() const;  // of that, what stands behind the reference

    // For the one place that needs it. What is done with the answer is the caller's care.
    const std::string& reveal() const { return text_; }

    friend bool operator==(const Secret&, const Secret&) = default;

private:
    std::string text_;
    std::string reference_;
};

std::ostream& operator<<(std::ostream& out, const Secret& secret);

} // namespace reelgate
