// `reelgate plugin trust`: a person says yes to a plugin as it is now, or takes that back.
#include "host/app/commands/plugin.hpp"
#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/base/clock.hpp"
#include "host/plugin/pins.hpp"

#include <memory>

namespace reelgate {
namespace {

using Json = nlohmann::json;

struct Options {
    std::string name; // with --remove an id, as the plugin may be gone
    bool remove = false;
    OutputFormat format = OutputFormat::text;
};

// What was done, in words and as data.
struct Answer {
    std::string text;
    Json json;
};

// A pin on what others could change, or on what is not what its sums say, would be worth nothing.
Result<Done> can_be_trusted(const TrustFacts& facts)
{
    if (facts.unsafe) return *facts.unsafe;
    if (facts.damaged) return *facts.damaged;
    return Done{};
}

Result<Answer> trust(const Globals& globals, const std::string& name)
{
    RG_TRY(const PluginEntry entry, named_plugin(globals, name));
    const std::string& id = entry.manifest.id;
    RG_TRY(const TrustFacts facts,
           gather_trust(entry.manifest, entry.origin, trust_places(globals)));
    RG_CHECK(can_be_trusted(facts));
    const std::string what = id + " " + facts.version;
    Answer answer{what + " came with Reelgate and needs no pin", {}};
    if (entry.origin == Origin::user) {
        Pin pin{
            .id = id, .version = facts.version, .sha256 = facts.sha256, .trusted_at = {}, .by = {}};
        RG_CHECK(add_pin(globals.data_dir, std::move(pin), SystemClock().wall()));
        answer.text = what + " is trusted as it is now: " + facts.sha256;
    }
    answer.json["id"] = id;
    answer.json["version"] = facts.version;
    answer.json["sha256"] = facts.sha256;
    answer.json["origin"] = to_string(entry.origin);
    answer.json["before"] = facts.pin ? Json(facts.pin->sha256) : Json();
    return answer;
}

// Works for a plugin that is no longer there, too.
Result<Answer> distrust(const Globals& globals, const std::string& id)
{
    RG_CHECK(remove_pin(globals.data_dir, id, SystemClock().wall()));
    Answer answer{id + " is no longer trusted", {}};
    answer.json["id"] = id;
    answer.json["removed"] = true;
    return answer;
}

int run(const Globals& globals, const Options& options)
{
    const Result<Answer> answer =
        options.remove ? distrust(globals, options.name) : trust(globals, options.name);
    if (!answer) return report_error(answer.error(), options.format);
    if (options.format == OutputFormat::json)
        print_json(answer->json);
    else
        print_line(answer->text);
    return to_int(ExitCode::ok);
}

} // namespace

void add_plugin_trust(CLI::App& plugin, Globals& globals, int& exit_code)
{
    CLI::App* command = plugin.add_subcommand(
        "trust", "Allow a plugin to run as it is now; who and when goes into the audit log");
    const auto options = std::make_shared<Options>();
    command->add_option("plugin", options->name, "Its id, or its directory (with a '/')")
        ->required()
        ->option_text("ID|DIR");
    command->add_flag("--remove", options->remove, "Take the permission back");
    add_format_option(*command, options->format);
    command->callback([&globals, &exit_code, options] { exit_code = run(globals, *options); });
}

} // namespace reelgate
