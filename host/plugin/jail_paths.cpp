#include "host/plugin/jail_paths.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// /run holds what /etc only links to: the resolver's file, and the socket names of services.
constexpr std::array kSystem{"/usr",
                             "/lib",
                             "/lib64",
                             "/bin",
                             "/sbin",
                             "/etc",
                             "/opt",
                             "/proc",
                             "/sys",
                             "/run/systemd/resolve",
                             "/run/resolvconf",
                             "/run/NetworkManager"};

// Nothing of /dev but its names and these: a worker of root's could read disks.
constexpr std::array kDevices{"/dev/null",
                              "/dev/zero",
                              "/dev/full",
                              "/dev/random",
                              "/dev/urandom",
                              "/dev/dri",
                              "/dev/kfd",
                              "/dev/nvidia-caps"};

// A first line longer than this is no interpreter's.
constexpr std::streamsize kFirstLine = 512;

std::vector<fs::path> split(const std::string& list)
{
    std::vector<fs::path> directories;
    std::istringstream parts(list);
    for (std::string part; std::getline(parts, part, ':');)
        if (fs::path(part).is_absolute()) directories.emplace_back(part);
    return directories;
}

std::optional<fs::path> real(const fs::path& path)
{
    std::error_code missing;
    fs::path found = fs::canonical(path, missing);
    if (missing) return std::nullopt;
    return found;
}

bool holds(const fs::path& directory, const fs::path& path)
{
    const auto [end, ignored] =
        std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return end == directory.end();
}

std::optional<fs::path> on_path(const std::string& name, const SearchPaths& search)
{
    for (const fs::path& directory : split(search.programs)) {
        const fs::path program = directory / name;
        if (::access(program.c_str(), X_OK) == 0) return program;
    }
    return std::nullopt;
}

// "#!/usr/bin/env python3" is about python3, "#!/usr/bin/env -S python3 -u" too.
std::optional<fs::path> interpreter_of(const fs::path& script, const SearchPaths& search)
{
    std::ifstream file(script, std::ios::binary);
    std::string line(static_cast<std::size_t>(kFirstLine), '\0');
    file.read(line.data(), kFirstLine);
    line.resize(static_cast<std::size_t>(file.gcount()));
    if (!line.starts_with("#!")) return std::nullopt;
    std::istringstream words(line.substr(2, line.find('\n') - 2));
    std::string word;
    words >> word;
    if (fs::path(word).filename() != "env") return fs::path(word);
    while (words >> word)
        if (word[0] != '-' && word.find('=') == std::string::npos) return on_path(word, search);
    return std::nullopt;
}

// A directory of the first or second level may be a home, root's among them; one below that begins
// with a dot, such as ~/.pyenv of root, is none; ~/.local is half of one.
bool may_be_a_home(const fs::path& directory)
{
    const auto names = std::distance(directory.begin(), directory.end()) - 1;
    const std::string last = directory.filename().string();
    return last == ".local" || names < 2 || (names == 2 && !last.starts_with('.'));
}

fs::path prefix_of(const fs::path& program, const fs::path& data_dir)
{
    fs::path prefix = program.parent_path();
    const std::string last = prefix.filename().string();
    if (last == "bin" || last == "sbin" || last == "shims") prefix = prefix.parent_path();
    const bool too_much = may_be_a_home(prefix) || holds(prefix, real(data_dir).value_or(data_dir));
    return too_much ? program.parent_path() : prefix;
}

void add_devices(std::vector<Grant>& grants)
{
    grants.push_back({"/dev", Reach::list});
    grants.push_back({"/dev/shm", Reach::write});
    for (const char* device : kDevices)
        grants.push_back({device, Reach::device});
    std::error_code unreadable;
    for (fs::directory_iterator entry("/dev", unreadable), end; !unreadable && entry != end;
         entry.increment(unreadable))
        if (entry->path().filename().string().starts_with("nvidia"))
            grants.push_back({entry->path(), Reach::device});
}

void add_search_paths(std::vector<Grant>& grants,
                      const SearchPaths& search,
                      const fs::path& data_dir)
{
    for (const std::string* list : {&search.programs, &search.libraries})
        for (const fs::path& directory : split(*list)) {
            const auto found = real(directory);
            if (found && !holds(*found, real(data_dir).value_or(data_dir)))
                grants.push_back({*found, Reach::read});
        }
}

void add_program(std::vector<Grant>& grants, const LaunchOrder& order, const SearchPaths& search)
{
    if (!order.exec || order.command.empty()) return;
    const fs::path program = fs::path(order.plugin_dir) / order.command[0];
    for (const fs::path& prefix : program_prefixes(program, search, order.data_dir))
        grants.push_back({prefix, Reach::read});
}

} // namespace

std::vector<fs::path>
program_prefixes(const fs::path& program, const SearchPaths& search, const fs::path& data_dir)
{
    // A script may be run by a script, as a shim is; the kernel follows four.
    constexpr int kDepth = 4;
    std::vector<fs::path> prefixes;
    std::optional<fs::path> next = program;
    for (int depth = 0; next && depth < kDepth; ++depth) {
        const auto found = real(*next);
        if (!found) break;
        prefixes.push_back(prefix_of(*found, data_dir));
        next = interpreter_of(*found, search);
    }
    return prefixes;
}

std::vector<Grant> grants_for(const LaunchOrder& order, const SearchPaths& search)
{
    std::vector<Grant> grants;
    for (const char* directory : kSystem)
        grants.push_back({directory, Reach::read});
    add_devices(grants);
    add_search_paths(grants, search, order.data_dir);
    add_program(grants, order, search);
    grants.push_back({order.plugin_dir, Reach::read, true});
    for (const std::string& path : order.jail.read_only)
        grants.push_back({path, Reach::read, true});
    for (const std::string& path : order.jail.read_write)
        grants.push_back({path, Reach::write, true});
    grants.push_back({order.jail.work_root, Reach::write, true});
    const bool data = !order.data_dir.empty();
    if (data) grants.push_back({order.data_dir, Reach::write_run, true});
    // Inside the data directory it needs no grant, and may have become a link to anywhere.
    const bool apart =
        !order.cache_dir.empty() && !(data && holds(order.data_dir, order.cache_dir));
    if (apart) grants.push_back({order.cache_dir, Reach::write_run, true});
    return grants;
}

} // namespace reelgate
