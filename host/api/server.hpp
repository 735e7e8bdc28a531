// HTTP/1.1 on a listener. Each connection (connection.hpp) reads a call, lets the Api answer it and
// writes the reply; a file goes out in pieces and is never whole in memory.
#pragma once

#include "host/api/api.hpp"
#include "host/base/log.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace reelgate::api {

struct ListenAt {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0; // 0: any that is free
};

// "127.0.0.1:8055", "[::1]:8055", ":8055" (this machine only).
Result<ListenAt> listen_at(const std::string& text);

class Server {
public:
    static constexpr std::size_t kConnections = 512;

    // Bound when it returns; `listen_failed` where the address cannot be had.
    static Result<std::unique_ptr<Server>>
    listen(asio::io_context& loop, Api& api, const Log& log, const ListenAt& where);
    virtual ~Server() = default;

    virtual std::uint16_t port() const = 0;

    // Accepts until stop().
    virtual void start() = 0;

    // Accepts nothing new, lets what is being answered go out for at most `patience`, then hangs
    // up on everybody.
    virtual asio::awaitable<void> stop(std::chrono::milliseconds patience) = 0;
};

} // namespace reelgate::api
