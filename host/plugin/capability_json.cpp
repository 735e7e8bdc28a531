#include "host/plugin/capability_json.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace reelgate {
namespace {

constexpr std::size_t kLongestId = 128;
constexpr std::size_t kMostListed = 256;
constexpr std::uint64_t kMostFrames = 1'000'000; // eleven hours at 24 a second
constexpr double kMostFps = 1000;
constexpr double kMostSeconds = 86'400;
constexpr FrameSize kUsualSize{832, 480};
constexpr std::uint32_t kUsualFrames = 49;

// What a task cannot be done without.
struct TaskNeeds {
    std::string_view task;
    InputRule least;
};
constexpr std::array kTaskNeeds{
    TaskNeeds{"i2v",          {.image = 1}            },
    TaskNeeds{"flf2v",        {.image = 2}            },
    TaskNeeds{"v2v",          {.video = 1}            },
    TaskNeeds{"extend",       {.video = 1}            },
    TaskNeeds{"talking_head", {.image = 1, .audio = 1}},
};

struct InputKind {
    const char* name;
    std::uint32_t InputRule::*count;
};
constexpr std::array kInputKinds{
    InputKind{"image", &InputRule::image},
    InputKind{"video", &InputRule::video},
    InputKind{"audio", &InputRule::audio},
    InputKind{"mask",  &InputRule::mask },
};

std::vector<std::string> read_tasks(JsonMembers& model)
{
    std::vector<std::string> tasks = model.texts("tasks", 32, 64);
    if (tasks.empty() && model.find("tasks") == nullptr)
        model.problem("tasks", "must name at least one task");
    for (const std::string& task : tasks)
        if (!is_known_task(task))
            model.notes().warn(model.path_of("tasks"),
                               "\"" + task +
                                   "\" is not a task that routing knows; only a request "
                                   "with this very word will find it");
    return tasks;
}

InputRule read_inputs(JsonMembers& model, const std::vector<std::string>& tasks)
{
    InputRule rule;
    std::optional<JsonMembers> given = model.object("inputs");
    for (const InputKind& kind : kInputKinds) {
        std::uint32_t least = 0;
        for (const TaskNeeds& needs : kTaskNeeds)
            if (std::find(tasks.begin(), tasks.end(), needs.task) != tasks.end())
                least = std::max(least, needs.least.*kind.count);
        const auto count =
            given ? static_cast<std::uint32_t>(given->whole(kind.name, 0, 64, least)) : least;
        if (count < least)
            given->problem(kind.name,
                           "is " + std::to_string(count) + ", but the tasks need " +
                               std::to_string(least));
        rule.*kind.count = count;
    }
    if (given) given->warn_of_others();
    return rule;
}

FrameSize read_size(const Json& value, const std::string& path, JsonNotes& notes)
{
    const auto size =
        value.is_string() ? frame_size_from(value.get_ref<const std::string&>()) : std::nullopt;
    const bool is_sound = size && size->width > 0 && size->height > 0 &&
                          size->width <= kLongestSide && size->height <= kLongestSide;
    if (is_sound) return *size;
    notes.problem(path, "must be a size such as \"1280x704\", no side above 16384");
    return {};
}

SizeRule read_lattice(JsonMembers sizes)
{
    SizeRule rule;
    rule.multiple_of = static_cast<std::uint32_t>(sizes.whole("multiple_of", 1, kLongestSide, 1));
    rule.max_pixels =
        sizes.whole("max_pixels", 1, std::uint64_t{kLongestSide} * kLongestSide, kUndeclaredPixels);
    sizes.warn_of_others();
    return rule;
}

SizeRule read_sizes(JsonMembers& model)
{
    SizeRule rule{{}, kUndeclaredMultiple, kUndeclaredPixels};
    const Json* const sizes = model.find("sizes");
    if (sizes == nullptr) return rule;
    if (!sizes->is_array()) {
        rule = read_lattice(JsonMembers(*sizes, model.path_of("sizes"), model.notes()));
    } else if (model.array("sizes", kMostListed) != nullptr) {
        for (std::size_t i = 0; i < sizes->size(); ++i)
            rule.list.push_back(
                read_size((*sizes)[i], pointer(model.path_of("sizes"), i), model.notes()));
        if (sizes->empty()) model.problem("sizes", "must not be empty; leave it out for any size");
    }
    if (!rule.is_possible()) model.problem("sizes", "no picture is so small: " + rule.text());
    return rule;
}

FrameRule read_frames(JsonMembers& model)
{
    std::optional<JsonMembers> frames = model.object("frames");
    if (!frames) return kUndeclaredFrames;
    const auto member = [&frames](const char* name, std::uint64_t least, std::uint32_t fallback) {
        return static_cast<std::uint32_t>(frames->whole(name, least, kMostFrames, fallback));
    };
    FrameRule rule;
    rule.min = member("min", 1, 1);
    rule.max = member("max", 1, std::max(rule.min, kUndeclaredFrames.max));
    rule.step = member("step", 1, 1);
    rule.offset = member("offset", 0, 0);
    frames->warn_of_others();
    if (!rule.is_possible())
        model.problem("frames",
                      "no count is lawful: the first that fits step and offset is " +
                          std::to_string(rule.smallest()) + ", max is " + std::to_string(rule.max));
    return rule;
}

std::vector<double> read_fps(JsonMembers& model)
{
    std::vector<double> rates;
    const Json* const list = model.array("fps", 64);
    if (list == nullptr) return rates;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const Json& rate = (*list)[i];
        const double value = rate.is_number() ? rate.get<double>() : 0;
        if (value > 0 && value <= kMostFps)
            rates.push_back(value);
        else
            model.notes().problem(pointer(model.path_of("fps"), i),
                                  "must be a number above 0, at most 1000");
    }
    return rates;
}

void read_seconds(JsonMembers& model, ModelCapability& out)
{
    std::optional<JsonMembers> seconds = model.object("seconds");
    if (!seconds) return;
    out.min_seconds = seconds->number("min", 0, kMostSeconds);
    out.max_seconds = seconds->number("max", 0, kMostSeconds);
    seconds->warn_of_others();
    if (out.min_seconds && out.max_seconds && *out.min_seconds > *out.max_seconds)
        model.problem("seconds", "min is above max");
}

bool is_decimal(std::string_view text)
{
    const std::size_t point = std::min(text.find('.'), text.size());
    const auto digits = [](std::string_view part) {
        return !part.empty() &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return digits(text.substr(0, point)) &&
           (point == text.size() || digits(text.substr(point + 1)));
}

void read_price(JsonMembers& model, ModelCapability& out)
{
    if (model.find("usd_per_second") == nullptr) return;
    out.usd_per_second = model.text("usd_per_second", {}, 32);
    if (!is_decimal(*out.usd_per_second))
        model.problem("usd_per_second", "must be decimal text such as \"0.05\"");
}

void read_default(JsonMembers& model, ModelCapability& out)
{
    out.default_size = out.sizes.is_list() ? out.sizes.list.front() : out.sizes.nearest(kUsualSize);
    out.default_frames = out.frames.nearest(kUsualFrames);
    out.default_fps = out.fps.empty() ? kUndeclaredFps : out.fps.front();
    std::optional<JsonMembers> given = model.object("default");
    if (!given) return;
    if (const Json* const size = given->find("size"))
        out.default_size = read_size(*size, given->path_of("size"), given->notes());
    out.default_frames =
        static_cast<std::uint32_t>(given->whole("frames", 1, kMostFrames, out.default_frames));
    out.default_fps = given->number("fps", 0, kMostFps).value_or(out.default_fps);
    given->warn_of_others();
}

void check_default(JsonMembers& model, const ModelCapability& m)
{
    const std::string path = model.path_of("default");
    JsonNotes& notes = model.notes();
    if (!m.sizes.allows(m.default_size))
        notes.problem(path + "/size",
                      to_string(m.default_size) + " is not among the sizes: " + m.sizes.text());
    if (!m.frames.allows(m.default_frames))
        notes.problem(path + "/frames",
                      std::to_string(m.default_frames) +
                          " is not a lawful count: " + m.frames.text());
    const bool is_listed = std::find(m.fps.begin(), m.fps.end(), m.default_fps) != m.fps.end();
    if (m.default_fps <= 0 || (!m.fps.empty() && !is_listed))
        notes.problem(path + "/fps", json_text(m.default_fps) + " is not among the rates");
    if (m.default_fps <= 0) return;
    const double seconds = m.default_frames / m.default_fps;
    if ((m.min_seconds && seconds < *m.min_seconds) || (m.max_seconds && seconds > *m.max_seconds))
        notes.problem(path,
                      "its frames and fps give " + json_text(seconds) +
                          " s, outside the model's seconds");
}

ModelCapability read_model(JsonMembers model)
{
    const std::size_t problems_before = model.notes().problems();
    ModelCapability out;
    out.id = model.required_text("id", kLongestId);
    out.tasks = read_tasks(model);
    out.inputs = read_inputs(model, out.tasks);
    out.sizes = read_sizes(model);
    out.frames = read_frames(model);
    out.fps = read_fps(model);
    read_seconds(model, out);
    out.audio = model.flag("audio", false);
    out.seed = model.flag("seed", false);
    if (model.find("vram_peak_mb") != nullptr)
        out.vram_peak_mb = model.whole("vram_peak_mb", 0, 100'000'000, 0);
    read_price(model, out);
    // Defaults are held against limits only where the limits themselves could be read.
    if (model.notes().problems() > problems_before) return out;
    read_default(model, out);
    check_default(model, out);
    model.warn_of_others();
    return out;
}

} // namespace

std::vector<ModelCapability> read_models(JsonMembers& members, std::string_view name)
{
    std::vector<ModelCapability> models;
    const Json* const list = members.array(name, kMostModels);
    if (list == nullptr) return models;
    std::set<std::string> ids;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string path = pointer(members.path_of(name), i);
        models.push_back(read_model(JsonMembers((*list)[i], path, members.notes())));
        const std::string& id = models.back().id;
        if (!id.empty() && !ids.insert(id).second)
            members.notes().problem(path + "/id", "\"" + id + "\" is the id of two models");
    }
    return models;
}

} // namespace reelgate
