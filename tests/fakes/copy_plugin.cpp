#include "host/base/digest.hpp"
#include "tests/fakes/plugin_under_test.hpp"

#include <fstream>
#include <stdexcept>

namespace reelgate::fakes {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void write(const fs::path& file, const std::string& text)
{
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

void write_sums(const fs::path& directory)
{
    std::string sums;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const Result<std::string> sum = sha256_file(entry.path());
        if (!sum) throw std::runtime_error(sum.error().sentence());
        sums += *sum + "  " + entry.path().filename().string() + '\n';
    }
    write(directory / "SHA256SUMS", sums);
}

} // namespace

fs::path copy_plugin(const fs::path& from,
                     const fs::path& into,
                     const std::string& id,
                     json description,
                     const json& steps)
{
    fs::path copy = into / id;
    fs::create_directories(copy);
    fs::copy(from, copy);
    fs::remove(copy / "SHA256SUMS");
    json manifest = json::parse(std::ifstream(copy / "plugin.json"));
    manifest["id"] = id;
    for (const char* shared : {"name", "version", "license", "egress"})
        if (description.contains(shared)) manifest[shared] = description[shared];
    write(copy / "plugin.json", manifest.dump(2));
    description["id"] = id;
    json beside;
    beside["description"] = std::move(description);
    beside["steps"] = steps;
    write(copy / "describe.json", beside.dump(2));
    write_sums(copy);
    return copy;
}

} // namespace reelgate::fakes
