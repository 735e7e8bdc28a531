// One attempt's request, normalised: complete, inside the limits the model declares, nothing left
// to interpret. This is what a plugin receives (host/plugin turns it into JSON).
#pragma once

#include "host/base/result.hpp"
#include "host/model/capability.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct RequestInput {
    std::string role = {}; // start_image, end_image, video, audio, mask
    std::string path = {}; // relative to the work directory: "inputs/0.png"
    std::string mime = {};

    friend bool operator==(const RequestInput&, const RequestInput&) = default;
};

struct Request {
    std::string model = {};
    std::string task = "t2v";
    std::string prompt = {};
    std::string negative_prompt = {};
    FrameSize size = {};
    std::uint32_t frames = 0;
    double fps = 0;
    std::uint64_t seed = 0;
    std::optional<std::uint32_t> steps = {};
    std::optional<double> guidance = {};
    bool audio = false;
    std::vector<RequestInput> inputs = {};
    std::string params_json = "{}"; // already valid against the plugin's params_schema

    friend bool operator==(const Request&, const Request&) = default;
};

// What a caller may leave open.
struct Wish {
    std::optional<std::string> model = {};
    std::optional<std::string> task = {};
    std::string prompt = {};
    std::string negative_prompt = {};
    std::optional<FrameSize> size = {};
    std::optional<std::uint32_t> frames = {};
    std::optional<double> seconds = {};
    std::optional<double> fps = {};
    std::optional<std::uint64_t> seed = {};
    std::optional<std::uint32_t> steps = {};
    std::optional<double> guidance = {};
    bool audio = false;
    std::vector<RequestInput> inputs = {};
    std::string params_json = "{}";
    bool require_seed = false; // a model that does not follow the seed is no use

    friend bool operator==(const Wish&, const Wish&) = default;
};

enum class Adjust : std::uint8_t { nearest, reject };

struct Normalised {
    Request request;
    std::vector<std::string> warnings; // what Adjust::nearest changed
};

// Completes `wish` with the model's defaults and `seed_if_open`, and holds it against the model's
// limits. A task left open follows from the inputs; a length is `frames`, else round(seconds *
// fps). Adjust::nearest moves a frame count onto the model's lattice (by less than one step) and a
// size by at most 16 pixels a side, and says so; everything else outside the limits is refused. A
// refusal names the field, the limit and the nearest legal value; Error.code is the reason code of
// routing (task_unsupported, input_unsupported, size_unsupported, fps_unsupported,
// frames_unsupported, duration_unsupported, audio_unsupported, seed_unsupported; besides those
// steps_unsupported and guidance_unsupported) and the category unsupported_capability where another
// model may do better, invalid_params where none could.
Result<Normalised> normalise(const Wish& wish,
                             const ModelCapability& model,
                             Adjust adjust,
                             std::uint64_t seed_if_open);

} // namespace reelgate
