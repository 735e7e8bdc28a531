// Handing in a film, and the ways to lie about one.
#include "tests/fakes/act.hpp"
#include "tests/fakes/film.hpp"
#include "tests/fakes/steps.hpp"

#include <sys/stat.h>

#include <fstream>

namespace reelgate::fakes {
namespace {

namespace fs = std::filesystem;

void hand_in(Act& act, const fs::path& file) { act.job->artifact(file, "video", "video/mp4"); }

void write_text(const fs::path& file, std::string_view text)
{
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

void deliver(Act& act, const Json& arguments)
{
    const auto name = arguments.at("name").get<std::string>();
    film_as_asked(act, arguments, act.job->work_dir() / name);
    hand_in(act, name);
    act.record("delivered");
}

// The request's film, with what `changed` has of the same members and of those the lies use.
Film film_of(const Json& request, const Json& changed)
{
    const auto value = [&](const char* name) -> Json {
        const bool here = changed.contains(name) && !changed.at(name).is_null();
        return here ? changed.at(name) : request.value(name, Json());
    };
    Film film{.width = value("width").get<std::uint32_t>() - changed.value("shrink", 0U),
              .height = value("height").get<std::uint32_t>(),
              .frames = value("frames").get<std::uint32_t>(),
              .fps = value("fps").get<double>() / changed.value("slow", 1.0),
              .seed = value("seed").is_null() ? 0 : value("seed").get<std::uint64_t>(),
              .audio = !value("audio").is_null() && value("audio").get<bool>()};
    if (film.frames > 1) film.frames -= changed.value("cut", 0U);
    film.audio = film.audio != changed.value("flip_audio", false);
    return film;
}

// A frame without an encoder: a grey that grows from frame to frame.
std::string grey(std::size_t bytes, std::uint32_t frame)
{
    return std::string(bytes, static_cast<char>(16 + frame % 200));
}

void write_y4m(const Film& film, const fs::path& file)
{
    std::string bytes = "YUV4MPEG2 W" + std::to_string(film.width) + " H" +
                        std::to_string(film.height) + " F" +
                        std::to_string(static_cast<std::uint32_t>(film.fps * 1000)) + ":1000\n";
    for (std::uint32_t i = 0; i < film.frames; ++i)
        bytes += "FRAME\n" + grey(std::size_t{film.width} * film.height * 3 / 2, i);
    write_text(file, bytes);
}

void write_numbered(const Film& film, const fs::path& directory)
{
    fs::create_directory(directory);
    const std::string head =
        "P6 " + std::to_string(film.width) + ' ' + std::to_string(film.height) + " 255\n";
    for (std::uint32_t i = 0; i < film.frames; ++i)
        write_text(directory / (std::to_string(i) + ".ppm"),
                   head + grey(std::size_t{film.width} * film.height * 3, i));
}

void raw(Act& act, const Json& arguments)
{
    const Film film = film_of(act.subject, Json::object());
    const fs::path dir = act.job->work_dir();
    if (arguments.at("as") == "y4m") {
        write_y4m(film, dir / "film.y4m");
        act.job->artifact("film.y4m", "video", "video/x-yuv4mpeg");
    } else {
        write_numbered(film, dir / "frames");
        act.job->artifact("frames", "frames", "image/x-portable-pixmap");
    }
    act.record("delivered");
}

// Written aside and renamed, as the contract asks: whoever looks sees a whole picture.
void preview(Act& act, const Json& arguments)
{
    const Film film = film_of(act.subject, Json::object());
    const fs::path dir = act.job->work_dir();
    for (std::uint32_t i = 0; i < arguments.at("count").get<std::uint32_t>(); ++i) {
        make_still(plugin_directory(), film, i % film.frames, dir / "preview.part");
        fs::rename(dir / "preview.part", dir / "preview.jpg");
        act.job->preview("preview.jpg");
    }
}

// A lie gets the work directory and returns what it hands in. Its film, if it needs one, is made
// first.
struct Lie {
    std::string_view kind;
    Json changed; // of the film; null: no film is needed
    fs::path (*tell)(const fs::path& dir);
};

constexpr const char* kFilm = "film.mp4";

fs::path as_it_is(const fs::path&) { return kFilm; }

fs::path moved_out(const fs::path& dir)
{
    fs::rename(dir / kFilm, dir / "../escaped.mp4");
    return "../escaped.mp4";
}

fs::path linked(const fs::path& dir, const fs::path& target)
{
    fs::create_symlink(target, dir / "link.mp4");
    return "link.mp4";
}

fs::path hard_linked(const fs::path& dir)
{
    fs::create_hard_link(dir / kFilm, dir / "again.mp4");
    return "again.mp4";
}

fs::path directory(const fs::path& dir)
{
    fs::create_directory(dir / kFilm);
    return kFilm;
}

fs::path fifo(const fs::path& dir)
{
    if (::mkfifo((dir / kFilm).c_str(), 0600) != 0) throw std::runtime_error("mkfifo failed");
    return kFilm;
}

fs::path truncated(const fs::path& dir)
{
    fs::resize_file(dir / kFilm, fs::file_size(dir / kFilm) / 2);
    return kFilm;
}

fs::path html(const fs::path& dir)
{
    write_text(dir / kFilm, "<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>\n");
    return kFilm;
}

fs::path error_json(const fs::path& dir)
{
    write_text(dir / kFilm, R"({"error": {"message": "The file has expired", "code": 410}})");
    return kFilm;
}

fs::path noise(const fs::path& dir)
{
    std::string bytes;
    std::uint32_t state = 1;
    for (int i = 0; i < 100'000; ++i) {
        state = state * 1664525U + 1013904223U;
        bytes.push_back(static_cast<char>(state >> 24U));
    }
    write_text(dir / kFilm, bytes);
    return kFilm;
}

fs::path empty(const fs::path& dir)
{
    write_text(dir / kFilm, "");
    return kFilm;
}

// Larger than any limit, on disk it takes nothing.
fs::path sparse(const fs::path& dir)
{
    empty(dir);
    fs::resize_file(dir / kFilm, 64ULL << 30U);
    return kFilm;
}

const std::vector<Lie>& lies()
{
    const Json film = Json::object();
    static const std::vector<Lie> all = {
        {"missing",      {},                     as_it_is                                                         },
        {"parent",       film,                   moved_out                                                        },
        {"absolute",     film,                   [](auto& dir) { return dir / kFilm; }                            },
        {"outside",      {},                     [](auto&) { return fs::path("/etc/hostname"); }                  },
        {"symlink",      film,                   [](auto& dir) { return linked(dir, kFilm); }                     },
        {"symlink_out",  {},                     [](auto& dir) { return linked(dir, "/etc/hostname"); }           },
        {"hard_link",    film,                   hard_linked                                                      },
        {"directory",    {},                     directory                                                        },
        {"fifo",         {},                     fifo                                                             },
        {"long_name",    {},                     [](auto&) { return fs::path(std::string(5000, 'x')); }           },
        {"nul_in_name",  film,                   [](auto&) { return fs::path(std::string("film.mp4\0.txt", 13)); }},
        {"truncated",    film,                   truncated                                                        },
        {"html",         {},                     html                                                             },
        {"json",         {},                     error_json                                                       },
        {"noise",        {},                     noise                                                            },
        {"empty",        {},                     empty                                                            },
        {"sparse",       {},                     sparse                                                           },
        {"smaller",      {{"shrink", 16}},       as_it_is                                                         },
        {"fewer_frames", {{"cut", 1}},           as_it_is                                                         },
        {"slower",       {{"slow", 2}},          as_it_is                                                         },
        {"other_sound",  {{"flip_audio", true}}, as_it_is                                                         },
    };
    return all;
}

void lie(Act& act, const Json& arguments)
{
    const auto kind = arguments.at("kind").get<std::string>();
    for (const Lie& one : lies()) {
        if (one.kind != kind) continue;
        if (!one.changed.is_null()) film_as_asked(act, one.changed, act.job->work_dir() / kFilm);
        hand_in(act, one.tell(act.job->work_dir()));
        act.record("delivered",
                   {
                       {"lie", kind}
        });
        return;
    }
}

// clang-format off
constexpr Argument kDeliver[] = {
    {"every_ms", Kind::count, "0", "between two frames", {}, 60'000},
    {"stage", Kind::text, R"("render")", "of the progress"},
    {"name", Kind::text, R"("film.mp4")", "of the file"},
    {"width", Kind::count, "", "this and the next: not the request's", {}, 65'536},
    {"height", Kind::count, "", "", {}, 65'536},
    {"frames", Kind::count, "", "", {}, 1'000'000},
    {"fps", Kind::share, "", ""},
    {"seed", Kind::count, "", ""},
    {"audio", Kind::flag, "", ""}};
constexpr Argument kRaw[] = {{"as", Kind::word, R"("y4m")", "", "y4m|pictures"}};
constexpr Argument kPreview[] = {{"count", Kind::count, "1", "each the next frame", {}, 100'000}};
constexpr Argument kLie[] = {
    {"kind", Kind::word, R"("missing")", "",
     "missing|parent|absolute|outside|symlink|symlink_out|hard_link|directory|fifo|long_name|nul_in_name|truncated|"
     "html|json|noise|empty|sparse|smaller|fewer_frames|slower|other_sound"}};

constexpr StepKind kSteps[] = {
    {"deliver", kJobCalls, kDeliver, deliver, "makes the film of the request, with measured progress for every frame, and hands it in"},
    {"raw", kJobCalls, kRaw, raw, "hands in the film of the request as it comes out of a decoder"},
    {"preview", kJobCalls, kPreview, preview, "shows pictures of the unfinished film (`preview.jpg`)"},
    {"lie", kJobCalls, kLie, lie, "hands in what is no such film"},
};
// clang-format on

} // namespace

void film_as_asked(Act& act, const Json& changed, const fs::path& file)
{
    const Film film = film_of(act.subject, changed);
    const std::chrono::milliseconds every(changed.value("every_ms", 0));
    const std::string stage = changed.value("stage", "render");
    try {
        make_film(plugin_directory(), film, file, [&](std::uint32_t done, std::uint32_t frames) {
            act.measured(stage, done, frames);
            if (every.count() > 0) act.pass(every);
        });
    } catch (const std::invalid_argument& error) {
        throw rejected(error.what(), Category::unsupported_capability).phase(Phase::validate);
    }
}

std::span<const StepKind> film_steps() { return kSteps; }

} // namespace reelgate::fakes
