#include "sdk/conformance/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace reelgate::conformance {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kIdWidth = 22;

// Text of a plugin inside an XML attribute: controls cannot stand there at all.
std::string xml(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return out;
}

std::string seconds(std::chrono::milliseconds took)
{
    const auto millis = std::to_string(took.count() % 1000);
    return std::to_string(took.count() / 1000) + '.' + std::string(3 - millis.size(), '0') + millis;
}

} // namespace

std::string line_for(const CaseResult& result)
{
    const std::string id(result.row.id);
    std::string line(to_string(result.verdict.outcome));
    line += std::string(9 - std::min<std::size_t>(line.size(), 8), ' ') + id;
    const bool failed = result.verdict.outcome == Outcome::failed;
    const std::string detail = failed
                                   ? std::string(result.row.what) + ", but " + result.verdict.detail
                                   : result.verdict.detail;
    if (!detail.empty())
        line += std::string(kIdWidth - std::min(id.size(), kIdWidth - 1), ' ') + detail;
    return line;
}

std::string summary_of(const Report& report)
{
    return report.id + ' ' + report.version + ": " + std::to_string(report.count(Outcome::passed)) +
           " passed, " + std::to_string(report.count(Outcome::failed)) + " failed, " +
           std::to_string(report.count(Outcome::skipped)) + " skipped (seed " +
           std::to_string(report.seed) + ")";
}

std::string to_json(const Report& report)
{
    Json cases = Json::array();
    for (const CaseResult& r : report.results)
        cases.push_back({
            {"id",      r.row.id                    },
            {"what",    r.row.what                  },
            {"outcome", to_string(r.verdict.outcome)},
            {"detail",  r.verdict.detail            },
            {"ms",      r.took.count()              }
        });
    const Json whole{
        {"plugin",  report.id                     },
        {"version", report.version                },
        {"seed",    report.seed                   },
        {"ok",      report.ok()                   },
        {"passed",  report.count(Outcome::passed) },
        {"failed",  report.count(Outcome::failed) },
        {"skipped", report.count(Outcome::skipped)},
        {"cases",   std::move(cases)              }
    };
    return whole.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string to_junit(const Report& report)
{
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" +
                      xml(report.id) + "\" tests=\"" + std::to_string(report.results.size()) +
                      "\" failures=\"" + std::to_string(report.count(Outcome::failed)) +
                      "\" skipped=\"" + std::to_string(report.count(Outcome::skipped)) + "\">\n";
    for (const CaseResult& r : report.results) {
        out += "  <testcase classname=\"" + xml(report.id) + "\" name=\"" + xml(r.row.id) +
               "\" time=\"" + seconds(r.took) + "\">";
        if (r.verdict.outcome == Outcome::failed)
            out += "<failure message=\"" + xml(r.verdict.detail) + "\"/>";
        if (r.verdict.outcome == Outcome::skipped)
            out += "<skipped message=\"" + xml(r.verdict.detail) + "\"/>";
        out += "</testcase>\n";
    }
    return out + "</testsuite>\n";
}

} // namespace reelgate::conformance
