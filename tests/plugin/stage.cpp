#include "tests/plugin/stage.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace reelgate::test {
namespace {

namespace fs = std::filesystem;

Task<Done> run_one(Provider& provider, AttemptOrder order, AttemptListener& listener)
{
    return provider.run(std::move(order), listener);
}

asio::awaitable<void>
keep_verdict(Provider& provider, AttemptOrder order, AttemptListener& listener, Attempt& attempt)
{
    auto running = run_one(provider, std::move(order), listener);
    attempt.verdict = co_await std::move(running);
}

asio::awaitable<void> note_end(asio::awaitable<void> task, std::shared_ptr<bool> ended)
{
    co_await std::move(task);
    *ended = true;
}

} // namespace

void Notebook::on_intend(const std::string& what_json, Ack ack)
{
    durable.push_back("intend " + what_json);
    if (holds) return held.push_back(std::move(ack));
    ack(intend_answer);
}

void Notebook::on_accepted(const std::string& remote_json, Ack ack)
{
    durable.push_back("accepted " + remote_json);
    ack(RG_OK);
}

Stage::Stage()
    : log_file(::open((scratch / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
      log(log_file.get(), LogFormat::json, Level::debug)
{
}

Stage::~Stage()
{
    for (const auto& provider : providers_)
        finish(provider->stop());
}

std::vector<std::string> Stage::logged(std::string_view event) const
{
    const std::string quoted = '"' + std::string(event) + '"';
    std::vector<std::string> lines;
    std::ifstream in(scratch / "log");
    for (std::string line; std::getline(in, line);)
        if (line.find(quoted) != std::string::npos) lines.push_back(line);
    return lines;
}

void Stage::rethrow(std::exception_ptr failure)
{
    if (failure) std::rethrow_exception(failure);
}

Manifest Stage::scripted_manifest()
{
    auto manifest = read_manifest(REELGATE_BINARY_DIR "/plugins/scripted");
    if (!manifest) throw std::runtime_error(manifest.error().sentence());
    return *manifest;
}

ProviderSettings Stage::settings(const std::string& id)
{
    ProviderSettings settings;
    settings.id = id;
    settings.data_dir = scratch / id;
    settings.cache_dir = scratch / id / "cache";
    settings.work_root = scratch / "work";
    fs::create_directories(settings.cache_dir);
    fs::create_directories(settings.work_root);
    settings.limits.first_rest = 10ms;
    settings.limits.crashes = 100; // quarantine is a matter of tests of its own
    return settings;
}

SupervisedProvider& Stage::add(Manifest manifest, ProviderSettings settings)
{
    auto provider = std::make_unique<SupervisedProvider>(loop.get_executor(),
                                                         log,
                                                         clock,
                                                         REELGATE_BINARY_DIR "/bin/reelgate-worker",
                                                         std::move(manifest),
                                                         std::move(settings));
    return *providers_.emplace_back(std::move(provider));
}

SupervisedProvider& Stage::add_scripted(const std::string& id)
{
    return add_scripted(settings(id));
}

SupervisedProvider& Stage::add_scripted(ProviderSettings settings)
{
    SupervisedProvider& provider = add(scripted_manifest(), std::move(settings));
    const auto opened = wait(provider.open(kPatience));
    if (!opened) throw std::runtime_error(opened.error().sentence());
    return provider;
}

Attempt&
Stage::begin(Provider& provider, const std::string& params_json, asio::cancellation_slot slot)
{
    Attempt& attempt = attempts_.emplace_back();
    attempt.id = "a-" + std::to_string(attempts_.size());
    attempt.work_dir = scratch / ("work/" + attempt.id);
    fs::create_directories(attempt.work_dir / "inputs");
    nlohmann::json request = nlohmann::json::parse(R"({
        "model": "pattern", "task": "t2v", "prompt": "a bar that moves", "negative_prompt": "",
        "width": 64, "height": 64, "frames": 5, "fps": 24, "seed": 42, "steps": null,
        "guidance": null, "audio": false, "inputs": [],
        "attempt": {"number": 1, "deadline_s": 60, "idempotency_key": "key"}})");
    request["attempt"]["id"] = attempt.id;
    request["params"] = nlohmann::json::parse(params_json);
    AttemptOrder order{.id = attempt.id,
                       .request_json = request.dump(),
                       .work_dir = attempt.work_dir,
                       .remote_json = {}};
    auto running = keep_verdict(provider, std::move(order), attempt.notes, attempt);
    asio::co_spawn(loop, std::move(running), asio::bind_cancellation_slot(slot, rethrow));
    return attempt;
}

Attempt& Stage::play(Provider& provider, const std::string& steps, asio::cancellation_slot slot)
{
    return begin(provider, R"({"script": {"run": )" + steps + "}}", slot);
}

const Result<Done>& Stage::verdict_of(Attempt& attempt)
{
    if (!until([&] { return attempt.verdict.has_value(); }, "the verdict of " + attempt.id))
        throw std::runtime_error("patience ran out");
    return *attempt.verdict;
}

bool Stage::until(const std::function<bool()>& reached, std::string_view what)
{
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!reached()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            ADD_FAILURE() << "waited in vain for " << what;
            return false;
        }
        // Most of what is waited for comes through the loop; the rest is looked at this often.
        loop.restart();
        loop.run_one_for(20ms);
    }
    return true;
}

void Stage::finish(asio::awaitable<void> task)
{
    auto ended = std::make_shared<bool>(false);
    asio::co_spawn(loop, note_end(std::move(task), ended), rethrow);
    until([&] { return *ended; }, "an end");
}

std::vector<pid_t> processes_of_group(pid_t group)
{
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        pid_t pid = 0;
        const auto end = std::from_chars(name.data(), name.data() + name.size(), pid).ptr;
        if (end != name.data() + name.size()) continue;
        std::ifstream in(entry.path() / "stat");
        std::string stat;
        std::getline(in, stat);
        // pid (name) state parent group: the name may contain anything, also ')'.
        const std::size_t close = stat.rfind(')');
        if (close == std::string::npos) continue;
        char state = 0;
        pid_t parent = 0;
        pid_t its_group = 0;
        std::istringstream(stat.substr(close + 1)) >> state >> parent >> its_group;
        const bool is_over = state == 'Z' || state == 'X'; // and waits for whoever inherited it
        if (its_group == group && !is_over) found.push_back(pid);
    }
    return found;
}

std::string told(const Result<Done>& verdict)
{
    if (verdict) return "ok";
    const Error& e = verdict.error();
    return std::string(to_string(e.category)) + '/' + e.code + ": " + e.text;
}

} // namespace reelgate::test
