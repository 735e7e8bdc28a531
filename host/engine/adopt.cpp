#include "host/engine/adopt.hpp"

#include "host/engine/records.hpp"

#include <array>

namespace reelgate {
namespace {

struct Type {
    std::string_view container;
    const char* mime;
};

// clang-format off
constexpr std::array kTypes{
    Type{"mp4",      "video/mp4"},
    Type{"mov",      "video/quicktime"},
    Type{"webm",     "video/webm"},
    Type{"matroska", "video/matroska"},
    Type{"png",      "image/png"},
    Type{"apng",     "image/png"},
    Type{"jpeg",     "image/jpeg"},
    Type{"webp",     "image/webp"},
    Type{"gif",      "image/gif"},
    Type{"bmp",      "image/bmp"},
};
// clang-format on

std::string mime_of(const MediaFacts& facts)
{
    for (const Type& type : kTypes)
        if (type.container == facts.container) return type.mime;
    return "application/octet-stream";
}

void adopt_picture(const ArtifactStore& artifacts, const FilmPicture& picture, Job& done)
{
    Result<StoredFile> kept = artifacts.adopt(done.id, picture.role, picture.mime, picture.file);
    if (kept)
        done.artifact->files.push_back(*std::move(kept));
    else
        done.warnings.push_back("there is no " + picture.role + ": " + kept.error().text);
}

// A file that was adopted is no longer where it was.
Result<Done> adopt_files(const ArtifactStore& artifacts, const VerifiedVideo& film, Job& done)
{
    const auto start = std::chrono::steady_clock::now();
    RG_TRY(StoredFile kept, artifacts.adopt(done.id, "video", mime_of(film.facts), film.file));
    done.artifact = JobArtifact{.facts = film.facts, .deviations = film.deviations};
    done.artifact->files.push_back(std::move(kept));
    done.warnings.insert(done.warnings.end(), film.notes.begin(), film.notes.end());
    for (const FilmPicture& picture : film.pictures)
        adopt_picture(artifacts, picture, done);
    done.current()->collecting = film.times;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    done.current()->collecting.emplace_back("adopt", took.count());
    return Done{};
}

} // namespace

Result<Done> adopt_film(const ArtifactStore& artifacts, const VerifiedVideo& film, Job& done)
{
    if (!done.artifact) {
        RG_CHECK(adopt_files(artifacts, film, done));
    }
    RG_TRY(StoredFile summary,
           artifacts.write(done.id, "summary", "application/json", job_summary(done)));
    done.artifact->files.push_back(std::move(summary));
    return Done{};
}

} // namespace reelgate
