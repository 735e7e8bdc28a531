// A provider that can never work as it is: what it says, what its library has or what its settings
// hold must change first.
#pragma once

#include "host/base/error.hpp"

#include <string>
#include <utility>

namespace reelgate {

inline Error refusal(std::string text, std::string code, std::string hint)
{
    return Error{.category = Category::worker_unavailable,
                 .text = std::move(text),
                 .code = std::move(code),
                 .hint = std::move(hint),
                 .phase = Phase::load};
}

} // namespace reelgate
