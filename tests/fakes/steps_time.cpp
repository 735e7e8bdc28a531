// How a call spends its time.
#include "tests/fakes/act.hpp"
#include "tests/fakes/steps.hpp"

#include <poll.h>

namespace reelgate::fakes {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// How often a stalled call looks whether it may go on, where nothing wakes it.
constexpr milliseconds kLook{2};

milliseconds ms(const Json& arguments, const char* name)
{
    return milliseconds(arguments.at(name).get<std::int64_t>());
}

Source source_named(const std::string& word)
{
    if (word == "measured") return Source::measured;
    return word == "estimated" ? Source::estimated : Source::none;
}

void progress(Act& act, const Json& arguments)
{
    const auto steps = arguments.at("steps").get<std::uint32_t>();
    const auto from = arguments.at("from").get<double>();
    const auto to = arguments.at("to").get<double>();
    const auto stage = arguments.at("stage").get<std::string>();
    const Source source = source_named(arguments.at("source"));
    for (std::uint32_t step = 1; step <= steps; ++step) {
        act.report(stage, from + (to - from) * step / steps, source, step, steps);
        if (ms(arguments, "every_ms").count() > 0) act.pass(ms(arguments, "every_ms"));
    }
}

void stall(Act& act, const Json& arguments)
{
    const bool deaf = arguments.at("ignore_cancel").get<bool>() || act.job == nullptr;
    const bool for_ever = arguments.at("ms").is_null();
    const Clock::time_point end = Clock::now() + (for_ever ? milliseconds(0) : ms(arguments, "ms"));
    while (for_ever || Clock::now() < end) {
        // A cancel wakes it; once one has come and may be ignored, nothing else does.
        const milliseconds most = act.notices > 0 ? kLook : milliseconds(1000);
        const auto left = for_ever ? most : std::chrono::ceil<milliseconds>(end - Clock::now());
        const auto slice = std::clamp(left, milliseconds(0), most);
        if (deaf)
            ::poll(nullptr, 0, static_cast<int>(slice.count()));
        else
            act.pass(slice);
    }
}

void hang(Act&, const Json& arguments)
{
    const bool for_ever = arguments.at("ms").is_null();
    const Clock::time_point end = Clock::now() + (for_ever ? milliseconds(0) : ms(arguments, "ms"));
    volatile std::uint64_t spins = 0;
    while (for_ever || Clock::now() < end)
        spins = spins + 1;
}

void wait_for(Act& act, const Json& arguments)
{
    const std::filesystem::path file = arguments.at("file").get<std::string>();
    while (!std::filesystem::exists(file))
        act.pass(kLook);
}

// clang-format off
constexpr Argument kProgress[] = {
    {"steps", Kind::count, "10", "how many reports", {}, 1'000'000},
    {"every_ms", Kind::count, "0", "between two", {}, 60'000},
    {"stage", Kind::text, R"("render")", ""},
    {"source", Kind::word, R"("measured")", "", "measured|estimated|none"},
    {"from", Kind::share, "0", "where the value starts"},
    {"to", Kind::share, "1", "where it ends; it may go backwards or leave 0..1"}};
constexpr Argument kStall[] = {
    {"ms", Kind::count, "", "for ever if left out"},
    {"ignore_cancel", Kind::flag, "false", "do not even look"}};
constexpr Argument kHang[] = {{"ms", Kind::count, "", "for ever if left out"}};
constexpr Argument kWaitFor[] = {{"file", Kind::text, "", "its path", {}, 0, true}};

constexpr StepKind kSteps[] = {
    {"progress", kJobCalls, kProgress, progress, "reports progress"},
    {"stall", kEveryCall, kStall, stall, "says and does nothing; in a job the cancel rule holds"},
    {"hang", kEveryCall, kHang, hang, "burns a core and hears nothing, no cancel either"},
    {"wait_for", kEveryCall, kWaitFor, wait_for, "goes on once the file exists: how a test holds a call without a clock"},
};
// clang-format on

} // namespace

std::span<const StepKind> time_steps() { return kSteps; }

} // namespace reelgate::fakes
