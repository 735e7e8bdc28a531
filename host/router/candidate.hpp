// Within the router: what is known of one pair while a decision is made.
#pragma once

#include "host/router/decide.hpp"
#include "host/router/failure_policy.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct Reason {
    std::string code;
    std::string text;
    Category category = Category::worker_unavailable;
};

// A step of the chain as this order sees it.
struct SeenStep {
    ChainStep chain;
    bool is_named = false;   // by the request
    std::string closed = {}; // why it is not for this order, else empty
};

// A further attempt at a pair that has had one.
struct Repetition {
    const PolicyRow* row = nullptr;
    WallTime at = {};            // not before
    bool is_last_resort = false; // granted only because nobody else is left
    std::optional<std::string> concession = {};
    bool wants_new_seed = false;
};

struct Candidate {
    const ProviderSnapshot* provider = nullptr; // nothing: the step names nobody
    const PairSnapshot* pair = nullptr;         // nothing: its models are not known (yet)
    const SeenStep* step = nullptr;             // nothing: not in the chain
    std::size_t step_index = 0;
    std::size_t place = 0; // among the models of its provider that the order may use

    std::vector<Reason> rejected = {};
    std::vector<Reason> skipped = {};
    std::optional<Normalised> fit = {};
    std::optional<Money> cost = {};
    std::optional<Repetition> repetition = {};
    std::optional<WallTime> earliest = {}; // when what skips it may be over, where that is known
    bool is_held = false;                  // could go, and waits so that nothing is paid for

    // As the pair has it; else by experience, once it is known what the order asks of the model.
    Estimate estimate() const;

    bool is_paid() const { return provider != nullptr && provider->charge == Charge::paid; }
    bool is_undetermined() const
    {
        return provider != nullptr && step != nullptr && pair == nullptr && rejected.empty();
    }
};

// Every provider is in it at least once.
std::vector<Candidate> candidates_of(const RouteInput& in, const std::vector<SeenStep>& steps);
std::vector<SeenStep> steps_of(const RouteInput& in);

} // namespace reelgate
