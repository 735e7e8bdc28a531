// Header fields in the order they were given or came. Names compare without case.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::http {

struct Header {
    std::string name;
    std::string value;
};

// ASCII only, as header and scheme names are.
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string lower_case(std::string_view text);
std::string_view trimmed(std::string_view text); // without blanks and line ends around it

// May this be written on the wire? A name is a token; a value holds no CR, LF or NUL, so that text
// from elsewhere cannot become a header of its own.
bool is_sendable(const Header& header);

class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> fields) : fields_{fields} {}

    void add(std::string name, std::string value);
    // Replaces all fields of that name by this one.
    void set(std::string name, std::string value);
    void remove(std::string_view name);
    void clear() { fields_.clear(); }

    // The first field of that name, or nullptr. Good until the next change.
    const std::string* find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    // Its value, or nothing to read if there is none.
    std::string_view get(std::string_view name) const;

    std::size_t size() const { return fields_.size(); }
    bool empty() const { return fields_.empty(); }
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    Header& back() { return fields_.back(); }

private:
    std::vector<Header> fields_;
};

} // namespace reelgate::http
