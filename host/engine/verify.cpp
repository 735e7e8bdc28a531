#include "host/engine/verify.hpp"

#include "host/plugin/work_dir.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// Encoding is slower than decoding: ProbeLimits' 36 000 frames of 720p take some ten minutes.
constexpr auto kConvertPatience = std::chrono::minutes(20);
constexpr auto kPicturePatience = std::chrono::minutes(2);

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start)
{
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Error deviates(const std::vector<Deviation>& deviations)
{
    std::string text = "the video is not what was asked for:";
    for (const Deviation& d : deviations)
        text += ' ' + d.what + ' ' + d.found + " instead of " + d.expected + ';';
    text.pop_back();
    return Error{.category = Category::output_invalid,
                 .text = std::move(text),
                 .code = "deviates",
                 .phase = Phase::verify};
}

// For people who look into the directory; nobody else goes by it.
std::string extension_of(const fs::path& offered)
{
    const std::string extension = offered.extension().string();
    const auto plain = [](char c) {
        return c == '.' || std::isalnum(static_cast<unsigned char>(c));
    };
    const bool is_plain =
        extension.size() <= 8 && std::all_of(extension.begin(), extension.end(), plain);
    return is_plain ? extension : std::string();
}

bool is_numbered(const ArtifactOffer& offer) { return offer.role == "frames"; }

// Numbered pictures come with their rate, or have the one that was asked for.
double rate_of(const ArtifactOffer& offer, const Request& request)
{
    const auto meta = nlohmann::json::parse(offer.meta_json, nullptr, false);
    const bool says = meta.is_object() && meta.contains("fps") && meta["fps"].is_number();
    return writable_rate(says ? meta["fps"].get<double>() : request.fps);
}

// What differs is a failure, or noted where the order takes it as it is.
Result<Done> hold_against(const AttemptPlan& plan, const MediaFacts& facts, VerifiedVideo& film)
{
    film.deviations = deviations(promise_of(plan.request), facts);
    if (film.deviations.empty() || plan.accept_deviations) return Done{};
    return deviates(film.deviations);
}

std::string text_of(FrameSize size)
{
    return std::to_string(size.width) + 'x' + std::to_string(size.height);
}

fs::path playable_beside(const fs::path& film) { return film.parent_path() / "playable.mp4"; }

// An MP4 in the film's place. `was` is what it is made of: what has lost a frame is no MP4 of it.
Result<Done> make_playable(const MediaTool& media,
                           const Conversion& how,
                           const MediaFacts& was,
                           VerifiedVideo& film)
{
    const auto start = SteadyClock::now();
    const fs::path playable = playable_beside(film.file);
    const MediaLimits limits{.wall = kConvertPatience};
    RG_CHECK(convert_media(media, film.file, how, playable, limits));
    RG_TRY(MediaFacts facts, probe_media(media, playable, MediaLimits{}));
    if (facts.frames != was.frames)
        return Error{.category = Category::internal,
                     .text = "of " + std::to_string(was.frames) + " frames the MP4 has " +
                             std::to_string(facts.frames),
                     .code = "frames_lost",
                     .phase = Phase::verify};
    const FrameSize before{was.width, was.height};
    const FrameSize after{facts.width, facts.height};
    if (before != after)
        film.notes.push_back("an MP4 has even sides: " + text_of(before) + " became " +
                             text_of(after));
    film.facts = std::move(facts);
    std::error_code ignored; // it goes with the directory at the latest
    fs::remove_all(film.file, ignored);
    film.file = playable;
    film.times.emplace_back("convert", seconds_since(start));
    return Done{};
}

// A film that is sound, and perhaps paid for, is never lost for want of an MP4.
Result<Done> make_playable_if_possible(const MediaTool& media,
                                       const Conversion& how,
                                       const MediaFacts& was,
                                       VerifiedVideo& film)
{
    const std::string as = "delivered as " + was.container + " with " + was.video_codec;
    Result<Done> made = make_playable(media, how, was, film);
    if (made) {
        film.notes.push_back("made an MP4 of what was " + as);
        return made;
    }
    const Category why = made.error().category;
    if (why == Category::storage_full || why == Category::cancelled) return made;
    std::error_code ignored; // it goes with the directory
    fs::remove(playable_beside(film.file), ignored);
    film.notes.push_back("it stays as it was " + as +
                         ", because no MP4 could be made of it: " + made.error().text);
    return Done{};
}

// As many as there are pictures, of the first one's size: a file for each frame.
Result<MediaFacts> facts_of_pictures(const MediaTool& media, const fs::path& directory)
{
    std::uint64_t count = 0;
    fs::path first;
    std::error_code failed;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end;
         it.increment(failed)) {
        if (count++ == 0 || it->path() < first) first = it->path();
    }
    if (failed)
        return system_error(Category::internal, "reading " + directory.string(), failed.value());
    RG_TRY(MediaFacts facts, probe_media(media, first, MediaLimits{}));
    facts.frames *= count;
    return facts;
}

Result<Done> join_pictures(const MediaTool& media,
                           const AttemptPlan& plan,
                           const ArtifactOffer& offer,
                           VerifiedVideo& film)
{
    film.file = plan.keep_dir / "frames";
    RG_CHECK(copy_pictures_from_work_dir(
        plan.work_dir, offer.path, film.file, ProbeLimits{}.max_frames));
    RG_TRY(MediaFacts pictures, facts_of_pictures(media, film.file));
    pictures.fps = rate_of(offer, plan.request);
    RG_CHECK(hold_against(plan, pictures, film));
    return make_playable(media, {.fps = pictures.fps}, pictures, film);
}

// The provider may still run, and write to its work directory: what is probed is a copy.
Result<Done> keep_film(const MediaTool& media,
                       const AttemptPlan& plan,
                       const ArtifactOffer& offer,
                       VerifiedVideo& film)
{
    const auto start = SteadyClock::now();
    film.file = plan.keep_dir / ("film" + extension_of(offer.path));
    RG_CHECK(copy_from_work_dir(plan.work_dir, {.relative = offer.path}, film.file));
    RG_TRY(film.facts, probe_media(media, film.file, MediaLimits{}));
    film.times.emplace_back("verify", seconds_since(start));
    const MediaFacts was = film.facts;
    RG_CHECK(hold_against(plan, was, film));
    if (plan.request.task == "image" || !plan.wants_mp4) return Done{};
    const auto how = conversion_for(was, plan.request.fps);
    return how ? make_playable_if_possible(media, *how, was, film) : Done{};
}

using Maker = Result<std::string> (*)(
    const MediaTool&, const fs::path&, std::uint64_t, const fs::path&, const MediaLimits&);

// Nobody has lost anything without them.
Result<Done>
make_picture(const MediaTool& media, Maker make, const std::string& role, VerifiedVideo& film)
{
    const fs::path file = film.file.parent_path() / role;
    auto type =
        make(media, film.file, film.facts.frames, file, MediaLimits{.wall = kPicturePatience});
    if (!type && type.error().category == Category::cancelled) return std::move(type).error();
    if (type)
        film.pictures.push_back({.role = role, .mime = *std::move(type), .file = file});
    else
        film.notes.push_back("there is no " + role + ": " + type.error().text);
    return Done{};
}

Result<Done> make_pictures(const MediaTool& media, VerifiedVideo& film)
{
    const auto start = SteadyClock::now();
    RG_CHECK(make_picture(media, make_thumbnail, "thumbnail", film));
    if (film.facts.frames > 1) RG_CHECK(make_picture(media, make_spritesheet, "spritesheet", film));
    film.times.emplace_back("pictures", seconds_since(start));
    return Done{};
}

} // namespace

const ArtifactOffer* film_among(const std::vector<ArtifactOffer>& offers, const Request& request)
{
    const std::string wanted = request.task == "image" ? "image" : "video";
    const auto last_of = [&](const std::string& role) {
        return std::find_if(
            offers.rbegin(), offers.rend(), [&](const auto& offer) { return offer.role == role; });
    };
    if (const auto film = last_of(wanted); film != offers.rend()) return &*film;
    if (wanted == "image") return nullptr;
    const auto pictures = last_of("frames");
    return pictures == offers.rend() ? nullptr : &*pictures;
}

Result<VerifiedVideo>
verify_film(const MediaTool& media, const AttemptPlan& plan, const ArtifactOffer& offer)
{
    VerifiedVideo film;
    RG_CHECK(is_numbered(offer) ? join_pictures(media, plan, offer, film)
                                : keep_film(media, plan, offer, film));
    if (plan.wants_pictures) RG_CHECK(make_pictures(media, film));
    return film;
}

} // namespace reelgate
