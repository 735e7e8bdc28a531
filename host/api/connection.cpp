#include "host/api/connection.hpp"

#include "host/api/wire.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>

namespace reelgate::api {
namespace {

// What a client may take its time for.
constexpr auto kIdle = std::chrono::seconds(300);
constexpr auto kHeaderTime = std::chrono::seconds(30);
constexpr auto kBodyTime = std::chrono::seconds(600);
constexpr auto kWriteTime = std::chrono::seconds(60); // for each piece
constexpr auto kLinger = std::chrono::seconds(2);     // with a client that still sends
constexpr std::size_t kLingerBytes = 4 << 20U;
constexpr std::size_t kLingerPiece = 16 << 10U; // whoever is refused costs little
constexpr std::uint32_t kHeaderLimit = 64 << 10U;
constexpr std::size_t kPiece = 256 << 10U;
constexpr std::size_t kRequestIdLongest = 128;

Verb verb_of(http::verb verb)
{
    switch (verb) {
    case http::verb::get:
        return Verb::get;
    case http::verb::head:
        return Verb::head;
    case http::verb::post:
        return Verb::post;
    case http::verb::put:
        return Verb::put;
    case http::verb::patch:
        return Verb::patch;
    case http::verb::delete_:
        return Verb::remove;
    case http::verb::options:
        return Verb::options;
    default:
        return Verb::other;
    }
}

std::string lower(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return out;
}

std::string http_date(WallTime when)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const std::size_t length =
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text, length};
}

// The caller's own, where it can be shown; else one of ours.
std::string request_id(std::string_view given)
{
    const bool shown =
        !given.empty() && given.size() <= kRequestIdLongest &&
        std::all_of(given.begin(), given.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (shown) return std::string(given);
    thread_local std::mt19937_64 random{std::random_device{}()};
    char text[32];
    const int length =
        std::snprintf(text, sizeof text, "req_%016llx", static_cast<unsigned long long>(random()));
    return {text, static_cast<std::size_t>(length)};
}

using Parser = http::request_parser<http::string_body>;

Call call_of(const Parser& parser, std::vector<std::string> path)
{
    const auto& request = parser.get();
    Call call;
    call.verb = verb_of(request.method());
    call.path = std::move(path);
    call.query = query_of(request.target());
    for (const auto& field : request)
        call.headers.emplace(lower(field.name_string()), field.value());
    call.id = request_id(call.header("x-request-id"));
    return call;
}

// What of a file goes out, once the conditions of the request are looked at.
struct Part {
    unsigned status = 200;
    ByteRange range = {};
    bool has_bytes = true;
};

Part part_of(const FileBody& file, const Call& call)
{
    if (call.header("if-none-match") == file.etag) return {.status = 304, .has_bytes = false};
    const auto if_range = call.header("if-range");
    const bool same = if_range.empty() || if_range == file.etag;
    const auto range = range_of(same ? call.header("range") : "", file.bytes);
    if (!range) return {.status = 416, .has_bytes = false};
    return {.status = range->is_whole ? 200U : 206U, .range = *range};
}

template <class Message>
void put_headers(Message& message, const Reply& reply, const Call& call, const Clock& clock)
{
    message.set(http::field::server, "reelgate");
    message.set(http::field::date, http_date(clock.wall()));
    message.set("x-request-id", call.id);
    for (const auto& [name, value] : reply.headers)
        message.set(name, value);
}

std::string content_range(const ByteRange& range, std::uint64_t size)
{
    return "bytes " + std::to_string(range.first) + '-' +
           std::to_string(range.first + range.length - 1) + '/' + std::to_string(size);
}

} // namespace

Connection::Connection(tcp::socket socket, Api& api) : stream_(std::move(socket)), api_(api)
{
    boost::system::error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
}

asio::awaitable<void> Connection::run()
{
    bool again = true;
    for (bool first = true; again && !leaving_; first = false)
        again = co_await one_exchange(first);
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (unread_ && !leaving_) co_await linger();
}

// A client that writes while we close would lose the answer that it has not read yet. So what it
// sends is thrown away for a while.
asio::awaitable<void> Connection::linger()
{
    std::vector<char> ignored(kLingerPiece);
    stream_.expires_after(kLinger);
    for (std::size_t thrown = 0; thrown < kLingerBytes;) {
        boost::system::error_code failed;
        thrown += co_await stream_.async_read_some(
            asio::buffer(ignored), asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
    }
}

void Connection::leave()
{
    leaving_ = true;
    if (!answering_) hang_up();
}

void Connection::hang_up()
{
    boost::system::error_code ignored;
    stream_.socket().close(ignored);
}

asio::awaitable<bool> Connection::one_exchange(bool first)
{
    Parser parser;
    parser.header_limit(kHeaderLimit);
    parser.body_limit(boost::none); // until the endpoint is known
    stream_.expires_after(first ? kHeaderTime : kIdle);
    boost::system::error_code failed;
    co_await http::async_read_header(
        stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == http::error::header_limit) co_await refuse_header();
    if (failed) co_return false;
    answering_ = true;
    const bool again = co_await rest_of_exchange(parser);
    answering_ = false;
    co_return again;
}

asio::awaitable<bool> Connection::rest_of_exchange(Parser& parser)
{
    keep_alive_ = parser.get().keep_alive();
    const std::string target(parser.get().target());
    auto path = segments_of(target);
    Call call = call_of(parser, path ? *path : std::vector<std::string>{});
    if (!path) {
        Reply bad = error_reply(400, "invalid_value", "the path has a broken escape");
        co_return co_await say_last(std::move(bad), std::move(call));
    }
    const bool has_body = parser.content_length().value_or(0) > 0 || parser.chunked();
    if (auto refusal = api_.refuse(call)) {
        if (has_body) co_return co_await say_last(*std::move(refusal), std::move(call));
        co_return co_await write(*std::move(refusal), std::move(call));
    }
    const std::size_t limit = call.endpoint->max_body;
    parser.body_limit(limit);
    if (parser.content_length().value_or(0) > limit)
        co_return co_await say_too_large(std::move(call), limit);
    Call asked = call; // without the body, which may be large
    if (has_body) {
        const auto failed = co_await read_body(parser);
        if (failed == http::error::body_limit)
            co_return co_await say_too_large(std::move(call), limit);
        if (failed) co_return false;
        call.body = std::move(parser.get().body());
    }
    auto answering = api_.answer(std::move(call));
    Reply reply = co_await std::move(answering);
    co_return co_await write(std::move(reply), std::move(asked));
}

asio::awaitable<boost::system::error_code> Connection::read_body(Parser& parser)
{
    stream_.expires_after(kBodyTime);
    boost::system::error_code failed;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        http::response<http::empty_body> go_on{http::status::continue_, 11};
        co_await http::async_write(
            stream_, go_on, asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return failed;
    }
    co_await http::async_read(
        stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, failed));
    co_return failed;
}

asio::awaitable<bool> Connection::say_too_large(Call call, std::size_t limit)
{
    Reply reply = limit == 0
                      ? error_reply(413, "payload_too_large", "this path takes no body")
                      : error_reply(413,
                                    "payload_too_large",
                                    "the body is larger than " + std::to_string(limit) + " bytes");
    co_return co_await say_last(std::move(reply), std::move(call));
}

// What the client still sends is not read: the connection cannot be used again.
asio::awaitable<bool> Connection::say_last(Reply reply, Call call)
{
    keep_alive_ = false;
    unread_ = true;
    co_await write(std::move(reply), std::move(call));
    co_return false;
}

asio::awaitable<void> Connection::refuse_header()
{
    Reply reply = error_reply(431, "payload_too_large", "the header is larger than 64 KiB");
    Call nobody;
    co_await say_last(std::move(reply), std::move(nobody));
}

asio::awaitable<bool> Connection::write(Reply reply, Call call)
{
    allow_origin(reply, call, api_.settings.cors_origins);
    if (reply.file) co_return co_await write_file(std::move(reply), std::move(call));
    http::response<http::string_body> message;
    message.result(reply.status);
    message.keep_alive(keep_alive_);
    message.set(http::field::content_type, reply.content_type);
    put_headers(message, reply, call, api_.clock);
    message.content_length(reply.body.size());
    if (call.verb != Verb::head) message.body() = std::move(reply.body);
    http::response_serializer<http::string_body> serializer(message);
    boost::system::error_code failed;
    stream_.expires_after(kWriteTime);
    if (call.verb == Verb::head)
        co_await http::async_write_header(
            stream_, serializer, asio::redirect_error(asio::use_awaitable, failed));
    else
        co_await http::async_write(
            stream_, serializer, asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed && keep_alive_;
}

asio::awaitable<bool> Connection::write_file(Reply reply, Call call)
{
    const FileBody& file = *reply.file;
    const Part part = part_of(file, call);
    http::response<http::empty_body> message;
    message.result(part.status);
    message.keep_alive(keep_alive_);
    put_headers(message, reply, call, api_.clock);
    message.set(http::field::accept_ranges, "bytes");
    message.set(http::field::etag, file.etag);
    message.set(http::field::last_modified, http_date(file.modified));
    if (part.status != 304) message.content_length(part.has_bytes ? part.range.length : 0);
    if (part.has_bytes) message.set(http::field::content_type, reply.content_type);
    if (part.status == 416)
        message.set(http::field::content_range, "bytes */" + std::to_string(file.bytes));
    if (part.status == 206)
        message.set(http::field::content_range, content_range(part.range, file.bytes));
    http::response_serializer<http::empty_body> serializer(message);
    boost::system::error_code failed;
    stream_.expires_after(kWriteTime);
    co_await http::async_write_header(
        stream_, serializer, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return false;
    bool whole = true;
    if (part.has_bytes && call.verb != Verb::head) whole = co_await write_bytes(file, part.range);
    co_return whole&& keep_alive_;
}

asio::awaitable<bool> Connection::write_bytes(const FileBody& file, ByteRange range)
{
    std::vector<char> piece(
        std::min<std::uint64_t>(kPiece, std::max<std::uint64_t>(range.length, 1)));
    while (range.length > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(piece.size(), range.length);
        auto read = [&piece, wanted, fd = file.fd.get(), at = range.first] {
            return ::pread(fd, piece.data(), wanted, static_cast<off_t>(at));
        };
        const ssize_t got = co_await on_pool(api_.pool, std::move(read));
        if (got <= 0) co_return false; // the promised length cannot be kept: hang up
        boost::system::error_code failed;
        stream_.expires_after(kWriteTime);
        const auto bytes = asio::buffer(piece.data(), static_cast<std::size_t>(got));
        co_await asio::async_write(
            stream_, bytes, asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return false;
        range.first += static_cast<std::uint64_t>(got);
        range.length -= static_cast<std::uint64_t>(got);
    }
    co_return true;
}

} // namespace reelgate::api
