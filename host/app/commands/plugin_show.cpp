// `reelgate plugin show`: one plugin, from its manifest, the tables of its library and the pins.
// None of its code runs, unless --live asks for what it says itself.
#include "host/app/commands/plugin.hpp"
#include "host/app/live.hpp"
#include "host/app/output.hpp"
#include "host/app/plugins.hpp"
#include "host/plugin/elf.hpp"
#include "host/plugin/machine.hpp"
#include "host/plugin/preflight.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace reelgate {
namespace {

using Json = nlohmann::json;

// All that can be known without running it.
struct Seen {
    PluginEntry entry;
    std::optional<ElfFacts> elf;
    Result<Done> fits = Done{};
    TrustFacts trust;
    Result<Done> allowed = Done{};
    std::optional<LiveFacts> live;
};

Result<Seen> look(const Globals& globals, const std::string& name, bool live)
{
    Seen seen;
    RG_TRY(seen.entry, named_plugin(globals, name));
    const Manifest& manifest = seen.entry.manifest;
    if (manifest.runtime == Manifest::Runtime::native)
        if (auto elf = read_elf(manifest.program())) seen.elf = *std::move(elf);
    seen.fits = preflight(manifest);
    RG_TRY(seen.trust, gather_trust(manifest, seen.entry.origin, trust_places(globals)));
    seen.allowed = may_run(globals.trust, seen.trust);
    // As elsewhere, who names a directory means what is in it.
    const bool named = name.find('/') != std::string::npos;
    if (live && seen.fits && (seen.allowed || named)) seen.live = look_alive(globals, manifest);
    return seen;
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts) {
        if (!all.empty()) all += ", ";
        all += text;
    }
    return all.empty() ? "-" : all;
}

std::vector<std::string> names_of(const std::vector<ElfSymbol>& symbols)
{
    std::vector<std::string> names;
    for (const ElfSymbol& symbol : symbols)
        names.push_back(symbol.name + (symbol.is_unique ? " (GNU-unique)" : ""));
    return names;
}

Json manifest_json(const Manifest& manifest)
{
    const std::string abi =
        std::to_string(manifest.abi_major) + "." + std::to_string(manifest.abi_min_host_minor);
    return {
        {"id",              manifest.id                                                                     },
        {"version",         manifest.version                                                                },
        {"name",            manifest.name                                                                   },
        {"license",         manifest.license                                                                },
        {"runtime",         to_string(manifest.runtime)                                                     },
        {"program",         manifest.program().string()                                                     },
        {"command",         manifest.command                                                                },
        {"abi",             {{"major", manifest.abi_major}, {"min_host_minor", manifest.abi_min_host_minor}}},
        {"machine",         manifest.machine                                                                },
        {"transport",       to_string(manifest.transport)                                                   },
        {"start_timeout_s", manifest.start_timeout.count()                                                  },
        {"egress",          to_string(manifest.egress)                                                      },
        {"gpu",             manifest.gpu                                                                    },
        {"environment",     manifest.environment                                                            },
        {"files",           manifest.files                                                                  },
        {"warnings",        manifest.warnings                                                               }
    };
}

Json elf_json(const ElfFacts& elf)
{
    const Machine* machine = machine_of_elf(elf.machine);
    return {
        {"machine",      machine != nullptr ? Json(machine->manifest) : Json(elf.machine)},
        {"bits",         elf.bits                                                        },
        {"soname",       elf.soname                                                      },
        {"exports",      names_of(elf.exports)                                           },
        {"needed",       elf.needed                                                      },
        {"search_paths", elf.search_paths                                                },
        {"binds_now",    elf.binds_now                                                   }
    };
}

Json verdict_json(const Result<Done>& verdict)
{
    Json json{
        {"ok", verdict.has_value()}
    };
    if (!verdict) json["error"] = error_json(verdict.error());
    return json;
}

Json trust_json(const Globals& globals, const Seen& seen)
{
    Json json = verdict_json(seen.allowed);
    json["policy"] = to_string(globals.trust);
    json["sha256"] = seen.trust.sha256;
    json["signer"] = seen.trust.signer ? Json(*seen.trust.signer) : Json();
    json["pin"] = Json();
    if (const auto& pin = seen.trust.pin)
        json["pin"] = {
            {"version",    pin->version   },
            {"sha256",     pin->sha256    },
            {"trusted_at", pin->trusted_at},
            {"by",         pin->by        }
        };
    return json;
}

Json live_json(const LiveFacts& live)
{
    Json json{
        {"ready", !live.refused.has_value()}
    };
    if (live.refused) json["error"] = error_json(*live.refused);
    if (live.description) {
        Json models = Json::array();
        for (const ModelCapability& model : live.description->models)
            models.push_back(model.id);
        json["models"] = std::move(models);
        json["max_concurrency"] = live.description->max_concurrency;
        json["config_schema"] = live.description->config_schema;
        json["params_schema"] = live.description->params_schema;
    }
    if (live.probe && *live.probe) json["state"] = to_string((*live.probe)->state);
    json["confinement"] = Json::array();
    for (const JailReport& measure : live.confinement) {
        Json row;
        row["what"] = measure.what;
        row["applied"] = measure.applied;
        row["detail"] = measure.detail;
        json["confinement"].push_back(std::move(row));
    }
    return json;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

// "integer, from 1, up to 16, default 8: Number of bars". The schema came so far, so it is a lawful
// one.
std::string member_words(const Json& schema, bool required)
{
    const Json type = schema.value("type", Json("any")); // one, or a list
    std::string words = type.is_string() ? type.get<std::string>() : type.dump();
    const bool secret = schema.value("x-secret", false);
    if (schema.contains("enum")) words += " of " + schema["enum"].dump();
    if (schema.contains("minimum")) words += ", from " + schema["minimum"].dump();
    if (schema.contains("maximum")) words += ", up to " + schema["maximum"].dump();
    if (secret) words += ", secret";
    if (schema.contains("default") && !secret) words += ", default " + schema["default"].dump();
    if (required) words += ", must be given";
    return schema.contains("title") ? words + ": " + schema["title"].get<std::string>() : words;
}

void add_members(Facts& facts, const std::string& kind, const Json& schema)
{
    const Json members = schema.value("properties", Json::object());
    const Json required = schema.value("required", Json::array());
    for (const auto& [name, member] : members.items()) {
        const bool must = std::find(required.begin(), required.end(), Json(name)) != required.end();
        facts.emplace_back(kind, name + ": " + member_words(member, must));
    }
}

void add_live(Facts& facts, const LiveFacts& live)
{
    if (live.refused) facts.emplace_back("refused", live.refused->sentence());
    if (live.description) {
        for (const ModelCapability& model : live.description->models)
            facts.emplace_back("model", model.id + ": " + joined(model.tasks));
        add_members(facts, "setting", live.description->config_schema);
        add_members(facts, "parameter", live.description->params_schema);
    }
    if (live.probe)
        facts.emplace_back("probe",
                           *live.probe ? std::string(to_string((*live.probe)->state)) + ' ' +
                                             (*live.probe)->reason
                                       : live.probe->error().sentence());
    for (const JailReport& measure : live.confinement)
        facts.emplace_back("confined",
                           measure.what + (measure.applied ? ": " : " NOT: ") + measure.detail);
}

void print_for_programs(const Globals& globals, const Seen& seen)
{
    Json json;
    json["manifest"] = manifest_json(seen.entry.manifest);
    json["directory"] = seen.entry.manifest.directory.string();
    json["origin"] = to_string(seen.entry.origin);
    json["elf"] = seen.elf ? elf_json(*seen.elf) : Json();
    json["fits"] = verdict_json(seen.fits);
    json["trust"] = trust_json(globals, seen);
    if (seen.live) json["live"] = live_json(*seen.live);
    print_json(json);
}

std::string verdict(const Result<Done>& verdict)
{
    return verdict ? "yes" : "no: " + verdict.error().sentence();
}

void print_for_people(const Globals& globals, const Seen& seen, bool live)
{
    const Manifest& manifest = seen.entry.manifest;
    Facts facts{
        {"id",          manifest.id                                      },
        {"name",        manifest.name                                    },
        {"version",     manifest.version                                 },
        {"license",     manifest.license.empty() ? "-" : manifest.license},
        {"directory",   manifest.directory.string()                      },
        {"origin",      std::string(to_string(seen.entry.origin))        },
        {"runtime",     std::string(to_string(manifest.runtime))         },
        {"program",     manifest.program().string()                      },
        {"egress",      std::string(to_string(manifest.egress))          },
        {"gpu",         manifest.gpu                                     },
        {"environment", joined(manifest.environment)                     },
    };
    if (seen.elf) {
        facts.emplace_back("exports", joined(names_of(seen.elf->exports)));
        facts.emplace_back("needs", joined(seen.elf->needed));
        facts.emplace_back("searches", joined(seen.elf->search_paths));
    }
    facts.emplace_back("sha256", seen.trust.sha256.empty() ? "-" : seen.trust.sha256);
    facts.emplace_back("signed by", seen.trust.signer.value_or("-"));
    const auto& pin = seen.trust.pin;
    facts.emplace_back("trusted", pin ? pin->trusted_at + " by " + pin->by : "-");
    facts.emplace_back("fits", verdict(seen.fits));
    facts.emplace_back("may run (" + std::string(to_string(globals.trust)) + ")",
                       verdict(seen.allowed));
    for (const std::string& warning : manifest.warnings)
        facts.emplace_back("warning", warning);
    if (seen.live)
        add_live(facts, *seen.live);
    else if (live)
        facts.emplace_back("live", "not started: it does not fit, or may not run");
    print_facts(facts);
}

int show(const Globals& globals, const std::string& name, bool live, OutputFormat format)
{
    const Result<Seen> seen = look(globals, name, live);
    if (!seen) return report_error(seen.error(), format);
    if (format == OutputFormat::json)
        print_for_programs(globals, *seen);
    else
        print_for_people(globals, *seen, live);
    if (!seen->fits) return to_int(exit_code_of(seen->fits.error()));
    return to_int(seen->allowed ? ExitCode::ok : exit_code_of(seen->allowed.error()));
}

} // namespace

void add_plugin_show(CLI::App& plugin, Globals& globals, int& exit_code)
{
    struct Options {
        std::string name;
        bool live = false;
        OutputFormat format = OutputFormat::text;
    };
    CLI::App* command = plugin.add_subcommand(
        "show", "One plugin: what it says, what its file says, whether it may run (1 or 3 if not)");
    const auto options = std::make_shared<Options>();
    command->add_option("plugin", options->name, "Its id, or its directory (with a '/')")
        ->required()
        ->option_text("ID|DIR");
    command->add_flag("--live",
                      options->live,
                      "Start it in its worker: its models, settings, probe and confinement");
    add_format_option(*command, options->format);
    command->callback([&globals, &exit_code, options] {
        exit_code = show(globals, options->name, options->live, options->format);
    });
}

} // namespace reelgate
