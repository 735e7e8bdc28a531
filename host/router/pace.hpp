// How fast a model of a provider has been: a fold over the films that it made. Pure.
#pragma once

#include "host/model/job.hpp"

#include <optional>
#include <vector>

namespace reelgate {

struct PaceFold {
    std::vector<double> latest = {}; // seconds of work for a second of film, oldest first
};

// Takes an attempt that became a film; one that does not say how long it took, or how long its film
// is, leaves it as it is.
PaceFold after_film(PaceFold fold, const Attempt& attempt);

// The median of the latest; nothing before the first film.
std::optional<double> usual_pace(const PaceFold& fold);

} // namespace reelgate
