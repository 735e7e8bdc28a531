// An HTTP server on loopback that does to each connection what a script says, also what no server
// should do. It keeps a ledger of every request that reached it, whole or in part.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::fakes {

struct SeenRequest {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers; // names in lower case
    std::string body;                           // as far as the script read it
    bool complete = false;                      // head and body were read
};

// A certificate for 127.0.0.1-like or DNS names ("IP:127.0.0.1,DNS:a.example"), signed by itself.
struct Certificate {
    std::string certificate_pem;
    std::string key_pem;
};
Certificate self_signed(const std::string& alternative_names);

// One connection, seen from the script. Each step ends early when the client is gone or the server
// stops; the script need not ask.
class Connection {
public:
    virtual ~Connection() = default;

    virtual const SeenRequest& read_head() = 0; // enters the ledger as soon as it is here
    virtual const SeenRequest& read_request() = 0;
    virtual void send(std::string_view bytes) = 0;
    virtual void hold() = 0;   // says nothing more until the client closes
    virtual void ignore() = 0; // neither reads nor says anything until the client is gone
    virtual void reset() = 0;  // ends the connection the rude way
    virtual void close() = 0;  // ends it in order
    virtual void cut() = 0;    // ends it in order, but without the goodbye of TLS
    virtual bool is_open() const = 0;
};

using Script = std::function<void(Connection&)>;

// "HTTP/1.1 200 OK" and so on, with Content-Length and "Connection: close".
std::string http_answer(int status, std::string_view body, std::string_view more_headers = {});
Script answers(int status, std::string body, std::string more_headers = {});

class LoopbackServer {
public:
    // The first connection gets the first script, and so on; the last script serves all that
    // follow.
    explicit LoopbackServer(std::vector<Script> scripts);
    explicit LoopbackServer(Script script) : LoopbackServer(std::vector<Script>{std::move(script)})
    {
    }
    LoopbackServer(Script script, Certificate certificate); // over TLS
    ~LoopbackServer(); // ends every connection and waits for its script

    int port() const;
    std::string url(std::string_view path = "/") const; // "http://127.0.0.1:port/..."
    int connections() const;
    std::vector<SeenRequest> requests() const;

private:
    class Body;
    std::unique_ptr<Body> body_;
};

// A port of loopback where nobody listens, and nobody else can while this exists.
class ClosedPort {
public:
    ClosedPort();
    ClosedPort(const ClosedPort&) = delete;
    ClosedPort& operator=(const ClosedPort&) = delete;
    ~ClosedPort();
    int port() const;

private:
    int fd_;
};

} // namespace reelgate::fakes
