// The worker process of a SupervisedProvider, from its start to its burial.
#include "host/plugin/death.hpp"
#include "host/plugin/orphans.hpp"
#include "host/plugin/supervised_state.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace reelgate {
namespace {

using namespace std::chrono_literals;
using supervise::Life;

// Like a worker's own: what SIGKILL does not end in this time is the kernel's.
constexpr auto kOrphanPatience = 10s;

// Lines of the plugin's own that a crash event repeats.
constexpr std::size_t kLogTail = 5;

} // namespace

// A worker lives without one, too: what it cannot write it says itself.
void SupervisedProvider::give_tmp(Environment& environment)
{
    if (settings_.cache_dir.empty()) return;
    auto tmp = PrivateTmp::make({settings_.data_dir, settings_.cache_dir});
    if (!tmp) return output_.note(tmp.error().sentence(), clock_.wall());
    environment.emplace_back("TMPDIR", std::filesystem::absolute(tmp->path()).string());
    tmp_.emplace(*std::move(tmp));
}

void SupervisedProvider::do_spawn()
{
    ++starts_;
    handshake_ = Handshake::none;
    last_failure_.reset(); // an earlier worker's
    mark_ = new_worker_mark(settings_.id);
    Environment environment = settings_.environment;
    environment.emplace_back(kWorkerMark, mark_);
    environment.emplace_back(kDataMark, std::filesystem::absolute(settings_.data_dir).string());
    give_tmp(environment);
    auto child = start_child_(
        loop_, program_, launch_order_for(manifest_, settings_), environment, output_, *this);
    if (!child) {
        last_failure_ = child.error();
        // A turn later: the step that asked for this has not finished yet.
        asio::post(loop_,
                   [this, text = child.error().text] { apply(supervise::SpawnFailed{text}); });
        return;
    }
    child_ = *std::move(child);
    output_.note("started as process " + std::to_string(child_->pid()), clock_.wall());
    log_.write(Event::worker_started,
               {
                   {"provider", settings_.id },
                   {"pid",      child_->pid()}
    });
}

void SupervisedProvider::on_last_words(const Crash& crash)
{
    ExitFacts facts;
    facts.crash = crash;
    for (const std::string& frame : crash.frames)
        output_.note("  " + frame, clock_.wall());
    lose_attempts(facts);
}

void SupervisedProvider::on_wire_broken(const Error& why)
{
    handshake_ = Handshake::over;
    output_.note(why.sentence(), clock_.wall());
    log_.write(Event::worker_misbehaved,
               {
                   {"provider", settings_.id},
                   {"what",     why.code    },
                   {"text",     why.text    }
    });
    if (state_.life == Life::starting) {
        last_failure_ = why;
        last_failure_->category = Category::worker_unavailable;
        last_failure_->phase = Phase::load;
    }
    apply(supervise::WireBroken{why.text});
}

void SupervisedProvider::on_exit(const ExitFacts& facts)
{
    const bool asked = state_.life == Life::leaving && !facts.signal && facts.code == 0;
    const std::string sentence = asked ? std::string("ended") : facts.sentence();
    tell_losses(true);
    output_.note(sentence, clock_.wall());
    if (!asked && !state_.killing_for) {
        std::string tail;
        for (const std::string& line : output_.tail(kLogTail))
            tail += line + " | ";
        log_.write(Event::worker_crashed,
                   {
                       {"provider", settings_.id},
                       {"text",     sentence    },
                       {"output",   tail        }
        });
    }
    lose_attempts(facts);
    asking_.lose_all(Error{.category = Category::plugin_crashed,
                           .text = who(manifest_) + ' ' + sentence,
                           .code = "crashed",
                           .phase = Phase::run});
    if (state_.life == Life::starting && !last_failure_)
        last_failure_ = Error{.category = Category::worker_unavailable,
                              .text = who(manifest_) + " ended before it was ready: " + sentence,
                              .code = "start_crashed",
                              .hint = "see `reelgate plugin logs " + manifest_.id + "`",
                              .phase = Phase::load};
    // Its coroutine is what called us: it is freed once it has ended.
    tasks_.spawn(bury(std::move(child_), mark_, std::exchange(tmp_, std::nullopt)));
    apply(supervise::Exited{sentence});
}

asio::awaitable<void> SupervisedProvider::bury(std::unique_ptr<Child> child,
                                               std::string mark,
                                               std::optional<PrivateTmp> tmp)
{
    co_await child->join();
    const std::size_t left = co_await end_orphans(mark, kOrphanPatience);
    tmp.reset(); // nobody holds it now
    TmpPlace place{settings_.data_dir, settings_.cache_dir};
    co_await remove_unheld_tmp(std::move(place));
    if (left == 0) co_return;
    output_.note("ended " + std::to_string(left) + " processes that it left behind", clock_.wall());
}

void SupervisedProvider::lose_attempts(const ExitFacts& facts)
{
    const std::string plugin = who(manifest_);
    const Death death{.facts = facts,
                      .killed_for = state_.killing_for,
                      .plugin = plugin,
                      .remote = manifest_.egress == Manifest::Egress::cloud,
                      .reason = state_.reason};
    const auto clocks = state_.jobs;
    for (const auto& [id, clock] : clocks)
        settle(id, why_lost(death, id, clock));
}

} // namespace reelgate
