// reelgate_bench [ROW...]: measures, prints, judges nothing. The load of the machine stands above
// the numbers, because on a busy one they are worth little.
#include "tests/bench/table.hpp"

#include <cstdio>
#include <fstream>

int main(int argc, char** argv)
{
    using namespace reelgate::bench; // NOLINT(google-build-using-namespace): a main file
    const std::vector<std::string> names(argv + 1, argv + argc);
    std::vector<Row> rows = boundary_rows();
    for (auto* more : {registry_rows, store_rows, media_rows, daemon_rows})
        for (Row& row : more())
            rows.push_back(std::move(row));

    std::string load;
    std::getline(std::ifstream("/proc/loadavg"), load);
    std::printf("load %s, rows:", load.c_str());
    for (const Row& row : rows)
        std::printf(" %s", row.name.c_str());
    std::printf("\n");
    return print_table(rows, names) ? 0 : 1;
}
