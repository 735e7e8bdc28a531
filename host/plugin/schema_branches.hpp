// oneOf of the dialect: branches that one const tells apart, so that choosing is one look.
#pragma once

#include "host/plugin/json.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace reelgate {

// Equal as JSON Schema means it: 1 and 1.0 are, false and 0 are not. Adds what it looked at to
// `work` and gives up (false) once that is above `most`.
bool same_json(const Json& a, const Json& b, std::size_t& work, std::size_t most);

// Where the const of each branch is: in the branch itself, or in this member of the object.
struct Discriminator {
    std::string member; // empty: the value itself is compared
};

// How the branches of `schema`, which has a oneOf, are told apart, or why they cannot be.
Result<Discriminator> discriminator_of(const Json& schema);

// Chooses branches, and remembers how each oneOf does that: finding out takes a comparison of every
// branch with every other. The schemas must stay where they are.
class BranchChooser {
public:
    struct Choice {
        const Json* branch = nullptr;   // the one whose const is there, if any
        const Json* deciding = nullptr; // what was compared, nullptr if the member is absent
        std::string member;             // its name, empty for the value itself
    };
    Choice choose(const Json& schema, const Json& value, std::size_t& work, std::size_t most);

private:
    std::map<const Json*, std::string> members_;
};

// The const that `member` of `branch` must have (of the branch itself if empty), or nullptr.
const Json* const_of(const Json& branch, const std::string& member);

} // namespace reelgate
