// A schema, a line break, a value: both from somebody who means harm. Nothing may crash, hang or
// grow, and what passes the check may be used.
#include "host/plugin/schema.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace reelgate;
    const std::string text(data, data + size);
    const std::size_t end = text.find('\n');
    const Result<Json> schema = parse_json(std::string_view(text).substr(0, end));
    if (!schema || !check_schema(*schema)) return 0;
    const Result<Json> value =
        end == std::string::npos ? Json() : parse_json(std::string_view(text).substr(end + 1));
    if (!value) return 0;

    std::size_t work = 0;
    const Json filled = with_defaults(*schema, *value, work);
    const auto violations = validate(*schema, filled, work);
    if (violations.size() > kMostViolations) std::abort();
    for (const Violation& violation : violations) {
        if (violation.sentence.empty() || violation.code.empty()) std::abort();
        (void)Json::json_pointer(violation.path); // throws if it is none
    }
    return 0;
}
