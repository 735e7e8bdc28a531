// Holds the validator against the public JSON Schema test suite, where its package is installed.
// The newest draft in it is 7; for the keywords of our dialect 2020-12 says the same.
#include "host/plugin/schema.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace reelgate {
namespace {

namespace fs = std::filesystem;

// Beside the files of our keywords, those that often use them.
constexpr const char* kFiles[] = {"additionalProperties",
                                  "boolean_schema",
                                  "const",
                                  "default",
                                  "enum",
                                  "items",
                                  "maxItems",
                                  "maxLength",
                                  "maximum",
                                  "minItems",
                                  "minLength",
                                  "minimum",
                                  "multipleOf",
                                  "oneOf",
                                  "properties",
                                  "required",
                                  "type",
                                  "optional/bignum",
                                  "optional/zeroTerminatedFloats"};

fs::path newest_draft()
{
    for (const char* draft : {"draft2020-12", "draft2019-09", "draft7"}) {
        fs::path tests = fs::path("/usr/share/json-schema-test-suite/tests") / draft;
        if (fs::is_directory(tests)) return tests;
    }
    return {};
}

// nullopt: not a text that our parser takes, such as a number beyond every double.
std::optional<Json> read(const fs::path& file)
{
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    Result<Json> parsed = parse_json(text.str());
    if (!parsed) return std::nullopt;
    return *std::move(parsed);
}

TEST(SchemaSuite, AgreesWhereTheDialectDoes)
{
    const fs::path draft = newest_draft();
    if (draft.empty()) GTEST_SKIP() << "the package json-schema-test-suite is not installed";
    std::size_t outside = 0;
    std::size_t held = 0;
    for (const char* name : kFiles) {
        const auto groups = read(draft / (std::string(name) + ".json"));
        if (!groups) continue;
        for (const Json& group : *groups) {
            const Json& schema = group.at("schema");
            if (!check_schema(schema)) {
                ++outside;
                continue;
            }
            for (const Json& test : group.at("tests")) {
                ++held;
                const bool fits = validate(schema, test.at("data")).empty();
                EXPECT_EQ(fits, test.at("valid").get<bool>())
                    << name << ": " << group.at("description") << ": " << test.at("description");
            }
        }
    }
    RecordProperty("held", static_cast<int>(held));
    RecordProperty("outside_the_dialect", static_cast<int>(outside));
    EXPECT_GT(held, 140U) << "fewer cases than the dialect covers; outside it: " << outside;
}

} // namespace
} // namespace reelgate
