// What is wrong with a configuration, and where: collected, not thrown, so that one look shows all
// of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// Where a value stands. Not every value stands in a file: `source` may also be the name of an
// environment variable or of an option, and then line is 0.
struct Place {
    std::string source = {};
    std::uint32_t line = 0; // from 1
    std::uint32_t column = 0;

    friend bool operator==(const Place&, const Place&) = default;
};

std::string to_string(const Place& place); // "reelgate.yaml:12:3"

enum class Severity : std::uint8_t { warning, error };

struct Finding {
    Severity severity = Severity::error;
    Place place;
    std::string code;            // stable: "unknown_key", "bad_duration"
    std::string key = {};        // "providers.comfyui-local.url"
    std::string message = {};    // one sentence without a full stop
    std::string suggestion = {}; // what was probably meant, or what to do
};

// "file:3:5: error: server.lisen is not a setting (unknown_key); did you mean `listen`?"
std::string to_string(const Finding& finding);

class Findings {
public:
    // More are counted, not kept: a file of garbage is no reason to run out of memory.
    static constexpr std::size_t kMost = 200;

    void add(Finding finding);
    void error(Place place, std::string code, std::string key, std::string message);
    void warning(Place place, std::string code, std::string key, std::string message);
    void append(const Findings& others);

    std::span<const Finding> all() const { return kept_; }
    std::size_t errors() const { return errors_; }
    std::size_t warnings() const { return warnings_; }
    bool has_errors() const { return errors_ > 0; }

    // What to say where one sentence must do, if there are errors.
    std::string first_error() const;

private:
    std::vector<Finding> kept_;
    std::size_t errors_ = 0;
    std::size_t warnings_ = 0;
};

// The name among `names` that `word` was probably meant to be, else empty: few edits, and no tie.
std::string nearest_name(std::string_view word, std::span<const std::string> names);

} // namespace reelgate
