#include "host/api/create_body.hpp"

#include "host/api/body.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace reelgate::api {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLongestSide = 16'384;
constexpr std::uint64_t kMostFrames = 100'000;
constexpr double kMostSeconds = 86'400;
constexpr std::size_t kLongestText = std::size_t{1} << 20U;
constexpr std::size_t kNamesInARoute = 64;

bool is_blank(const std::string& text)
{
    return std::all_of(
        text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) != 0; });
}

// "1280 X 720", "1280:720", "1280*720".
std::optional<FrameSize> size_from(const std::string& text)
{
    std::string plain;
    for (const char c : text) {
        if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
        plain += c == 'X' || c == ':' || c == '*' ? 'x' : c;
    }
    const auto size = frame_size_from(plain);
    const bool possible = size && size->width > 0 && size->height > 0 &&
                          size->width <= kLongestSide && size->height <= kLongestSide;
    return possible ? size : std::nullopt;
}

std::optional<std::uint32_t> narrow(const std::optional<std::uint64_t>& number)
{
    if (!number) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

std::optional<FrameSize> read_sides(Fields& in)
{
    const auto width = in.whole({"width"}, 1, kLongestSide);
    const auto height = in.whole({"height"}, 1, kLongestSide);
    if (width && height) return FrameSize{*narrow(width), *narrow(height)};
    if (width || height) in.bad(width ? "height" : "width", "is missing beside the other one");
    return std::nullopt;
}

void read_size(Fields& in, Wish& wish)
{
    wish.size = read_sides(in);
    const auto words = in.text({"size"});
    if (!words || is_blank(*words)) return;
    wish.size = size_from(*words);
    if (!wish.size) in.bad("size", "must be WIDTHxHEIGHT, as in 1280x704");
}

void read_prompt(Fields& in, Wish& wish)
{
    wish.prompt = in.text({"prompt"}).value_or("");
    wish.negative_prompt = in.text({"negative_prompt", "neg_prompt"}).value_or("");
    if (is_blank(wish.prompt)) in.bad("prompt", "is missing", "missing_required_parameter");
    if (wish.prompt.size() > kLongestText) in.bad("prompt", "is longer than 1 MiB");
    if (wish.negative_prompt.size() > kLongestText)
        in.bad("negative_prompt", "is longer than 1 MiB");
}

void read_wish(Fields& in, Wish& wish)
{
    read_prompt(in, wish);
    wish.model = in.text({"model"});
    if (wish.model && wish.model->empty()) wish.model.reset();
    wish.task = in.text({"task"});
    read_size(in, wish);
    wish.seconds = in.number({"seconds"}, 0.01, kMostSeconds);
    wish.fps = in.number({"fps"}, 0.1, 1000);
    wish.frames = narrow(in.whole({"num_frames"}, 1, kMostFrames));
    wish.seed = in.whole({"seed"}, 0, INT64_MAX);
    wish.steps = narrow(in.whole({"num_inference_steps", "steps"}, 1, 200));
    wish.guidance = in.number({"guidance_scale", "cfg"}, 0, 20);
    wish.audio = in.flag({"generate_sound"}).value_or(false);
    for (const std::string& what : in.texts("require", 16)) {
        if (what != "seed") in.bad("require", "knows only `seed`");
        wish.require_seed = true;
    }
}

// vLLM-Omni's block, behind everything that stands at the top.
void read_video_params(Fields& in, std::optional<BadField>& fault, Wish& wish)
{
    const Json block = in.object("video_params");
    Fields inner(block, fault, "video_params.");
    const auto size = read_sides(inner);
    const auto fps = inner.number({"fps"}, 0.1, 1000);
    const auto frames = inner.whole({"num_frames"}, 1, kMostFrames);
    if (!wish.size) wish.size = size;
    if (!wish.fps) wish.fps = fps;
    if (!wish.frames && !wish.seconds) wish.frames = narrow(frames);
}

std::optional<Money> read_price(Fields& in, std::string_view name)
{
    const Json* const value = in.find(name);
    if (value == nullptr) return std::nullopt;
    const auto money = money_from(value->is_string() ? value->get<std::string>() : value->dump());
    if (money) return *money;
    in.bad(name, "must be an amount of dollars, as in 0.40");
    return std::nullopt;
}

void read_route_object(const Json& object, std::optional<BadField>& fault, RouteWish& route)
{
    Fields in(object, fault, "route.");
    route.chain = in.text({"chain"}).value_or("");
    route.order = in.texts("order", kNamesInARoute);
    route.only = in.texts("only", kNamesInARoute);
    route.ignore = in.texts("ignore", kNamesInARoute);
    route.allow_fallback = in.flag({"allow_fallback"});
    route.allow_media_egress = in.flag({"allow_media_egress"});
    route.max_price = read_price(in, "max_price_usd");
    if (const auto word = in.text({"egress"})) {
        route.egress = egress_from(*word);
        if (!route.egress) in.bad("egress", "must be none, local or cloud");
    }
}

// A chain's name, or the object.
void read_route(Fields& in, std::optional<BadField>& fault, RouteWish& route)
{
    const Json* const given = in.find("route");
    const bool is_name = given != nullptr && given->is_string() &&
                         !given->get_ref<const std::string&>().starts_with('{');
    if (is_name)
        route.chain = given->get<std::string>();
    else
        read_route_object(in.object("route"), fault, route);
    if (const auto allowed = in.flag({"allow_fallback"})) route.allow_fallback = allowed;
    route.provider = in.text({"provider"});
    if (route.provider && route.provider->empty()) route.provider.reset();
}

void read_manners(Fields& in, JobOrder& order)
{
    if (const auto word = in.text({"adjust"})) {
        if (*word != "nearest" && *word != "reject") in.bad("adjust", "must be nearest or reject");
        order.adjust = *word == "reject" ? Adjust::reject : Adjust::nearest;
    }
    if (const auto word = in.text({"priority"})) {
        const auto priority = priority_from(*word);
        if (!priority) in.bad("priority", "must be interactive, normal or bulk");
        order.priority = priority.value_or(Priority::normal);
    }
    order.accept_deviation = in.flag({"accept_deviation"}).value_or(false);
    order.on_oom = in.texts("on_oom", 16);
    if (const auto wait = in.whole({"max_wait"}, 0, 604'800))
        order.max_wait = std::chrono::seconds(*wait);
    if (const auto deadline = in.whole({"deadline"}, 1, 2'592'000))
        order.deadline = std::chrono::seconds(*deadline);
    order.params_by_plugin_json =
        in.object("params").dump(-1, ' ', false, Json::error_handler_t::replace);
    order.user = in.text({"user"}).value_or("");
}

// The one text in what a client calls a reference.
std::optional<std::string> reference_text(Fields& in, std::string_view name)
{
    const Json* const value = in.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string() && !value->get_ref<const std::string&>().starts_with('{'))
        return value->get<std::string>();
    const Json object = in.object(name);
    if (const auto url = object.find("image_url"); url != object.end() && url->is_string())
        return url->get<std::string>();
    if (object.contains("file_id"))
        in.bad(name, "there is no file store: send the picture itself", "unsupported_operation");
    else
        in.bad(name, "must be a picture: a data URL, base64, or {\"image_url\": ...}");
    return std::nullopt;
}

void take_picture(Picture picture, std::string_view role, CreateBody& body)
{
    body.order.wish.inputs.push_back(
        {.role = std::string(role),
         .path = "inputs/" + std::to_string(body.pictures.size()) + picture.extension,
         .mime = picture.mime});
    body.pictures.push_back(std::move(picture));
}

void read_picture(Fields& in, std::string_view name, std::string_view role, CreateBody& body)
{
    const auto text = reference_text(in, name);
    if (!text || text->empty()) return;
    const auto& others = body.order.wish.inputs;
    if (std::any_of(others.begin(), others.end(), [&](const auto& o) { return o.role == role; }))
        return in.bad(name, "is a second " + std::string(role));
    if (text->starts_with("http://") || text->starts_with("https://"))
        return in.bad(name,
                      "this daemon fetches nothing: send the picture itself as a data URL",
                      "unsupported_operation");
    auto bytes = bytes_of_text(*text);
    if (!bytes) return in.bad(name, "is neither a data URL nor base64", "reference_fetch_failed");
    if (bytes->size() > kPictureLimit) return in.bad(name, "is larger than 32 MiB");
    auto picture = picture_of(*std::move(bytes));
    if (!picture)
        return in.bad(name, "is no PNG, JPEG, WebP, GIF or BMP picture", "reference_fetch_failed");
    picture->field = name;
    take_picture(*std::move(picture), role, body);
}

Json merged(const Json& body, std::optional<BadField>& fault)
{
    Json whole = body;
    Fields in(body, fault);
    for (const char* const name : {"extra_body", "extra_json"}) {
        const Json more = in.object(name);
        whole.erase(name);
        whole.update(more);
    }
    return whole;
}

} // namespace

std::variant<CreateBody, BadField> read_create_body(const Json& given)
{
    if (!given.is_object())
        return BadField{.param = {}, .code = "invalid_json", .text = "the body must be an object"};
    std::optional<BadField> fault;
    const Json whole = merged(given, fault);
    CreateBody body;
    JobOrder& order = body.order;
    Fields in(whole, fault);
    read_wish(in, order.wish);
    read_video_params(in, fault, order.wish);
    read_route(in, fault, order.route);
    read_manners(in, order);
    for (const char* const name : {"input_reference", "reference_url", "image_reference"})
        read_picture(in, name, "start_image", body);
    read_picture(in, "end_image", "end_image", body);
    if (fault) return *std::move(fault);
    order.extra_json = in.others().dump(-1, ' ', false, Json::error_handler_t::replace);
    return body;
}

std::variant<CreateBody, BadField> parse_create_body(const std::string& text)
{
    const Json body = parse_body(text);
    if (!body.is_discarded()) return read_create_body(body);
    return BadField{.param = {}, .code = "invalid_json", .text = "the body is not JSON"};
}

} // namespace reelgate::api
