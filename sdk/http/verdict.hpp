// From what was seen of a transfer that did not finish to its failure. Not part of the installed
// headers; no network in here.
#pragma once

#include <reelgate/http/failure.hpp>

#include <string>

namespace reelgate::http {

struct Seen {
    int code = 0;            // a CURLcode
    std::string text;        // curl's own words
    bool connected = false;  // the connection stood and the request was about to be written
    bool sent_whole = false; // its last byte was handed to the system
    bool address_refused = false;
    long verify_result = 0; // of the certificate chain
    int status = 0;         // of the answer's head, if it came whole
};

FailureKind kind_of(const Seen& seen);

} // namespace reelgate::http
