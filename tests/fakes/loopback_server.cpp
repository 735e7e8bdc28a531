#include "tests/fakes/loopback_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace reelgate::fakes {
namespace {

template <auto Free>
struct FreeBy {
    template <class T>
    void operator()(T* what) const
    {
        Free(what);
    }
};
using Context = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, FreeBy<SSL_free>>;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, FreeBy<X509_free>>;

std::string lower(std::string text)
{
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    return text;
}

SeenRequest parse_head(std::string_view head)
{
    SeenRequest out;
    const std::size_t line = head.find("\r\n");
    const std::string_view first = head.substr(0, line);
    out.method = first.substr(0, first.find(' '));
    const std::size_t target = out.method.size() + 1;
    out.target = first.substr(target, first.rfind(' ') - target);
    std::string_view rest = head.substr(line + 2);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find("\r\n"), rest.size());
        const std::string_view field = rest.substr(0, end);
        const std::size_t colon = field.find(':');
        if (colon != std::string_view::npos) {
            std::size_t value = colon + 1;
            while (value < field.size() && field[value] == ' ')
                ++value;
            out.headers[lower(std::string{field.substr(0, colon)})] = field.substr(value);
        }
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    return out;
}

Bio memory(const std::string& text)
{
    return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::string contents(BIO* bio)
{
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

Context server_context(const Certificate& certificate)
{
    Context out{SSL_CTX_new(TLS_server_method())};
    const Cert cert{
        PEM_read_bio_X509(memory(certificate.certificate_pem).get(), nullptr, nullptr, nullptr)};
    const Key key{
        PEM_read_bio_PrivateKey(memory(certificate.key_pem).get(), nullptr, nullptr, nullptr)};
    SSL_CTX_use_certificate(out.get(), cert.get());
    SSL_CTX_use_PrivateKey(out.get(), key.get());
    return out;
}

int listening_socket(int backlog)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        (backlog > 0 && ::listen(fd, backlog) != 0))
        throw std::system_error(errno, std::generic_category(), "cannot listen on loopback");
    return fd;
}

int port_of(int fd)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

} // namespace

Certificate self_signed(const std::string& alternative_names)
{
    // What EVP_EC_gen stands for, without the cast in that macro.
    const Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
    const Cert cert{X509_new()};
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -86'400);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 86'400);
    X509_set_pubkey(cert.get(), key.get());
    X509_NAME* name = X509_get_subject_name(cert.get());
    const auto* common = reinterpret_cast<const unsigned char*>("loopback");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(cert.get(), name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_names.c_str());
    X509_add_ext(cert.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(cert.get(), key.get(), EVP_sha256());

    const Bio cert_text{BIO_new(BIO_s_mem())};
    const Bio key_text{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(cert_text.get(), cert.get());
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {contents(cert_text.get()), contents(key_text.get())};
}

std::string http_answer(int status, std::string_view body, std::string_view more_headers)
{
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nConnection: close\r\n";
    out += more_headers;
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    out += body;
    return out;
}

Script answers(int status, std::string body, std::string more_headers)
{
    return [text = http_answer(status, body, more_headers)](Connection& connection) {
        connection.read_request();
        connection.send(text);
    };
}

class LoopbackServer::Body {
public:
    Body(std::vector<Script> scripts, Context tls)
        : scripts_{std::move(scripts)}, tls_{std::move(tls)}, listener_{listening_socket(64)},
          port_{port_of(listener_)}, acceptor_{[this] { accept_all(); }}
    {
    }
    ~Body();

    int port() const { return port_; }
    bool is_tls() const { return tls_ != nullptr; }
    int connections() const
    {
        const std::lock_guard lock{mutex_};
        return connections_;
    }
    std::vector<SeenRequest> requests() const
    {
        const std::lock_guard lock{mutex_};
        return {ledger_.begin(), ledger_.end()};
    }

private:
    class Live;
    void accept_all();
    void serve(int fd, const Script& script);

    std::vector<Script> scripts_;
    Context tls_;
    int listener_;
    int port_;
    mutable std::mutex mutex_;
    bool stopping_ = false;
    int connections_ = 0;
    std::list<SeenRequest> ledger_; // a list: an entry grows while others are added
    std::list<int> open_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

class LoopbackServer::Body::Live final : public Connection {
public:
    Live(Body& server, int fd) : server_{server}, fd_{fd}
    {
        if (!server.tls_) return;
        tls_.reset(SSL_new(server.tls_.get()));
        SSL_set_fd(tls_.get(), fd);
        open_ = SSL_accept(tls_.get()) == 1;
    }
    ~Live() override { Live::close(); }

    const SeenRequest& read_head() override;
    const SeenRequest& read_request() override;
    void send(std::string_view bytes) override;
    void hold() override
    {
        while (receive())
            buffer_.clear();
    }
    void ignore() override
    {
        pollfd gone{fd_, POLLRDHUP, 0};
        if (open_) ::poll(&gone, 1, -1);
        open_ = false;
    }
    void reset() override
    {
        const linger rude{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &rude, sizeof rude);
        forget();
    }
    void close() override
    {
        if (tls_ && open_) SSL_shutdown(tls_.get());
        forget();
    }
    void cut() override { forget(); }
    bool is_open() const override { return open_; }

private:
    bool receive(); // more into buffer_; false when there will be no more
    void forget();

    Body& server_;
    int fd_;
    Session tls_;
    bool open_ = true;
    std::string buffer_;
    SeenRequest* seen_ = nullptr;
    SeenRequest nothing_;
};

bool LoopbackServer::Body::Live::receive()
{
    if (!open_) return false;
    char space[16384];
    const ssize_t got =
        tls_ ? SSL_read(tls_.get(), space, sizeof space) : ::recv(fd_, space, sizeof space, 0);
    if (got <= 0) {
        open_ = false;
        return false;
    }
    buffer_.append(space, static_cast<std::size_t>(got));
    return true;
}

const SeenRequest& LoopbackServer::Body::Live::read_head()
{
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!receive()) break;
    const std::lock_guard lock{server_.mutex_};
    if (end == std::string::npos) {
        // Whatever came belongs into the ledger: that nothing came is what tests look for.
        if (!buffer_.empty()) {
            server_.ledger_.emplace_back().body = buffer_;
            return server_.ledger_.back();
        }
        return nothing_;
    }
    server_.ledger_.push_back(parse_head(std::string_view{buffer_}.substr(0, end + 2)));
    seen_ = &server_.ledger_.back();
    buffer_.erase(0, end + 4);
    return *seen_;
}

const SeenRequest& LoopbackServer::Body::Live::read_request()
{
    if (seen_ == nullptr) read_head();
    if (seen_ == nullptr) return nothing_;
    const auto length = seen_->headers.find("content-length");
    const std::size_t wanted =
        length == seen_->headers.end() ? 0 : static_cast<std::size_t>(std::stoull(length->second));
    while (buffer_.size() < wanted)
        if (!receive()) break;
    const std::lock_guard lock{server_.mutex_};
    seen_->complete = buffer_.size() >= wanted;
    seen_->body = buffer_.substr(0, wanted);
    buffer_.clear();
    return *seen_;
}

void LoopbackServer::Body::Live::send(std::string_view bytes)
{
    while (open_ && !bytes.empty()) {
        const std::size_t some = std::min<std::size_t>(bytes.size(), 1U << 20U);
        const ssize_t put = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(some))
                                 : ::send(fd_, bytes.data(), some, MSG_NOSIGNAL);
        if (put <= 0)
            open_ = false;
        else
            bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void LoopbackServer::Body::Live::forget()
{
    open_ = false;
    if (fd_ < 0) return;
    const std::lock_guard lock{server_.mutex_};
    server_.open_.remove(fd_);
    ::close(fd_);
    fd_ = -1;
}

void LoopbackServer::Body::serve(int fd, const Script& script)
{
    // The TLS library writes without MSG_NOSIGNAL.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    Live live{*this, fd};
    if (live.is_open()) script(live);
}

void LoopbackServer::Body::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock{mutex_};
        if (fd < 0 || stopping_) {
            if (fd >= 0) ::close(fd);
            return;
        }
        const std::size_t turn =
            std::min(static_cast<std::size_t>(connections_), scripts_.size() - 1);
        ++connections_;
        open_.push_back(fd);
        threads_.emplace_back([this, fd, turn] { serve(fd, scripts_[turn]); });
    }
}

LoopbackServer::Body::~Body()
{
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        for (const int fd : open_)
            ::shutdown(fd, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_)
        thread.join();
    ::close(listener_);
}

LoopbackServer::LoopbackServer(std::vector<Script> scripts)
    : body_{std::make_unique<Body>(std::move(scripts), Context{})}
{
}

LoopbackServer::LoopbackServer(Script script, Certificate certificate)
    : body_{std::make_unique<Body>(std::vector<Script>{std::move(script)},
                                   server_context(certificate))}
{
}

LoopbackServer::~LoopbackServer() = default;

int LoopbackServer::port() const { return body_->port(); }

std::string LoopbackServer::url(std::string_view path) const
{
    return std::string{body_->is_tls() ? "https" : "http"} +
           "://127.0.0.1:" + std::to_string(port()) + std::string{path};
}

int LoopbackServer::connections() const { return body_->connections(); }
std::vector<SeenRequest> LoopbackServer::requests() const { return body_->requests(); }

ClosedPort::ClosedPort() : fd_{listening_socket(0)} {}
ClosedPort::~ClosedPort() { ::close(fd_); }
int ClosedPort::port() const { return port_of(fd_); }

} // namespace reelgate::fakes
