// The rows of the step table, one list for each kind of trouble. Each file holds the functions and
// the rows that name them; script.hpp says what a row is.
#pragma once

#include "tests/fakes/script.hpp"

#include <filesystem>

namespace reelgate::fakes {

std::span<const StepKind> money_steps(); // intend, submit, accepted, follow, drop
std::span<const StepKind> time_steps();  // progress, stall, hang, wait_for
std::span<const StepKind> film_steps();  // deliver, lie
std::span<const StepKind> word_steps();  // answers, failures, records that are none
std::span<const StepKind> harm_steps();  // crash, flood, allocate, grandchild

// Makes the film that the request asks for, with `changed` members instead of the request's.
void film_as_asked(Act& act, const Json& changed, const std::filesystem::path& file);

} // namespace reelgate::fakes
