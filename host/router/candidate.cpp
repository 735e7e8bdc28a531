#include "host/router/candidate.hpp"

#include <algorithm>

namespace reelgate {
namespace {

bool is_meant(const ProviderSnapshot& provider, const std::string& name)
{
    return provider.id == name || (!provider.pool.empty() && provider.pool == name);
}

// Steps that the request puts first, in its order.
void put_first(std::vector<SeenStep>& steps, const std::vector<std::string>& order)
{
    auto rest = steps.begin();
    for (const std::string& name : order) {
        const auto found = std::find_if(
            rest, steps.end(), [&](const SeenStep& step) { return step.chain.use == name; });
        if (found == steps.end()) continue;
        std::rotate(rest, found, found + 1);
        ++rest;
    }
}

// The models of a provider that this step and this order may use; empty words mean any.
std::vector<const PairSnapshot*>
wanted_pairs(const RouteInput& in, const ProviderSnapshot& provider, const SeenStep& step)
{
    const std::optional<std::string>& model = in.order.wish.model;
    const bool is_chain = model && *model == in.chain.id;
    std::vector<const PairSnapshot*> out;
    for (const PairSnapshot& pair : provider.pairs) {
        const bool in_step = !step.chain.model || *step.chain.model == pair.model.id;
        const bool in_order = !model || is_chain || *model == pair.model.id;
        if (in_step && in_order) out.push_back(&pair);
    }
    return out;
}

Reason no_model(const RouteInput& in, const ProviderSnapshot& provider, const SeenStep& step)
{
    const std::string wanted = in.order.wish.model.value_or(step.chain.model.value_or("any"));
    std::string has;
    for (const PairSnapshot& pair : provider.pairs)
        has += (has.empty() ? "" : ", ") + pair.model.id;
    return {.code = "model_not_found",
            .text = "it does not offer the model " + wanted + "; it has " + has,
            .category = Category::model_not_found};
}

class Collector {
public:
    explicit Collector(const RouteInput& in) : in_(in) {}

    void add(const SeenStep& step, std::size_t index)
    {
        bool is_somebody = false;
        for (const ProviderSnapshot& provider : in_.providers) {
            if (!is_meant(provider, step.chain.use)) continue;
            is_somebody = true;
            add(step, index, provider);
        }
        if (is_somebody) return;
        Candidate nobody{.step = &step, .step_index = index};
        nobody.rejected.push_back(
            {.code = "not_configured",
             .text = "there is no provider or pool of this name",
             .category = step.is_named ? Category::invalid_params : Category::worker_unavailable});
        out_.push_back(std::move(nobody));
    }

    std::vector<Candidate> finish() &&
    {
        for (const ProviderSnapshot& provider : in_.providers) {
            if (is_listed(provider)) continue;
            Candidate outside{.provider = &provider};
            outside.rejected.push_back({.code = "not_in_chain",
                                        .text = "the chain " + in_.chain.id + " does not use it",
                                        .category = Category::worker_unavailable});
            out_.push_back(std::move(outside));
        }
        return std::move(out_);
    }

private:
    void add(const SeenStep& step, std::size_t index, const ProviderSnapshot& provider)
    {
        const auto pairs = wanted_pairs(in_, provider, step);
        std::size_t place = 0;
        for (const PairSnapshot* const pair : pairs)
            if (!is_listed(provider, pair))
                out_.push_back({.provider = &provider,
                                .pair = pair,
                                .step = &step,
                                .step_index = index,
                                .place = place++});
        if (!pairs.empty() || is_listed(provider, nullptr)) return;
        Candidate open{.provider = &provider, .step = &step, .step_index = index};
        if (!provider.pairs.empty()) open.rejected.push_back(no_model(in_, provider, step));
        out_.push_back(std::move(open));
    }

    bool is_listed(const ProviderSnapshot& provider, const PairSnapshot* pair) const
    {
        return std::any_of(out_.begin(), out_.end(), [&](const Candidate& c) {
            return c.provider == &provider && c.pair == pair;
        });
    }

    bool is_listed(const ProviderSnapshot& provider) const
    {
        return std::any_of(
            out_.begin(), out_.end(), [&](const Candidate& c) { return c.provider == &provider; });
    }

    const RouteInput& in_;
    std::vector<Candidate> out_;
};

} // namespace

std::vector<SeenStep> steps_of(const RouteInput& in)
{
    const RouteWish& route = in.order.route;
    std::vector<SeenStep> steps;
    for (const ChainStep& step : in.chain.steps)
        steps.push_back({.chain = step});
    put_first(steps, route.order);
    if (route.provider) {
        const auto found = std::find_if(steps.begin(), steps.end(), [&](const SeenStep& step) {
            return step.chain.use == *route.provider;
        });
        if (found == steps.end())
            steps.insert(steps.begin(), {.chain = {.use = *route.provider}});
        else
            std::rotate(steps.begin(), found, found + 1);
        steps.front().is_named = true;
        if (!route.allow_fallback.value_or(false))
            for (SeenStep& step : steps)
                if (step.chain.use != *route.provider)
                    step.closed = "the request names " + *route.provider + " and no other";
    }
    return steps;
}

std::vector<Candidate> candidates_of(const RouteInput& in, const std::vector<SeenStep>& steps)
{
    Collector collector(in);
    for (std::size_t i = 0; i < steps.size(); ++i)
        collector.add(steps[i], i);
    return std::move(collector).finish();
}

Estimate Candidate::estimate() const
{
    if (pair == nullptr) return {};
    const bool is_stated = pair->estimate.basis != Estimate::Basis::none;
    if (is_stated || !pair->pace || !fit || fit->request.fps <= 0) return pair->estimate;
    const std::chrono::duration<double> run(*pair->pace * fit->request.frames / fit->request.fps);
    return {.run = run, .basis = Estimate::Basis::history};
}

} // namespace reelgate
