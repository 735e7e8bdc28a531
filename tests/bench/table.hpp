// What a bench measures and how it is printed: a row for each question, with the aim it is held
// against and the floor below which no program gets on this machine.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace reelgate::bench {

using Seconds = std::chrono::duration<double>;
using Samples = std::vector<Seconds>;

struct Measured {
    Samples samples;
    Samples floor = {};    // the same thing done with the kernel alone; empty where there is none
    std::string told = {}; // instead of samples: what is no duration
};

struct Row {
    std::string name; // for the command line
    std::string what;
    std::optional<Seconds> aim; // for the median
    // Throws std::runtime_error with a sentence when it cannot be measured here.
    std::function<Measured()> measure;
};

// The sample that the given share of all does not exceed. `samples` is not empty.
Seconds percentile(Samples samples, double share);

// "12.3 µs", "4.56 ms".
std::string readable(Seconds duration);

// Measures the rows whose name is among `names` (all, without one) and prints a line for each as
// soon as it is there. A row that cannot be measured says why, and the others go on. False if there
// was one, or a name that is no row's.
bool print_table(std::span<const Row> rows, std::span<const std::string> names);

// One call of `work` is one sample.
template <class Work>
Samples repeat(std::size_t times, Work work)
{
    Samples samples;
    for (std::size_t i = 0; i < times; ++i) {
        const auto began = std::chrono::steady_clock::now();
        work();
        samples.emplace_back(std::chrono::steady_clock::now() - began);
    }
    return samples;
}

// A process that does nothing, from spawn to reaped: the floor of whatever starts one.
Samples spawn_floor(std::size_t times);

// Spawns a program with its standard output thrown away and waits; throws unless it exits with 0.
void run_program(const std::vector<std::string>& words);

std::vector<Row> boundary_rows();
std::vector<Row> daemon_rows();
std::vector<Row> media_rows();
std::vector<Row> registry_rows();
std::vector<Row> store_rows();

} // namespace reelgate::bench
