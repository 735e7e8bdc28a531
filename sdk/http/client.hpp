// HTTP for plugins: one call is one request and its answer, or the reason why there is none and
// whether anything had left. What a library usually does behind one's back is off, because a
// request here may cost money:
//   * Nothing is ever sent twice: no retry, and a connection of its own for every call, so that
//     none can turn out dead and be tried again. HTTP/1.1 only.
//   * The body goes out at once, without "Expect: 100-continue": gateways stall on it, and an
//     answer to it (417) would have to be followed by a second sending.
//   * Redirects are the caller's choice, followed by hand (redirect.hpp), and take no credential to
//     another origin.
//   * Nothing comes from the environment: no proxy, no netrc, no cookies. Certificates are always
//     verified.
//   * Every call ends: a total limit or a limit on silence, or both.
// No function here throws.
#pragma once

#include <reelgate/http/body.hpp>
#include <reelgate/http/expected.hpp>
#include <reelgate/http/failure.hpp>
#include <reelgate/http/headers.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace reelgate::http {

struct Limits {
    std::chrono::milliseconds connect_timeout{10'000}; // name, address, TLS
    std::chrono::milliseconds total_timeout{60'000};   // all hops; 0: none
    // From the moment a connection stands, the newest `stall_bytes` in either direction, waiting
    // for the answer included, may not take longer than this. 0: no such limit.
    std::chrono::milliseconds stall_window{60'000};
    std::uint64_t stall_bytes = 1;
    std::uint64_t max_body_bytes = 128ULL << 20U; // after decompression
    std::uint64_t max_error_bytes = 64ULL << 10U; // kept of the body of a status from 300 on
    std::uint64_t max_header_bytes = 64ULL << 10U;
    int max_redirects = 0; // 0: a redirect is an answer like any other
};

struct Progress {
    std::uint64_t sent = 0;
    std::uint64_t to_send = 0;
    std::uint64_t received = 0;              // of a continued download: with what was there before
    std::optional<std::uint64_t> to_receive; // if the server said
};

struct Request {
    std::string method = "GET";
    std::string url;
    Headers headers; // Host, Content-Length, Transfer-Encoding, Connection and Expect are not yours
    std::optional<Body> body; // not with GET and HEAD
    Limits limits;
    bool compressed = false;            // ask for gzip or deflate; what arrives is plain
    bool public_addresses_only = false; // looked at when connecting, so no DNS trick gets around it
    int cancel_fd = -1; // the call ends once this is readable; it is never read from
    std::function<void(const Progress&)> progress; // a few times a second, on the calling thread
};

struct Timings { // since the call began, over all hops
    std::chrono::microseconds connected{0};
    std::chrono::microseconds first_byte{0};
    std::chrono::microseconds total{0};
};

// Any status is an answer, also 500: what it means is the caller's to say.
struct Response {
    int status = 0;
    Headers headers;
    std::string body; // empty if it went to a file
    // False only for a status from 300 on whose body broke off, stalled or was cut at
    // max_error_bytes: the verdict is known and more important than the rest of its prose.
    bool body_complete = true;
    // False if the answer had neither a length nor chunks: then the end of the connection was taken
    // for the end of the body, and a connection that was lost looks the same, over TLS too.
    bool body_end_known = true;
    std::uint64_t received = 0; // body bytes of the last hop
    std::string effective_url;
    int redirects = 0;
    Timings timings;
    bool saved = false;             // download(): the file is in its place, whole
    std::uint64_t resumed_from = 0; // download(): so much of it was there before
};

struct ClientOptions {
    std::string user_agent = "reelgate";
    std::string ca_file; // PEM, instead of the system's authorities
    std::string proxy;   // "http://host:port"; empty: none
};

// Any number of threads may call at once; each call blocks its own. Keep one for the life of a
// plugin: it remembers the system's certificates, which take longer to read than many a call.
class Client {
public:
    explicit Client(ClientOptions options = {});
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    Expected<Response, Failure> perform(const Request& request) const;

    // A GET whose answer becomes the file `path`. The bytes are written to `path`.part and renamed
    // when all have come; nobody ever sees half a file under the name. If the server can do ranges
    // and names the content (a strong ETag and its length, kept in `path`.part.meta), a broken
    // download leaves its part there and the next call for the same URL and path asks only for the
    // rest; if the content has changed meanwhile, it comes anew.
    // Only a 200 or a continuing 206 is saved: look at `saved`, other answers have a body to read.
    // The rename is not synced to disk; that is up to whoever adopts the file.
    Expected<Response, Failure> download(const Request& request, const std::string& path) const;

private:
    struct Pool;
    std::unique_ptr<Pool> pool_;
};

} // namespace reelgate::http
