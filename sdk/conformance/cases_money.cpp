// Money: nothing that may cost any leaves before the host has recorded the intent.
#include "sdk/conformance/cases.hpp"
#include "sdk/conformance/network_watch.hpp"
#include "sdk/conformance/subject.hpp"

#include <nlohmann/json.hpp>

#include <fstream>

namespace reelgate::conformance {
namespace {

namespace fs = std::filesystem;

Verdict failed_with(const Error& error) { return failed(error.sentence()); }

// A stand-in that has no network keeps a ledger of what would have left. Those without one have
// submitted nothing that way.
std::size_t submits_in_ledger(const fs::path& data_dir)
{
    std::size_t submits = 0;
    std::ifstream ledger(data_dir / "ledger.jsonl");
    for (std::string line; std::getline(ledger, line);) {
        const Json entry = Json::parse(line, nullptr, false);
        if (entry.is_object() && entry.value("event", Json()) == "submit") ++submits;
    }
    return submits;
}

// A paid plugin in a worker from which nothing may leave until it is allowed.
class Purse {
public:
    explicit Purse(Subject& s)
        : settings_(s.settings()), watch_(s.new_dir("watch")), live_(s, settings_, &watch_)
    {
    }

    Live& live() { return live_; }
    void allow() { watch_.allow(); }

    // What has left although it might not, for a sentence.
    std::optional<std::string> loss() const
    {
        const auto noted = watch_.noted();
        if (!noted.empty()) return noted.front();
        if (submits_in_ledger(settings_.data_dir) > 0) return "a submit, by its own ledger";
        return std::nullopt;
    }

    // Nothing was seen: was there anybody who looked?
    Verdict nothing_left() const
    {
        const auto blind = watch_.blind();
        if (!blind) return passed();
        return skipped("what it said is right; what it sends cannot be seen here: " + *blind);
    }

private:
    ProviderSettings settings_;
    NetworkWatch watch_;
    Live live_;
};

} // namespace

Verdict money_sends_nothing_before_its_intent(Subject& s)
{
    if (!s.is_paid()) return skipped("it is free");
    Purse purse(s);
    if (const auto opened = purse.live().open(); !opened) return failed_with(opened.error());
    std::optional<std::string> early;
    purse.live().hold_intents([&] {
        early = purse.loss();
        purse.allow();
        return RG_OK;
    });
    const RunRecord record = purse.live().run(s.smallest(*s.easiest()));
    if (record.durable.empty()) early = purse.loss();
    if (early) return failed("before its intent was answered there left " + *early);
    if (!record.verdict) return failed(sentence_of(record.verdict));
    if (record.durable == std::vector<std::string>{"intend", "accepted"})
        return purse.nothing_left();
    std::string order;
    for (const std::string& step : record.durable)
        order += (order.empty() ? "" : " ") + step;
    return failed("it said '" + order +
                  "': a paid run says intend, submits, and says accepted, once each");
}

Verdict money_sends_nothing_when_refused(Subject& s)
{
    if (!s.is_paid()) return skipped("it is free");
    Purse purse(s);
    if (const auto opened = purse.live().open(); !opened) return failed_with(opened.error());
    purse.live().hold_intents([] { return RG_FAILED; });
    const RunRecord record = purse.live().run(s.smallest(*s.easiest()));
    purse.live().stop(); // a thread of its own may be late
    if (const auto loss = purse.loss())
        return failed("its intent was refused, and there left " + *loss);
    if (record.remote_json) return failed("it said accepted although its intent was refused");
    if (record.verdict) return failed("it said OK although its intent was refused");
    return purse.nothing_left();
}

Verdict money_resumes_without_an_intent(Subject& s)
{
    if (!s.is_paid()) return skipped("it is free");
    const ProviderSettings settings = s.settings();
    std::string remote;
    {
        Live live(s, settings);
        if (const auto opened = live.open(); !opened) return failed_with(opened.error());
        const RunRecord record = live.run(s.smallest(*s.easiest()));
        if (!record.remote_json) return failed("it accepted nothing that could be resumed");
        remote = *record.remote_json;
    }
    const std::size_t submits = submits_in_ledger(settings.data_dir);
    Live later(s, settings);
    if (const auto opened = later.open(); !opened) return failed_with(opened.error());
    const RunRecord record = later.resume(s.smallest(*s.easiest()), remote);
    if (!record.durable.empty())
        return failed("resume() said " + record.durable.front() + ": it must not submit");
    if (submits_in_ledger(settings.data_dir) > submits)
        return failed("resume() submitted, by its own ledger");
    return record.verdict ? passed() : failed("resume: " + sentence_of(record.verdict));
}

} // namespace reelgate::conformance
