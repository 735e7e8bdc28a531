#include "host/engine/prompt_note.hpp"

#include "host/base/digest.hpp"

namespace reelgate {

std::string prompt_note(PromptsInLog how, std::string_view prompt)
{
    constexpr std::size_t kDigits = 8;
    switch (how) {
    case PromptsInLog::none:
        return "";
    case PromptsInLog::full:
        return std::string(prompt);
    case PromptsInLog::hash:
        break;
    }
    return "sha256:" + sha256_hex(prompt).substr(0, kDigits) + ", " +
           std::to_string(prompt.size()) + " bytes";
}

} // namespace reelgate
