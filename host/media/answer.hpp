// The answer of reelgate-media, one JSON object: {"ok":true,"facts":{...}} or
// {"ok":false,"error":{"category","code","text"}}; what was made is
// {"ok":true,"made":"image/webp"}. Both sides of the pipe are here.
#pragma once

#include "host/base/result.hpp"
#include "host/model/artifact.hpp"

#include <string>
#include <string_view>

namespace reelgate {

std::string answer_text(const Result<MediaFacts>& outcome);
std::string made_text(const Result<std::string>& outcome);

// Trusts nothing: the process that wrote it has read a hostile file. What is no answer, or names a
// category that no probe ends with, is `output_invalid` with code `media_bad_answer`.
Result<MediaFacts> answer_from(std::string_view text);

// The type of what was made: one of those that are made here. It may also fail for want of room.
Result<std::string> made_from(std::string_view text);

} // namespace reelgate
