// What a Client keeps between calls. Not part of the installed headers.
#pragma once

#include "sink.hpp"

#include <reelgate/http/client.hpp>

#include <mutex>
#include <vector>

namespace reelgate::http {

// Idle curl multi handles. A call borrows one for itself; no connection stays in it, only the
// parsed certificate authorities, which OpenSSL 3 needs 20 ms to read.
struct Client::Pool {
    explicit Pool(ClientOptions given) : options{std::move(given)} {}
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void* borrow(); // nullptr if there is no memory
    void give_back(void* multi);

    // One call: checks the request, follows redirects, never throws.
    Expected<Response, Failure> call(const Request& request, Sink& sink, std::uint64_t already);

    const ClientOptions options;

private:
    std::mutex mutex_;
    std::vector<void*> idle_;
};

} // namespace reelgate::http
