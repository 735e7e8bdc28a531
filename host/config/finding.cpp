#include "host/config/finding.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace reelgate {
namespace {

// Longer words are not compared: the work grows with the square.
constexpr std::size_t kLongestName = 64;

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t edits_between(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            next[j] = std::min({replaced, row[j] + 1, next[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

} // namespace

std::string to_string(const Place& place)
{
    if (place.line == 0) return place.source;
    return place.source + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::string to_string(const Finding& finding)
{
    std::string text = to_string(finding.place);
    if (!text.empty()) text += ": ";
    text += finding.severity == Severity::error ? "error: " : "warning: ";
    if (!finding.key.empty()) text += finding.key + ": ";
    text += finding.message + " (" + finding.code + ")";
    if (!finding.suggestion.empty()) text += "; " + finding.suggestion;
    return text;
}

void Findings::add(Finding finding)
{
    (finding.severity == Severity::error ? errors_ : warnings_) += 1;
    if (kept_.size() < kMost) kept_.push_back(std::move(finding));
}

void Findings::error(Place place, std::string code, std::string key, std::string message)
{
    add({Severity::error, std::move(place), std::move(code), std::move(key), std::move(message)});
}

void Findings::warning(Place place, std::string code, std::string key, std::string message)
{
    add({Severity::warning, std::move(place), std::move(code), std::move(key), std::move(message)});
}

void Findings::append(const Findings& others)
{
    for (const Finding& finding : others.kept_)
        if (kept_.size() < kMost) kept_.push_back(finding);
    errors_ += others.errors_;
    warnings_ += others.warnings_;
}

std::string Findings::first_error() const
{
    for (const Finding& finding : kept_)
        if (finding.severity == Severity::error) return to_string(finding);
    return "the configuration has errors";
}

std::string nearest_name(std::string_view word, std::span<const std::string> names)
{
    if (word.size() > kLongestName) return {};
    const std::size_t most = word.size() <= 4 ? 1 : word.size() <= 8 ? 2 : 3;
    std::size_t best = most + 1;
    const std::string* found = nullptr;
    bool tied = false;
    for (const std::string& name : names) {
        if (name.size() > kLongestName) continue;
        const std::size_t edits = edits_between(word, name);
        if (edits > best || edits > most) continue;
        tied = edits == best;
        best = edits;
        found = &name;
    }
    return found == nullptr || tied ? std::string() : *found;
}

} // namespace reelgate
