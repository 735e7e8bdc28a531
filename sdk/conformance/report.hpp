// A report for people, for programs, and for CI systems that read JUnit.
#pragma once

#include "sdk/conformance/suite.hpp"

#include <string>

namespace reelgate::conformance {

std::string line_for(const CaseResult& result); // "passed   cancel.midway   3 ms"
std::string summary_of(const Report& report);   // "41 passed, 0 failed, 7 skipped"
std::string to_json(const Report& report);
std::string to_junit(const Report& report);

} // namespace reelgate::conformance
