// What a plugin says of itself once it runs: started in its worker, asked, and stopped again.
#pragma once

#include "host/app/command.hpp"
#include "host/plugin/supervised.hpp"

#include <optional>
#include <vector>

namespace reelgate {

struct LiveFacts {
    std::optional<Description> description;   // nothing: it did not get that far
    std::vector<JailReport> confinement;      // empty for a program of its own, which reports none
    std::optional<Result<ProbeReport>> probe; // nothing: it was not ready
    std::optional<Error> refused;             // why it was not
};

// Blocks until it has ended again. Free of charge: it is opened, created and probed, and runs
// nothing.
LiveFacts look_alive(const Globals& globals, const Manifest& manifest);

} // namespace reelgate
