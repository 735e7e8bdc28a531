#include "host/plugin/schema.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// clang-format off
constexpr const char* kSound[] = {
    R"({})",
    R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": "c", "title": "t", "description": "d"})",
    R"({"type": ["integer", "null"], "minimum": -1, "maximum": 1.5, "multipleOf": 0.5, "format": "int64"})",
    R"({"type": "string", "minLength": 0, "maxLength": 2.0, "enum": ["a", "b"], "default": "a"})",
    R"({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "default": ["x"]})",
    R"({"type": "object", "properties": {"a": {"const": null}}, "required": ["a", "b"], "additionalProperties": {"type": "number"}})",
    R"({"x-group": "g", "x-order": 1, "x-widget": "slider", "x-unit": "px", "x-advanced": true, "x-secret": false, "x-asset": true})",
    R"({"oneOf": [{"const": 1, "title": "one"}, {"const": "1"}], "default": 1})",
    R"({"type": "object", "oneOf": [
        {"properties": {"kind": {"const": "a"}, "size": {"type": "integer"}}, "required": ["kind"]},
        {"properties": {"kind": {"const": "b"}}, "required": ["kind"]}]})",
    R"({"type": "object", "properties": {"in": {"type": "object", "properties": {"n": {"default": 3}}, "required": ["n"], "default": {}}}})",
};
// clang-format on

TEST(Schemas, OfTheDialectAreTaken)
{
    for (const char* text : kSound) {
        const auto checked = check_schema(Json::parse(text));
        EXPECT_TRUE(checked) << text << ": " << checked.error().text;
    }
}

struct BadRow {
    const char* name;
    const char* schema;
    const char* says;
};

class BadSchemas : public testing::TestWithParam<BadRow> {};

TEST_P(BadSchemas, AreRefusedWithThePath)
{
    const auto checked = check_schema(Json::parse(GetParam().schema));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "bad_schema");
    EXPECT_THAT(checked.error().text, HasSubstr(GetParam().says));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Keywords, BadSchemas, testing::Values(
    BadRow{"Boolean", "true", "the schema: a schema must be an object"},
    BadRow{"Ref", R"({"$ref": "#"})", "/$ref: is not a keyword"},
    BadRow{"Pattern", R"({"properties": {"a": {"pattern": "(a+)+"}}})", "/properties/a/pattern: is not a keyword"},
    BadRow{"Typo", R"({"minlength": 1})", "/minlength"},
    BadRow{"AnyOf", R"({"anyOf": [{}]})", "/anyOf"},
    BadRow{"ExclusiveMinimum", R"({"exclusiveMinimum": 0})", "/exclusiveMinimum"},
    BadRow{"UnknownHint", R"({"x-colour": 1})", "/x-colour"},
    BadRow{"Widget", R"({"x-widget": "knob"})", "/x-widget: must be textarea"},
    BadRow{"Secret", R"({"x-secret": "yes"})", "/x-secret: must be true or false"},
    BadRow{"Type", R"({"type": "float"})", "/type"},
    BadRow{"TypeList", R"({"type": []})", "/type"},
    BadRow{"TypeNumber", R"({"type": 1})", "/type"},
    BadRow{"Properties", R"({"properties": []})", "/properties: must be an object"},
    BadRow{"Property", R"({"properties": {"a": 1}})", "/properties/a: a schema must be an object"},
    BadRow{"Required", R"({"required": "a"})", "/required"},
    BadRow{"RequiredNumber", R"({"required": [1]})", "/required"},
    BadRow{"RequiredTwice", R"({"required": ["a", "a"]})", "/required: names \"a\" twice"},
    BadRow{"Items", R"({"items": [{}]})", "/items: a schema must be an object"},
    BadRow{"Additional", R"({"additionalProperties": 1})", "/additionalProperties"},
    BadRow{"Count", R"({"minItems": -1})", "/minItems"},
    BadRow{"HalfCount", R"({"maxLength": 1.5})", "/maxLength"},
    BadRow{"Minimum", R"({"minimum": "0"})", "/minimum: must be a number"},
    BadRow{"MultipleOfZero", R"({"multipleOf": 0})", "/multipleOf: must be a number above 0"},
    BadRow{"EmptyEnum", R"({"enum": []})", "/enum"},
    BadRow{"Title", R"({"title": 1})", "/title: must be a string"},
    BadRow{"NothingFits", R"({"minimum": 2, "maximum": 1})", "/minimum: is 2, above maximum 1"},
    BadRow{"NoLengthFits", R"({"minLength": 2, "maxLength": 1})", "/minLength"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Branches, BadSchemas, testing::Values(
    BadRow{"None", R"({"oneOf": []})", "/oneOf"},
    BadRow{"NoConst", R"({"oneOf": [{"type": "string"}, {"type": "null"}]})", "/oneOf: the branches must differ"},
    BadRow{"SameConst", R"({"oneOf": [{"const": 1}, {"const": 1.0}]})", "/oneOf: the branches must differ"},
    BadRow{"OneWithout", R"({"oneOf": [{"const": 1}, {}]})", "/oneOf: the branches must differ"},
    BadRow{"Optional", R"({"type": "object", "oneOf": [{"properties": {"k": {"const": 1}}}, {"properties": {"k": {"const": 2}}}]})", "/oneOf: every branch must require \"k\""},
    BadRow{"NoObject", R"({"oneOf": [{"properties": {"k": {"const": 1}}, "required": ["k"]}, {"properties": {"k": {"const": 2}}, "required": ["k"]}]})", "type \"object\""},
    BadRow{"BadBranch", R"({"oneOf": [{"const": 1, "not": {}}, {"const": 2}]})", "/oneOf/0/not"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Defaults, BadSchemas, testing::Values(
    BadRow{"WrongType", R"({"type": "integer", "default": "5"})", "/default: does not fit"},
    BadRow{"OutOfRange", R"({"properties": {"a": {"maximum": 5, "default": 6}}})", "/properties/a/default"},
    BadRow{"InItems", R"({"items": {"enum": ["a"], "default": "b"}})", "/items/default"},
    BadRow{"InBranch", R"({"oneOf": [{"const": 1, "default": 2}]})", "/oneOf/0/default"},
    BadRow{"Member", R"({"properties": {"a": {"type": "string"}}, "default": {"a": 1}})", "/default/a"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(BadSchema, MayNotBeDeepOrWide)
{
    Json deep = Json::object();
    for (std::size_t i = 0; i <= kSchemaDepth; ++i)
        deep = Json{
            {"items", std::move(deep)}
        };
    EXPECT_THAT(check_schema(deep).error().text, HasSubstr("deeper than 16"));

    Json wide{
        {"properties", Json::object()}
    };
    for (std::size_t i = 0; i <= kSchemaNodes; ++i)
        wide["properties"][std::to_string(i)] = Json::object();
    EXPECT_THAT(check_schema(wide).error().text, HasSubstr("4096"));

    Json values{
        {"enum", Json::array()}
    };
    for (std::size_t i = 0; i <= kEnumValues; ++i)
        values["enum"].push_back(i);
    EXPECT_THAT(check_schema(values).error().text, HasSubstr("/enum"));

    Json name{
        {"properties", {{std::string(257, 'n'), Json::object()}}}
    };
    EXPECT_FALSE(check_schema(name));
}

TEST(BadSchema, SaysWhereItStands)
{
    EXPECT_THAT(check_schema(
                    Json{
                        {"not", 1}
    },
                    "/params_schema")
                    .error()
                    .text,
                HasSubstr("/params_schema/not: "));
}

struct ValueRow {
    const char* name;
    const char* schema;
    const char* value;
    const char* path; // of the one violation
    const char* code;
    const char* says;
};

class BadValues : public testing::TestWithParam<ValueRow> {};

TEST_P(BadValues, AreToldWithPathAndLimit)
{
    const ValueRow& row = GetParam();
    const Json schema = Json::parse(row.schema);
    ASSERT_TRUE(check_schema(schema)) << check_schema(schema).error().text;
    const auto violations = validate(schema, Json::parse(row.value));
    ASSERT_EQ(violations.size(), 1U);
    EXPECT_EQ(violations[0].path, row.path);
    EXPECT_EQ(violations[0].code, row.code);
    EXPECT_THAT(violations[0].sentence, HasSubstr(row.says));
}

constexpr const char* kKinds = R"({"type": "object", "oneOf": [
    {"properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind"]},
    {"properties": {"kind": {"const": "b"}}, "required": ["kind"], "additionalProperties": false}]})";

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachKeyword, BadValues, testing::Values(
    ValueRow{"Type", R"({"type": "integer"})", "1.5", "", "wrong_type", "the value: must be of type \"integer\", is of type number"},
    ValueRow{"BoolIsNoNumber", R"({"type": "number"})", "true", "", "wrong_type", "is of type boolean"},
    ValueRow{"Types", R"({"type": ["string", "null"]})", "1", "", "wrong_type", "is of type integer"},
    ValueRow{"Enum", R"({"enum": [1, "a"]})", "2", "", "not_allowed", "must be one of [1,\"a\"], is 2"},
    ValueRow{"FalseIsNotZero", R"({"enum": [0]})", "false", "", "not_allowed", "is false"},
    ValueRow{"Const", R"({"const": {"a": [1]}})", R"({"a": [1, 2]})", "", "not_allowed", "is an object"},
    ValueRow{"ConstBeyondDoubles", R"({"const": 9007199254740993})", "9007199254740992", "", "not_allowed", "9007199254740993"},
    ValueRow{"Minimum", R"({"properties": {"a": {"minimum": 5}}})", R"({"a": 4})", "/a", "out_of_range", "/a: must be at least 5, is 4"},
    ValueRow{"MaximumBeyondDoubles", R"({"maximum": 9007199254740992})", "9007199254740993", "", "out_of_range", "at most"},
    ValueRow{"MaximumOfInt64", R"({"maximum": 9223372036854775807})", "9223372036854775808", "", "out_of_range", "at most"},
    ValueRow{"MultipleOf", R"({"multipleOf": 16})", "17", "", "not_a_multiple", "multiple of 16"},
    ValueRow{"MinLength", R"({"minLength": 2})", R"("\ud83d\ude00")", "", "wrong_length", "at least 2 characters, has 1"},
    ValueRow{"MaxLength", R"({"maxLength": 2})", R"("\u00e9\u00e9\u00e9")", "", "wrong_length", "at most 2 characters, has 3"},
    ValueRow{"MinItems", R"({"minItems": 1})", "[]", "", "wrong_count", "at least 1 items, has 0"},
    ValueRow{"MaxItems", R"({"maxItems": 1})", "[1, 2]", "", "wrong_count", "at most 1 items, has 2"},
    ValueRow{"Items", R"({"items": {"type": "string"}})", R"(["a", 1])", "/1", "wrong_type", "/1: "},
    ValueRow{"Required", R"({"required": ["a"]})", "{}", "/a", "missing", "/a: must be given"},
    ValueRow{"UnknownMember", R"({"additionalProperties": false})", R"({"a/b": 1})", "/a~1b", "unknown_member", "is not known"},
    ValueRow{"OtherMember", R"({"properties": {"a": {}}, "additionalProperties": {"type": "null"}})", R"({"a": 1, "b": 2})", "/b", "wrong_type", "/b"},
    ValueRow{"Deep", R"({"properties": {"a": {"items": {"properties": {"b": {"maximum": 1}}}}}})", R"({"a": [{}, {"b": 2}]})", "/a/1/b", "out_of_range", "/a/1/b"},
    ValueRow{"NoBranch", kKinds, R"({"kind": "c"})", "/kind", "not_allowed", "must be one of [\"a\",\"b\"], is \"c\""},
    ValueRow{"NoKind", kKinds, R"({})", "", "not_allowed", "must have \"kind\""},
    ValueRow{"InsideTheBranch", kKinds, R"({"kind": "a", "n": "x"})", "/n", "wrong_type", "/n"},
    ValueRow{"OtherBranchsMember", kKinds, R"({"kind": "b", "n": 1})", "/n", "unknown_member", "/n"},
    ValueRow{"NoConstFits", R"({"oneOf": [{"const": 1}, {"const": 2}]})", "3", "", "not_allowed", "must be one of [1,2], is 3"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Values, ThatFitAreFree)
{
    for (const auto& [schema, value] : {
             std::pair{R"({"type": "integer"})", "1.0"                     },
             std::pair{R"({"type": "integer"})", "1e300"                   },
             std::pair{R"({"type": "integer"})", "18446744073709551616"    },
             std::pair{R"({"const": 1})",        "1.0"                     },
             std::pair{R"({"maxLength": 1})",    R"("\ud83d\ude00")"       },
             std::pair{R"({"minimum": 5})",      R"("text")"               },
             std::pair{kKinds,                   R"({"kind": "a", "n": 1})"},
             std::pair{kKinds,                   R"({"kind": "b"})"        }
    })
        EXPECT_THAT(validate(Json::parse(schema), Json::parse(value)), IsEmpty())
            << schema << value;
}

TEST(Values, OfSecretsAreNeverShown)
{
    const Json schema = Json::parse(
        R"({"properties": {"key": {"x-secret": true, "type": "string", "minLength": 40, "enum": ["k"]},
                           "keys": {"x-secret": true, "items": {"maximum": 1}}}})");
    const auto violations = validate(schema, Json::parse(R"({"key": "hunter2", "keys": [4711]})"));
    ASSERT_EQ(violations.size(), 3U);
    for (const Violation& violation : violations) {
        EXPECT_THAT(violation.sentence, testing::Not(HasSubstr("hunter2")));
        EXPECT_THAT(violation.sentence, testing::Not(HasSubstr("4711")));
    }
}

TEST(Values, MayNotTakeForEver)
{
    Json schema{
        {"items", {{"enum", Json::array()}}}
    };
    for (std::size_t i = 0; i < kEnumValues; ++i)
        schema["items"]["enum"].push_back(i);
    ASSERT_TRUE(check_schema(schema));
    const auto violations = validate(schema, Json(std::vector<int>(100'000, 1023)));
    ASSERT_EQ(violations.size(), 1U);
    EXPECT_EQ(violations[0].code, "too_large");

    // A long name above many members: its path would be copied for each of them.
    const Json named{
        {"additionalProperties", {{"items", {{"type", "integer"}}}}}
    };
    Json value;
    value[std::string(500'000, 'n')] = std::vector<int>(100'000, 1);
    EXPECT_EQ(validate(named, value).at(0).code, "too_large");
}

TEST(Values, ShowTheFirstViolationsOnly)
{
    const Json schema{
        {"items", {{"type", "string"}}}
    };
    EXPECT_EQ(validate(schema, Json(std::vector<int>(1000, 1))).size(), kMostViolations);
}

TEST(Defaults, FillWhatIsAbsent)
{
    const Json schema = Json::parse(R"({"properties": {
        "a": {"default": 1}, "b": {"default": 2}, "c": {},
        "in": {"properties": {"n": {"default": 3}}, "default": {}},
        "absent": {"properties": {"n": {"default": 4}}},
        "list": {"items": {"properties": {"n": {"default": 5}}}}},
        "additionalProperties": {"properties": {"n": {"default": 6}}}})");
    ASSERT_TRUE(check_schema(schema));
    const Json value = Json::parse(R"({"b": null, "list": [{}, {"n": 0}], "other": {}})");
    EXPECT_EQ(with_defaults(schema, value), Json::parse(R"({
        "a": 1, "b": null, "in": {"n": 3}, "list": [{"n": 5}, {"n": 0}], "other": {"n": 6}})"));
    EXPECT_EQ(with_defaults(schema, 7), Json(7));
    EXPECT_EQ(with_defaults(
                  Json{
                      {"default", 5}
    },
                  nullptr),
              Json(5));
}

TEST(Defaults, OfABranchAreThoseOfItsConst)
{
    const Json schema = Json::parse(R"({"type": "object", "oneOf": [
        {"properties": {"kind": {"const": "a"}, "n": {"default": 1}}, "required": ["kind"]},
        {"properties": {"kind": {"const": "b"}, "n": {"default": 2}}, "required": ["kind"]}],
        "properties": {"kind": {"default": "b"}}})");
    ASSERT_TRUE(check_schema(schema));
    EXPECT_EQ(with_defaults(schema, Json::object()),
              (Json{
                  {"kind", "b"},
                  {"n",    2  }
    }));
    EXPECT_EQ(with_defaults(schema,
                            Json{
                                {"kind", "a"}
    }),
              (Json{{"kind", "a"}, {"n", 1}}));
    EXPECT_EQ(with_defaults(schema,
                            Json{
                                {"kind", "c"}
    }),
              (Json{{"kind", "c"}}));
}

TEST(Defaults, DoNotGrowWithoutEnd)
{
    const std::string large(10'000, 'x');
    const Json schema{
        {"items", {{"properties", {{"a", {{"default", large}}}}}}}
    };
    ASSERT_TRUE(check_schema(schema));
    const Json value(std::vector<Json>(100'000, Json::object()));
    const Fitted fit = fitted(schema, value);
    EXPECT_TRUE(fit.value.front().contains("a"));
    EXPECT_FALSE(fit.value.back().contains("a"));
    ASSERT_EQ(fit.violations.size(), 1U);
    EXPECT_EQ(fit.violations[0].code, "too_large");
}

} // namespace
} // namespace reelgate
