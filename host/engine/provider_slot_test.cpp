// What a failure of one model means for that model, and for its neighbour in the same provider.
#include "host/engine/engine_fixture.hpp"

namespace reelgate {
namespace {

Description two_models()
{
    Description d = one_model();
    d.models.push_back(d.models[0]);
    d.models[1].id = "two";
    return d;
}

enum class Then { works, rests, unfit };

struct FailureRow {
    std::string name;
    Category category;
    Phase phase;
    Then itself;
    Then neighbour;
    std::string code = {};
};

class TwoModels : public testing::Test {
protected:
    TwoModels()
    {
        ProbeReport report;
        report.state = ProviderState::ready;
        stage.add({.id = "p", .plugin = "drawn"}, two_models(), report);
        place = stage.open().slot("p");
    }

    Then now(std::size_t model)
    {
        const PairSnapshot pair = place->snapshot().pairs.at(model);
        if (!pair.misconfigured.empty()) return Then::unfit;
        return pair.breaker == Breaker::closed ? Then::works : Then::rests;
    }

    EngineStage stage{EngineSettings{}};
    std::shared_ptr<ProviderSlot> place;
};

class AfterAFailure : public TwoModels, public testing::WithParamInterface<FailureRow> {};

TEST_P(AfterAFailure, WorkIsKeptFrom)
{
    const FailureRow& row = GetParam();
    place->failed("one",
                  {.category = row.category, .text = "no", .code = row.code, .phase = row.phase});
    EXPECT_EQ(now(0), row.itself);
    EXPECT_EQ(now(1), row.neighbour);
    place->reset();
    EXPECT_EQ(now(0), Then::works);
    EXPECT_EQ(now(1), Then::works);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(ByItsUnit, AfterAFailure, testing::Values(
    FailureRow{"Nothing",        Category::content_rejected,    Phase::submit,  Then::works, Then::works},
    FailureRow{"OneOfSeveral",   Category::provider_error,      Phase::run,     Then::works, Then::works},
    FailureRow{"SlowToLoad",     Category::timeout,             Phase::load,    Then::rests, Then::works},
    FailureRow{"NoModel",        Category::model_not_found,     Phase::submit,  Then::unfit, Then::works},
    FailureRow{"Region",         Category::region_blocked,      Phase::submit,  Then::unfit, Then::works},
    FailureRow{"WorkerGone",     Category::worker_unavailable,  Phase::connect, Then::rests, Then::rests},
    FailureRow{"TooOften",       Category::rate_limited,        Phase::submit,  Then::rests, Then::rests},
    FailureRow{"NothingLeft",    Category::quota_exhausted,     Phase::submit,  Then::rests, Then::rests},
    FailureRow{"KeyRefused",     Category::auth_failed,         Phase::submit,  Then::unfit, Then::unfit},
    FailureRow{"WrongName",      Category::network_error,       Phase::connect, Then::unfit, Then::unfit, "tls_name"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST_F(TwoModels, TheOneNotFoundIsTriedAgainAfterTenMinutes)
{
    place->failed("one", {.category = Category::model_not_found, .text = "no such file"});
    stage.clock.passed += 10min - 1s;
    EXPECT_EQ(now(0), Then::unfit);
    stage.clock.passed += 1s;
    EXPECT_EQ(now(0), Then::works);
}

} // namespace
} // namespace reelgate
