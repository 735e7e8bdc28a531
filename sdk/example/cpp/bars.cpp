// Colour bars as Y4M: a whole provider in C++.
#include <fstream>
#include <reelgate/plugin.hpp>
using namespace reelgate;

class Bars final : public IVideoProvider {
public:
    static Description describe()
    {
        return Description("org.example.bars", "Colour bars", "1.0.0")
            .license("Apache-2.0")
            .model(Json::parse(R"({"id": "bars", "tasks": ["t2v"], "fps": [16, 24], "seed": true,
                "sizes": {"multiple_of": 16, "max_pixels": 921600},
                "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
                "default": {"size": "640x368", "frames": 49, "fps": 24}})"))
            .config("bars", integer().title("Number of bars").min(1).max(16).otherwise(8));
    }
    Bars(Host, const Json& config) : bars_(config.at("bars")) {}

    void run(Job& job) override
    {
        const unsigned width = job.request().at("width"), height = job.request().at("height");
        const unsigned frames = job.request().at("frames"), fps = job.request().at("fps");
        std::ofstream clip(job.work_dir() / "clip.y4m", std::ios::binary);
        clip << "YUV4MPEG2 W" << width << " H" << height << " F" << fps << ":1 C420jpeg\n";
        for (unsigned i = 1; i <= frames; ++i) {
            clip << "FRAME\n";
            for (unsigned at = 0; at < width * height; ++at) // brightness falls bar by bar
                clip.put(char(235 - 219 / bars_ * (at % width * bars_ / width)));
            clip << std::string(width * height / 2, char(96 + i % 64)); // both colour planes
            job.progress("render", i, frames);                          // a cancel lands here
        }
        if (!clip.flush()) throw failed(Category::storage_full, "clip.y4m was not written whole");
        job.artifact("clip.y4m", "video", "video/x-yuv4mpeg");
    }

private:
    unsigned bars_;
};
RG_PLUGIN(Bars)
