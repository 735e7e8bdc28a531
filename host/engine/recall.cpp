// What a daemon knows of the ones before it, besides the jobs that live: breakers, how long films
// took, and how its life ended.
#include "host/engine/engine.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

constexpr const char* kLife =
    "daemon.life"; // "open" while one works, "closed" after an orderly end

constexpr std::size_t kFilms = 500; // how many earlier ones are looked at

std::string breakers_of(const std::string& provider) { return "breakers." + provider; }

std::int64_t micros_of(WallTime when)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
}

WallTime time_of(const Json& micros)
{
    return WallTime(std::chrono::duration_cast<WallTime::duration>(
        std::chrono::microseconds(micros.get<std::int64_t>())));
}

Json written(const BreakerFold& breaker)
{
    Json crashes = Json::array();
    for (const WallTime crash : breaker.crashes)
        crashes.push_back(micros_of(crash));
    Json out = Json::object();
    out["state"] = static_cast<unsigned>(breaker.state);
    out["run_failures"] = breaker.run_failures;
    out["submit_failures"] = breaker.submit_failures;
    out["crashes"] = std::move(crashes);
    out["times_opened"] = breaker.times_opened;
    out["until"] = breaker.until ? Json(micros_of(*breaker.until)) : Json(nullptr);
    out["held_open"] = breaker.held_open;
    return out;
}

BreakerFold read(const Json& doc)
{
    BreakerFold breaker;
    breaker.state = static_cast<Breaker>(std::min(doc.at("state").get<unsigned>(), 2U));
    breaker.run_failures = doc.at("run_failures").get<unsigned>();
    breaker.submit_failures = doc.at("submit_failures").get<unsigned>();
    for (const Json& crash : doc.at("crashes"))
        breaker.crashes.push_back(time_of(crash));
    breaker.times_opened = doc.at("times_opened").get<unsigned>();
    if (!doc.at("until").is_null()) breaker.until = time_of(doc.at("until"));
    breaker.held_open = doc.at("held_open").get<bool>();
    return breaker;
}

std::string text_of(const std::map<std::string, BreakerFold>& breakers)
{
    Json doc = Json::object();
    for (const auto& [model, breaker] : breakers)
        if (breaker != BreakerFold{}) doc[model] = written(breaker);
    return doc.dump();
}

Result<std::map<std::string, BreakerFold>> breakers_from(const std::string& text)
{
    std::map<std::string, BreakerFold> breakers;
    try {
        const Json doc = Json::parse(text);
        for (const auto& [model, breaker] : doc.items())
            breakers.emplace(model, read(breaker));
    } catch (const Json::exception& error) {
        return internal_error(std::string("stored breakers cannot be read: ") + error.what());
    }
    return breakers;
}

} // namespace

asio::awaitable<void> Engine::recall()
{
    co_await recall_breakers();
    const auto life = co_await parts_.store.fact(kLife);
    was_killed_ = life && *life && **life == "\"open\"";
    const auto noted = co_await parts_.store.put_fact(kLife, "\"open\"");
    if (leaving_) co_return;
    if (!noted) note_bug("noting the start", noted.error());
    for (const Job* job : parts_.store.live_jobs())
        if (busy_.contains(job->id)) tasks_.spawn(take_up(job->id));
    tasks_.spawn(turns());
    co_await recall_films(); // nobody waits for it
}

asio::awaitable<void> Engine::recall_breakers()
{
    const auto places = slots_;
    for (const auto& place : places) {
        const std::string name = breakers_of(place->config().id);
        const auto kept = co_await parts_.store.fact(name);
        if (!kept || !*kept) continue;
        auto breakers = breakers_from(**kept);
        if (!breakers) {
            note_bug("taking up breakers", breakers.error());
            continue;
        }
        kept_breakers_[place->config().id] = **kept;
        place->restore(*std::move(breakers));
    }
}

asio::awaitable<void> Engine::recall_films()
{
    JobFilter films{.states = {JobState::completed}, .limit = kFilms};
    const auto page = co_await parts_.store.list(std::move(films));
    if (!page) {
        note_bug("looking at earlier films", page.error());
        co_return;
    }
    for (auto film = page->jobs.rbegin(); film != page->jobs.rend(); ++film)
        learn_from(*film); // oldest first
}

asio::awaitable<void> Engine::note_orderly_end()
{
    const auto noted = co_await parts_.store.put_fact(kLife, "\"closed\"");
    if (!noted && noted.error().category != Category::cancelled)
        note_bug("noting the end", noted.error());
    end_is_noted_ = true;
    bell_.ring();
}

// What has changed since it was kept last goes to the disk; nobody waits for it.
void Engine::keep_breakers()
{
    for (const auto& place : slots_) {
        std::string& kept = kept_breakers_[place->config().id];
        if (kept.empty() && place->breakers().empty()) continue;
        std::string text = text_of(place->breakers());
        if (text == kept) continue;
        kept = text;
        tasks_.spawn(keep_fact(breakers_of(place->config().id), std::move(text)));
    }
}

asio::awaitable<void> Engine::keep_fact(std::string name, std::string text)
{
    const auto kept = co_await parts_.store.put_fact(std::move(name), std::move(text));
    if (!kept && !leaving_) note_bug("keeping a fact", kept.error());
}

} // namespace reelgate
