#include "host/app/commands/request_options.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace reelgate {

using Json = nlohmann::json;

Result<std::string> object_of(const std::vector<std::string>& pairs, std::string_view option)
{
    Json object = Json::object();
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos)
            return invalid(std::string(option) + " '" + pair + "': write NAME=VALUE", "bad_option");
        Json value = Json::parse(pair.substr(equals + 1), nullptr, false);
        if (value.is_discarded()) value = pair.substr(equals + 1);
        std::string path = '/' + pair.substr(0, equals);
        std::replace(path.begin(), path.end(), '.', '/');
        try {
            object[Json::json_pointer(path)] = std::move(value);
        } catch (const Json::exception& e) {
            return invalid(std::string(option) + " '" + pair + "': " + e.what(), "bad_option");
        }
    }
    return object.dump();
}

Result<Wish> wish_from(const TryOptions& options)
{
    Wish wish;
    wish.model = options.model;
    wish.task = options.task;
    wish.prompt = options.prompt;
    wish.negative_prompt = options.negative_prompt;
    if (options.size) {
        wish.size = frame_size_from(*options.size);
        if (!wish.size)
            return invalid("--size '" + *options.size + "': write WIDTHxHEIGHT", "bad_size");
    }
    wish.frames = options.frames;
    wish.seconds = options.seconds;
    wish.fps = options.fps;
    wish.seed = options.seed;
    wish.steps = options.steps;
    wish.guidance = options.guidance;
    wish.audio = options.audio;
    RG_TRY(wish.params_json, object_of(options.params, "--param"));
    return wish;
}

void add_request_options(CLI::App& command, TryOptions& o)
{
    command.add_option("--negative-prompt", o.negative_prompt, "What must not be seen");
    command.add_option("--set", o.settings, "A setting of the plugin, NAME=VALUE; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--config-json", o.config_json, "The plugin's whole configuration as JSON")
        ->excludes("--set");
    command
        .add_option(
            "--param", o.params, "A request parameter of its own, NAME=VALUE; may be repeated")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--model", o.model, "A model of the plugin; the first that fits otherwise");
    command.add_option("--task", o.task, "t2v, i2v, flf2v, ...; by the inputs otherwise");
    command.add_option("--size", o.size, "WIDTHxHEIGHT");
    command.add_option("--frames", o.frames, "Number of frames");
    command.add_option("--seconds", o.seconds, "Length, instead of a number of frames");
    command.add_option("--fps", o.fps, "Frames a second");
    command.add_option("--seed", o.seed, "Seed; a random one otherwise");
    command.add_option("--steps", o.steps, "Sampling steps");
    command.add_option("--guidance", o.guidance, "Guidance scale");
    command.add_option("--image", o.images, "Start image, then end image")
        ->expected(1)
        ->check(CLI::ExistingFile)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_flag("--audio", o.audio, "Ask for sound, too");
    command.add_option("-o,--output", o.output, "Where the file goes; reelgate-SEED otherwise");
    command.add_option("--patience", o.patience_s, "Seconds to wait until the plugin is ready")
        ->capture_default_str();
    command.add_flag(
        "--in-process", o.in_process, "Load the plugin into this process (no protection)");
    command.add_flag(
        "--accept-deviations", o.accept_deviations, "Keep a file that is not what was asked for");
    add_format_option(command, o.format);
}

} // namespace reelgate
