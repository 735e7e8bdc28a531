#include "tests/fakes/script.hpp"

#include "tests/fakes/act.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

namespace reelgate::fakes {

const Variant kVariant{"scripted", false}; // of this program, which is no plugin

namespace {

struct FormRow {
    const char* name;
    const char* script;
    const char* arguments; // what the first step of run gets, in part
};

class Forms : public testing::TestWithParam<FormRow> {};

TEST_P(Forms, GiveAStepItsArguments)
{
    const Script script = parse_script(Json::parse(GetParam().script));
    const Steps* run = script.find(Call::run, 0);
    ASSERT_NE(run, nullptr);
    ASSERT_FALSE(run->empty());
    const Json expected = Json::parse(GetParam().arguments);
    for (const auto& [name, value] : expected.items())
        EXPECT_EQ(run->front().arguments.at(name), value) << name;
}

INSTANTIATE_TEST_SUITE_P(
    EachForm,
    Forms,
    testing::Values(
        FormRow{"Name", R"({"run": ["crash"]})", R"({"by": "segv", "code": 1, "thread": false})"},
        FormRow{"FirstArgument", R"({"run": [{"crash": "bus"}]})", R"({"by": "bus", "code": 1})"},
        FormRow{"Arguments",
                R"({"run": [{"crash": {"by": "exit", "code": 3}}]})",
                R"({"by": "exit", "code": 3})"},
        FormRow{"NoArguments", R"({"run": [{"intend": {}}]})", "{}"},
        FormRow{"LeftOut", R"({"run": ["stall"]})", R"({"ms": null, "ignore_cancel": false})"},
        FormRow{"Sequence", R"({"run": [["hang"], ["crash"]]})", R"({"ms": null})"}),
    [](const auto& row) { return row.param.name; });

TEST(Script, RepeatsTheLastListOfASequence)
{
    const Script script = parse_script(Json::parse(R"({"run": [["hang"], ["stall"]]})"));
    EXPECT_EQ(script.find(Call::run, 0)->front().kind->name, "hang");
    EXPECT_EQ(script.find(Call::run, 1)->front().kind->name, "stall");
    EXPECT_EQ(script.find(Call::run, 99)->front().kind->name, "stall");
    EXPECT_EQ(script.find(Call::probe, 0), nullptr);
    EXPECT_TRUE(parse_script(Json::parse(R"({"run": []})")).find(Call::run, 0)->empty());
}

TEST(Script, IsOverriddenCallByCall)
{
    Script script =
        parse_script(Json::parse(R"({"run": ["hang"], "probe": ["hang"], "cancel": "late"})"));
    script.override_with(parse_script(Json::parse(R"({"run": ["stall"]})")));
    EXPECT_EQ(script.find(Call::run, 0)->front().kind->name, "stall");
    EXPECT_EQ(script.find(Call::probe, 0)->front().kind->name, "hang");
    EXPECT_EQ(script.cancel->how, "late");
}

TEST(Script, HasLimits)
{
    Json many;
    many["run"] = Json(201, "mark");
    EXPECT_THROW(parse_script(many), ScriptError);
    many["run"] = Json(101, Json::array());
    EXPECT_THROW(parse_script(many), ScriptError);
    EXPECT_THROW(parse_script(Json::array()), ScriptError);
    EXPECT_THROW(parse_script(Json::parse(R"({"probe": []})"), calls(Call::run)), ScriptError);
}

TEST(Script, InAPromptIsForPeople)
{
    EXPECT_FALSE(script_in_prompt("a script: of a film"));
    const auto script = script_in_prompt("script:  progress=20 lie=html crash");
    ASSERT_TRUE(script);
    const Steps& run = *script->find(Call::run, 0);
    ASSERT_EQ(run.size(), 3U);
    EXPECT_EQ(run[0].arguments.at("steps"), Json(20));
    EXPECT_EQ(run[1].arguments.at("kind"), Json("html"));
    EXPECT_EQ(run[2].arguments.at("by"), Json("segv"));
    EXPECT_THROW(script_in_prompt("script: dance"), ScriptError);
    EXPECT_TRUE(script_in_prompt("script:")->find(Call::run, 0)->empty());
}

TEST(StepTable, HasRowsThatHoldTogether)
{
    std::set<std::string_view> names;
    for (const StepKind& kind : step_table()) {
        EXPECT_TRUE(names.insert(kind.name).second) << kind.name << " is there twice";
        EXPECT_NE(kind.act, nullptr) << kind.name;
        EXPECT_FALSE(kind.says.empty()) << kind.name;
        ASSERT_NE(kind.in & kEveryCall, 0U) << kind.name;
        // Its defaults must fit its own arguments: spell every one of them out.
        Json arguments = Json::object();
        for (const Argument& argument : kind.arguments)
            if (argument.required)
                arguments[std::string(argument.name)] = "given";
            else if (!argument.otherwise.empty())
                arguments[std::string(argument.name)] = Json::parse(argument.otherwise);
        std::size_t call = 0;
        while ((kind.in >> call & 1U) == 0)
            ++call;
        Json step;
        step[std::string(kind.name)] = arguments;
        Json script;
        script[std::string(kCallNames[call])] = Json::array({step});
        EXPECT_NO_THROW(parse_script(script)) << script.dump();
    }
}

TEST(StepTable, IsWhatTheReadmeSays)
{
    std::ifstream in(REELGATE_SOURCE_DIR "/tests/fakes/README.md");
    const std::string readme{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(readme.find(step_table_markdown()), std::string::npos)
        << "the table of tests/fakes/README.md should be:\n"
        << step_table_markdown();
}

} // namespace
} // namespace reelgate::fakes
