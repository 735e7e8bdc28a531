#include "verdict.hpp"

#include <curl/curl.h>

namespace reelgate::http {
namespace {

FailureKind kind_while_connecting(const Seen& seen)
{
    switch (seen.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return FailureKind::dns;
    case CURLE_OPERATION_TIMEDOUT:
        return FailureKind::timeout_connect;
    case CURLE_PEER_FAILED_VERIFICATION:
        // The library reports a wrong name and a wrong chain by one code. It looks at the name
        // itself, after the chain has passed and before a verdict on it is stored.
        return seen.text.find("subject name") != std::string::npos ? FailureKind::tls_name
                                                                   : FailureKind::tls;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return FailureKind::tls;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return FailureKind::bad_request;
    case CURLE_OUT_OF_MEMORY:
        return FailureKind::local_file;
    default:
        return seen.address_refused ? FailureKind::address : FailureKind::connect;
    }
}

} // namespace

FailureKind kind_of(const Seen& seen)
{
    if (!seen.connected) return kind_while_connecting(seen);
    switch (seen.code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: // an answer without a status line
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP_RETURNED_ERROR:
        return FailureKind::protocol;
    case CURLE_FILESIZE_EXCEEDED:
        return FailureKind::too_large;
    case CURLE_OPERATION_TIMEDOUT:
        return FailureKind::timeout_total;
    default:
        break;
    }
    if (seen.status != 0) return FailureKind::truncated;
    return seen.sent_whole ? FailureKind::no_verdict : FailureKind::send;
}

} // namespace reelgate::http
