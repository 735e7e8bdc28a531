// One client's connection: calls are read, answered and written one after the other.
#pragma once

#include "host/api/api.hpp"
#include "host/api/byte_range.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace reelgate::api {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

class Connection {
public:
    Connection(tcp::socket socket, Api& api);

    // Until the client leaves, takes too long, or is told to.
    asio::awaitable<void> run();

    // Ends now if nothing is being answered, else after it.
    void leave();
    void hang_up();

private:
    using Parser = http::request_parser<http::string_body>;

    asio::awaitable<bool> one_exchange(bool first); // true while it may be used again
    asio::awaitable<bool> rest_of_exchange(Parser& parser);
    asio::awaitable<boost::system::error_code> read_body(Parser& parser);
    asio::awaitable<bool> say_too_large(Call call, std::size_t limit);
    asio::awaitable<bool> say_last(Reply reply, Call call);
    asio::awaitable<void> refuse_header();
    asio::awaitable<void> linger();
    asio::awaitable<bool> write(Reply reply, Call call);
    asio::awaitable<bool> write_file(Reply reply, Call call);
    asio::awaitable<bool> write_bytes(const FileBody& file, ByteRange range);

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    Api& api_;
    bool keep_alive_ = true;
    bool answering_ = false;
    bool leaving_ = false;
    bool unread_ = false; // the client may still be sending what nobody wants
};

} // namespace reelgate::api
