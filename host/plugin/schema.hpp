// The dialect of JSON Schema in which plugins describe their settings and request extras: a subset
// of 2020-12 that can be checked in bounded time and drawn as a form. No $ref, no regular
// expressions, and oneOf only where a const tells which branch is meant.
#pragma once

#include "host/plugin/json.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace reelgate {

// One way in which a value does not fit. `code` is stable: wrong_type, missing, unknown_member,
// out_of_range, not_a_multiple, wrong_length, wrong_count, not_allowed, too_large.
struct Violation {
    std::string path; // JSON pointer into the value; "" is the value itself
    std::string keyword;
    std::string sentence; // starts with the path; never shows the value of an x-secret field
    std::string code;
};

inline constexpr std::size_t kSchemaDepth = 16;     // schemas inside schemas
inline constexpr std::size_t kSchemaNodes = 4096;   // schemas in all
inline constexpr std::size_t kEnumValues = 1024;    // values of one enum, branches of one oneOf
inline constexpr std::size_t kMostViolations = 32;  // a form shows no more
inline constexpr std::size_t kMostWork = 1'000'000; // comparisons of one check

// Is `schema` in the dialect, free of contradictions, and does every default fit? All that is wrong
// is in the error's text, each with its JSON pointer (code bad_schema). The functions below may
// only be given schemas that passed.
// `where` is the pointer of the schema itself and stands before those.
Result<Done> check_schema(const Json& schema, const std::string& where = {});

// Empty when `value` fits. A value that would take more than kMostWork steps gets one too_large.
std::vector<Violation> validate(const Json& schema, const Json& value);

// `value` with every absent member that has a default. Members that have none stay absent, and so
// does what is inside them. Stops filling in after kMostWork steps.
Json with_defaults(const Json& schema, Json value);

// The same for checks that share one allowance: both add their steps to `work` and stop where it
// passes kMostWork. Fill in and validate with the same `work`, and a value that was too much for
// the one is too_large for the other.
std::vector<Violation> validate(const Json& schema, const Json& value, std::size_t& work);
Json with_defaults(const Json& schema, Json value, std::size_t& work);

// Both at once, for what came from outside: `given` with its defaults, and how it does not fit.
struct Fitted {
    Json value;
    std::vector<Violation> violations;
};
Fitted fitted(const Json& schema, Json given);

} // namespace reelgate
