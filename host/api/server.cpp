#include "host/api/server.hpp"

#include "host/api/connection.hpp"

#include <charconv>
#include <list>

namespace reelgate::api {
namespace {

class TcpServer final : public Server {
public:
    TcpServer(asio::io_context& loop, Api& api, const Log& log, tcp::acceptor acceptor)
        : loop_(loop), api_(api), log_(log), acceptor_(std::move(acceptor)),
          tasks_(loop.get_executor())
    {
    }

    std::uint16_t port() const override { return acceptor_.local_endpoint().port(); }

    void start() override { tasks_.spawn(accept()); }

    asio::awaitable<void> stop(std::chrono::milliseconds patience) override
    {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        for (Connection* connection : connections_)
            connection->leave();
        const auto deadline = std::chrono::steady_clock::now() + patience;
        asio::steady_timer pause(loop_);
        while (!connections_.empty() && std::chrono::steady_clock::now() < deadline) {
            pause.expires_after(std::chrono::milliseconds(10));
            co_await pause.async_wait(asio::use_awaitable);
        }
        for (Connection* connection : connections_)
            connection->hang_up();
        co_await tasks_.join();
    }

private:
    asio::awaitable<void> accept()
    {
        asio::steady_timer pause(loop_);
        while (acceptor_.is_open()) {
            if (connections_.size() >= kConnections) { // the others wait in the kernel's queue
                pause.expires_after(std::chrono::milliseconds(10));
                co_await pause.async_wait(asio::use_awaitable);
                continue;
            }
            boost::system::error_code failed;
            tcp::socket socket =
                co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
            if (!acceptor_.is_open()) co_return;
            if (failed) { // out of descriptors: others will end
                pause.expires_after(std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::use_awaitable);
                continue;
            }
            tasks_.spawn(serve(std::move(socket)));
        }
    }

    asio::awaitable<void> serve(tcp::socket socket)
    {
        Connection connection(std::move(socket), api_);
        const auto place = connections_.insert(connections_.end(), &connection);
        try {
            co_await connection.run();
        } catch (const std::exception& bug) { // one caller's trouble, and nobody else's
            log_.write(Event::internal_fault,
                       {
                           {"doing", "answering a call"},
                           {"text",  bug.what()        }
            });
        }
        connections_.erase(place);
    }

    asio::io_context& loop_;
    Api& api_;
    const Log& log_;
    tcp::acceptor acceptor_;
    std::list<Connection*> connections_;

    // Runs code that uses the members above: keep it last.
    TaskGroup tasks_;
};

} // namespace

Result<ListenAt> listen_at(const std::string& text)
{
    const std::size_t colon = text.rfind(':');
    ListenAt where;
    if (colon == std::string::npos)
        return invalid("'" + text + "' is no address: write HOST:PORT", "bad_listen");
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data() + colon + 1, end, where.port);
    if (failed != std::errc{} || rest != end)
        return invalid("'" + text + "' has no port from 0 to 65535", "bad_listen");
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    if (!host.empty()) where.address = host;
    return where;
}

Result<std::unique_ptr<Server>>
Server::listen(asio::io_context& loop, Api& api, const Log& log, const ListenAt& where)
{
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(where.address, failed);
    if (failed) return invalid("'" + where.address + "' is no address", "bad_listen");
    const tcp::endpoint endpoint(address, where.port);
    tcp::acceptor acceptor(loop);
    acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(tcp::socket::max_listen_connections, failed);
    if (failed)
        return Error{.category = Category::worker_unavailable,
                     .text = "listening on " + where.address + ':' + std::to_string(where.port) +
                             ": " + failed.message(),
                     .code = "listen_failed",
                     .hint = "is another daemon there already? choose another with --listen",
                     .phase = Phase::admit};
    return std::unique_ptr<Server>(
        std::make_unique<TcpServer>(loop, api, log, std::move(acceptor)));
}

} // namespace reelgate::api
