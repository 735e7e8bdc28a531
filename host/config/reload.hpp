// What a new configuration would change about the one that runs. Nothing here changes anything: the
// daemon carries out the plan, all of it or none.
#pragma once

#include "host/config/load.hpp"
#include "host/config/show.hpp"

#include <string>
#include <vector>

namespace reelgate {

struct ReloadPlan {
    std::vector<ConfigChange> changes; // all of them, in the order of the file
    // Providers by id. Who is in none of these goes on as it is, with its new live settings.
    std::vector<std::string> added;
    std::vector<std::string> removed;   // drained, then stopped
    std::vector<std::string> restarted; // the new one is built beside the old

    bool is_empty() const { return changes.empty(); }
    std::vector<ConfigChange> with(Reload effect) const;
};

ReloadPlan changes_between(const Settings& running, const Settings& next);

struct ReloadAnswer {
    Loaded next; // its findings say why not, where it is not accepted
    ReloadPlan plan;

    // Else what runs stays as it is.
    bool accepted() const { return next.ok(); }
};

// Refused: what has errors (then the plan is empty), and what only a new start of the daemon could
// carry out (code needs_restart, at the setting; the plan is there to be shown).
ReloadAnswer plan_reload(const Settings& running, Loaded next);

} // namespace reelgate
