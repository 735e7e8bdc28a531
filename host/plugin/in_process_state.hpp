// What InProcessProvider shares with the plugin's threads, and what it keeps for each call. Its
// .cpp file includes this; nobody else does.
#pragma once

#include "host/plugin/in_process.hpp"
#include "host/plugin/table.hpp"
#include "host/plugin/work_dir.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <future>
#include <mutex>
#include <utility>

namespace reelgate {

struct InProcessProvider::Guest final : HostEar {
    Guest(asio::any_io_executor its_loop,
          const Log& its_log,
          Table its_table,
          const ProviderSettings& settings)
        : loop(std::move(its_loop)), log(its_log), id(settings.id), table(its_table),
          host(*this, settings.data_dir, settings.cache_dir, settings.shape)
    {
    }

    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    // The last owner leaves, so nobody is inside: an instance that came too late is ended here.
    ~Guest() override
    {
        if (self != nullptr) table.destroy(self);
    }

    // Runs `work` on the loop, unless the loop's side has gone.
    void on_loop(std::function<void()> work)
    {
        const std::lock_guard lock(mutex);
        if (open) asio::post(loop, std::move(work));
    }

    // The loop's: something has come back from the plugin.
    void came_back()
    {
        --inside;
        if (leaving != nullptr) leaving->cancel();
    }

    void leave()
    {
        const std::lock_guard lock(mutex);
        open = false;
    }

    void on_log(rg_level level, std::string event, std::string fields_json) override
    {
        const std::lock_guard lock(mutex);
        if (!open) return;
        log.write(Event::plugin_log,
                  static_cast<Level>(level),
                  {
                      {"provider", id         },
                      {"said",     event      },
                      {"fields",   fields_json}
        });
    }

    asio::any_io_executor loop;
    const Log& log;
    std::string id;
    Table table;
    HostFace host;

    // Written by the loading thread, read once its answer is here.
    std::optional<Description> description;
    void* self = nullptr;

    // The loop's.
    unsigned inside = 0;                   // calls that have entered the plugin and not come back
    asio::steady_timer* leaving = nullptr; // of a stop() that waits for them

    std::mutex mutex;
    bool open = true;
};

// Who waits brings a timer of his own: the exchange may die on the plugin's thread, and the loop
// before it.
struct InProcessProvider::Exchange {
    void settle(Result<std::string> what)
    {
        answer = std::move(what);
        wake();
    }

    void wake() const
    {
        for (asio::steady_timer* waiter : waiters)
            waiter->cancel();
    }

    std::optional<Result<std::string>> answer;
    std::list<asio::steady_timer*> waiters;
};

struct InProcessProvider::Visit final : JobEar, std::enable_shared_from_this<Visit> {
    Visit(std::shared_ptr<Guest> its_guest,
          const AttemptOrder& order,
          AttemptListener& its_listener)
        : guest(std::move(its_guest)), id(order.id), work_dir(order.work_dir),
          remote(order.remote_json), listener(&its_listener),
          face(*this, order.request_json, order.work_dir)
    {
    }

    // From the loop ----------------------------------------------------------------------------

    void cancel()
    {
        if (cancelled_at) return;
        cancelled_at = std::chrono::steady_clock::now();
        face.cancel();
        wake();
    }

    void settle(Result<Done> what)
    {
        if (verdict) return;
        verdict = std::move(what);
        wake();
    }

    void wake() const
    {
        if (waiter != nullptr) waiter->cancel();
    }

    // From the plugin's threads ----------------------------------------------------------------

    void on_progress(ProgressNote note) override
    {
        tell([note](AttemptListener& l) { l.on_progress(note); });
    }
    rg_status on_preview(std::string path) override
    {
        if (!open_in_work_dir(work_dir, {.relative = path})) return RG_REJECTED;
        tell([path](AttemptListener& l) { l.on_preview(path); });
        return RG_OK;
    }
    rg_status on_artifact(std::string path, std::string meta_json) override
    {
        const auto meta = parse_json(meta_json.empty() ? "{}" : meta_json);
        if (!meta || !meta->is_object()) return RG_REJECTED;
        const auto word = [&](const char* member, const char* otherwise) {
            const auto found = meta->find(member);
            return found != meta->end() && found->is_string() ? found->get<std::string>()
                                                              : std::string(otherwise);
        };
        const ArtifactOffer offer{path, word("role", "video"), word("mime", ""), json_text(*meta)};
        const bool directory = offer.role == "frames";
        if (!open_in_work_dir(work_dir, {.relative = path, .directory = directory}))
            return RG_REJECTED;
        tell([offer](AttemptListener& l) { l.on_artifact(offer); });
        return RG_OK;
    }
    rg_status on_intend(std::string what) override
    {
        return durable([what](AttemptListener& l, Ack ack) { l.on_intend(what, std::move(ack)); },
                       what);
    }
    rg_status on_accepted(std::string remote_json) override
    {
        return durable([remote_json](AttemptListener& l,
                                     Ack ack) { l.on_accepted(remote_json, std::move(ack)); },
                       remote_json);
    }
    void on_late_call(std::string_view function) override
    {
        const std::lock_guard lock(guest->mutex);
        if (!guest->open) return;
        guest->log.write(
            Event::worker_misbehaved,
            {
                {"provider", guest->id         },
                {"what",     "plugin.late_call"},
                {"text",     function          }
        });
    }

    void tell(std::function<void(AttemptListener&)> news)
    {
        guest->on_loop([me = shared_from_this(), news = std::move(news)] {
            me->last_sign = std::chrono::steady_clock::now();
            if (me->listener != nullptr) news(*me->listener);
        });
    }

    rg_status durable(std::function<void(AttemptListener&, Ack)> question, const std::string& text)
    {
        const auto content = parse_json(text);
        if (!content || !content->is_object()) return RG_REJECTED;
        auto answer = std::make_shared<std::promise<rg_status>>();
        tell([question = std::move(question), answer](AttemptListener& l) {
            question(l, [answer](rg_status status) { answer->set_value(status); });
        });
        // When the listener has gone, the question is dropped and the promise with it.
        std::future<rg_status> given = answer->get_future();
        answer.reset();
        try {
            return given.get();
        } catch (const std::future_error&) {
            return RG_FAILED;
        }
    }

    std::shared_ptr<Guest> guest;
    std::string id;
    std::filesystem::path work_dir;
    std::optional<std::string> remote;
    AttemptListener* listener; // the loop's; null once nobody listens
    JobFace face;
    asio::steady_timer* waiter = nullptr; // of await_verdict()
    SteadyTime last_sign = std::chrono::steady_clock::now();
    std::optional<SteadyTime> cancelled_at;
    bool stalled = false;
    std::optional<Result<Done>> verdict;
};

} // namespace reelgate
