// A provider over a library loaded here. The same table as in a worker, called on threads of its
// own; nothing protects this process from it, and nothing can end a call that does not return: such
// a call keeps its thread, and the provider is unhealthy until the process ends.
#pragma once

#include "host/base/log.hpp"
#include "host/plugin/provider.hpp"
#include "host/plugin/provider_settings.hpp"

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
    struct Guest; // the plugin and what its threads need, which may outlive this object
    struct Visit; // one attempt, as the plugin's thread and the loop share it

    Result<std::string> load();
    Task<std::string> ask(std::function<Result<std::string>(Guest&)> question,
                          std::chrono::milliseconds patience);
    Task<Done> await_verdict(std::shared_ptr<Visit> visit);
    void become(Health health, std::string reason);

    asio::any_io_executor loop_;
    const Log& log_;
    const Clock& clock_;
    Manifest manifest_;
    ProviderSettings settings_;
    std::optional<Description> description_;
    ProviderStatus status_;
    std::shared_ptr<Guest> guest_; // also owned by every thread that is inside the plugin
    std::map<std::string, std::shared_ptr<Visit>> visits_;
};

} // namespace reelgate
