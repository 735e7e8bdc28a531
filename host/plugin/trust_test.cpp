#include "host/plugin/trust.hpp"

#include "host/base/file.hpp"
#include "host/plugin/ownership.hpp"
#include "host/plugin/signature.hpp"
#include "host/plugin/sums.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kHash(64, 'a');
const std::string kOther(64, 'b');

// A stranger's plugin in order, with sums; each row changes one thing.
TrustFacts stranger()
{
    TrustFacts facts;
    facts.id = "p";
    facts.version = "1.0";
    facts.sha256 = kHash;
    facts.has_sums = true;
    facts.unsigned_why = invalid("p/SHA256SUMS.sig is not there", "not_signed");
    return facts;
}

void came_with_us(TrustFacts& f) { f.origin = Origin::bundled; }
void is_pinned(TrustFacts& f) { f.pin = Pin{"p", "1.0", kHash, "2026-01-02T03:04:05Z", "ada"}; }
void has_changed(TrustFacts& f) { f.pin = Pin{"p", "0.9", kOther, "2026-01-02T03:04:05Z", "ada"}; }
void is_signed(TrustFacts& f) { f.signer = "release"; }
void forged(TrustFacts& f) { f.unsigned_why = invalid("fits none", "signature_bad"); }
void unchanged(TrustFacts&) {}
void signed_without_sums(TrustFacts& f)
{
    f.signer = "release";
    f.has_sums = false;
    f.unsigned_why.reset();
}
void unsafe(TrustFacts& f) { f.unsafe = invalid("everyone", "unsafe_writable"); }
void damaged(TrustFacts& f) { f.damaged = invalid("changed a", "sums_changed"); }
void bundled_and_unsafe(TrustFacts& f) { came_with_us(f), unsafe(f); }
void bundled_and_damaged(TrustFacts& f) { came_with_us(f), damaged(f); }
void pinned_and_damaged(TrustFacts& f) { is_pinned(f), damaged(f); }
void everything_wrong(TrustFacts& f) { unsafe(f), damaged(f), has_changed(f); }

struct Row {
    const char* name;
    void (*change)(TrustFacts&);
    // The codes under bundled, signed, pinned and any; empty: it may run.
    std::array<const char*, 4> codes;
};
class MayRun : public testing::TestWithParam<Row> {};

TEST_P(MayRun, UnderEachPolicy)
{
    TrustFacts facts = stranger();
    GetParam().change(facts);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto policy = static_cast<TrustPolicy>(i);
        const auto answer = may_run(policy, facts);
        EXPECT_EQ(answer ? "" : answer.error().code, GetParam().codes[i]) << to_string(policy);
        if (!answer) {
            EXPECT_EQ(answer.error().category, Category::worker_unavailable);
        }
    }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Each,
    MayRun,
    testing::Values(
        //                                          bundled            signed             pinned                   any
        Row{"Stranger",          unchanged,           {"not_bundled",     "not_signed",      "not_trusted",           ""}},
        Row{"Bundled",           came_with_us,        {"",                "",                "",                      ""}},
        Row{"Pinned",            is_pinned,           {"not_bundled",     "not_signed",      "",                      ""}},
        Row{"Changed",           has_changed,         {"not_bundled",     "not_signed",      "changed_since_trusted", ""}},
        Row{"Signed",            is_signed,           {"not_bundled",     "",                "not_trusted",           ""}},
        Row{"Forged",            forged,              {"not_bundled",     "signature_bad",   "not_trusted",           ""}},
        Row{"SignedWithoutSums", signed_without_sums, {"not_bundled",     "not_signed",      "not_trusted",           ""}},
        Row{"Unsafe",            unsafe,              {"unsafe_writable", "unsafe_writable", "unsafe_writable",       ""}},
        Row{"Damaged",           damaged,             {"sums_changed",    "sums_changed",    "sums_changed",          ""}},
        Row{"BundledAndUnsafe",  bundled_and_unsafe,  {"unsafe_writable", "unsafe_writable", "unsafe_writable",       ""}},
        Row{"BundledAndDamaged", bundled_and_damaged, {"sums_changed",    "sums_changed",    "sums_changed",          ""}},
        Row{"PinnedAndDamaged",  pinned_and_damaged,  {"sums_changed",    "sums_changed",    "sums_changed",          ""}},
        Row{"EverythingWrong",   everything_wrong,    {"unsafe_writable", "unsafe_writable", "unsafe_writable",       ""}}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(TrustPolicy, HasANameForEach)
{
    for (const char* name : {"bundled", "signed", "pinned", "any"})
        EXPECT_EQ(to_string(trust_policy_from(name).value()), name);
    EXPECT_FALSE(trust_policy_from("none"));
}

TEST(MayRunSays, BothHashesWhenAPluginHasChanged)
{
    TrustFacts facts = stranger();
    has_changed(facts);
    const std::string said = may_run(TrustPolicy::pinned, facts).error().sentence();
    for (const std::string& part : {kHash, kOther, std::string("ada"), std::string("p 1.0")})
        EXPECT_THAT(said, HasSubstr(part));
    EXPECT_THAT(said, HasSubstr("changed since trusted"));
}

struct OwnedRow {
    const char* name;
    FileOwner file;
    const char* code;
};
class Ownership : public testing::TestWithParam<OwnedRow> {};

TEST_P(Ownership, KeepsOthersOut)
{
    const Owners owners{
        {0, 1000},
        {0, 1000}
    };
    const auto safe = is_owned_safely(GetParam().file, owners);
    EXPECT_EQ(safe ? "" : safe.error().code, GetParam().code);
}

constexpr auto kAbove = FileOwner::Place::above;
constexpr auto kInside = FileOwner::Place::inside;
INSTANTIATE_TEST_SUITE_P(
    Each,
    Ownership,
    testing::Values(
        OwnedRow{
            "Root", {"/p", 0, 0, 0755, kInside},
             ""
},
        OwnedRow{"Ours", {"/p", 1000, 1000, 0700, kInside}, ""},
        OwnedRow{"Stranger", {"/p", 1001, 1000, 0700, kInside}, "unsafe_owner"},
        OwnedRow{"StrangerAbove", {"/p", 1001, 0, 0755, kAbove}, "unsafe_owner"},
        OwnedRow{"StrangersStickyAbove", {"/p", 1001, 0, 01777, kAbove}, "unsafe_owner"},
        OwnedRow{"OurGroupWrites", {"/p", 1000, 1000, 0775, kInside}, ""},
        OwnedRow{"AGroupWrites", {"/p", 1000, 50, 0775, kInside}, "unsafe_writable"},
        OwnedRow{"AGroupReads", {"/p", 1000, 50, 0755, kInside}, ""},
        OwnedRow{"EveryoneWrites", {"/p", 0, 0, 0757, kInside}, "unsafe_writable"},
        OwnedRow{"EveryoneWritesAbove", {"/p", 0, 0, 0777, kAbove}, "unsafe_writable"},
        OwnedRow{"StickyAbove", {"/tmp", 0, 0, 01777, kAbove}, ""},
        OwnedRow{"StickyInside", {"/p", 0, 0, 01777, kInside}, "unsafe_writable"}),
    [](const auto& row) { return row.param.name; });

TEST(Pins, AreAddedReplacedAndRemovedAndEachIsOnRecord)
{
    const ScratchDir scratch;
    const WallTime now{std::chrono::seconds(1767323045)};
    EXPECT_TRUE(read_pins(scratch.path())->empty());
    ASSERT_TRUE(add_pin(scratch.path(),
                        {.id = "p", .version = "1", .sha256 = kHash, .trusted_at = {}, .by = {}},
                        now));
    ASSERT_TRUE(add_pin(scratch.path(),
                        {.id = "q", .version = "1", .sha256 = kHash, .trusted_at = {}, .by = {}},
                        now));
    ASSERT_TRUE(add_pin(scratch.path(),
                        {.id = "p", .version = "2", .sha256 = kOther, .trusted_at = {}, .by = {}},
                        now));

    const auto pins = read_pins(scratch.path());
    ASSERT_EQ(pins->size(), 2U);
    const Pin pin = find_pin(*pins, "p").value();
    EXPECT_EQ(pin.version, "2");
    EXPECT_EQ(pin.sha256, kOther);
    EXPECT_EQ(pin.trusted_at, "2026-01-02T03:04:05Z");
    EXPECT_EQ(pin.by, this_user());

    ASSERT_TRUE(remove_pin(scratch.path(), "p", now));
    EXPECT_EQ(remove_pin(scratch.path(), "p", now).error().code, "not_pinned");
    EXPECT_FALSE(find_pin(*read_pins(scratch.path()), "p"));

    const std::string log = *read_file(scratch / "audit.log", 10'000);
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4);
    EXPECT_THAT(log, HasSubstr(R"("what":"plugin.distrusted")"));
    EXPECT_THAT(log, HasSubstr(R"("who":)"));
    EXPECT_EQ(fs::status(scratch / "plugins/trusted.json").permissions(), fs::perms(0600));
}

TEST(Pins, AFileThatIsNotUnderstoodIsKeptAndIsAnError)
{
    const ScratchDir scratch;
    for (const char* text : {"", "[]", R"({"pins": [1]})", R"({"pins": [{"id": "p"}]})"}) {
        ASSERT_TRUE(replace_file(scratch / "plugins/trusted.json", text));
        EXPECT_EQ(read_pins(scratch.path()).error().code, "pins_unreadable") << text;
        EXPECT_FALSE(add_pin(scratch.path(), {}, {}));
        EXPECT_EQ(*read_file(scratch / "plugins/trusted.json", 100), text);
    }
}

// Made with `openssl genpkey -algorithm ed25519` and `openssl pkeyutl -sign -rawin`.
const std::string kKey = "-----BEGIN PUBLIC KEY-----\n"
                         "MCowBQYDK2VwAyEAKp0n2H1xKwb4pU7bz8wdEqWpgtSUg319oXKq25wEOqo=\n"
                         "-----END PUBLIC KEY-----\n";
const std::string kOtherKey = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEA/Lq1eVZzTLz21LZ1l2PvabOUqSWfMqC3Pu8MY1J9QwM=\n"
                              "-----END PUBLIC KEY-----\n";
constexpr std::string_view kMessage = "the sums of a plugin";
const std::string kSignature = [] {
    constexpr std::string_view hex =
        "46b99ce1123535569c15ae4ad44851246ff8be53c19232bc734a3f1240c0cf63"
        "5a7a225c40d9d2927b4a0af560728e08ab8a7d8213f08c51f4a6fd6353a68501";
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return bytes;
}();

class Signature : public testing::Test {
protected:
    Result<std::string> signer(std::string_view message = kMessage)
    {
        return signer_of(message, scratch_ / "S.sig", scratch_ / "keys");
    }
    void put(const std::string& name, const std::string& text)
    {
        ASSERT_TRUE(replace_file(scratch_ / name, text));
    }

    ScratchDir scratch_;
};

TEST_F(Signature, NamesTheKeyThatFits)
{
    put("keys/a-other.pem", kOtherKey);
    put("keys/release.pem", kKey);
    put("keys/README.md", "not a key");
    EXPECT_EQ(signer().error().code, "not_signed");
    put("S.sig", kSignature);
    ASSERT_TRUE(signer()) << signer().error().sentence();
    EXPECT_EQ(*signer(), "release");
}

TEST_F(Signature, IsBadWhenAnythingDiffers)
{
    put("S.sig", kSignature);
    EXPECT_EQ(signer().error().code, "no_trusted_keys");
    put("keys/release.pem", kKey);
    EXPECT_EQ(signer("the sums of another").error().code, "signature_bad");
    put("S.sig", kSignature.substr(1));
    EXPECT_EQ(signer().error().code, "signature_bad");
    put("S.sig", kSignature + "x");
    EXPECT_EQ(signer().error().code, "signature_bad");
    put("S.sig", kSignature);
    put("keys/release.pem", kOtherKey);
    EXPECT_EQ(signer().error().code, "signature_bad");
    put("keys/release.pem", "nonsense");
    EXPECT_EQ(signer().error().code, "bad_key");
}

TEST_F(Signature, CountsForNothingWhenOthersCouldAddKeys)
{
    put("S.sig", kSignature);
    put("keys/release.pem", kKey);
    fs::permissions(scratch_ / "keys", fs::perms(0777));
    EXPECT_EQ(signer().error().code, "unsafe_writable");
}

// A plugin on disk, from the first look to a change after it was trusted.
class TrustOnDisk : public testing::Test {
protected:
    TrustOnDisk()
    {
        put("plugin.json",
            R"({"schema": 1, "id": "p", "version": "1", "runtime": "exec", "command": ["main"]})");
        put("main", "#!/bin/sh\n");
    }
    void put(const std::string& name, const std::string& text)
    {
        EXPECT_TRUE(replace_file(scratch_ / "p" / name, text));
    }
    TrustPlaces places() { return {scratch_ / "data", scratch_ / "keys", scratch_.path()}; }
    Manifest manifest() { return *read_manifest(scratch_ / "p"); }
    std::string code(TrustPolicy policy = TrustPolicy::pinned)
    {
        const auto answer = check_trust(policy, manifest(), Origin::user, places());
        return answer ? "" : answer.error().code;
    }
    void trust()
    {
        const auto facts = *gather_trust(manifest(), Origin::user, places());
        const Pin pin{facts.id, facts.version, facts.sha256, {}, {}};
        ASSERT_TRUE(add_pin(scratch_ / "data", pin, {}));
    }

    ScratchDir scratch_;
};

TEST_F(TrustOnDisk, APinHoldsUntilAFileChanges)
{
    EXPECT_EQ(code(), "not_trusted");
    trust();
    EXPECT_EQ(code(), "");
    put("main", "#!/bin/sh\nevil\n");
    EXPECT_EQ(code(), "changed_since_trusted");
    EXPECT_EQ(code(TrustPolicy::any), "");
    put("main", "#!/bin/sh\n");
    EXPECT_EQ(code(), "");
    put("extra.py", "");
    EXPECT_EQ(code(), "changed_since_trusted");
}

TEST_F(TrustOnDisk, SumsMustHoldWhereTheyAreGiven)
{
    trust();
    put("SHA256SUMS", std::string(64, 'a') + "  main\n");
    EXPECT_EQ(code(), "sums_changed");
    put("SHA256SUMS", "nonsense");
    EXPECT_EQ(code(), "sums_malformed");
}

TEST_F(TrustOnDisk, PromisedSumsMustBeThere)
{
    put("plugin.json",
        R"({"schema": 1, "id": "p", "version": "1", "runtime": "exec", "command": ["main"],
            "files": "SUMS"})");
    trust();
    EXPECT_EQ(code(), "sums_absent");
    HashCache none;
    std::string sums;
    const FileSums found = *sum_directory(scratch_ / "p", none);
    for (const FileSum& sum : found)
        sums += sum.sha256 + "  " + sum.path + "\n";
    put("SUMS", sums);
    put("SUMS.sig", "anything");
    trust();
    EXPECT_EQ(code(), "");
    EXPECT_EQ(code(TrustPolicy::signed_only), "signature_bad");
    put("SUMS.sig", "something else"); // is part of what was trusted, too
    EXPECT_EQ(code(), "changed_since_trusted");
}

TEST_F(TrustOnDisk, ADirectoryThatOthersMayWriteIsNotTrusted)
{
    trust();
    fs::permissions(scratch_ / "p", fs::perms(0777));
    EXPECT_EQ(code(), "unsafe_writable");
    EXPECT_EQ(code(TrustPolicy::any), "");
}

TEST_F(TrustOnDisk, UnreadablePinsAreNoPins)
{
    trust();
    ASSERT_TRUE(replace_file(scratch_ / "data/plugins/trusted.json", "{"));
    EXPECT_EQ(code(), "pins_unreadable");
}

} // namespace
} // namespace reelgate
