#include "host/plugin/asking.hpp"

#include "host/plugin/frame_members.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace reelgate {
namespace {

using namespace std::chrono_literals;

// A probe has two seconds; a call of an extension may load a model.
constexpr auto kProbePatience = 2s;
constexpr auto kCallPatience = 300s;
constexpr auto kPingPatience = 15s;

// Pings that are asked for here have numbers that those of the supervision never reach.
constexpr std::uint64_t kPings = std::uint64_t{1} << 32U;

} // namespace

struct Asking::Question {
    explicit Question(const asio::any_io_executor& loop) : wake(loop) {}

    asio::steady_timer wake;
    std::optional<Result<std::string>> answer;
};

Asking::Asking(asio::any_io_executor loop, std::string plugin, std::string id, Send send)
    : loop_(std::move(loop)), plugin_(std::move(plugin)), id_(std::move(id)), send_(std::move(send))
{
}

Task<Done> Asking::ping()
{
    const std::uint64_t n = kPings + ++last_number_;
    const Json frame{
        {"type", "ping"},
        {"n",    n     }
    };
    const auto answer = co_await ask("pong " + std::to_string(n), frame, kPingPatience);
    if (!answer) co_return answer.error();
    co_return Done{};
}

Task<std::string> Asking::probe()
{
    const std::uint64_t n = ++last_number_;
    const Json frame{
        {"type", "probe"},
        {"n",    n      }
    };
    return ask("probed " + std::to_string(n), frame, kProbePatience);
}

Task<std::string> Asking::abandon(const std::string& remote_json)
{
    const std::string job = "abandon-" + std::to_string(++last_number_);
    const Json remote = Json::parse(remote_json, nullptr, false);
    const Json frame{
        {"type",   "abandon"},
        {"job",    job      },
        {"remote", remote   }
    };
    return ask("abandoned " + job, frame, kCallPatience);
}

Task<std::string> Asking::call(const std::string& extension,
                               const std::string& function,
                               const std::string& name,
                               const std::string& argument_json)
{
    const std::uint64_t n = ++last_number_;
    Json argument = Json::parse(argument_json, nullptr, false);
    if (argument.is_discarded()) argument = argument_json;
    const Json frame{
        {"type",      "call"             },
        {"n",         n                  },
        {"extension", extension          },
        {"function",  function           },
        {"name",      name               },
        {"arguments", std::move(argument)}
    };
    return ask("called " + std::to_string(n), frame, kCallPatience);
}

Task<std::string>
Asking::ask(std::string key, const Json& frame, std::chrono::milliseconds patience)
{
    // Not a coroutine up to here: the frame is encoded before anything waits.
    auto question = std::make_shared<Question>(loop_);
    if (const auto sent = send_(frame); sent)
        questions_.emplace(key, question);
    else
        question->answer = sent.error();
    return await_answer(std::move(key), std::move(question), patience);
}

Task<std::string> Asking::await_answer(std::string key,
                                       std::shared_ptr<Question> question,
                                       std::chrono::milliseconds patience)
{
    if (!question->answer) {
        boost::system::error_code woken;
        question->wake.expires_after(patience);
        co_await question->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    questions_.erase(key);
    if (question->answer) co_return *std::move(question->answer);
    co_return Error{.category = Category::timeout,
                    .text = plugin_ + " did not answer `" + key.substr(0, key.find(' ')) + "`",
                    .code = "no_answer",
                    .hint = "see `reelgate plugin logs " + id_ + "`",
                    .phase = Phase::queue};
}

bool Asking::answered(const std::string& type, const Json& frame)
{
    const std::string name =
        type == "abandoned" ? text_of(frame, "job") : std::to_string(number_of(frame));
    const auto found = questions_.find(type + ' ' + name);
    if (found == questions_.end()) return false;
    Question& question = *found->second;
    if (type == "pong")
        question.answer = std::string("{}");
    else if (status_of(frame) == RG_OK)
        question.answer = json_of(frame, "result");
    else
        question.answer = failure_in(frame, Phase::queue);
    question.wake.cancel();
    questions_.erase(found);
    return true;
}

void Asking::lose_all(const Error& why)
{
    for (const auto& [key, question] : questions_) {
        question->answer = why;
        question->wake.cancel();
    }
    questions_.clear();
}

} // namespace reelgate
