// What SupervisedProvider asks of a worker: questions, and attempts from their order to their
// verdict.
#include "host/plugin/supervised_state.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace reelgate {

Result<Done> SupervisedProvider::send(const Json& frame)
{
    if (state_.life != supervise::Life::ready || !child_) return unavailable();
    switch (child_->send(frame)) {
    case Sent::queued:
        return Done{};
    case Sent::too_long:
        return invalid("what is asked is too long for a frame to a worker", "request_too_long");
    case Sent::closed:
        break;
    }
    return Error{.category = Category::worker_unavailable,
                 .text = who(manifest_) + " no longer reads what it is sent",
                 .code = "wire_closed",
                 .phase = Phase::queue};
}

Task<ProbeReport> SupervisedProvider::probe()
{
    auto answer = co_await asking_.probe();
    if (!answer) co_return std::move(answer).error();
    co_return parse_probe(*answer);
}

Task<std::string> SupervisedProvider::abandon(std::string remote_json)
{
    return asking_.abandon(remote_json);
}

Task<std::string> SupervisedProvider::call(std::string extension,
                                           std::string function,
                                           std::string name,
                                           std::string argument_json)
{
    return asking_.call(extension, function, name, argument_json);
}

Task<Done> SupervisedProvider::run(AttemptOrder order, AttemptListener& listener)
{
    if (!supervise::takes_jobs(state_)) co_return unavailable();
    if (order.id.size() > kMaxJobId)
        co_return internal_error("attempt " + shortened(order.id, 32) + " has too long a name");
    // It may have been given up by whoever waited, and not yet by the worker.
    if (attempts_.contains(order.id) || state_.jobs.contains(order.id))
        co_return internal_error("attempt " + order.id + " runs already");

    Json frame{
        {"type",    order.remote_json ? "resume" : "run"},
        {"job",     order.id                            },
        {"request", Json::parse(order.request_json,       nullptr, false)},
        {"work_dir",   order.work_dir.string()                                      }
    };
    if (order.remote_json) frame["remote"] = Json::parse(*order.remote_json, nullptr, false);
    if (const auto sent = send(frame); !sent) co_return sent.error();

    auto attempt = std::make_shared<RunningAttempt>(loop_, listener, order.work_dir);
    attempts_.emplace(order.id, attempt);
    apply(supervise::JobStarted{order.id});
    log_.write(Event::attempt_started,
               {
                   {"provider", settings_.id},
                   {"attempt",  order.id    }
    });
    while (!attempt->verdict) {
        boost::system::error_code woken;
        attempt->wake.expires_at(asio::steady_timer::time_point::max());
        co_await attempt->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto ours = co_await asio::this_coro::cancellation_state;
        if (ours.cancelled() == asio::cancellation_type::none || attempt->verdict) continue;
        // Whoever waited has gone, and the listener with him: nobody hears of this attempt again.
        attempts_.erase(order.id);
        apply(supervise::CancelAsked{order.id});
        co_return Error{.category = Category::cancelled, .text = "nobody waits for it any more"};
    }
    const Result<Done> verdict = *attempt->verdict;
    log_.write(Event::attempt_ended,
               {
                   {"provider", settings_.id                                          },
                   {"attempt",  order.id                                              },
                   {"category", verdict ? "none" : to_string(verdict.error().category)},
                   {"text",     verdict ? std::string() : verdict.error().text        }
    });
    co_return verdict;
}

void SupervisedProvider::cancel(const std::string& attempt)
{
    apply(supervise::CancelAsked{attempt});
}

void SupervisedProvider::settle(const std::string& attempt, Result<Done> verdict)
{
    const auto found = attempts_.find(attempt);
    if (found == attempts_.end()) return;
    found->second->verdict = std::move(verdict);
    found->second->wake.cancel();
    attempts_.erase(found);
}

} // namespace reelgate
