// Where the configuration of a running daemon is asked about and changed. Who answers is the
// daemon; the endpoints know it by this.
#pragma once

#include "host/base/async.hpp"
#include "host/config/overlay.hpp"
#include "host/config/reload.hpp"

#include <optional>
#include <string>
#include <vector>

namespace reelgate::api {

class ConfigDesk {
public:
    virtual ~ConfigDesk() = default;

    // What holds; good until whoever asked waits for something.
    virtual const Loaded& running() const = 0;

    // What the files as they are now would change, or `text` in place of the main one. Changes
    // nothing.
    virtual asio::awaitable<ReloadAnswer> check(std::optional<std::string> text) = 0;

    // The same, carried out if it is accepted. One at a time: others wait for their turn.
    virtual asio::awaitable<ReloadAnswer> reload() = 0;

    // Into the overlay, and then it holds; or neither. Fails as change_overlay() does.
    virtual Task<ReloadAnswer> change(std::vector<OverlayChange> changes) = 0;
};

} // namespace reelgate::api
