#include "tests/bench/table.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace reelgate::bench {
namespace {

constexpr const char* kLine = "%-46s %6s %10s %10s %10s %10s %7s  %s\n";

std::string digits(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
    return text;
}

void print_row(const Row& row, const Measured& measured)
{
    if (!measured.told.empty()) {
        std::printf("%-46s %s\n", row.what.c_str(), measured.told.c_str());
        return;
    }
    const Seconds middle = percentile(measured.samples, 0.5);
    const bool has_floor = !measured.floor.empty();
    const Seconds floor = has_floor ? percentile(measured.floor, 0.5) : Seconds{};
    std::printf(kLine,
                row.what.c_str(),
                std::to_string(measured.samples.size()).c_str(),
                readable(middle).c_str(),
                readable(percentile(measured.samples, 0.99)).c_str(),
                row.aim ? readable(*row.aim).c_str() : "-",
                has_floor ? readable(floor).c_str() : "-",
                has_floor ? digits(middle / floor).c_str() : "-",
                !row.aim             ? ""
                : middle <= *row.aim ? "met"
                                     : "MISSED");
}

bool wanted(const Row& row, std::span<const std::string> names)
{
    return names.empty() || std::find(names.begin(), names.end(), row.name) != names.end();
}

bool print_measured(const Row& row)
{
    try {
        print_row(row, row.measure());
        std::fflush(stdout);
        return true;
    } catch (const std::exception& why) {
        std::fflush(stdout);
        std::fprintf(stderr, "%s: not measured: %s\n", row.name.c_str(), why.what());
        return false;
    }
}

} // namespace

Seconds percentile(Samples samples, double share)
{
    const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), samples.begin() + place, samples.end());
    return samples[static_cast<std::size_t>(place)];
}

std::string readable(Seconds duration)
{
    const double micros = duration.count() * 1e6;
    if (micros < 1000) return digits(micros) + " us";
    if (micros < 1e6) return digits(micros / 1e3) + " ms";
    return digits(micros / 1e6) + " s";
}

bool print_table(std::span<const Row> rows, std::span<const std::string> names)
{
    bool all = true;
    for (const std::string& name : names)
        if (std::none_of(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; })) {
            std::fprintf(stderr, "%s: there is no such row\n", name.c_str());
            all = false;
        }
    std::printf(kLine, "what", "n", "p50", "p99", "aim", "floor", "ratio", "");
    for (const Row& row : rows)
        if (wanted(row, names)) all = print_measured(row) && all;
    return all;
}

void run_program(const std::vector<std::string>& words)
{
    std::vector<std::string> kept = words;
    std::vector<char*> arguments;
    for (std::string& word : kept)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    int status = -1;
    const int failed =
        ::posix_spawn(&child, arguments[0], &quiet, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&quiet);
    if (failed != 0)
        throw std::runtime_error(kept[0] + ": " + std::generic_category().message(failed));
    if (::waitpid(child, &status, 0) != child || status != 0)
        throw std::runtime_error(kept[0] + ": ended with status " + std::to_string(status));
}

Samples spawn_floor(std::size_t times)
{
    return repeat(times, [] { run_program({"/bin/true"}); });
}

} // namespace reelgate::bench
