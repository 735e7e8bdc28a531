#include "tests/fakes/steps.hpp"

namespace reelgate::fakes {

std::span<const StepKind> step_table()
{
    static const std::vector<StepKind> kAll = [] {
        std::vector<StepKind> all;
        for (const auto& rows :
             {money_steps(), time_steps(), film_steps(), word_steps(), harm_steps()})
            all.insert(all.end(), rows.begin(), rows.end());
        return all;
    }();
    return kAll;
}

} // namespace reelgate::fakes
