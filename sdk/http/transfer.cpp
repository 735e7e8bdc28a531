#include "transfer.hpp"

#include "address.hpp"
#include "body_reader.hpp"
#include "easy.hpp"
#include "pacing.hpp"
#include "verdict.hpp"

#include <curl/curl.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace reelgate::http {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kProgressEvery{200};
constexpr milliseconds kLongestPoll{1000};

class Transfer {
public:
    Transfer(const Exchange& what, Sink& sink, bool& left)
        : what_{what}, limits_{what.request.limits}, sink_{sink}, left_{left},
          stall_{limits_.stall_window, limits_.stall_bytes}, exact_{what.hop.url.scheme == "http" &&
                                                                    what.options.proxy.empty()}
    {
    }

    Expected<Answer, Failure> run(CURLM* multi);

private:
    static std::size_t on_header(char* data, std::size_t one, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t one, std::size_t count, void* self);
    static std::size_t on_read(char* space, std::size_t one, std::size_t count, void* self);
    static int on_ready(void* self, char*, char*, int, int);
    static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

    void prepare_connection();
    void prepare_request();
    void prepare_callbacks();

    bool take_header(std::string_view line);
    bool take_head();
    void read_length(Head& head);
    bool has_body(const Head& head) const;
    bool take_body(std::string_view bytes);
    bool stop(Failure why);

    void drive(CURLM* multi);
    bool may_go_on();
    milliseconds wait_at_most() const;
    void tell_progress(bool last);
    void note_what_left();
    std::uint64_t moved() const { return header_bytes_ + answer_.received + taken_; }
    Clock::time_point deadline() const;

    Failure failure(FailureKind kind, std::string text) const;
    Failure broken() const;
    Expected<Answer, Failure> outcome();

    const Exchange& what_;
    const Limits& limits_;
    Sink& sink_;
    bool& left_;
    StallClock stall_;
    bool exact_; // every byte that leaves is counted; not so inside TLS or behind a proxy

    std::optional<BodyReader> body_;
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    bool connected_ = false;
    bool address_refused_ = false;
    std::uint64_t taken_ = 0; // of the body, by libcurl

    Answer answer_;
    bool head_complete_ = false;
    bool enough_ = false; // ended by us, with all that is wanted
    std::uint64_t header_bytes_ = 0;
    std::optional<Failure> stopped_; // ended by us, with a reason
    std::optional<CURLcode> done_;
    Clock::time_point told_{};
    Easy easy_; // last: its end may still call back
};

Expected<Answer, Failure> Transfer::run(CURLM* multi)
{
    if (what_.hop.with_body) {
        auto opened = BodyReader::open(*what_.request.body);
        if (!opened) return failure(FailureKind::local_file, opened.error());
        body_ = *std::move(opened);
    }
    prepare_connection();
    prepare_request();
    prepare_callbacks();
    if (!easy_.enter(multi))
        return failure(FailureKind::local_file, "libcurl does not take this request");
    drive(multi);
    tell_progress(true);
    return outcome();
}

void Transfer::prepare_connection()
{
    easy_.set(CURLOPT_NOSIGNAL, 1L);
    easy_.set(CURLOPT_QUICK_EXIT, 1L); // a cancel does not wait for a slow name server
    easy_.set(CURLOPT_PROTOCOLS_STR, "http,https");
    easy_.set(CURLOPT_FOLLOWLOCATION, 0L);
    easy_.set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    // libcurl sends a request again when a connection it had kept turns out dead.
    easy_.set(CURLOPT_FRESH_CONNECT, 1L);
    easy_.set(CURLOPT_FORBID_REUSE, 1L);
    easy_.set(CURLOPT_TCP_KEEPALIVE, 1L);
    easy_.set(CURLOPT_CONNECTTIMEOUT_MS, long{limits_.connect_timeout.count()});
    easy_.set(CURLOPT_PROXY, what_.options.proxy.c_str());
    easy_.set(CURLOPT_NOPROXY, ""); // or else the environment is asked
    easy_.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    easy_.set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    easy_.set(CURLOPT_SSL_VERIFYPEER, 1L);
    easy_.set(CURLOPT_SSL_VERIFYHOST, 2L);
    easy_.set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    // A directory of authorities would be asked beside the file: strangers to a caller that named
    // its own, and a reason for libcurl to read the system's file anew in every call (20 ms).
    if (!what_.options.ca_file.empty()) easy_.set(CURLOPT_CAINFO, what_.options.ca_file.c_str());
    if (easy_.info<const char*>(CURLINFO_CAINFO) != nullptr) easy_.set(CURLOPT_CAPATH, nullptr);
}

void Transfer::prepare_request()
{
    const Hop& hop = what_.hop;
    const std::string url = hop.url.text();
    easy_.set(CURLOPT_URL, url.c_str());
    easy_.set(CURLOPT_USERAGENT, what_.options.user_agent.c_str());
    if (what_.request.compressed) easy_.set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    for (const Header& h : hop.headers)
        easy_.add_header(h.value.empty() ? h.name + ";" : h.name + ": " + h.value);
    easy_.add_header("Expect:");
    if (!hop.headers.has("content-type")) easy_.add_header("Content-Type:");

    const bool sends =
        body_ || hop.method == "POST" || hop.method == "PUT" || hop.method == "PATCH";
    if (hop.method == "HEAD") {
        easy_.set(CURLOPT_NOBODY, 1L);
    } else if (sends) {
        easy_.set(CURLOPT_POST, 1L);
        easy_.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_ ? body_->size() : 0));
        // Only a reader and no way to rewind it: libcurl could not send it a second time.
        easy_.set(CURLOPT_READFUNCTION, &Transfer::on_read);
        easy_.set(CURLOPT_READDATA, this);
    }
    if (hop.method != "HEAD" && hop.method != "GET")
        easy_.set(CURLOPT_CUSTOMREQUEST, hop.method.c_str());
}

void Transfer::prepare_callbacks()
{
    easy_.set(CURLOPT_ERRORBUFFER, error_text_.data());
    easy_.set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    easy_.set(CURLOPT_HEADERDATA, this);
    easy_.set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    easy_.set(CURLOPT_WRITEDATA, this);
    easy_.set(CURLOPT_PREREQFUNCTION, &Transfer::on_ready);
    easy_.set(CURLOPT_PREREQDATA, this);
    easy_.set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
    easy_.set(CURLOPT_OPENSOCKETDATA, this);
}

// The callbacks stand between C frames: nothing may be thrown through them.

std::size_t Transfer::on_header(char* data, std::size_t one, std::size_t count, void* self)
try {
    const std::size_t size = one * count;
    return static_cast<Transfer*>(self)->take_header({data, size}) ? size : 0;
} catch (...) {
    return 0; // out of memory; libcurl ends the transfer with a write error
}

std::size_t Transfer::on_body(char* data, std::size_t one, std::size_t count, void* self)
try {
    const std::size_t size = one * count;
    const bool taken = static_cast<Transfer*>(self)->take_body({data, size});
    return taken ? size : size + 1;
} catch (...) {
    return one * count + 1;
}

std::size_t Transfer::on_read(char* space, std::size_t one, std::size_t count, void* self)
try {
    auto& me = *static_cast<Transfer*>(self);
    if (!me.body_) return 0;
    const auto got = me.body_->read({space, one * count});
    if (got) {
        me.taken_ += *got;
        return *got;
    }
    me.stop(me.failure(FailureKind::local_file, me.body_->trouble()));
    return CURL_READFUNC_ABORT;
} catch (...) {
    return CURL_READFUNC_ABORT;
}

int Transfer::on_ready(void* self, char*, char*, int, int)
{
    static_cast<Transfer*>(self)->connected_ = true;
    return CURL_PREREQFUNC_OK;
}

curl_socket_t Transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address)
try {
    auto& me = *static_cast<Transfer*>(self);
    if (me.what_.request.public_addresses_only && !is_public(address->addr)) {
        me.address_refused_ = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
} catch (...) {
    return CURL_SOCKET_BAD;
}

bool Transfer::stop(Failure why)
{
    if (!stopped_) stopped_ = std::move(why);
    return false;
}

bool Transfer::take_header(std::string_view line)
{
    header_bytes_ += line.size();
    if (header_bytes_ > limits_.max_header_bytes)
        return stop(failure(FailureKind::too_large,
                            "the headers are larger than " +
                                std::to_string(limits_.max_header_bytes) + " bytes"));
    if (head_complete_) return true; // a trailer behind a chunked body
    Head& head = answer_.head;
    if (line.starts_with("HTTP/")) {
        head = Head{};
        const std::size_t space = line.find(' ');
        if (space != std::string_view::npos)
            std::from_chars(line.data() + space + 1, line.data() + line.size(), head.status);
        return true;
    }
    const std::string_view text = trimmed(line);
    if (text.empty()) return take_head();
    const std::size_t colon = text.find(':');
    if ((line[0] == ' ' || line[0] == '\t') && !head.headers.empty())
        head.headers.back().value.append(" ").append(text);
    else if (colon != std::string_view::npos)
        head.headers.add(std::string{text.substr(0, colon)},
                         std::string{trimmed(text.substr(colon + 1))});
    return true;
}

bool Transfer::has_body(const Head& head) const
{
    return what_.hop.method != "HEAD" && head.status != 204 && head.status != 304;
}

void Transfer::read_length(Head& head)
{
    const std::string_view said = head.headers.get("content-length");
    std::uint64_t length = 0;
    const auto read = std::from_chars(said.data(), said.data() + said.size(), length);
    const bool in_chunks = head.headers.has("transfer-encoding");
    const bool has_length = !said.empty() && read.ec == std::errc{} &&
                            read.ptr == said.data() + said.size() && !in_chunks;
    answer_.body_end_known = has_length || in_chunks || !has_body(head);
    const bool packed = what_.request.compressed && head.headers.has("content-encoding");
    const bool known = has_length && !packed;
    if (known) head.length = length;
}

bool Transfer::take_head()
{
    Head& head = answer_.head;
    if (head.status < 200) return true; // 100, 103: the real one follows
    head_complete_ = true;
    read_length(head);
    if (head.status >= 300) {
        enough_ = what_.head_of_redirect_is_enough && is_redirect(head.status);
        return !enough_;
    }
    if (has_body(head) && head.length.value_or(0) > limits_.max_body_bytes)
        return stop(failure(FailureKind::too_large,
                            "the answer is " + std::to_string(*head.length) + " bytes, and " +
                                std::to_string(limits_.max_body_bytes) + " are allowed"));
    if (auto refused = sink_.begin(head)) return stop(*std::move(refused));
    return true;
}

bool Transfer::take_body(std::string_view bytes)
{
    if (answer_.head.status >= 300) {
        const std::size_t room = limits_.max_error_bytes - answer_.error_body.size();
        const std::string_view kept = bytes.substr(0, room);
        answer_.error_body += kept;
        answer_.received += kept.size();
        enough_ = kept.size() < bytes.size();
        if (enough_) answer_.body_complete = false;
        return !enough_;
    }
    answer_.received += bytes.size();
    if (answer_.received > limits_.max_body_bytes)
        return stop(failure(FailureKind::too_large,
                            "the answer is larger than " + std::to_string(limits_.max_body_bytes) +
                                " bytes"));
    if (auto refused = sink_.write(bytes)) return stop(*std::move(refused));
    return true;
}

Clock::time_point Transfer::deadline() const
{
    const auto total = limits_.total_timeout;
    return total.count() > 0 ? what_.began + total : Clock::time_point::max();
}

// Asked before anything is moved, so that what is cancelled beforehand never leaves.
bool Transfer::may_go_on()
{
    const auto now = Clock::now();
    if (what_.request.cancel_fd >= 0) {
        pollfd watched{what_.request.cancel_fd, POLLIN, 0};
        // Any news will do: a closed far end or a closed descriptor would otherwise keep the loop
        // awake for ever, and both mean that nobody waits for the answer.
        if (::poll(&watched, 1, 0) > 0) return stop(failure(FailureKind::cancelled, "cancelled"));
    }
    if (now >= deadline())
        return stop(
            failure(FailureKind::timeout_total,
                    "took longer than " + std::to_string(limits_.total_timeout.count()) + " ms"));
    if (connected_ && stall_.is_over(moved(), now))
        return stop(failure(FailureKind::stalled,
                            "fewer than " + std::to_string(limits_.stall_bytes) + " bytes in " +
                                std::to_string(limits_.stall_window.count()) + " ms"));
    return true;
}

milliseconds Transfer::wait_at_most() const
{
    const auto until = std::min(deadline(), stall_.over_at());
    if (until == Clock::time_point::max()) return kLongestPoll;
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    return std::clamp(left, milliseconds{0}, kLongestPoll);
}

void Transfer::drive(CURLM* multi)
{
    curl_waitfd cancel{what_.request.cancel_fd, CURL_WAIT_POLLIN, 0};
    const unsigned watched = what_.request.cancel_fd >= 0 ? 1 : 0;
    while (may_go_on()) {
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            stop(failure(FailureKind::local_file, "libcurl cannot go on"));
            return;
        }
        note_what_left();
        int others = 0;
        if (const CURLMsg* message = curl_multi_info_read(multi, &others); message != nullptr) {
            done_ = message->data.result;
            return;
        }
        tell_progress(false);
        curl_multi_poll(multi, &cancel, watched, static_cast<int>(wait_at_most().count()), nullptr);
    }
}

void Transfer::note_what_left()
{
    if (!connected_ || left_) return;
    // One send() either queues bytes, which are counted, or fails with none. A TLS record can go
    // out in part without being counted, so there the attempt decides.
    left_ = !exact_ || easy_.info<long>(CURLINFO_REQUEST_SIZE) > 0;
}

void Transfer::tell_progress(bool last)
{
    if (!what_.request.progress) return;
    const auto now = Clock::now();
    if (!last && now - told_ < kProgressEvery) return;
    told_ = now;
    Progress news;
    news.sent = taken_;
    news.to_send = body_ ? body_->size() : 0;
    news.received = what_.already_received + answer_.received;
    if (head_complete_ && answer_.head.length)
        news.to_receive = what_.already_received + *answer_.head.length;
    what_.request.progress(news);
}

Failure Transfer::failure(FailureKind kind, std::string text) const
{
    return {kind, left_, head_complete_ ? answer_.head.status : 0, std::move(text)};
}

Failure Transfer::broken() const
{
    Seen seen;
    seen.code = static_cast<int>(*done_);
    seen.text = error_text_.data();
    if (seen.text.empty()) seen.text = curl_easy_strerror(*done_);
    seen.connected = connected_;
    seen.address_refused = address_refused_;
    seen.status = head_complete_ ? answer_.head.status : 0;
    const auto sent = static_cast<std::uint64_t>(easy_.info<curl_off_t>(CURLINFO_SIZE_UPLOAD_T));
    seen.sent_whole = left_ && (!body_ || sent == body_->size());
    if (address_refused_ && !connected_)
        seen.text = what_.hop.url.host + " has no address that is public and answers";
    return failure(kind_of(seen), seen.text);
}

Expected<Answer, Failure> Transfer::outcome()
{
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - what_.began);
    const auto hop = std::chrono::microseconds{easy_.info<curl_off_t>(CURLINFO_TOTAL_TIME_T)};
    const auto start = std::max(since - hop, std::chrono::microseconds{0});
    answer_.timings.total = since;
    answer_.timings.connected =
        start + std::chrono::microseconds{easy_.info<curl_off_t>(CURLINFO_PRETRANSFER_TIME_T)};
    answer_.timings.first_byte =
        start + std::chrono::microseconds{easy_.info<curl_off_t>(CURLINFO_STARTTRANSFER_TIME_T)};

    const bool fine = enough_ || (done_ && *done_ == CURLE_OK);
    if (fine && head_complete_) return std::move(answer_);
    // A connection that closes in the middle of the head is a fine end to libcurl.
    if (fine) return failure(FailureKind::no_verdict, "the answer broke off in its head");
    Failure why = stopped_ ? *std::move(stopped_) : broken();
    why.request_left = left_;
    const bool verdict_is_known = head_complete_ && answer_.head.status >= 300;
    if (verdict_is_known && why.kind != FailureKind::cancelled &&
        why.kind != FailureKind::too_large) {
        answer_.body_complete = false;
        return std::move(answer_);
    }
    return why;
}

} // namespace

Expected<Answer, Failure> exchange(void* multi, const Exchange& what, Sink& sink, bool& left)
{
    return Transfer{what, sink, left}.run(multi);
}

} // namespace reelgate::http
