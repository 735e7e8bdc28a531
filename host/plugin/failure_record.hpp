// A plugin's word on why something failed, as an Error, and back. The record is believed in what it
// says about its own side, and never in the direction that could cost somebody money twice.
#pragma once

#include "host/base/error.hpp"
#include "host/model/provider.hpp"

#include <reelgate/abi/types.h>

#include <string>
#include <string_view>

namespace reelgate {

// `record_json` may be empty: a status alone is legal and has a category of its own. Category,
// phase, scope, billing and the texts come from the record where it has them, cut to 2 KiB. Billing
// is set where the record or the status decides it: what was refused is not_billed; billing_of()
// knows the rest. Error.code says when the record was not understood:
//   bad_failure_record  not a JSON object, or a member of the wrong kind; upstream_excerpt shows it
//   unknown_category    provider_code keeps the word
//   bad_status          not a status that a failed call may have
Error error_from(rg_status status, std::string_view record_json, Phase default_phase);

// The record that error_from() reads back, with every member that is set.
std::string record_from(const Error& error);

Billing default_billing(Phase phase, Charge charge);

Billing more_careful(Billing a, Billing b);

// What `error` may have cost at a provider of this kind: its own word, else what its phase says; a
// paid provider that reports nothing, or whose request may have left, is at least maybe_billed.
Billing billing_of(const Error& error, Charge charge);

} // namespace reelgate
