// A plugin's word on why something failed, as an Error, and back. The record is believed in what it
// says about its own side, and never in the direction that could cost somebody money twice.
#pragma once

#include "host/base/error.hpp"

#include <reelgate/abi/types.h>

#include <string>
#include <string_view>

namespace reelgate {

// Does the provider take money for its work?
enum class Charge : std::uint8_t { free, paid };

// What a failure of this phase costs when nobody says otherwise. A free provider is always free.
Billing default_billing(Phase phase, Charge charge = Charge::paid);

Billing more_careful(Billing a, Billing b);

// `record_json` may be empty: a status alone is legal and has a category of its own. Category,
// phase, scope, billing and the texts come from the record where it has them, cut to 2 KiB. Billing
// is always set: the record's word, else default_billing of its phase, else what the status says;
// what may have left for a paid provider is at least maybe_billed. Error.code says when the record
// was not understood:
//   bad_failure_record  not a JSON object, or a member of the wrong kind; upstream_excerpt shows it
//   unknown_category    provider_code keeps the word
//   bad_status          not a status that a failed call may have
Error error_from(rg_status status,
                 std::string_view record_json,
                 Phase default_phase,
                 Charge charge = Charge::paid);

// The record that error_from() reads back, with every member that is set.
std::string record_from(const Error& error);

} // namespace reelgate
