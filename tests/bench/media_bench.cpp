// What it costs that films are opened in a confined child: each operation through the child, and
// the same code in this process as the floor.
#include "host/media/convert.hpp"
#include "host/media/derive.hpp"
#include "host/media/media.hpp"
#include "tests/bench/table.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <fstream>
#include <stdexcept>

namespace reelgate::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr FrameSize kSize{832, 480};
constexpr std::uint64_t kFrames = 81;
constexpr double kRate = 24;
constexpr std::size_t kTimes = 5;

MediaTool tool() { return {REELGATE_BINARY_DIR "/bin/reelgate-media"}; }

template <class T>
T must(Result<T> result)
{
    if (!result) throw std::runtime_error(result.error().sentence());
    return *std::move(result);
}

// A gradient that moves, which is neither the easiest nor the hardest to encode.
void write_raw(const fs::path& file)
{
    std::ofstream out(file, std::ios::binary);
    out << "YUV4MPEG2 W" << kSize.width << " H" << kSize.height << " F24:1 Ip C420jpeg\n";
    const std::string colours(std::size_t{kSize.width} * kSize.height / 2, '\x80');
    std::string rows(std::size_t{kSize.width} * kSize.height, '\0');
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
        for (std::size_t i = 0; i < rows.size(); ++i)
            rows[i] = static_cast<char>((i % kSize.width + i / kSize.width * 2 + frame * 3) & 0xff);
        out << "FRAME\n" << rows << colours;
    }
    if (!out.flush()) throw std::runtime_error("no film could be written");
}

// The film as it was delivered, and as the MP4 that is made of it.
class Films {
public:
    Films()
    {
        write_raw(raw());
        must(convert_media(tool(), raw(), {.fps = kRate}, mp4(), {}));
    }
    fs::path raw() const { return scratch_ / "film.y4m"; }
    fs::path mp4() const { return scratch_ / "film.mp4"; }

    // Each time another file: both sides make it anew.
    fs::path output()
    {
        std::error_code ignored;
        fs::remove(scratch_ / "made", ignored);
        return scratch_ / "made";
    }

private:
    const ScratchDir scratch_;
};

Measured probing()
{
    const Films films;
    const auto child = repeat(kTimes, [&] { must(probe_media(tool(), films.mp4(), {})); });
    const auto here = repeat(kTimes, [&] { must(probe(must(Source::open(films.mp4())), {})); });
    return {child, here};
}

Measured thumbnail()
{
    Films films;
    const auto child = repeat(
        kTimes, [&] { must(make_thumbnail(tool(), films.mp4(), kFrames, films.output(), {})); });
    const auto here = repeat(kTimes, [&] {
        must(derive_thumbnail(must(Source::open(films.mp4())), {{}, kFrames, films.output()}));
    });
    return {child, here};
}

Measured spritesheet()
{
    Films films;
    const auto child = repeat(
        kTimes, [&] { must(make_spritesheet(tool(), films.mp4(), kFrames, films.output(), {})); });
    const auto here = repeat(kTimes, [&] {
        must(derive_spritesheet(must(Source::open(films.mp4())), {{}, kFrames, films.output()}));
    });
    return {child, here};
}

Measured converting(const fs::path& film, const Conversion& how, Films& films)
{
    const auto child =
        repeat(kTimes, [&] { must(convert_media(tool(), film, how, films.output(), {})); });
    const auto here =
        repeat(kTimes, [&] { must(convert(must(Source::open(film)), {}, how, films.output())); });
    return {child, here};
}

Measured remux()
{
    Films films;
    return converting(films.mp4(), {.copy_pictures = true, .copy_sound = true}, films);
}

Measured encode()
{
    Films films;
    return converting(films.raw(), {.fps = kRate}, films);
}

} // namespace

std::vector<Row> media_rows()
{
    return {
        {"media_probe",       "81 frames of 832x480 decoded in the child", std::nullopt, probing    },
        {"media_thumbnail",   "a thumbnail of them",                       std::nullopt, thumbnail  },
        {"media_spritesheet", "a sprite sheet of them",                    std::nullopt, spritesheet},
        {"media_remux",       "the same film into another MP4",            std::nullopt, remux      },
        {"media_encode",      "an MP4 of 81 raw frames of 832x480",        std::nullopt, encode     },
    };
}

} // namespace reelgate::bench
