#include "provider.hpp"

#include <algorithm>
#include <fstream>
#include <string>

using namespace reelgate;

Description @CLASS@::describe()
{
    return Description("@ID@", "@NAME@", "0.1.0")
        .license("Apache-2.0")
        .concurrency(2)
        .model(Json::parse(R"({"id": "gradient", "tasks": ["t2v"], "seed": true, "fps": [16, 24],
            "sizes": {"multiple_of": 16, "max_pixels": 921600},
            "frames": {"min": 1, "max": 240},
            "default": {"size": "640x368", "frames": 48, "fps": 24}})"))
        // What the operator sets: it reaches the constructor.
        .config("brightness", integer().title("Brightness").min(16).max(235).otherwise(200))
        // What a request may say beyond the common words: it arrives under "params".
        .param("still", flag().title("Do not move").otherwise(false));
}

@CLASS@::@CLASS@(Host host, const Json& config)
    : host_(host), brightness_(config.at("brightness"))
{
}

// Could it take a job now? Within 2 s and free of charge; may overlap run().
Json @CLASS@::probe() { return {{"state", "ready"}}; }

void @CLASS@::run(Job& job)
{
    const Json& request = job.request();
    const unsigned width = request.at("width"), height = request.at("height");
    const unsigned frames = request.at("frames"), fps = request.at("fps");
    if (width < 16 || height < 16 || frames < 1 || fps < 1) // never from a host that reads describe()
        throw rejected("there is no such film");
    const bool still = request.at("params").value("still", false);

    std::string row(width, '\0');
    for (unsigned x = 0; x < width; ++x)
        row[x] = static_cast<char>(16 + x * (brightness_ - 16) / width);
    const std::string grey(width * height / 2, '\x80'); // both colour planes

    std::ofstream clip(job.work_dir() / "clip.y4m", std::ios::binary);
    clip << "YUV4MPEG2 W" << width << " H" << height << " F" << fps << ":1 C420jpeg\n";
    for (unsigned i = 1; i <= frames; ++i) {
        clip << "FRAME\n";
        for (unsigned y = 0; y < height; ++y)
            clip << row;
        clip << grey;
        if (!still) std::rotate(row.begin(), row.begin() + 4, row.end());
        job.progress("render", i, frames); // a cancel ends the loop here
    }
    clip.close();
    if (!clip) throw failed(Category::storage_full, "clip.y4m was not written whole");
    job.artifact("clip.y4m", "video", "video/x-yuv4mpeg");
    host_.info("film.rendered", {{"frames", frames}});
}

RG_PLUGIN(@CLASS@)
