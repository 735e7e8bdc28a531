// The configuration of a running daemon: which one holds, and how the next one takes its place.
#pragma once

#include "host/app/wiring.hpp"

#include "host/api/config_desk.hpp"

#include <functional>

namespace reelgate {

// What a new configuration is carried out on. All of it outlives the desk.
struct ConfigReach {
    asio::io_context& loop;
    asio::thread_pool& pool;
    const Log& log;
    WiringTools tools;
    Engine& engine;
    std::function<void(const Settings&)> to_api; // what the API must know of it
};

class LiveConfig final : public api::ConfigDesk {
public:
    // `running` is what `reach.engine` works by.
    LiveConfig(ConfigReach reach, ConfigSources sources, Loaded running);

    const Loaded& running() const override { return running_; }
    asio::awaitable<ReloadAnswer> check(std::optional<std::string> text) override;
    asio::awaitable<ReloadAnswer> reload() override;
    Task<ReloadAnswer> change(std::vector<OverlayChange> changes) override;

    // Leaves what holds in the data directory, for `config diff`, and says so in the log.
    asio::awaitable<void> note_running();

private:
    class Turn;
    asio::awaitable<void> my_turn();
    asio::awaitable<void> take(const ReloadAnswer& answer);
    std::vector<NewPlace>
    places(const Settings& next, const std::set<std::string>& kept, const FoundPlugins& plugins);
    std::set<std::string> kept(const ReloadAnswer& answer) const;
    void reject(const Findings& findings) const;

    ConfigReach reach_;
    ConfigSources sources_;
    Loaded running_;
    bool taken_ = false;           // somebody has the turn
    asio::steady_timer next_turn_; // never set anew: several may wait for it
};

} // namespace reelgate
