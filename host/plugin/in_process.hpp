// A provider over a library loaded here. The same table as in a worker, called on threads of its
// own; nothing protects this process from it, and nothing can end a call that does not return: such
// a call keeps its thread, and the provider is unhealthy until the process ends.
#pragma once

#include "host/base/log.hpp"
#include "host/plugin/provider.hpp"
#include "host/plugin/provider_settings.hpp"

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace reelgate {

class InProcessProvider final : public Provider {
public:
    InProcessProvider(asio::any_io_executor loop,
                      const Log& log,
                      const Clock& clock,
                      Manifest manifest,
                      ProviderSettings settings);
    ~InProcessProvider() override;

    Task<Done> open(std::chrono::milliseconds patience) override;
    const Description* description() const override;
    ProviderStatus status() const override;
    Task<ProbeReport> probe() override;
    Task<Done> run(AttemptOrder order, AttemptListener& listener) override;
    void cancel(const std::string& attempt) override;
    Task<std::string> abandon(std::string remote_json) override;
    Task<std::string> call(std::string extension,
                           std::string function,
                           std::string name,
                           std::string argument_json) override;
    asio::awaitable<void> stop() override;

private:
    struct Guest;    // the plugin and what its threads need, which may outlive this object
    struct Exchange; // one question, as whoever waits for the answer sees it
    struct Visit;    // one attempt, as the plugin's thread and the loop share it
    using Question = std::function<Result<std::string>(Guest&)>;

    Result<Done> begin_loading();
    static Result<std::string>
    load(Guest& guest, const Manifest& manifest, const std::string& config_json);
    void settle_loading(const Exchange& loading);
    std::shared_ptr<Exchange> put(Question question);
    Task<std::string> answer_to(std::shared_ptr<Exchange> exchange,
                                std::chrono::milliseconds patience);
    Task<std::string> ask(Question question, std::chrono::milliseconds patience);
    void enter(const std::shared_ptr<Visit>& visit);
    Task<Done> await_verdict(std::shared_ptr<Visit> visit);
    void end_waiting();
    Error not_ready() const;
    void become(Health health, std::string reason);

    asio::any_io_executor loop_;
    const Log& log_;
    const Clock& clock_;
    Manifest manifest_;
    ProviderSettings settings_;
    std::optional<Description> description_;
    ProviderStatus status_;
    std::shared_ptr<Guest> guest_;      // also owned by every thread that is inside the plugin
    std::shared_ptr<Exchange> loading_; // describe and create, until somebody has heard the answer
    std::list<std::shared_ptr<Exchange>> asked_; // that somebody waits for
    std::map<std::string, std::shared_ptr<Visit>> visits_;
    std::deque<std::shared_ptr<Visit>> over_; // kept for plugins that call too late
};

} // namespace reelgate
