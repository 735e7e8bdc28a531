#include "host/config/secret.hpp"

#include "host/base/digest.hpp"

#include <ostream>
#include <utility>

namespace reelgate {

Secret::Secret(std::string text, std::string reference)
    : text_(std::move(text)), reference_(std::move(reference))
{
}

std::string Secret::shown() const
{
    if (reference_.empty() && text_.empty()) return "";
    return reference_ + ' ' + note();
}

std::string Secret::note() const
{
    if (text_.empty()) return "(not set)";
    return "(sha256 " + sha256_hex(text_).substr(0, 8) + ")";
}

std::ostream& operator<<(std::ostream& out, const Secret& secret) { return out << secret.shown(); }

} // namespace reelgate
