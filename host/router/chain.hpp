// Who comes after whom: values that the configuration fills and the router reads.
#pragma once

#include "host/model/job.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

enum class ChainPolicy : std::uint8_t { ordered, cheapest, fastest, weighted };
std::string_view to_string(ChainPolicy policy);
std::optional<ChainPolicy> chain_policy_from(std::string_view word);

struct ChainStep {
    std::string use;                       // a provider, or a pool of them
    std::optional<std::string> model = {}; // one of its models; open: any that fits
    bool next_on_content_rejected = false;
    std::uint32_t weight = 1;
};

struct Chain {
    std::string id;
    ChainPolicy policy = ChainPolicy::ordered;
    std::vector<ChainStep> steps;
    std::optional<Egress> egress = {}; // no further than this
    bool allow_media_egress = false;
    std::vector<std::string> on_oom = {};
};

// What one job may use up.
struct JobLimits {
    unsigned max_submits = 3;
    unsigned max_paid_resubmits = 1;
    std::optional<Money> spend_cap = {};
    std::chrono::seconds max_wait = std::chrono::minutes(10);
    std::chrono::seconds deadline = std::chrono::hours(24);
};

// What the caller's key permits. The key that stands for nobody permits everything.
struct KeyView {
    std::string name = {};
    std::vector<std::string> providers = {}; // empty: all
    bool allow_media_egress = false;
    std::optional<Money> left = {}; // of its budget, reservations already taken off
};

} // namespace reelgate
