#include "host/plugin/sums.hpp"

#include "host/base/clock.hpp"
#include "host/base/digest.hpp"
#include "host/plugin/manifest.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using std::string;
using std::string_view;

constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kMostFiles = 10'000;
constexpr int kDeepest = 16;
constexpr std::size_t kNamed = 5; // of each kind, in a sentence

bool by_path(const FileSum& a, const FileSum& b) { return a.path < b.path; }

bool is_hash(string_view text)
{
    return text.size() == kHexDigits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// One line as `sha256sum` writes it, without what it does to names with newlines.
Result<FileSum> parse_line(string_view line, const string& where)
{
    const bool plain = line.size() > kHexDigits + 2 && line[kHexDigits] == ' ' &&
                       (line[kHexDigits + 1] == ' ' || line[kHexDigits + 1] == '*');
    if (!plain || !is_hash(line.substr(0, kHexDigits)))
        return invalid(where + ": is not a SHA-256 in 64 lower-case digits, two spaces and a name",
                       "sums_malformed");
    const string_view name = line.substr(kHexDigits + 2);
    if (!is_inside_path(name))
        return invalid(where + ": names a file outside of the directory", "sums_malformed");
    return FileSum{fs::path(name).lexically_normal().string(), string(line.substr(0, kHexDigits))};
}

// "changed a.so, b.so and 3 more"
string named(string_view kind, const std::vector<string>& paths)
{
    string text = string(kind) + " ";
    const std::size_t shown = std::min(paths.size(), kNamed);
    for (std::size_t i = 0; i < shown; ++i)
        text += (i == 0 ? "" : ", ") + paths[i];
    if (paths.size() > shown) text += " and " + std::to_string(paths.size() - shown) + " more";
    return text;
}

std::vector<string> missing_from(const FileSums& here, const FileSums& there)
{
    FileSums only;
    std::set_difference(
        there.begin(), there.end(), here.begin(), here.end(), std::back_inserter(only), by_path);
    std::vector<string> paths;
    for (FileSum& sum : only)
        paths.push_back(std::move(sum.path));
    return paths;
}

std::vector<string> changed_in(const FileSums& promised, const FileSums& found)
{
    std::vector<string> paths;
    for (const FileSum& sum : found) {
        const auto [first, last] = std::equal_range(promised.begin(), promised.end(), sum, by_path);
        if (first != last && first->sha256 != sum.sha256) paths.push_back(sum.path);
    }
    return paths;
}

Error odd(const fs::path& file, string_view why)
{
    return invalid(file.string() + ": " + string(why), "odd_file");
}

// The file to hash for a directory entry; nothing for a directory.
Result<fs::path> file_behind(const fs::directory_entry& entry, const fs::path& root)
{
    std::error_code failed;
    if (entry.is_symlink(failed)) {
        const fs::path target = fs::canonical(entry.path(), failed);
        if (failed) return odd(entry.path(), "is a link to nothing");
        const auto end = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
        if (end.first != root.end())
            return odd(entry.path(), "is a link that leaves the directory");
        if (!fs::is_regular_file(target, failed)) return odd(entry.path(), "is a link to no file");
        return target;
    }
    if (entry.is_directory(failed)) return fs::path();
    if (!entry.is_regular_file(failed))
        return odd(entry.path(), "is neither a file nor a directory");
    return entry.path();
}

} // namespace

Result<FileSums> parse_sums(std::string_view text, const std::filesystem::path& file)
{
    FileSums sums;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const string where = file.string() + ":" + std::to_string(number);
        if (sums.size() == kMostFiles) return invalid(where + ": too many lines", "sums_malformed");
        if (end != 0) {
            RG_TRY(FileSum sum, parse_line(text.substr(0, end), where));
            sums.push_back(std::move(sum));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    std::sort(sums.begin(), sums.end(), by_path);
    const auto same = [](const FileSum& a, const FileSum& b) { return a.path == b.path; };
    const auto twice = std::adjacent_find(sums.begin(), sums.end(), same);
    if (twice == sums.end()) return sums;
    return invalid(file.string() + ": lists " + twice->path + " twice", "sums_malformed");
}

Result<Done> compare_sums(const FileSums& promised,
                          const FileSums& found,
                          const std::filesystem::path& directory)
{
    struct Kind {
        string_view word;
        string_view code;
        std::vector<string> paths;
    };
    const Kind kinds[] = {
        {"changed",    "sums_changed", changed_in(promised,   found)   },
        {"missing",    "sums_missing", missing_from(found,    promised)},
        {"not listed", "sums_extra",   missing_from(promised, found)   },
    };
    string text;
    string_view code;
    for (const Kind& kind : kinds) {
        if (kind.paths.empty()) continue;
        if (code.empty()) code = kind.code;
        text += (text.empty() ? "" : "; ") + named(kind.word, kind.paths);
    }
    if (code.empty()) return Done{};
    return invalid(directory.string() + " is not what its sums file says: " + text, string(code))
        .with_hint("install it again, or write the sums anew if the change is yours");
}

Result<FileSums> sum_directory(const std::filesystem::path& directory, HashCache& cache)
{
    const WallTime now = SystemClock().wall();
    std::error_code failed;
    const fs::path root = fs::canonical(directory, failed);
    fs::recursive_directory_iterator entry(root, failed);
    FileSums sums;
    for (const fs::recursive_directory_iterator end; !failed && entry != end;
         entry.increment(failed)) {
        const string path = entry->path().lexically_relative(root).string();
        if (sums.size() == kMostFiles || entry.depth() > kDeepest)
            return invalid(directory.string() + " holds more than " + std::to_string(kMostFiles) +
                               " files, or deeper than " + std::to_string(kDeepest) + " levels",
                           "too_many_files");
        // A newline in a name would let one file pass for two in identity_of().
        if (!is_inside_path(path)) return odd(entry->path(), "has a control character in its name");
        RG_TRY(const fs::path file, file_behind(*entry, root));
        if (file.empty()) continue;
        RG_TRY(string hash, cache.sha256(file, now));
        sums.push_back({path, std::move(hash)});
    }
    if (failed)
        return system_error(Category::internal, "listing " + directory.string(), failed.value());
    std::sort(sums.begin(), sums.end(), by_path);
    return sums;
}

std::string identity_of(const FileSums& sums)
{
    string text;
    for (const FileSum& sum : sums)
        text += sum.sha256 + "  " + sum.path + "\n";
    return sha256_hex(text);
}

} // namespace reelgate
