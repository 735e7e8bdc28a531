#include "host/engine/attempt.hpp"

#include "host/plugin/request_json.hpp"
#include "host/plugin/work_dir.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
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

Error no_video(const std::vector<ArtifactOffer>& offers)
{
    const bool pictures = std::any_of(
        offers.begin(), offers.end(), [](const auto& offer) { return offer.role == "frames"; });
    return Error{.category = Category::output_invalid,
                 .text = pictures ? "the provider left numbered pictures, which are not joined yet"
                                  : "the provider said it was done and left no video",
                 .code = pictures ? "frames_not_joined" : "no_video",
                 .hint = "offer one artifact with the role `video`",
                 .phase = Phase::verify};
}

Error deviates(const std::vector<Deviation>& deviations)
{
    std::string text = "the video is not what was asked for:";
    for (const Deviation& d : deviations)
        text += ' ' + d.what + ' ' + d.found + " instead of " + d.expected + ';';
    text.pop_back();
    return Error{.category = Category::output_invalid,
                 .text = std::move(text),
                 .code = "deviates",
                 .phase = Phase::verify};
}

// For people who look into the directory; nobody else goes by it.
std::string extension_of(const std::filesystem::path& offered)
{
    const std::string extension = offered.extension().string();
    const auto plain = [](char c) {
        return c == '.' || std::isalnum(static_cast<unsigned char>(c));
    };
    const bool is_plain =
        extension.size() <= 8 && std::all_of(extension.begin(), extension.end(), plain);
    return is_plain ? extension : std::string();
}

// The provider may still run, and write to its work directory: what is probed is a copy.
Result<MediaFacts> keep_and_probe(const MediaTool& media,
                                  const AttemptPlan& plan,
                                  const std::string& offered,
                                  const std::filesystem::path& copy)
{
    RG_CHECK(copy_from_work_dir(plan.work_dir, {.relative = offered}, copy));
    return probe_media(media, copy, MediaLimits{});
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
    const std::string wanted = plan.request.task == "image" ? "image" : "video";
    const auto video = std::find_if(
        offers.rbegin(), offers.rend(), [&](const auto& offer) { return offer.role == wanted; });
    if (video == offers.rend()) co_return no_video(offers);

    VerifiedVideo verified;
    verified.file = plan.keep_dir / ("film" + extension_of(video->path));
    auto look = [&] { return keep_and_probe(tools.media, plan, video->path, verified.file); };
    auto facts = co_await on_pool(tools.pool, std::move(look));
    if (!facts) co_return std::move(facts).error().in_phase(Phase::verify);
    verified.facts = *std::move(facts);
    verified.deviations = deviations(promise_of(plan.request), verified.facts);
    if (!verified.deviations.empty() && !plan.accept_deviations)
        co_return deviates(verified.deviations);
    offers.erase(std::next(video).base());
    verified.others = std::move(offers);
    co_return verified;
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
