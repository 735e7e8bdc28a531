#include "host/plugin/failure_record.hpp"

#include "host/plugin/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace reelgate {
namespace {

constexpr std::size_t kLongestText = 2048;
constexpr std::size_t kLongestCode = 128;
constexpr double kLongestWait = 31.0 * 24 * 3600; // a monthly quota

struct StatusRow {
    rg_status status;
    std::string_view name;
    Category category; // when the record names none
    bool refuses;      // explicitly, so that nothing was bought
    bool decides;      // the status stands against another category in the record
};

// BUSY and REJECTED are explicit refusals, so nothing was bought. AMBIGUOUS outranks every
// category: a plugin that does not know whether its request arrived cannot know how it failed.
constexpr std::array kStatuses{
    StatusRow{RG_BUSY,      "BUSY",      Category::provider_overloaded, true,  false},
    StatusRow{RG_REJECTED,  "REJECTED",  Category::invalid_params,      true,  false},
    StatusRow{RG_FAILED,    "FAILED",    Category::unknown,             false, false},
    StatusRow{RG_AMBIGUOUS, "AMBIGUOUS", Category::submit_ambiguous,    false, true },
    StatusRow{RG_CANCELLED, "CANCELLED", Category::cancelled,           false, true },
};

const StatusRow* row_of(rg_status status)
{
    const auto* const row = std::find_if(
        kStatuses.begin(), kStatuses.end(), [&](const auto& r) { return r.status == status; });
    return row == kStatuses.end() ? nullptr : row;
}

std::string excerpt_of(std::string_view raw)
{
    // What follows is cut again: replacing broken UTF-8 makes text longer.
    const Json shown = std::string(raw.substr(0, kLongestText));
    return shortened(Json::parse(json_text(shown)).get<std::string>(), kLongestText);
}

// Reads members and remembers whether one of them was of the wrong kind.
class Record {
public:
    explicit Record(const Json& members) : members_(members) {}

    std::string text(const char* name, std::size_t longest)
    {
        const Json* const value = find(name);
        if (value == nullptr) return {};
        if (value->is_string()) return shortened(value->get_ref<const std::string&>(), longest);
        is_sound_ = false;
        return {};
    }

    template <class Word>
    std::optional<Word> word(const char* name, std::optional<Word> (*from)(std::string_view))
    {
        const std::string said = text(name, kLongestCode);
        const std::optional<Word> known = from(said);
        if (!said.empty() && !known) is_sound_ = false;
        return known;
    }

    std::optional<bool> flag(const char* name)
    {
        const Json* const value = find(name);
        if (value == nullptr) return std::nullopt;
        if (value->is_boolean()) return value->get<bool>();
        is_sound_ = false;
        return std::nullopt;
    }

    std::optional<std::chrono::seconds> wait(const char* name)
    {
        const Json* const value = find(name);
        if (value == nullptr) return std::nullopt;
        const double seconds = value->is_number() ? value->get<double>() : -1;
        if (seconds >= 0)
            return std::chrono::seconds(
                static_cast<std::int64_t>(std::ceil(std::min(seconds, kLongestWait))));
        is_sound_ = false;
        return std::nullopt;
    }

    bool is_sound() const { return is_sound_; }

private:
    const Json* find(const char* name) const
    {
        const auto found = members_.find(name);
        return found == members_.end() || found->is_null() ? nullptr : &*found;
    }

    const Json& members_;
    bool is_sound_ = true;
};

// These two exist at the HTTP surface only: no attempt ends in them.
bool is_for_attempts(Category category)
{
    return category != Category::not_found && category != Category::internal;
}

// The category of the record, held against the status.
Category category_of(Record& record, const StatusRow& row, Error& error)
{
    const std::string said = record.text("category", kLongestCode);
    const std::optional<Category> known = category_from(said);
    if (!said.empty() && (!known || !is_for_attempts(*known))) {
        if (error.code.empty()) error.code = "unknown_category";
        if (error.provider_code.empty()) error.provider_code = said;
        return row.decides ? row.category : Category::unknown;
    }
    return row.decides || !known ? row.category : *known;
}

Error from_members(const StatusRow& row, const Json& members, Phase default_phase)
{
    Record record(members);
    Error error;
    error.code = record.text("code", kLongestCode);
    error.provider_code = record.text("provider_code", kLongestCode);
    error.category = category_of(record, row, error);
    error.text = record.text("text", kLongestText);
    error.hint = record.text("hint", kLongestText);
    error.upstream_excerpt = record.text("upstream_excerpt", kLongestText);
    error.scope = record.word("scope", scope_from);
    error.retry_after = record.wait("retry_after_s");
    error.compute_stopped = record.flag("compute_stopped");

    const std::optional<Phase> phase = record.word("phase", phase_from);
    error.phase = phase.value_or(default_phase);
    error.billing = record.word("billing", billing_from);
    const bool refused = row.refuses && error.category != Category::submit_ambiguous;
    if (!error.billing && refused && phase.value_or(Phase::submit) <= Phase::submit)
        error.billing = Billing::not_billed;
    if (!record.is_sound()) {
        if (error.code.empty()) error.code = "bad_failure_record";
        if (error.upstream_excerpt.empty())
            error.upstream_excerpt = shortened(json_text(members), kLongestText);
    }
    return error;
}

Error from_status(const StatusRow& row, Phase default_phase)
{
    Error error{.category = row.category, .text = {}, .phase = default_phase};
    if (row.refuses) error.billing = Billing::not_billed;
    return error;
}

Error not_understood(rg_status status, const char* code, Phase default_phase)
{
    const StatusRow* const row = row_of(status);
    return Error{.category = row != nullptr && row->decides ? row->category : Category::unknown,
                 .text = {},
                 .code = code,
                 .phase = default_phase};
}

} // namespace

Billing default_billing(Phase phase, Charge charge)
{
    if (charge == Charge::free) return Billing::free;
    switch (phase) {
    case Phase::validate:
    case Phase::admit:
    case Phase::queue:
    case Phase::connect:
    case Phase::load:
        return Billing::not_billed;
    case Phase::submit:
        return Billing::maybe_billed;
    case Phase::run:
    case Phase::poll:
    case Phase::download:
    case Phase::verify:
    case Phase::store:
        break;
    }
    return Billing::billed;
}

Billing more_careful(Billing a, Billing b) { return std::max(a, b); }

Billing billing_of(const Error& error, Charge charge)
{
    if (charge == Charge::free) return error.billing.value_or(Billing::free);
    if (error.category == Category::submit_ambiguous)
        return more_careful(error.billing.value_or(Billing::maybe_billed), Billing::maybe_billed);
    if (error.billing) return *error.billing;
    const Billing by_phase = default_billing(error.phase, charge);
    // Who does not even know what happened cannot be taken to know that it was paid for.
    const bool is_a_guess =
        error.category == Category::unknown || error.category == Category::cancelled;
    return is_a_guess && by_phase == Billing::billed ? Billing::maybe_billed : by_phase;
}

Error error_from(rg_status status, std::string_view record_json, Phase default_phase)
{
    const StatusRow* const row = row_of(status);
    if (row == nullptr) {
        Error error = not_understood(status, "bad_status", default_phase);
        error.text = "the provider ended with status " + std::to_string(status) +
                     ", which no failed call may have";
        error.upstream_excerpt = excerpt_of(record_json);
        return error;
    }

    const std::string status_name(row->name);
    if (record_json.empty()) {
        Error error = from_status(*row, default_phase);
        error.text = "the provider answered " + status_name + " and gave no reason";
        return error;
    }
    const Result<Json> members = parse_json(record_json);
    if (!members || !members->is_object()) {
        Error error = not_understood(status, "bad_failure_record", default_phase);
        error.text = "the provider answered " + status_name + " with a record that is no object";
        if (!members) error.text += " (" + members.error().text + ")";
        error.upstream_excerpt = excerpt_of(record_json);
        return error;
    }
    Error error = members->empty() ? from_status(*row, default_phase)
                                   : from_members(*row, *members, default_phase);
    if (error.text.empty())
        error.text = "the provider answered " + status_name + " and gave no reason";
    return error;
}

std::string record_from(const Error& error)
{
    Json record{
        {"category", to_string(error.category)},
        {"phase",    to_string(error.phase)   }
    };
    const auto put_text = [&record](const char* name, const std::string& text) {
        if (!text.empty()) record[name] = text;
    };
    put_text("text", error.text);
    put_text("code", error.code);
    put_text("hint", error.hint);
    put_text("provider_code", error.provider_code);
    put_text("upstream_excerpt", error.upstream_excerpt);
    if (error.scope) record["scope"] = to_string(*error.scope);
    if (error.billing) record["billing"] = to_string(*error.billing);
    if (error.retry_after) record["retry_after_s"] = error.retry_after->count();
    if (error.compute_stopped) record["compute_stopped"] = *error.compute_stopped;
    return json_text(record);
}

} // namespace reelgate
