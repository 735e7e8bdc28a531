// Reads the members of an object that a plugin sent, and notes everything that is wrong with it,
// each with its JSON pointer, instead of stopping at the first.
#pragma once

#include "host/plugin/json.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// "" is the whole text; every note starts with where it is about.
class JsonNotes {
public:
    void problem(const std::string& path, const std::string& what);
    void problem_at(const std::string& sentence); // which says itself where
    void warn(const std::string& path, const std::string& what);

    bool is_clean() const { return problems_ == 0; }
    std::size_t problems() const { return problems_; }
    const std::string& text() const { return text_; } // the first few problems, in one line
    std::vector<std::string> take_warnings() { return std::move(warnings_); }

private:
    std::size_t problems_ = 0;
    std::string text_;
    std::vector<std::string> warnings_;
};

// A member that is absent or null has its fallback; one of the wrong kind or outside its limits
// too, with a problem noted. `object` and `notes` must outlive the reader.
class JsonMembers {
public:
    JsonMembers(const Json& object, std::string path, JsonNotes& notes);

    const Json* find(std::string_view name); // nullptr if absent or null

    // One line of text, no longer than `longest` bytes.
    std::string text(std::string_view name, std::string fallback, std::size_t longest);
    std::string required_text(std::string_view name, std::size_t longest);
    std::string word(std::string_view name,
                     std::initializer_list<std::string_view> words,
                     std::string fallback);
    std::uint64_t
    whole(std::string_view name, std::uint64_t least, std::uint64_t most, std::uint64_t fallback);
    std::optional<double> number(std::string_view name, double least, double most);
    bool flag(std::string_view name, bool fallback);
    std::vector<std::string> texts(std::string_view name, std::size_t most, std::size_t longest);

    const Json* array(std::string_view name, std::size_t most);
    std::optional<JsonMembers> object(std::string_view name);

    // Warns of every member that was not asked for.
    void warn_of_others();

    std::string path_of(std::string_view name) const { return pointer(path_, name); }
    void problem(std::string_view name, const std::string& what);
    JsonNotes& notes() { return *notes_; }

private:
    const Json* object_;
    std::string path_;
    JsonNotes* notes_;
    std::set<std::string, std::less<>> asked_;
};

} // namespace reelgate
