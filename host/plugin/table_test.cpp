// The reader of a plugin's table, held against tables made by hand: whole, cut short, and of
// functions that answer what no plugin should.
#include "host/plugin/table.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <functional>
#include <ostream>
#include <stdexcept>

namespace reelgate {
namespace {

using testing::HasSubstr;

// What the functions of the table below do; the C functions can be handed nothing else.
struct Script {
    rg_status status = RG_OK;
    std::vector<std::string> writes{};
    std::function<void()> first = [] {};
    std::vector<std::string> heard{}; // what the functions were called with
};
Script script;

rg_status play(const char* function, std::string_view argument, const rg_sink* out)
{
    script.heard.push_back(std::string(function) + ' ' + std::string(argument));
    script.first();
    for (const std::string& text : script.writes)
        out->write(out->self, {text.data(), text.size()});
    return script.status;
}

std::string_view view(rg_bytes bytes) { return {bytes.data, bytes.size}; }
int instance = 0;

rg_status describe(const rg_sink* out) { return play("describe", "", out); }
rg_status create(const rg_host*, rg_bytes config, void** self, const rg_sink* out)
{
    *self = &instance;
    return play("create", view(config), out);
}
void destroy(void* self)
{
    script.heard.emplace_back(self == &instance ? "destroy it" : "destroy another");
    script.first();
}
rg_status probe(void*, const rg_sink* out) { return play("probe", "", out); }
rg_status run(void*, const rg_job*, const rg_sink* out) { return play("run", "", out); }

rg_status resume(void*, const rg_job*, rg_bytes remote, const rg_sink* out)
{
    return play("resume", view(remote), out);
}
rg_status ask(void*, rg_bytes argument, const rg_sink* out)
{
    return play("ask", view(argument), out);
}
rg_status loaded(void*, const rg_sink* out) { return play("loaded", "", out); }
rg_status list(const rg_sink* out) { return play("list", "", out); }
rg_status call(void*, rg_bytes name, rg_bytes argument, const rg_sink* out)
{
    return play("call", std::string(view(name)) + '(' + std::string(view(argument)) + ')', out);
}

struct Extensions {
    rg_resume resume{};
    rg_cost cost{};
    rg_warm warm{};
    rg_tool tool{};
};
Extensions extensions;

const void* extension(const char* id)
{
    const std::string_view name(id);
    if (name == RG_EXT_RESUME) return &extensions.resume;
    if (name == RG_EXT_COST) return &extensions.cost;
    if (name == RG_EXT_WARM) return &extensions.warm;
    if (name == RG_EXT_TOOL) return &extensions.tool;
    return nullptr;
}

Extensions whole_extensions()
{
    Extensions all;
    all.resume.struct_size = sizeof all.resume;
    all.resume.resume = resume;
    all.resume.abandon = ask;
    all.cost.struct_size = sizeof all.cost;
    all.cost.estimate = ask;
    all.cost.amount = ask;
    all.warm.struct_size = sizeof all.warm;
    all.warm.load = ask;
    all.warm.unload = ask;
    all.warm.loaded = loaded;
    all.tool.struct_size = sizeof all.tool;
    all.tool.list = list;
    all.tool.call = call;
    return all;
}

rg_provider whole_table()
{
    rg_provider table{};
    table.struct_size = sizeof table;
    table.describe = describe;
    table.create = create;
    table.destroy = destroy;
    table.probe = probe;
    table.run = run;
    table.extension = extension;
    return table;
}

class TableTest : public testing::Test {
protected:
    TableTest()
    {
        script = {};
        extensions = whole_extensions();
    }

    Table adopted(OnEscape on_escape = OnEscape::contain)
    {
        return *Table::adopt(&raw, "bars 1.0.0", on_escape);
    }

    rg_provider raw = whole_table();
};

struct Refusal {
    const char* name;
    std::function<void(rg_provider&)> change;
    const char* code; // nullptr: it is adopted
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }

class Adopting : public TableTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Adopting, RefusesWhatCannotBeCalled)
{
    GetParam().change(raw);
    const auto table = Table::adopt(&raw, "bars 1.0.0", OnEscape::contain, 3);
    ASSERT_EQ(table.has_value(), GetParam().code == nullptr);
    if (table) return;
    EXPECT_EQ(table.error().code, GetParam().code);
    EXPECT_EQ(table.error().category, Category::worker_unavailable);
    EXPECT_THAT(table.error().text, HasSubstr("bars 1.0.0"));
    EXPECT_FALSE(table.error().hint.empty());
}

constexpr std::uint32_t kUpToRun = offsetof(rg_provider, run) + sizeof(rg_provider::run);

// clang-format off
const std::vector<Refusal> kRefusals{
        {"whole", [](rg_provider&) {}, nullptr},
        {"of_a_newer_plugin", [](rg_provider& t) { t.struct_size += 64; }, nullptr},
        {"without_extensions", [](rg_provider& t) { t.extension = nullptr; }, nullptr},
        {"that_ends_with_run", [](rg_provider& t) { t.struct_size = kUpToRun; }, nullptr},
        {
            "too_small", [](rg_provider& t) { t.struct_size = kUpToRun - 1; }, "table_too_small"},
        {"of_no_size", [](rg_provider& t) { t.struct_size = 0; }, "table_too_small"},
        {"for_this_host", [](rg_provider& t) { t.min_host_minor = 3; }, nullptr},
        {"for_a_newer_host", [](rg_provider& t) { t.min_host_minor = 4; }, "host_too_old"},
        {"no_describe", [](rg_provider& t) { t.describe = nullptr; }, "function_missing"},
        {"no_create", [](rg_provider& t) { t.create = nullptr; }, "function_missing"},
        {"no_destroy", [](rg_provider& t) { t.destroy = nullptr; }, "function_missing"},
        {"no_probe", [](rg_provider& t) { t.probe = nullptr; }, "function_missing"},
        {"no_run", [](rg_provider& t) { t.run = nullptr; }, "function_missing"}};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Rows, Adopting, testing::ValuesIn(kRefusals), [](const auto& row) {
    return row.param.name;
});

TEST_F(TableTest, NoTableIsNoEntry)
{
    const auto table = Table::adopt(nullptr, "bars", OnEscape::contain);
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().code, "entry_missing");
}

// A table that ends before `extension` must not be read there.
TEST_F(TableTest, AnOldTableHasNoExtensions)
{
    raw.struct_size = kUpToRun;
    EXPECT_FALSE(adopted().can_resume());
}

// Answers -----------------------------------------------------------------------------------------

struct Answer {
    const char* name;
    rg_status status;
    std::vector<std::string> writes;
    const char* expected; // the text, or "category/code"
};
void PrintTo(const Answer& row, std::ostream* out) { *out << row.name; }

class Answers : public TableTest, public testing::WithParamInterface<Answer> {};

TEST_P(Answers, BecomeResults)
{
    script.status = GetParam().status;
    script.writes = GetParam().writes;
    const auto told = adopted().probe(&instance);
    const std::string text =
        told ? *told : std::string(to_string(told.error().category)) + '/' + told.error().code;
    EXPECT_TRUE(text == GetParam().expected) << text.substr(0, 200);
}

const std::string kLongest(kMaxAnswer, 'x');

INSTANTIATE_TEST_SUITE_P(
    Rows,
    Answers,
    testing::Values(
        Answer{
            "nothing", RG_OK, {},
              ""
},
        Answer{"text", RG_OK, {"{}"}, "{}"},
        Answer{"in_portions", RG_OK, {"{\"a\"", "", ": 1}"}, "{\"a\": 1}"},
        Answer{"as_long_as_may_be", RG_OK, {kLongest}, kLongest.c_str()},
        Answer{"too_long", RG_OK, {kLongest, "y"}, "unknown/answer_too_long"},
        Answer{"too_long_at_once", RG_OK, {kLongest + "y", "z"}, "unknown/answer_too_long"},
        Answer{"failed", RG_FAILED, {R"({"category": "provider_error"})"}, "provider_error/"},
        Answer{"rejected", RG_REJECTED, {R"({"category": "invalid_params"})"}, "invalid_params/"},
        Answer{"a_bad_record", RG_FAILED, {"oops"}, "unknown/bad_failure_record"},
        Answer{"no_such_status", 77, {}, "unknown/bad_status"}),
    [](const auto& row) { return row.param.name; });

TEST_F(TableTest, TextFromNowhereIsNone)
{
    const auto null_text = [](void*, const rg_sink* out) {
        out->write(out->self, {nullptr, 5});
        return rg_status{RG_OK};
    };
    raw.probe = null_text;
    const auto told = adopted().probe(&instance);
    ASSERT_TRUE(told);
    EXPECT_EQ(*told, "");
}

TEST_F(TableTest, AnInstanceIsMadeAndEnded)
{
    const Table table = adopted();
    const rg_host host{};
    const auto self = table.create(host, R"({"a": 1})");
    ASSERT_TRUE(self);
    EXPECT_EQ(*self, &instance);
    table.destroy(*self);
    EXPECT_THAT(script.heard, testing::ElementsAre(R"(create {"a": 1})", "destroy it"));

    script.status = RG_FAILED;
    EXPECT_FALSE(table.create(host, "{}"));
}

// What is let out of a C function -----------------------------------------------------------------

struct Escape {
    const char* name;
    std::function<void()> thrown;
    const char* text;
};
void PrintTo(const Escape& row, std::ostream* out) { *out << row.name; }

class Escapes : public TableTest, public testing::WithParamInterface<Escape> {};

TEST_P(Escapes, AreContainedInProcess)
{
    script.first = GetParam().thrown;
    const Table table = adopted(OnEscape::contain);
    const rg_job job{};
    const auto verdict = table.run(&instance, job);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, "exception_escaped");
    EXPECT_EQ(verdict.error().category, Category::plugin_crashed);
    EXPECT_THAT(verdict.error().text, HasSubstr(GetParam().text));
    table.destroy(&instance); // nobody to tell
}

TEST_P(Escapes, AreTheEndOfAWorker)
{
    script.first = GetParam().thrown;
    const Table table = adopted(OnEscape::die);
    EXPECT_EXIT(static_cast<void>(table.probe(&instance)), testing::KilledBySignal(SIGABRT), "");
}

// clang-format off
const std::vector<Escape> kEscapes{{"exception", [] { throw std::runtime_error("over"); }, "over"},
                    {"number", [] { throw 7; }, "unknown type"}};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Rows, Escapes, testing::ValuesIn(kEscapes), [](const auto& row) {
    return row.param.name;
});

// Extensions --------------------------------------------------------------------------------------

struct Call {
    const char* extension;
    const char* function;
    const char* heard;                      // by the plugin
    std::function<void(Extensions&)> spoil; // makes that extension as good as none
};
void PrintTo(const Call& row, std::ostream* out) { *out << row.extension << ' ' << row.function; }

class Calls : public TableTest, public testing::WithParamInterface<Call> {};

TEST_P(Calls, ReachTheirFunction)
{
    script.writes = {"answer"};
    const auto told =
        adopted().call(&instance, GetParam().extension, GetParam().function, "name", "argument");
    ASSERT_TRUE(told) << told.error().sentence();
    EXPECT_EQ(*told, "answer");
    EXPECT_THAT(script.heard, testing::ElementsAre(GetParam().heard));
}

TEST_P(Calls, OfATableThatIsNotWholeAreRefused)
{
    GetParam().spoil(extensions);
    const auto told = adopted().call(&instance, GetParam().extension, GetParam().function, "", "");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, "no_extension");
    EXPECT_TRUE(script.heard.empty());
}

// clang-format off
const std::vector<Call> kCalls{
        {RG_EXT_COST,
             "estimate",
             "ask argument",
             [](Extensions& e) { e.cost.amount = nullptr; }},
        {RG_EXT_COST, "amount", "ask argument", [](Extensions& e) { --e.cost.struct_size; }},
        {RG_EXT_WARM, "load", "ask argument", [](Extensions& e) { e.warm.loaded = nullptr; }},
        {RG_EXT_WARM, "unload", "ask argument", [](Extensions& e) { e.warm.load = nullptr; }},
        {RG_EXT_WARM, "loaded", "loaded ", [](Extensions& e) { e.warm.unload = nullptr; }},
        {RG_EXT_TOOL, "list", "list ", [](Extensions& e) { e.tool.call = nullptr; }},
        {RG_EXT_TOOL, "call", "call name(argument)", [](Extensions& e) {
                 e.tool.list = nullptr;
             }}};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Rows, Calls, testing::ValuesIn(kCalls));

struct NoCall {
    const char* extension;
    const char* function;
};
class NoCalls : public TableTest, public testing::WithParamInterface<NoCall> {};

TEST_P(NoCalls, AreRefused)
{
    const auto told = adopted().call(&instance, GetParam().extension, GetParam().function, "", "");
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, "no_extension");
    EXPECT_THAT(told.error().text, HasSubstr(GetParam().extension));
}

INSTANTIATE_TEST_SUITE_P(Rows,
                         NoCalls,
                         testing::Values(NoCall{RG_EXT_COST, "price"},
                                         NoCall{"reelgate.cost/2", "estimate"},
                                         NoCall{RG_EXT_RESUME, "resume"},
                                         NoCall{RG_EXT_COST, "load"}));

TEST_F(TableTest, RemoteWorkIsResumedAndAbandoned)
{
    const Table table = adopted();
    EXPECT_TRUE(table.can_resume());
    const rg_job job{};
    EXPECT_TRUE(table.resume(&instance, job, R"({"id": 1})"));
    EXPECT_TRUE(table.abandon(&instance, R"({"id": 2})"));
    EXPECT_THAT(script.heard, testing::ElementsAre(R"(resume {"id": 1})", R"(ask {"id": 2})"));
}

TEST_F(TableTest, WithoutAWayToAbandonNothingIsResumed)
{
    extensions.resume.abandon = nullptr;
    const Table table = adopted();
    EXPECT_FALSE(table.can_resume());
    const rg_job job{};
    const auto resumed = table.resume(&instance, job, "{}");
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().code, "no_extension");
    ASSERT_FALSE(table.abandon(&instance, "{}"));
    EXPECT_TRUE(script.heard.empty());
}

} // namespace
} // namespace reelgate
