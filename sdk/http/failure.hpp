// Why an exchange brought no answer, in the terms that decide about money: had the request left?
#pragma once

#include <string>
#include <string_view>

namespace reelgate::http {

enum class FailureKind {
    bad_request,     // cannot be sent as it stands: URL, method, header, limits
    dns,             // the name has no address
    connect,         // nobody answered at the address
    address,         // the address is not a public one, and only those were allowed
    tls,             // no secure connection, or a certificate nobody here trusts
    tls_name,        // the certificate is trusted, but for another name: a wrong URL or a trap
    timeout_connect, // the connection did not stand in time
    send,            // broke while the request was going out
    no_verdict,      // the request went out whole and no answer came
    truncated,       // an answer began and broke off
    stalled,         // fewer bytes than asked for moved within the window
    timeout_total,   // the whole call took longer than allowed
    too_large,       // headers or body over their limit
    bad_redirect,    // a redirect that must not be followed, or one too many
    protocol,        // what came is not the HTTP that was asked for
    cancelled,       // the cancel descriptor became readable
    local_file,      // a file of ours could not be read or written
};

std::string_view to_string(FailureKind kind);

struct Failure {
    FailureKind kind = FailureKind::protocol;
    // May any byte of the request (headers included, of any hop) have reached the other side? False
    // is a promise: then nothing was asked for and nothing can be charged. True is caution: over
    // TLS it is said from the moment the first write is tried.
    bool request_left = false;
    int status = 0;   // of the answer that broke off or was refused; 0 if no status line came
    std::string text; // for people; URLs stand in it without their query
};

// What the call was for. The same broken connection is harmless in one and money in the other.
enum class Purpose { submit, poll, download };

// The failure in the words of the daemon's failure record. `billing` is said of a submit only:
// "not_billed" or "maybe_billed"; a read changes nothing about money, and it is empty.
struct Words {
    std::string_view category;
    std::string_view phase;
    std::string_view billing;
};
Words words(const Failure& failure, Purpose purpose);

} // namespace reelgate::http
