#include <reelgate/http/client.hpp>

#include "client_pool.hpp"
#include "transfer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <exception>
#include <set>

namespace reelgate::http {
namespace {

constexpr std::size_t kIdleHandles = 8; // more calls than that at once are rare; each works anyway

// libcurl is told not to touch signals, and whether a write to a closed TLS connection can then
// raise SIGPIPE, which ends the process, depends on its version (7.88 cannot). Held back for this
// thread alone, and taken away if it came.
class NoPipeSignal {
public:
    NoPipeSignal()
    {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        already_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;
    ~NoPipeSignal()
    {
        const timespec at_once{};
        if (!already_pending_)
            while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool already_pending_ = false;
};

class MemorySink final : public Sink {
public:
    std::optional<Failure> begin(const Head& head) override
    {
        // A server's promise is not worth more memory than this before it is kept.
        constexpr std::uint64_t kTrusted = 1U << 20U;
        bytes.reserve(std::min(head.length.value_or(0), kTrusted));
        return {};
    }
    std::optional<Failure> write(std::string_view more) override
    {
        bytes += more;
        return {};
    }

    std::string bytes;
};

Failure bad(std::string text) { return {FailureKind::bad_request, false, 0, std::move(text)}; }

bool is_method(std::string_view method)
{
    return !method.empty() && method != "CONNECT" &&
           std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::optional<Failure> trouble_with_headers(const Headers& headers)
{
    constexpr std::array<std::string_view, 5> kOurs{
        "host", "content-length", "transfer-encoding", "connection", "expect"};
    for (const Header& h : headers) {
        // The value may be a secret, and the name may be what is wrong: neither is repeated.
        if (!is_sendable(h)) return bad("a header has a character that headers must not have");
        if (std::ranges::find(kOurs, lower_case(h.name)) != kOurs.end())
            return bad("the header '" + h.name + "' is not the caller's to set");
    }
    return {};
}

std::optional<Failure> trouble_with(const Request& request, const ClientOptions& options)
{
    const Limits& limits = request.limits;
    if (!is_method(request.method)) return bad("the method must be a word in capital letters");
    if (request.body && (request.method == "GET" || request.method == "HEAD"))
        return bad("a " + request.method + " carries no body");
    if (limits.connect_timeout.count() <= 0) return bad("connect_timeout must be above zero");
    if (limits.total_timeout.count() <= 0 && limits.stall_window.count() <= 0)
        return bad("without total_timeout and stall_window the call might never end");
    if (request.public_addresses_only && !options.proxy.empty())
        return bad("behind a proxy nobody here can see which address is reached");
    return trouble_with_headers(request.headers);
}

// One call over its hops. Knows how far it came, so that an exception cannot make it forget that a
// request has left.
struct Call {
    const ClientOptions& options;
    const Request& request;
    Sink& sink;
    std::uint64_t already_received;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    bool left = false;

    Expected<Response, Failure> run(void* multi);
    Expected<Hop, Failure> next(const Hop& hop, const Answer& answer, int taken);
    Response response(Answer answer, const Hop& hop, int redirects) const;

    std::set<std::string> visited{};
};

Expected<Response, Failure> Call::run(void* multi)
{
    auto url = parse_url(request.url);
    if (!url) return bad("'" + redacted_url(request.url) + "' cannot be called: " + url.error());
    Hop hop{request.method, *std::move(url), request.headers, request.body.has_value()};
    for (int redirects = 0;; ++redirects) {
        const bool follows = request.limits.max_redirects > 0;
        const Exchange what{options, request, hop, began, follows, already_received};
        auto answer = exchange(multi, what, sink, left);
        if (!answer) {
            Failure why = std::move(answer).error();
            why.text = hop.method + " " + redacted_url(hop.url.text()) + ": " + why.text;
            return why;
        }
        if (!follows || !is_redirect(answer->head.status))
            return response(*std::move(answer), hop, redirects);
        auto onward = next(hop, *answer, redirects);
        if (!onward) return std::move(onward).error();
        hop = *std::move(onward);
    }
}

Expected<Hop, Failure> Call::next(const Hop& hop, const Answer& answer, int taken)
{
    const int status = answer.head.status;
    const auto refused = [&](const std::string& why) {
        return Failure{FailureKind::bad_redirect,
                       left,
                       status,
                       hop.method + " " + redacted_url(hop.url.text()) + ": " + why};
    };
    if (taken >= request.limits.max_redirects)
        return refused("more than " + std::to_string(taken) + " redirects");
    visited.insert(hop.method + " " + hop.url.text());
    auto onward = follow(hop, status, answer.head.headers.get("location"));
    if (!onward) return refused(onward.error());
    if (visited.contains(onward->method + " " + onward->url.text()))
        return refused("the redirects lead round in a circle");
    return *std::move(onward);
}

Response Call::response(Answer answer, const Hop& hop, int redirects) const
{
    Response out;
    out.status = answer.head.status;
    out.headers = std::move(answer.head.headers);
    out.body = std::move(answer.error_body);
    out.body_complete = answer.body_complete;
    out.body_end_known = answer.body_end_known;
    out.received = answer.received;
    out.effective_url = hop.url.text();
    out.redirects = redirects;
    out.timings = answer.timings;
    return out;
}

} // namespace

Client::Pool::~Pool()
{
    for (void* multi : idle_)
        curl_multi_cleanup(multi);
}

void* Client::Pool::borrow()
{
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) return nullptr;
    {
        const std::lock_guard lock{mutex_};
        if (!idle_.empty()) {
            void* multi = idle_.back();
            idle_.pop_back();
            return multi;
        }
    }
    return curl_multi_init();
}

void Client::Pool::give_back(void* multi)
{
    {
        const std::lock_guard lock{mutex_};
        if (idle_.size() < kIdleHandles) {
            idle_.push_back(multi);
            return;
        }
    }
    curl_multi_cleanup(multi);
}

Expected<Response, Failure>
Client::Pool::call(const Request& request, Sink& sink, std::uint64_t already)
{
    if (auto why = trouble_with(request, options)) return *std::move(why);
    const NoPipeSignal quiet;
    void* multi = borrow();
    if (multi == nullptr) return Failure{FailureKind::local_file, false, 0, "libcurl cannot start"};
    Call call{options, request, sink, already};
    auto out = [&]() -> Expected<Response, Failure> {
        try {
            return call.run(multi);
        } catch (const std::exception& e) { // no memory, or the caller's progress function threw
            return Failure{FailureKind::cancelled, call.left, 0, e.what()};
        } catch (...) {
            return Failure{FailureKind::cancelled, call.left, 0, "the progress function threw"};
        }
    }();
    give_back(multi);
    return out;
}

Client::Client(ClientOptions options) : pool_{std::make_unique<Pool>(std::move(options))} {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Expected<Response, Failure> Client::perform(const Request& request) const
{
    MemorySink sink;
    auto out = pool_->call(request, sink, 0);
    if (out && out->status < 300) out->body = std::move(sink.bytes);
    return out;
}

} // namespace reelgate::http
