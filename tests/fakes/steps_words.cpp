// What a call says: answers, failures, and what is neither.
#include "tests/fakes/act.hpp"
#include "tests/fakes/film.hpp"
#include "tests/fakes/steps.hpp"

#include <algorithm>
#include <fstream>

namespace reelgate::fakes {
namespace {

void answer(Act& act, const Json& arguments) { act.answer = arguments.at("value"); }

void state(Act& act, const Json& arguments)
{
    act.answer = Json::object();
    for (const auto& [name, value] : arguments.items())
        if (!value.is_null()) act.answer[name] = value;
}

void fail(Act&, const Json& arguments)
{
    const Failure failure = failure_of(arguments);
    if (arguments.at("bare").get<bool>()) outer().text = "";
    throw failure;
}

void oom(Act&, const Json& arguments)
{
    const auto mb = [&](const char* name) {
        return std::to_string(arguments.at(name).get<std::uint64_t>()) + " MiB";
    };
    throw failed(Category::insufficient_vram,
                 "out of device memory: " + mb("needed_mb") + " needed, " + mb("free_mb") + " free")
        .phase(Phase::run)
        .scope(Scope::model)
        .billing(kVariant.paid ? Billing::maybe_billed : Billing::free)
        .provider_code("cuda_oom")
        .hint("ask for fewer frames or a smaller size");
}

struct NoException {}; // of a type that nobody can know

void exception(Act&, const Json& arguments)
{
    const auto type = arguments.at("type").get<std::string>();
    if (type == "bad_alloc") throw std::bad_alloc();
    if (type == "unknown") throw NoException();
    throw std::runtime_error("thrown as the script says");
}

void throw_out(Act&, const Json& arguments)
{
    outer().thrown = arguments.at("text").get<std::string>();
    throw failed(Category::unknown, "never seen: the table throws instead");
}

std::string rubbish(const std::string& kind)
{
    if (kind == "invalid_json") return R"({"state": "ready",)";
    if (kind == "not_utf8") return "{\"state\": \"ready\xff\xfe\", \"text\": \"\xc3\x28\"}";
    if (kind == "no_object") return "42";
    if (kind == "deep") return std::string(100'000, '[') + std::string(100'000, ']');
    if (kind == "huge") {
        const std::string much(2U << 20U, 'x');
        return R"({"state": "ready", "text": ")" + much + R"("})";
    }
    return ""; // empty, unknown_status
}

void garbage(Act& act, const Json& arguments)
{
    const auto kind = arguments.at("kind").get<std::string>();
    outer().text = rubbish(kind);
    const bool fails = act.job != nullptr || act.call == Call::create;
    outer().status = kind == "unknown_status" ? 77 : fails ? RG_FAILED : RG_OK;
    throw failed(Category::unknown, "never seen: the table says something else instead");
}

void late_calls(Act&, const Json& arguments)
{
    outer().late_calls = arguments.at("count").get<std::uint64_t>();
}

void log(Act& act, const Json& arguments)
{
    const auto level = arguments.at("level").get<std::string>();
    const auto event = arguments.at("event").get<std::string>();
    const Host& host = act.scene.host;
    for (std::uint64_t i = 0; i < arguments.at("count").get<std::uint64_t>(); ++i) {
        const Json fields = {
            {"n", i}
        };
        if (level == "debug") host.debug(event, fields);
        if (level == "info") host.info(event, fields);
        if (level == "warn") host.warn(event, fields);
        if (level == "error") host.error(event, fields);
    }
}

void nest(Act& act, const Json& arguments)
{
    Json deep = Json::object();
    for (std::uint64_t i = 1; i < arguments.at("levels").get<std::uint64_t>(); ++i)
        deep = Json::array({std::move(deep)});
    Json members{
        {"role", "video"        },
        {"deep", std::move(deep)}
    };
    const auto in = arguments.at("in").get<std::string>();
    if (in == "log") act.scene.host.info("scripted.nested", members);
    if (in == "intend") act.job->intend(members);
    if (in == "accepted") act.job->accepted(members);
    if (in != "artifact") return;
    std::ofstream(act.job->work_dir() / "nested.bin") << "no film";
    act.job->artifact("nested.bin", members);
}

void mark(Act& act, const Json& arguments)
{
    act.record("mark",
               {
                   {"text", arguments.at("text")}
    });
}

void reserve(Act& act, const Json& arguments)
{
    const auto* vram = act.scene.host.extension<rg_vram>(RG_EXT_VRAM);
    if (vram == nullptr)
        return act.record("reserve",
                          {
                              {"status", "no such extension"}
        });
    std::uint64_t ticket = 0;
    const auto gpu = arguments.at("gpu").get<std::int32_t>();
    const auto mb = arguments.at("mb").get<std::uint64_t>();
    const auto wait_ms = arguments.at("wait_ms").get<std::uint32_t>();
    const rg_status status = vram->reserve(vram->self, gpu, mb << 20U, wait_ms, &ticket);
    act.record("reserve",
               {
                   {"status", status},
                   {"mb",     mb    }
    });
    if (status != RG_OK)
        throw failed(Category::insufficient_vram, "no room for " + std::to_string(mb) + " MiB")
            .phase(Phase::load);
    if (!arguments.at("keep").get<bool>()) vram->release(vram->self, ticket);
}

// clang-format off
constexpr std::string_view kStatusWords = "busy|rejected|failed|ambiguous|cancelled";
constexpr std::string_view kPhaseWords = "validate|admit|queue|connect|submit|load|run|poll|download|verify|store";
constexpr std::string_view kScopeWords = "request|model|credential|provider|host";
constexpr std::string_view kBillingWords = "free|not_billed|maybe_billed|billed";

constexpr Argument kAnswer[] = {{"value", Kind::any, "{}", "any JSON"}};
constexpr Argument kState[] = {
    {"state", Kind::text, R"("ready")", "a word of the contract, or one that is none"},
    {"reason", Kind::text, "", ""}, {"queue", Kind::count, "", ""}, {"idle_s", Kind::share, "", ""},
    {"loaded", Kind::list, "", ""}, {"vram_mb", Kind::object, "", ""}, {"models", Kind::list, "", ""},
    {"missing", Kind::list, "", ""}};
constexpr Argument kBillingOf{"billing", Kind::word, "", "", kBillingWords};
constexpr Argument kScopeOf{"scope", Kind::word, "", "", kScopeWords};
constexpr Argument kCode{"code", Kind::text, "", ""};
constexpr Argument kProviderCode{"provider_code", Kind::text, "", ""};
constexpr Argument kRetry{"retry_after_s", Kind::count, "", ""};
constexpr Argument kHint{"hint", Kind::text, "", ""};
constexpr Argument kExcerpt{"upstream_excerpt", Kind::text, "", ""};
constexpr Argument kStopped{"compute_stopped", Kind::flag, "", ""};
constexpr Argument kBare{"bare", Kind::flag, "false", "the status alone, without a record"};
constexpr Argument kRefuse[] = {
    {"category", Kind::text, R"("invalid_params")", "also one that the table does not know"},
    {"status", Kind::word, R"("rejected")", "", kStatusWords},
    {"phase", Kind::word, R"("submit")", "", kPhaseWords},
    {"billing", Kind::word, R"("not_billed")", "", kBillingWords},
    {"text", Kind::text, R"("refused as the script says")", ""},
    kScopeOf, kCode, kProviderCode, kRetry, kHint, kExcerpt, kStopped, kBare};
constexpr Argument kFail[] = {
    {"category", Kind::text, R"("provider_error")", "also one that the table does not know"},
    {"status", Kind::word, R"("failed")", "", kStatusWords},
    {"phase", Kind::word, R"("run")", "", kPhaseWords},
    {"text", Kind::text, R"("failed as the script says")", ""},
    kBillingOf, kScopeOf, kCode, kProviderCode, kRetry, kHint, kExcerpt, kStopped, kBare};
constexpr Argument kOom[] = {
    {"needed_mb", Kind::count, "24000", ""}, {"free_mb", Kind::count, "8000", ""}};
constexpr Argument kException[] = {
    {"type", Kind::word, R"("runtime_error")", "", "runtime_error|bad_alloc|unknown"}};
constexpr Argument kThrow[] = {{"text", Kind::text, R"("thrown through the C boundary")", ""}};
constexpr Argument kGarbage[] = {
    {"kind", Kind::word, R"("invalid_json")", "", "invalid_json|not_utf8|no_object|deep|huge|empty|unknown_status"}};
constexpr Argument kLate[] = {{"count", Kind::count, "20", "", {}, 10'000}};
constexpr Argument kLog[] = {
    {"event", Kind::text, R"("scripted.said")", ""},
    {"level", Kind::word, R"("info")", "", "debug|info|warn|error"},
    {"count", Kind::count, "1", "", {}, 1'000'000}};
constexpr Argument kNest[] = {
    {"in", Kind::word, R"("log")", "", "log|artifact|intend|accepted"},
    {"levels", Kind::count, "100", "", {}, 10'000}};
constexpr Argument kMark[] = {{"text", Kind::text, R"("here")", ""}};
constexpr Argument kReserve[] = {
    {"mb", Kind::count, "1000", ""}, {"gpu", Kind::count, "0", ""}, {"wait_ms", Kind::count, "0", ""},
    {"keep", Kind::flag, "true", "until the worker ends"}};

constexpr CallSet kTableCalls = calls(
    Call::describe, Call::create, Call::probe, Call::run, Call::resume, Call::abandon);
constexpr CallSet kWithHost = kEveryCall & ~calls(Call::describe);
constexpr StepKind kSteps[] = {
    {"state", calls(Call::probe), kState, state, "answers the probe"},
    {"answer", calls(Call::probe, Call::abandon, Call::estimate, Call::amount, Call::loaded, Call::tool, Call::reconcile), kAnswer, answer, "answers the call with exactly this"},
    {"refuse", kEveryCall, kRefuse, fail, "fails as one who has not begun"},
    {"fail", kEveryCall, kFail, fail, "fails as one who has"},
    {"oom", kEveryCall, kOom, oom, "reports insufficient_vram"},
    {"exception", kEveryCall, kException, exception, "throws into the C++ face, which must hold it"},
    {"throw", kTableCalls, kThrow, throw_out, "throws through the C table"},
    {"garbage", kTableCalls, kGarbage, garbage, "a result that is none"},
    {"late_calls", calls(Call::run), kLate, late_calls, "progress and artifacts for this job after run has returned"},
    {"log", kWithHost, kLog, log, "log events"},
    {"nest", kJobCalls, kNest, nest, "JSON nested deeply, in a call of the host"},
    {"mark", kWithHost, kMark, mark, "an entry `mark` in the ledger: how a test sees where a call is"},
    {"reserve", kJobCalls, kReserve, reserve, "device memory from the host"},
};
// clang-format on

} // namespace

std::span<const StepKind> word_steps() { return kSteps; }

} // namespace reelgate::fakes
