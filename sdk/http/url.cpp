#include <reelgate/http/url.hpp>

#include <reelgate/http/headers.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace reelgate::http {
namespace {

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, FreeUrl>;

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK || text == nullptr) return {};
    std::string out{text};
    curl_free(text);
    return out;
}

Expected<Url, std::string> read(CURLU* url)
{
    Url out;
    out.scheme = part(url, CURLUPART_SCHEME);
    if (out.scheme != "http" && out.scheme != "https")
        return "only http and https are possible, not '" + out.scheme + "'";
    if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty())
        return std::string{"a user name or password must not stand in a URL"};
    out.host = lower_case(part(url, CURLUPART_HOST));
    if (out.host.empty()) return std::string{"there is no host in it"};
    const std::string port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    std::from_chars(port.data(), port.data() + port.size(), out.port);
    out.path = part(url, CURLUPART_PATH);
    out.query = part(url, CURLUPART_QUERY);
    return out;
}

Expected<Url, std::string> set_and_read(CURLU* url, const std::string& text, unsigned flags)
{
    const CURLUcode code = curl_url_set(url, CURLUPART_URL, text.c_str(), flags);
    if (code == CURLUE_UNSUPPORTED_SCHEME) return std::string{"only http and https are possible"};
    if (code != CURLUE_OK) return std::string{curl_url_strerror(code)};
    return read(url);
}

int default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

} // namespace

std::string Url::origin() const { return scheme + "://" + host + ":" + std::to_string(port); }

std::string Url::text() const
{
    std::string out = scheme + "://" + host;
    if (port != default_port(scheme)) out += ":" + std::to_string(port);
    out += path;
    if (!query.empty()) out += "?" + query;
    return out;
}

bool Url::is_loopback() const
{
    if (host == "localhost" || host == "[::1]") return true;
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

Expected<Url, std::string> parse_url(std::string_view text)
{
    if (text.find('\0') != std::string_view::npos) return std::string{"there is a NUL in it"};
    const Handle url{curl_url()};
    if (!url) return std::string{"out of memory"};
    return set_and_read(url.get(), std::string{text}, 0);
}

Expected<Url, std::string> resolve_url(const Url& base, std::string_view reference)
{
    if (reference.find('\0') != std::string_view::npos) return std::string{"there is a NUL in it"};
    const Handle url{curl_url()};
    if (!url) return std::string{"out of memory"};
    if (auto start = set_and_read(url.get(), base.text(), 0); !start) return start;
    // Servers do send spaces in Location; the parser would otherwise refuse them.
    return set_and_read(url.get(), std::string{reference}, CURLU_URLENCODE);
}

std::string join_url(std::string_view base, std::string_view path)
{
    while (base.ends_with('/'))
        base.remove_suffix(1);
    while (path.starts_with('/'))
        path.remove_prefix(1);
    std::string out{base};
    out += '/';
    out += path;
    return out;
}

std::string escape(std::string_view text)
{
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    constexpr std::string_view kMarks = "-._~";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
        if (plain)
            out += c;
        else
            out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return out;
}

std::string redacted_url(std::string_view text)
{
    std::string out{text.substr(0, text.find_first_of("?#"))};
    const std::size_t authority = out.find("://");
    if (authority == std::string::npos) {
        // "data:..." is all content; a relative reference is only a path.
        const std::size_t colon = out.find(':');
        return colon < out.find('/') ? out.substr(0, colon + 1) + "..." : out;
    }
    const std::size_t start = authority + 3;
    const std::size_t end = std::min(out.find('/', start), out.size());
    const std::size_t at = out.rfind('@', end);
    if (at != std::string::npos && at >= start && at < end) out.erase(start, at + 1 - start);
    return out;
}

} // namespace reelgate::http
