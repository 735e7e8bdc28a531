#include "host/router/decide.hpp"

#include "host/router/history.hpp"
#include "host/router/order.hpp"
#include "host/router/reasons.hpp"
#include "host/router/rules.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

constexpr unsigned kCrashesThatPoison = 2;
constexpr unsigned kHostDeathsThatPoison = 3;

// Everything a decision is made from, in the order in which it would be tried.
struct Board {
    std::vector<SeenStep> steps;
    std::vector<Candidate> candidates; // point into `steps`
    History history;
};

bool is_open(const Candidate& c) { return c.rejected.empty(); }

// A request that allows no fall-over stays with the first step that can serve it.
void keep_to_one_step(const RouteInput& in, std::vector<Candidate>& candidates)
{
    if (in.order.route.allow_fallback.value_or(true) || in.order.route.provider) return;
    const auto first = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
        if (in.attempts.empty()) return is_open(c);
        return c.step != nullptr && c.provider != nullptr &&
               c.provider->id == in.attempts.front().provider;
    });
    if (first == candidates.end() && in.attempts.empty()) return;
    const std::size_t only = first == candidates.end() ? 0 : first->step_index;
    // Where it began may be gone from the configuration: then nobody is left.
    for (Candidate& c : candidates)
        if (c.step != nullptr && (first == candidates.end() || c.step_index != only))
            c.rejected.push_back({.code = "fallback_not_allowed",
                                  .text = "the request stays where it began",
                                  .category = Category::invalid_params});
}

Board survey(const RouteInput& in)
{
    Board board{.steps = steps_of(in), .candidates = {}, .history = {}};
    board.candidates = candidates_of(in, board.steps);
    board.history = history_of(in, board.candidates);
    for (Candidate& c : board.candidates) {
        judge_by_history(in, board.history, c);
        judge_by_rules(in, board.history, c);
        judge_by_state(in, c);
    }
    put_in_order(in, board.candidates);
    keep_to_one_step(in, board.candidates);
    put_in_order(in, board.candidates);
    hold_paid_ones(in, board.candidates);
    return board;
}

std::optional<GiveUp> ends_by_itself(const RouteInput& in, const Board& board)
{
    const Error* const failure = most_useful_failure(in);
    const std::string last = failure == nullptr ? "" : "; it met: " + failure->text;
    if (board.history.crashes >= kCrashesThatPoison)
        return GiveUp{
            .as = JobEvent::poisoned,
            .error = {.category = Category::plugin_crashed,
                      .text = "it has killed its worker " + std::to_string(board.history.crashes) +
                              " times" + last,
                      .code = "poisoned",
                      .hint = "change the request, or let it try again",
                      .phase = Phase::run}
        };
    if (board.history.host_deaths >= kHostDeathsThatPoison)
        return GiveUp{
            .as = JobEvent::poisoned,
            .error = {.category = Category::plugin_crashed,
                      .text = "the daemon has died " + std::to_string(board.history.host_deaths) +
                              " times while this was at work" + last,
                      .code = "poisoned_host",
                      .hint = "change the request, or let it try again",
                      .phase = Phase::run}
        };
    if (board.history.is_open)
        return GiveUp{
            .error = {.category = Category::submit_ambiguous,
                      .text = "a paid attempt has no verdict yet",
                      .code = "verdict_open",
                      .hint = "wait, assume that it is lost, or mark it as charged",
                      .phase = Phase::submit,
                      .billing = Billing::maybe_billed}
        };
    if (in.now >= deadline_of(in))
        return GiveUp{
            .error = {.category = Category::deadline_exceeded,
                      .text = "the job's deadline is over" + last,
                      .code = "job_deadline",
                      .hint = "raise the deadline of the job",
                      .phase = Phase::queue}
        };
    return std::nullopt;
}

// When the waiting for a provider began. A worker that is gone again and again is one wait; one
// that had taken the job up before it went was not waited for.
WallTime waiting_since(const RouteInput& in)
{
    WallTime since = std::min(in.waiting_since.value_or(in.now), in.now);
    for (auto attempt = in.attempts.rbegin(); attempt != in.attempts.rend(); ++attempt) {
        if (!policy_for(*attempt).comes_back) break;
        if (attempt->verdict == Verdict::accepted)
            return std::min(since, attempt->ended.value_or(attempt->started));
        since = std::min(since, attempt->started);
    }
    return since;
}

bool has_only(const Candidate& c, std::initializer_list<std::string_view> codes)
{
    return std::all_of(c.skipped.begin(), c.skipped.end(), [&](const Reason& reason) {
        return std::find(codes.begin(), codes.end(), reason.code) != codes.end();
    });
}

// The least doubtful thing that any candidate waits for.
Waiting what_for(const std::vector<Candidate>& candidates)
{
    Waiting best = Waiting::waiting_for_provider;
    for (const Candidate& c : candidates) {
        if (!is_open(c) || c.skipped.empty()) continue;
        if (has_only(c, {"no_free_slot", "trial_running"})) return Waiting::slot;
        const bool repeats = c.repetition && !c.repetition->is_last_resort;
        if (repeats && has_only(c, {"backing_off", "no_free_slot"})) best = Waiting::retry;
    }
    return best;
}

Error nobody_came(const RouteInput& in, const std::vector<Candidate>& candidates)
{
    Error error = sum_up(in, candidates);
    error.text = "no provider became available within " + std::to_string(patience_of(in).count()) +
                 " s; " + error.text;
    if (error.code.empty()) error.code = "max_wait";
    return error;
}

std::variant<Dispatch, Wait, GiveUp> wait_or_end(const RouteInput& in, const Board& board)
{
    const bool somebody_later =
        std::any_of(board.candidates.begin(), board.candidates.end(), [](const Candidate& c) {
            return is_open(c) && !c.skipped.empty();
        });
    if (!somebody_later) return GiveUp{.error = sum_up(in, board.candidates)};
    Wait wait{.for_what = what_for(board.candidates), .until = deadline_of(in)};
    if (wait.for_what == Waiting::waiting_for_provider) {
        const WallTime enough = waiting_since(in) + patience_of(in);
        if (in.now >= enough) return GiveUp{.error = nobody_came(in, board.candidates)};
        wait.until = std::min(*wait.until, enough);
    }
    for (const Candidate& c : board.candidates)
        if (is_open(c) && c.earliest && *c.earliest > in.now)
            wait.until = std::min(*wait.until, *c.earliest);
    return wait;
}

Candidate* first_that_can_go(std::vector<Candidate>& candidates, bool though_held)
{
    const auto first = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
        return is_open(c) && c.skipped.empty() && (though_held || !c.is_held);
    });
    return first == candidates.end() ? nullptr : &*first;
}

Dispatch dispatch_to(const Candidate& c)
{
    Dispatch out{.provider = c.provider->id, .model = c.pair->model.id};
    out.request = c.fit->request;
    out.warnings = c.fit->warnings;
    out.reserve = c.cost.value_or(Money{});
    if (c.repetition) out.concession = c.repetition->concession;
    out.is_trial = c.pair->breaker == Breaker::half_open;
    return out;
}

Standing standing_of(const Candidate& c, const Candidate* chosen)
{
    if (!is_open(c)) return Standing::rejected;
    if (!c.skipped.empty()) return Standing::skipped;
    return &c == chosen ? Standing::chosen : Standing::standby;
}

Considered shown(const Candidate& c, const Candidate* chosen)
{
    Considered out{.standing = standing_of(c, chosen), .cost = c.cost};
    out.provider = c.provider == nullptr ? c.step->chain.use : c.provider->id;
    if (c.provider != nullptr) out.health = c.provider->health;
    if (c.pair != nullptr) {
        out.model = c.pair->model.id;
        out.breaker = c.pair->breaker;
        out.estimate = c.estimate();
    }
    for (const auto* list : {&c.rejected, &c.skipped})
        for (const Reason& reason : *list) {
            if (out.text.empty()) out.text = reason.text;
            out.reasons.push_back(reason.code);
        }
    if (c.is_held && out.reasons.empty()) {
        out.reasons.emplace_back("waits_for_free");
        out.text = "something that costs nothing is waited for first";
    }
    return out;
}

} // namespace

std::string_view to_string(Standing standing)
{
    constexpr std::array<std::string_view, 4> kNames{"chosen", "standby", "skipped", "rejected"};
    return kNames[static_cast<std::size_t>(standing)];
}

Decision decide(const RouteInput& in)
{
    Board board = survey(in);
    Candidate* chosen = nullptr;
    Decision decision;
    if (auto end = ends_by_itself(in, board)) {
        decision.outcome = *std::move(end);
    } else {
        chosen = first_that_can_go(board.candidates, false);
        if (chosen == nullptr) {
            decision.outcome = wait_or_end(in, board);
            // What costs nothing has been waited for long enough.
            if (std::holds_alternative<GiveUp>(decision.outcome))
                chosen = first_that_can_go(board.candidates, true);
        }
        if (chosen != nullptr) {
            chosen->is_held = false;
            decision.outcome = dispatch_to(*chosen);
        }
    }
    for (const Candidate& c : board.candidates)
        decision.considered.push_back(shown(c, chosen));
    return decision;
}

std::optional<Error> refuse_at_the_door(const RouteInput& in)
{
    const Board board = survey(in);
    if (std::any_of(board.candidates.begin(), board.candidates.end(), is_open)) return std::nullopt;
    Error error = refusal_of(in, board.candidates);
    error.phase = Phase::validate;
    return error;
}

} // namespace reelgate
