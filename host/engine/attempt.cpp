#include "host/engine/attempt.hpp"

#include "host/engine/verify.hpp"
#include "host/plugin/request_json.hpp"

#include <utility>

namespace reelgate {
namespace {

// Keeps what the provider offers and passes on the rest.
class Collector final : public AttemptListener {
public:
    explicit Collector(AttemptWatcher& watcher) : watcher_(watcher) {}

    void on_progress(const ProgressNote& note) override { watcher_.on_progress(note); }
    void on_preview(const std::string& path) override { watcher_.on_preview(path); }
    void on_artifact(const ArtifactOffer& offer) override { offers.push_back(offer); }
    void on_intend(const std::string& what_json, Ack ack) override
    {
        watcher_.on_intend(what_json, std::move(ack));
    }
    void on_accepted(const std::string& remote_json, Ack ack) override
    {
        watcher_.on_accepted(remote_json, std::move(ack));
    }

    std::vector<ArtifactOffer> offers;

private:
    AttemptWatcher& watcher_;
};

Error no_video()
{
    return Error{.category = Category::output_invalid,
                 .text = "the provider said it was done and left no video",
                 .code = "no_video",
                 .hint = "offer one artifact with the role `video`",
                 .phase = Phase::verify};
}

// What it may have cost is known here, where the provider's own word and its price meet.
Error billed(Error error, const Provider& provider)
{
    const Description* const description = provider.description();
    const Charge charge = description == nullptr ? Charge::paid : description->billing;
    error.billing = billing_of(error, charge);
    return error;
}

Task<VerifiedVideo> look_at(AttemptTools tools, AttemptPlan plan, std::vector<ArtifactOffer> offers)
{
    const ArtifactOffer* const offered = film_among(offers, plan.request);
    if (offered == nullptr) co_return no_video();
    auto look = [&](const MediaTool& tool) { return verify_film(tool, plan, *offered); };
    auto looking = tools.media.run(MediaLane::films, plan.id, std::move(look));
    auto film = co_await std::move(looking);
    if (!film) co_return std::move(film).error().in_phase(Phase::verify);
    co_return film;
}

} // namespace

Task<std::vector<ArtifactOffer>>
work_on(AttemptTools tools, AttemptPlan plan, AttemptWatcher& watcher)
{
    Collector collector(watcher);
    const AttemptFacts facts_for_plugin{.id = plan.id,
                                        .number = plan.number,
                                        .deadline = plan.deadline,
                                        .idempotency_key = plan.idempotency_key};
    AttemptOrder order{.id = plan.id,
                       .request_json = to_json(plan.request, facts_for_plugin),
                       .work_dir = plan.work_dir,
                       .remote_json = plan.remote_json};
    const Result<Done> done = co_await tools.provider.run(std::move(order), collector);
    if (!done) co_return billed(done.error(), tools.provider);
    co_return std::move(collector.offers);
}

Task<VerifiedVideo>
verify_offers(AttemptTools tools, AttemptPlan plan, std::vector<ArtifactOffer> offers)
{
    auto looking = look_at(tools, std::move(plan), std::move(offers));
    Result<VerifiedVideo> seen = co_await std::move(looking);
    if (!seen) co_return billed(std::move(seen).error(), tools.provider);
    co_return seen;
}

Task<VerifiedVideo> run_attempt(AttemptTools tools, AttemptPlan plan, AttemptWatcher& watcher)
{
    RG_CO_TRY(std::vector<ArtifactOffer> offers, co_await work_on(tools, plan, watcher));
    co_return co_await verify_offers(tools, std::move(plan), std::move(offers));
}

} // namespace reelgate
