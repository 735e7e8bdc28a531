#include "host/router/history.hpp"

#include "host/router/chance.hpp"
#include "host/router/rules.hpp"

#include <algorithm>

namespace reelgate {
namespace {

// An attempt whose error got lost is one that nobody understood.
const Error& error_of(const Attempt& attempt)
{
    static const Error kNothingSaid{.category = Category::unknown,
                                    .text = "it failed and did not say why",
                                    .phase = Phase::run};
    return attempt.error ? *attempt.error : kNothingSaid;
}

bool may_have_left(const Attempt& attempt) { return attempt.verdict != Verdict::not_sent; }

bool may_be_charged(const Attempt& attempt)
{
    return attempt.charge == Charge::paid && attempt.billing >= Billing::maybe_billed;
}

// Paid for, perhaps, and nobody knows. Whatever the failure calls itself, it is sent to nobody
// until it is known or declared to be lost.
bool has_no_verdict(const Attempt& attempt)
{
    return attempt.charge == Charge::paid &&
           (attempt.verdict == Verdict::pending || attempt.verdict == Verdict::ambiguous) &&
           error_of(attempt).code != "written_off";
}

bool chain_says(const Attempt& failed, const std::vector<Candidate>& candidates)
{
    return std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& c) {
        return c.step != nullptr && c.provider != nullptr && c.provider->id == failed.provider &&
               (c.pair == nullptr || c.pair->model.id == failed.model) &&
               c.step->chain.next_on_content_rejected;
    });
}

unsigned count_of(const RouteInput& in, Category category)
{
    return static_cast<unsigned>(
        std::count_if(in.attempts.begin(), in.attempts.end(), [&](const Attempt& a) {
            return error_of(a).category == category;
        }));
}

bool may_move(const RouteInput& in, const Attempt& last, const std::vector<Candidate>& candidates)
{
    if (has_no_verdict(last)) return false;
    switch (move_on(policy_for(last), last.charge)) {
    case MoveOn::never:
        return false;
    case MoveOn::always:
        return true;
    case MoveOn::once:
        return count_of(in, error_of(last).category) < 2;
    case MoveOn::if_free:
        return last.billing <= Billing::not_billed;
    case MoveOn::if_chain_says:
        return chain_says(last, candidates);
    // The allowance is asked of each candidate: one that is free needs none.
    case MoveOn::resubmit_allowed:
        return true;
    case MoveOn::if_stopped:
        return error_of(last).compute_stopped.value_or(false);
    }
    return false;
}

Scope scope_of(const Error& error) { return error.scope.value_or(traits(error.category).scope); }

const std::string* credential_of(const ProviderSnapshot& provider, const std::string& model)
{
    for (const PairSnapshot& pair : provider.pairs)
        if (pair.model.id == model) return &pair.credential;
    return nullptr;
}

// Did `attempt` show that the candidate would fail as well?
bool speaks_against(const Attempt& attempt, const Candidate& c)
{
    if (attempt.provider != c.provider->id) return false;
    if (attempt.model == c.pair->model.id) return true;
    const Scope scope = scope_of(error_of(attempt));
    if (scope == Scope::provider) return true;
    if (scope != Scope::credential) return false;
    const std::string* const used = credential_of(*c.provider, attempt.model);
    return used == nullptr || *used == c.pair->credential;
}

Reason tried(const Attempt& attempt)
{
    const Error& error = error_of(attempt);
    return {.code = "already_tried",
            .text = "it has had this job: " + error.text,
            .category = error.category};
}

const std::vector<std::string>& ladder_of(const RouteInput& in)
{
    return in.order.on_oom.empty() ? in.chain.on_oom : in.order.on_oom;
}

WallTime end_of(const Attempt& attempt) { return attempt.ended.value_or(attempt.started); }

// Judges one candidate by the attempts that speak against it.
class Judge {
public:
    Judge(const RouteInput& in, Candidate& candidate) : in_(in), c_(candidate) {}

    void run()
    {
        for (const Attempt& attempt : in_.attempts)
            if (!attempt.forgiven && speaks_against(attempt, c_)) against_.push_back(&attempt);
        if (against_.empty()) return;
        const Attempt& last = *against_.back();
        const PolicyRow& row = policy_for(last);
        const bool is_free_to_go = move_on(row, last.charge) == MoveOn::always;
        if (row.comes_back && is_free_to_go && !has_no_verdict(last))
            return grant(row, last, Repetition{.row = &row, .is_last_resort = true});
        const bool is_here = last.model == c_.pair->model.id;
        if (!is_here || !is_granted(row, last)) return refuse(tried(last));
        Repetition again{.row = &row};
        if (row.category == Category::insufficient_vram) {
            const std::size_t rung = times(row) - 1;
            if (rung >= ladder_of(in_).size()) return refuse(tried(last));
            again.concession = ladder_of(in_)[rung];
        }
        again.wants_new_seed =
            row.category == Category::output_invalid && !in_.order.wish.seed.has_value();
        grant(row, last, std::move(again));
    }

private:
    void refuse(Reason why) { c_.rejected.push_back(std::move(why)); }

    unsigned times(const PolicyRow& row) const
    {
        return static_cast<unsigned>(
            std::count_if(against_.begin(), against_.end(), [&](const Attempt* attempt) {
                return &policy_for(*attempt) == &row;
            }));
    }

    bool is_granted(const PolicyRow& row, const Attempt& last) const
    {
        const bool is_followed = row.category == Category::plugin_crashed &&
                                 last.charge == Charge::paid && !last.remote_json.empty();
        return row.again == Again::submit && !is_followed && !has_no_verdict(last) &&
               times(row) <= same_again(row, last.charge);
    }

    void grant(const PolicyRow& row, const Attempt& last, Repetition again)
    {
        const Error& error = error_of(last);
        const double chance = chance_of(in_.seed, in_.attempts.size());
        const auto wait = back_off(row, times(row), chance, error.retry_after);
        again.at = end_of(last) + wait;
        const bool others_choose = error.retry_after || error.category == Category::rate_limited;
        if (others_choose && wait > patience_of(in_)) {
            Reason why = tried(last);
            why.code = "retry_too_late";
            return refuse(std::move(why));
        }
        if (again.at >= deadline_of(in_)) {
            Reason why = tried(last);
            why.code = "retry_after_deadline";
            return refuse(std::move(why));
        }
        c_.repetition = std::move(again);
    }

    const RouteInput& in_;
    Candidate& c_;
    std::vector<const Attempt*> against_;
};

Reason stays_text(const Attempt& last)
{
    const Error& error = error_of(last);
    return {.code = "not_moved_on",
            .text = "after " + std::string(to_string(error.category)) + " at " + last.provider +
                    " nobody else may have the job",
            .category = error.category};
}

} // namespace

Money committed_by(const Attempt& attempt)
{
    if (attempt.settled) return *attempt.settled;
    const bool is_over = attempt.ended && attempt.billing <= Billing::not_billed;
    return is_over ? Money{} : attempt.reserved;
}

std::chrono::seconds patience_of(const RouteInput& in)
{
    return in.order.max_wait.value_or(in.limits.max_wait);
}

WallTime deadline_of(const RouteInput& in)
{
    return in.created + in.order.deadline.value_or(in.limits.deadline);
}

History history_of(const RouteInput& in, const std::vector<Candidate>& candidates)
{
    History h;
    for (const Attempt& attempt : in.attempts) {
        const bool is_paid_again = attempt.charge == Charge::paid && h.money_may_be_gone;
        if (may_be_charged(attempt)) h.money_may_be_gone = true;
        if (has_no_verdict(attempt) && !attempt.ended) h.is_open = true;
        h.committed += committed_by(attempt);
        h.last = &attempt;
        if (attempt.forgiven) continue; // but for the money
        if (may_have_left(attempt)) {
            ++h.submits;
            if (is_paid_again) ++h.paid_resubmits;
        }
        if (attempt.crashed_worker) ++h.crashes;
        h.host_deaths += attempt.host_deaths;
    }
    const bool speaks = h.last != nullptr && !h.last->forgiven;
    if (speaks && !may_move(in, *h.last, candidates)) h.stays = stays_text(*h.last);
    return h;
}

void judge_by_history(const RouteInput& in, const History& history, Candidate& candidate)
{
    if (candidate.provider == nullptr || candidate.step == nullptr || in.attempts.empty()) return;
    // Which of its models may have had the job is known once it has described itself.
    if (candidate.pair != nullptr) Judge(in, candidate).run();
    const bool is_same =
        history.last->provider == candidate.provider->id &&
        (candidate.pair == nullptr || history.last->model == candidate.pair->model.id);
    if (history.stays && !is_same) candidate.rejected.push_back(*history.stays);
    if (history.submits >= in.limits.max_submits)
        candidate.rejected.push_back(
            {.code = "submits_used_up",
             .text = "the job has been submitted " + std::to_string(history.submits) + " times",
             .category = error_of(*history.last).category});
    const bool needs_allowance = candidate.is_paid() && history.money_may_be_gone;
    if (needs_allowance && history.paid_resubmits >= in.limits.max_paid_resubmits)
        candidate.rejected.push_back({.code = "resubmits_used_up",
                                      .text = "it would be paid for once more than is allowed",
                                      .category = error_of(*history.last).category});
}

const Error* most_useful_failure(const RouteInput& in)
{
    const Error* best = nullptr;
    for (const Attempt& attempt : in.attempts) {
        const Error& error = error_of(attempt);
        if (best == nullptr || usefulness(error.category) <= usefulness(best->category))
            best = &error;
    }
    return best;
}

} // namespace reelgate
