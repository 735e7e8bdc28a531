// What the scripted provider says it can do, before any script has changed it.
#include "tests/fakes/scripted_provider.hpp"

namespace reelgate::fakes {
namespace {

// Like the video models of the day: sides a multiple of 16, one frame more than a multiple of four.
Json lattice_model()
{
    return Json::parse(R"({
        "id": "pattern", "tasks": ["t2v", "i2v", "flf2v"], "inputs": {"image": 2},
        "sizes": {"multiple_of": 16, "max_pixels": 921600},
        "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
        "fps": [16, 24, 30], "audio": false, "seed": true,
        "default": {"size": "640x368", "frames": 49, "fps": 24}, "vram_peak_mb": 0})");
}

// Whatever the test pattern can do, with sound.
Json free_model()
{
    return Json::parse(R"({
        "id": "pattern-any", "tasks": ["t2v", "v2v", "extend"], "inputs": {"video": 1},
        "sizes": {"multiple_of": 16, "max_pixels": 921600},
        "frames": {"min": 1, "max": 240, "step": 1, "offset": 0},
        "fps": [], "audio": true, "seed": true,
        "default": {"size": "320x240", "frames": 24, "fps": 24}, "vram_peak_mb": 0})");
}

Field script_field()
{
    Json schema;
    schema["type"] = "object";
    return Field(std::move(schema))
        .title("Script")
        .describe("What each call does, as steps; see tests/fakes/README.md");
}

} // namespace

Description Scripted::describe()
{
    return Description(kVariant.id, kVariant.paid ? "Scripted, paid" : "Scripted", "1.0.0")
        .license("Apache-2.0")
        .concurrency(4)
        .billing(kVariant.paid ? "paid" : "free")
        .egress(kVariant.paid ? "cloud" : "none")
        .model(lattice_model())
        .model(free_model())
        .config("script", script_field())
        .config("script_file", text().title("File that holds the script"))
        .config("ledger",
                text().title("Ledger").describe("Empty: none. Left out: in the data directory"))
        .config("name",
                text().title("Name in the ledger").describe("Left out: the id of the plugin"))
        .config("price_usd", text().title("Price of one job, such as 0.40"))
        .config("idempotent",
                flag().title("A known idempotency key gets the old job").otherwise(false))
        .param("script", script_field());
}

Tools Scripted::tools()
{
    Json any_object;
    any_object["type"] = "object";
    return Tools()
        .tool("steps", "The step table, as Markdown")
        .tool("ledger", "How often each event is in the ledger")
        .tool("check-script", "Says what is wrong with a script")
        .argument("script", Field(any_object).required());
}

} // namespace reelgate::fakes
