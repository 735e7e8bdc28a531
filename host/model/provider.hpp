// A provider as the router sees it: one value, copied at the moment of the decision. The engine
// makes it from what the operator configured, what the plugin declared and how both are doing.
#pragma once

#include "host/base/clock.hpp"
#include "host/model/capability.hpp"
#include "host/model/health.hpp"
#include "host/model/money.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate {

// Does the provider take money for its work?
enum class Charge : std::uint8_t { free, paid };

// How far a request travels, ordered: the operator may raise what the plugin states, never lower
// it.
enum class Egress : std::uint8_t { none, local, cloud };

std::string_view to_string(Charge charge);
std::string_view to_string(Egress egress);
std::optional<Egress> egress_from(std::string_view word);

enum class Breaker : std::uint8_t { closed, half_open, open };
std::string_view to_string(Breaker breaker);

// Seconds of load and run for a request like the one at hand, where anything is known.
struct Estimate {
    std::chrono::duration<double> start{}; // queue and load
    std::chrono::duration<double> run{};
    enum class Basis : std::uint8_t { none, declared, history } basis = Basis::none;

    friend bool operator==(const Estimate&, const Estimate&) = default;
};

// One model at one provider.
struct PairSnapshot {
    ModelCapability model; // as declared, narrowed by the configuration
    bool loaded = false;
    std::string misconfigured = {}; // why, else empty
    Breaker breaker = Breaker::closed;
    std::optional<WallTime> rests_until = {}; // breaker or cool-down
    std::string rests_because = {};           // a sentence, for people
    std::string credential = {};              // what pays for it; empty: the provider's only one
    std::optional<Money> usd_per_second = {};
    Estimate estimate = {};
    std::optional<double> pace = {}; // seconds of work for a second of film, by experience

    friend bool operator==(const PairSnapshot&, const PairSnapshot&) = default;
};

struct ProviderSnapshot {
    std::string id;     // the operator's name
    std::string plugin; // the plugin's
    std::string pool = {};
    Charge charge = Charge::paid;
    Egress egress = Egress::cloud;
    Health health = Health::unknown;
    std::string reason = {}; // why it is not ready
    std::optional<WallTime> back_at = {};
    std::uint32_t slots = 1;
    std::uint32_t running = 0;
    std::optional<std::uint64_t> vram_budget_mb = {};
    std::vector<PairSnapshot> pairs = {};
    std::vector<std::string> keys_allowed = {}; // empty: every key

    friend bool operator==(const ProviderSnapshot&, const ProviderSnapshot&) = default;
};

} // namespace reelgate
