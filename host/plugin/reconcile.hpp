// Asks a provider what became of a submit whose answer was lost. Only asks: nothing is sent again.
#pragma once

#include "host/plugin/provider.hpp"

#include <cstdint>
#include <string>

namespace reelgate {

struct Reconciled {
    enum class Answer : std::uint8_t { unknown, found, absent } answer = Answer::unknown;
    std::string remote_json = {}; // what follows it, where it was found
};

// `intent_json` is what the plugin said before it submitted. Fails as Provider::call does (code
// `no_extension` where the plugin cannot look), or with provider_error/bad_answer.
Task<Reconciled> reconcile(Provider& provider, std::string intent_json);

} // namespace reelgate
