#include "host/plugin/description.hpp"

#include "host/plugin/capability_json.hpp"
#include "host/plugin/json_members.hpp"
#include "host/plugin/plugin_id.hpp"
#include "host/plugin/schema.hpp"

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

constexpr std::size_t kLongestWord = 128;
constexpr std::size_t kLongestReason = 2048;
constexpr std::size_t kMostLoaded = 1024;

constexpr std::array<std::string_view, 6> kStates{
    "ready", "busy", "starting", "degraded", "unhealthy", "misconfigured"};

Error refused(const std::string& text, const char* code)
{
    return Error{.category = Category::provider_error, .text = text, .code = code};
}

Json read_schema(JsonMembers& members, const char* name)
{
    Json empty{
        {"type",                 "object"      },
        {"properties",           Json::object()},
        {"additionalProperties", false         }
    };
    const Json* const schema = members.find(name);
    if (schema == nullptr) return empty;
    if (const auto checked = check_schema(*schema, members.path_of(name)); !checked) {
        members.notes().problem_at(checked.error().text);
        return empty;
    }
    if (schema->value("type", Json()) != "object") {
        members.problem(name, "must have \"type\": \"object\"");
        return empty;
    }
    return *schema;
}

Description::Resources read_resources(JsonMembers& members)
{
    Description::Resources resources;
    if (auto given = members.object("resources")) {
        resources.gpu = given->word("gpu", {"none", "optional", "required"}, "none");
        resources.ram_mb = given->whole("ram_mb", 0, 100'000'000, 0);
        given->warn_of_others();
    }
    return resources;
}

Description read_description(JsonMembers& members)
{
    Description out;
    out.id = members.required_text("id", kLongestWord);
    if (!out.id.empty() && !is_plugin_id(out.id))
        members.problem("id", "must be lower-case letters, digits, '.', '-' and '_'");
    out.version = members.required_text("version", kLongestWord);
    out.name = members.text("name", out.id, kLongestWord);
    out.license = members.text("license", {}, kLongestWord);
    out.max_concurrency = static_cast<std::uint32_t>(members.whole("max_concurrency", 1, 64, 1));
    out.silent_for = std::chrono::seconds(members.whole("silent_for_s", 1, 86'400, 120));
    out.cancel_within = std::chrono::seconds(members.whole("cancel_within_s", 1, 60, 10));
    out.resources = read_resources(members);
    out.billing =
        members.word("billing", {"free", "paid"}, "paid") == "free" ? Charge::free : Charge::paid;
    out.egress = members.word("egress", {"none", "local", "cloud"}, "none");
    out.models = read_models(members, "models");
    out.config_schema = read_schema(members, "config_schema");
    out.params_schema = read_schema(members, "params_schema");
    members.warn_of_others();
    return out;
}

ProviderState read_state(JsonMembers& members)
{
    const std::string word = members.required_text("state", kLongestWord);
    const auto state = provider_state_from(word);
    if (!word.empty() && !state)
        members.problem("state",
                        "must be ready, busy, starting, degraded, unhealthy or misconfigured, is "
                        "\"" +
                            word + "\"");
    return state.value_or(ProviderState::unhealthy);
}

ProbeReport read_probe(JsonMembers& members)
{
    ProbeReport out;
    out.state = read_state(members);
    if (const Json* const reason = members.find("reason")) {
        if (reason->is_string())
            out.reason = shortened(reason->get_ref<const std::string&>(), kLongestReason);
        else
            members.problem("reason", "must be text");
    }
    out.queue = members.whole("queue", 0, 1'000'000'000, 0);
    if (const auto idle = members.number("idle_s", 0, 1e9))
        out.idle = std::chrono::duration<double>(*idle);
    out.loaded = members.texts("loaded", kMostLoaded, kLongestReason);
    if (auto vram = members.object("vram_mb")) {
        constexpr std::uint64_t kMost = 100'000'000;
        out.vram = {vram->whole("total", 0, kMost, 0), vram->whole("free", 0, kMost, 0)};
        vram->warn_of_others();
    }
    if (members.find("models") != nullptr) out.models = read_models(members, "models");
    out.missing = members.texts("missing", kMostLoaded, kLongestReason);
    members.warn_of_others();
    return out;
}

template <class Value>
Result<Value> parse(std::string_view text, Value (*read)(JsonMembers&), const char* code)
{
    const Result<Json> json = parse_json(text, {.bytes = kDescriptionLimit});
    if (!json) return refused(json.error().text, code);
    JsonNotes notes;
    JsonMembers members(*json, "", notes);
    Value value = read(members);
    if (!notes.is_clean()) return refused(notes.text(), code);
    value.warnings = notes.take_warnings();
    return value;
}

} // namespace

Result<Description> parse_description(std::string_view text)
{
    return parse(text, read_description, "bad_description");
}

std::string_view to_string(ProviderState state) { return kStates[static_cast<std::size_t>(state)]; }

std::optional<ProviderState> provider_state_from(std::string_view word)
{
    const auto* const found = std::find(kStates.begin(), kStates.end(), word);
    if (found == kStates.end()) return std::nullopt;
    return static_cast<ProviderState>(found - kStates.begin());
}

Result<ProbeReport> parse_probe(std::string_view text)
{
    return parse(text, read_probe, "bad_probe");
}

} // namespace reelgate
