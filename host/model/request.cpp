#include "host/model/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace reelgate {
namespace {

constexpr double kMostFps = 1000;
constexpr double kMostSeconds = 86'400;
constexpr std::uint32_t kMostSteps = 1000;
constexpr double kMostGuidance = 1000;
constexpr std::uint32_t kMostInputs = 64;

std::string text_of(double value)
{
    std::array<char, 32> room{};
    const auto end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
    return {room.data(), end};
}

std::string in_quotes(std::string_view text)
{
    std::string out = "\"";
    out.append(text.substr(0, 64)).append("\"");
    return out;
}

// "field: must be ..., is ...; nearest is ...": what the caller needs to ask again.
std::string sentence(std::string_view field, const std::string& must, const std::string& found)
{
    return std::string(field) + ": must be " + must + ", is " + found;
}

// No provider could do it.
Error nonsense(std::string_view field,
               const std::string& must,
               const std::string& found,
               const std::string& nearest,
               const char* code)
{
    return Error{.category = Category::invalid_params,
                 .text = sentence(field, must, found) + "; nearest legal value: " + nearest,
                 .code = code};
}

// This model cannot; another one may.
Error unsupported(const ModelCapability& model,
                  std::string_view field,
                  const std::string& must,
                  const std::string& found,
                  const std::string& nearest,
                  const char* code)
{
    return Error{.category = Category::unsupported_capability,
                 .text = sentence(field, must + " for " + model.id, found) +
                         "; nearest legal value: " + nearest,
                 .code = code};
}

std::string moved(std::string_view field, const std::string& from, const std::string& to)
{
    return std::string(field) + ": " + from + " was asked for, " + to + " is what the model can do";
}

struct RoleRow {
    std::string_view role;
    const char* kind;
    std::uint32_t InputRule::*count;
};
constexpr std::array kRoles{
    RoleRow{"start_image", "image", &InputRule::image},
    RoleRow{"end_image",   "image", &InputRule::image},
    RoleRow{"video",       "video", &InputRule::video},
    RoleRow{"audio",       "audio", &InputRule::audio},
    RoleRow{"mask",        "mask",  &InputRule::mask },
};

struct TaskRow {
    std::string_view task;
    std::array<std::string_view, 2> needs; // roles that must be there
};
// In the order in which an open task is guessed: the first whose needs are met and whom the model
// can do.
constexpr std::array kTaskNeeds{
    TaskRow{"talking_head", {"audio", "start_image"}    },
    TaskRow{"flf2v",        {"start_image", "end_image"}},
    TaskRow{"v2v",          {"video", ""}               },
    TaskRow{"extend",       {"video", ""}               },
    TaskRow{"i2v",          {"start_image", ""}         },
    TaskRow{"t2v",          {"", ""}                    },
    TaskRow{"image",        {"", ""}                    },
};

bool has_role(const Wish& wish, std::string_view role)
{
    return role.empty() || std::any_of(wish.inputs.begin(), wish.inputs.end(), [&](const auto& i) {
               return i.role == role;
           });
}

// The first role that `task` needs and `wish` lacks, or "".
std::string_view missing_role(const Wish& wish, const TaskRow& task)
{
    for (const std::string_view role : task.needs)
        if (!has_role(wish, role)) return role;
    return {};
}

std::string join(const std::vector<std::string>& words)
{
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::string_view guess_task(const Wish& wish, const ModelCapability& model)
{
    std::string_view likely;
    for (const TaskRow& row : kTaskNeeds) {
        if (!missing_role(wish, row).empty()) continue;
        if (model.has_task(row.task)) return row.task;
        if (likely.empty()) likely = row.task;
    }
    return likely;
}

Result<std::string> task_of(const Wish& wish, const ModelCapability& model)
{
    const std::string task = wish.task ? *wish.task : std::string(guess_task(wish, model));
    if (!model.has_task(task))
        return unsupported(model,
                           "task",
                           "one of " + join(model.tasks),
                           in_quotes(task),
                           model.tasks.empty() ? "none" : model.tasks.front(),
                           "task_unsupported");
    for (const TaskRow& row : kTaskNeeds)
        if (const auto role = missing_role(wish, row); row.task == task && !role.empty())
            return Error{.category = Category::invalid_params,
                         .text = "inputs: the task " + task + " needs a " + std::string(role) +
                                 " and has none; nearest legal value: one " + std::string(role),
                         .code = "input_unsupported"};
    return task;
}

Result<Done> check_inputs(const Wish& wish, const ModelCapability& model)
{
    if (wish.inputs.size() > kMostInputs)
        return nonsense("inputs",
                        "at most " + std::to_string(kMostInputs),
                        std::to_string(wish.inputs.size()),
                        std::to_string(kMostInputs),
                        "input_unsupported");
    InputRule given;
    for (std::size_t i = 0; i < wish.inputs.size(); ++i) {
        const std::string field = "inputs[" + std::to_string(i) + "].role";
        const std::string& role = wish.inputs[i].role;
        const auto* const row = std::find_if(
            kRoles.begin(), kRoles.end(), [&](const RoleRow& r) { return r.role == role; });
        if (row == kRoles.end())
            return nonsense(field,
                            "start_image, end_image, video, audio or mask",
                            in_quotes(role),
                            "start_image",
                            "input_unsupported");
        const std::uint32_t most = model.inputs.*row->count;
        if (++(given.*row->count) > most)
            return unsupported(model,
                               "inputs",
                               "at most " + std::to_string(most) + " of the kind " + row->kind,
                               std::to_string(given.*row->count) + " or more",
                               std::to_string(most),
                               "input_unsupported");
    }
    return Done{};
}

// One request on its way from what was wished to what the model can do.
class Normaliser {
public:
    Normaliser(const Wish& wish, const ModelCapability& model, Adjust adjust)
        : wish_(wish), model_(model), adjust_(adjust)
    {
    }

    Result<Normalised> run(std::uint64_t seed_if_open) &&
    {
        RG_TRY(out_.request.task, task_of(wish_, model_));
        RG_CHECK(check_inputs(wish_, model_));
        RG_TRY(out_.request.size, size());
        RG_TRY(out_.request.fps, fps());
        RG_TRY(out_.request.frames, frames());
        RG_CHECK(check_duration());
        RG_CHECK(check_the_rest());
        Request& request = out_.request;
        request.model = model_.id;
        request.prompt = wish_.prompt;
        request.negative_prompt = wish_.negative_prompt;
        request.seed = wish_.seed.value_or(seed_if_open);
        request.steps = wish_.steps;
        request.guidance = wish_.guidance;
        request.audio = wish_.audio;
        request.inputs = wish_.inputs;
        request.params_json = wish_.params_json;
        return std::move(out_);
    }

private:
    Result<FrameSize> size()
    {
        const FrameSize wanted = wish_.size.value_or(model_.default_size);
        const std::string found = to_string(wanted);
        const FrameSize nearest = model_.sizes.nearest(wanted);
        if (wanted.width == 0 || wanted.height == 0)
            return nonsense(
                "size", "above 0 on each side", found, to_string(nearest), "size_unsupported");
        if (model_.sizes.allows(wanted)) return wanted;
        const auto close = model_.sizes.close_to(wanted);
        if (adjust_ == Adjust::reject || !close)
            return unsupported(
                model_, "size", model_.sizes.text(), found, to_string(nearest), "size_unsupported");
        out_.warnings.push_back(moved("size", found, to_string(*close)));
        return *close;
    }

    Result<double> fps()
    {
        const double wanted = wish_.fps.value_or(model_.default_fps);
        const auto nearest = [&] {
            const double from = std::isfinite(wanted) ? wanted : model_.default_fps;
            if (model_.fps.empty()) return std::clamp(from, 1.0, kMostFps);
            return *std::min_element(model_.fps.begin(), model_.fps.end(), [&](double a, double b) {
                return std::pair(std::abs(a - from), a) < std::pair(std::abs(b - from), b);
            });
        }();
        if (!(wanted > 0 && wanted <= kMostFps))
            return nonsense("fps",
                            "above 0 and at most 1000",
                            text_of(wanted),
                            text_of(nearest),
                            "fps_unsupported");
        if (model_.fps.empty()) return wanted;
        // 23.976 written with more digits is the same rate.
        if (std::abs(nearest - wanted) <= nearest * 1e-6) return nearest;
        std::string rates;
        for (const double rate : model_.fps)
            rates += (rates.empty() ? "" : ", ") + text_of(rate);
        return unsupported(
            model_, "fps", "one of " + rates, text_of(wanted), text_of(nearest), "fps_unsupported");
    }

    // A count beats a duration: a client that always sends both means the count.
    Result<std::uint32_t> frames()
    {
        if (wish_.frames) return lawful_frames(*wish_.frames, "frames", "frames_unsupported");
        if (!wish_.seconds)
            return lawful_frames(model_.default_frames, "frames", "frames_unsupported");
        const double seconds = *wish_.seconds;
        if (!(seconds > 0 && seconds <= kMostSeconds))
            return nonsense("seconds",
                            "above 0 and at most " + text_of(kMostSeconds),
                            text_of(seconds),
                            seconds_text(std::isnan(seconds) || seconds <= 0
                                             ? model_.frames.smallest()
                                             : model_.frames.largest()),
                            "duration_unsupported");
        const auto count = static_cast<std::uint32_t>(std::llround(seconds * out_.request.fps));
        return lawful_frames(std::max(count, 1U), "seconds", "duration_unsupported");
    }

    std::string seconds_text(std::uint32_t frames) const
    {
        return text_of(std::round(frames / out_.request.fps * 1000) / 1000) + " s";
    }

    // Moves a count onto the lattice, but not back into the limits: a film of another length than
    // was asked for is another film, and another model may be able to make the right one.
    Result<std::uint32_t>
    lawful_frames(std::uint32_t wanted, std::string_view field, const char* code)
    {
        const FrameRule& rule = model_.frames;
        const std::uint32_t nearest = rule.nearest(wanted);
        const bool in_seconds = field == "seconds";
        const std::string found = in_seconds ? text_of(*wish_.seconds) + " s, which is " +
                                                   std::to_string(wanted) + " frames at " +
                                                   text_of(out_.request.fps) + " a second"
                                             : std::to_string(wanted);
        const std::string best = in_seconds ? seconds_text(nearest) : std::to_string(nearest);
        if (wanted == 0) return nonsense(field, "at least 1", found, best, code);
        if (rule.allows(wanted)) return wanted;
        const std::uint32_t gap = wanted > nearest ? wanted - nearest : nearest - wanted;
        if (adjust_ == Adjust::reject || gap >= std::max(rule.step, 1U))
            return unsupported(model_, field, rule.text() + " frames", found, best, code);
        out_.warnings.push_back(moved("frames", std::to_string(wanted), std::to_string(nearest)));
        return nearest;
    }

    Result<Done> check_duration() const
    {
        const double seconds = out_.request.frames / out_.request.fps;
        const auto refuse = [&](const char* word, double limit) {
            return unsupported(model_,
                               wish_.seconds && !wish_.frames ? "seconds" : "frames",
                               std::string("at ") + word + ' ' + text_of(limit) + " s",
                               seconds_text(out_.request.frames),
                               text_of(limit) + " s",
                               "duration_unsupported");
        };
        if (model_.max_seconds && seconds > *model_.max_seconds)
            return refuse("most", *model_.max_seconds);
        if (model_.min_seconds && seconds < *model_.min_seconds)
            return refuse("least", *model_.min_seconds);
        return Done{};
    }

    Result<Done> check_the_rest()
    {
        if (wish_.audio && !model_.audio)
            return unsupported(model_, "audio", "off", "on", "off", "audio_unsupported");
        if (wish_.seed && !model_.seed) {
            if (wish_.require_seed)
                return unsupported(model_,
                                   "seed",
                                   "left open",
                                   std::to_string(*wish_.seed),
                                   "none",
                                   "seed_unsupported");
            out_.warnings.push_back("seed: " + model_.id + " does not promise to follow it");
        }
        if (wish_.steps && (*wish_.steps == 0 || *wish_.steps > kMostSteps))
            return nonsense("steps",
                            "from 1 to " + std::to_string(kMostSteps),
                            std::to_string(*wish_.steps),
                            *wish_.steps == 0 ? "1" : std::to_string(kMostSteps),
                            "steps_unsupported");
        if (wish_.guidance && !(*wish_.guidance >= 0 && *wish_.guidance <= kMostGuidance))
            return nonsense("guidance",
                            "from 0 to " + text_of(kMostGuidance),
                            text_of(*wish_.guidance),
                            *wish_.guidance > 0 ? text_of(kMostGuidance) : "0",
                            "guidance_unsupported");
        return Done{};
    }

    const Wish& wish_;
    const ModelCapability& model_;
    Adjust adjust_;
    Normalised out_;
};

} // namespace

Result<Normalised>
normalise(const Wish& wish, const ModelCapability& model, Adjust adjust, std::uint64_t seed_if_open)
{
    return Normaliser(wish, model, adjust).run(seed_if_open);
}

} // namespace reelgate
