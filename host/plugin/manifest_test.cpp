#include "host/plugin/manifest.hpp"

#include "host/plugin/machine.hpp"
#include "tests/fakes/scratch_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

#include <sys/stat.h>

namespace reelgate {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// A manifest with everything; each row below spoils one thing.
Json good()
{
    return Json{
        {"schema",          1                                    },
        {"id",              "org.example.bars"                   },
        {"version",         "1.2.0"                              },
        {"name",            "Colour bars"                        },
        {"license",         "MIT"                                },
        {"runtime",         "native"                             },
        {"entry",           "plugin.so"                          },
        {"abi",             {{"major", 1}, {"min_host_minor", 0}}},
        {"machine",         kThisMachine.manifest                },
        {"transport",       "fd"                                 },
        {"start_timeout_s", 40                                   },
        {"egress",          "local"                              },
        {"gpu",             "optional"                           },
        {"environment",     {"CUDA_VISIBLE_DEVICES", "HOME"}     },
        {"files",           "SHA256SUMS"                         }
    };
}

Json good_program()
{
    Json manifest = good();
    manifest["runtime"] = "exec";
    manifest["command"] = {"./main.py", "--fast"};
    for (const char* member : {"entry", "abi", "machine"})
        manifest.erase(member);
    return manifest;
}

Result<Manifest> parse(const Json& manifest) { return parse_manifest(manifest.dump(), "/p/x"); }

TEST(Manifest, IsReadWhole)
{
    const Result<Manifest> read = parse(good());
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->id, "org.example.bars");
    EXPECT_EQ(read->version, "1.2.0");
    EXPECT_EQ(read->name, "Colour bars");
    EXPECT_EQ(read->license, "MIT");
    EXPECT_EQ(read->runtime, Manifest::Runtime::native);
    EXPECT_EQ(read->program(), "/p/x/plugin.so");
    EXPECT_EQ(read->abi_major, 1U);
    EXPECT_EQ(read->machine, kThisMachine.manifest);
    EXPECT_EQ(read->start_timeout, std::chrono::seconds(40));
    EXPECT_EQ(read->egress, Manifest::Egress::local);
    EXPECT_EQ(read->gpu, "optional");
    EXPECT_THAT(read->environment, testing::ElementsAre("CUDA_VISIBLE_DEVICES", "HOME"));
    EXPECT_EQ(read->files, "SHA256SUMS");
    EXPECT_TRUE(read->warnings.empty());
}

TEST(Manifest, LeavesOutWhatHasADefault)
{
    Json manifest = good();
    for (const char* member : {"name",
                               "license",
                               "transport",
                               "start_timeout_s",
                               "egress",
                               "gpu",
                               "environment",
                               "files"})
        manifest.erase(member);
    const Result<Manifest> read = parse(manifest);
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->name, "org.example.bars");
    EXPECT_EQ(read->transport, Manifest::Transport::fd);
    EXPECT_EQ(read->start_timeout, std::chrono::seconds(30));
    EXPECT_EQ(read->egress, Manifest::Egress::none);
    EXPECT_EQ(read->gpu, "none");
    EXPECT_EQ(read->files, "");
}

TEST(Manifest, OfAProgramNeedsNoAbiAndNoMachine)
{
    const Result<Manifest> read = parse(good_program());
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->program(), "/p/x/main.py");
    EXPECT_THAT(read->command, testing::ElementsAre("./main.py", "--fast"));
    EXPECT_TRUE(fits_this_host(*read));
}

TEST(Manifest, IgnoresUnknownMembersAndSaysSo)
{
    Json manifest = good();
    manifest["colour"] = {
        {"deep", {1, 2}}
    };
    const Result<Manifest> read = parse(manifest);
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_THAT(read->warnings, testing::ElementsAre(HasSubstr("\"colour\"")));
}

struct Row {
    const char* name;
    const char* member; // at the top, or "abi.major"
    Json value;         // discarded: the member is left out
    const char* code;
};

class ManifestIsRefused : public testing::TestWithParam<Row> {};

TEST_P(ManifestIsRefused, WithItsCodeItsFileAndItsMember)
{
    const Row& row = GetParam();
    Json manifest = std::string_view(row.member) == "command" ? good_program() : good();
    const std::string path = "/" + std::string(row.member);
    const Json::json_pointer at(std::string_view(row.member) == "abi.major" ? "/abi/major" : path);
    if (row.value.is_discarded())
        manifest[at.parent_pointer()].erase(at.back());
    else
        manifest[at] = row.value;

    const Result<Manifest> read = parse(manifest);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, row.code);
    EXPECT_EQ(read.error().category, Category::invalid_params);
    EXPECT_THAT(read.error().text, HasSubstr("/p/x/plugin.json"));
    EXPECT_THAT(read.error().text,
                testing::AnyOf(HasSubstr("\"" + std::string(row.member) + "\""),
                               HasSubstr("manifest schema 2")));
}

const Json kGone(Json::value_t::discarded);

INSTANTIATE_TEST_SUITE_P(
    Each,
    ManifestIsRefused,
    testing::Values(
        Row{"NoSchema", "schema", kGone, "manifest_schema"},
        Row{"SchemaOfTheFuture", "schema", 2, "manifest_schema_too_new"},
        Row{"SchemaZero", "schema", 0, "manifest_schema"},
        Row{"SchemaText", "schema", "1", "manifest_schema"},
        Row{"SchemaHuge", "schema", 18446744073709551615ULL, "manifest_schema"},
        Row{"NoId", "id", kGone, "manifest_id"},
        Row{"IdNumber", "id", 7, "manifest_id"},
        Row{"IdEmpty", "id", "", "manifest_id"},
        Row{"IdCapital", "id", "Bars", "manifest_id"},
        Row{"IdParent", "id", "..", "manifest_id"},
        Row{"IdHidden", "id", ".bars", "manifest_id"},
        Row{"IdSlash", "id", "a/b", "manifest_id"},
        Row{"IdOption", "id", "-rf", "manifest_id"},
        Row{"IdLong", "id", std::string(101, 'a'), "manifest_id"},
        Row{"NoVersion", "version", kGone, "manifest_version"},
        Row{"VersionSpace", "version", "1 0", "manifest_version"},
        Row{"NameWithNewline", "name", "a\nb", "manifest_name"},
        Row{"NameLong", "name", std::string(201, 'n'), "manifest_name"},
        Row{"LicenseList", "license", Json::array({"MIT"}), "manifest_license"},
        Row{"RuntimeUnknown", "runtime", "wasm", "manifest_runtime"},
        Row{"RuntimeNumber", "runtime", 1, "manifest_runtime"},
        Row{"NoEntry", "entry", kGone, "manifest_entry"},
        Row{"EntryAbsolute", "entry", "/lib/x.so", "manifest_entry"},
        Row{"EntryParent", "entry", "lib/../../x.so", "manifest_entry"},
        Row{"EntryHere", "entry", "./.", "manifest_entry"},
        Row{"EntryZeroByte", "entry", std::string("a\0b", 3), "manifest_entry"},
        Row{"NoMachine", "machine", kGone, "manifest_machine"},
        Row{"NoAbi", "abi", kGone, "manifest_abi"},
        Row{"AbiNumber", "abi", 1, "manifest_abi"},
        Row{"NoMajor", "abi.major", kGone, "manifest_abi"},
        Row{"MajorFraction", "abi.major", 1.5, "manifest_abi"},
        Row{"MajorNegative", "abi.major", -1, "manifest_abi"},
        Row{"StdioForALibrary", "transport", "stdio", "manifest_transport"},
        Row{"TransportUnknown", "transport", "tcp", "manifest_transport"},
        Row{"NoTimeToStart", "start_timeout_s", 0, "manifest_start_timeout_s"},
        Row{"TooLongToStart", "start_timeout_s", 301, "manifest_start_timeout_s"},
        Row{"EgressUnknown", "egress", "moon", "manifest_egress"},
        Row{"GpuBool", "gpu", true, "manifest_gpu"},
        Row{"EnvironmentText", "environment", "HOME", "manifest_environment"},
        Row{"EnvironmentLoader",
            "environment",
            Json::array({"LD_PRELOAD"}),
            "manifest_environment"},
        Row{"EnvironmentOurs", "environment", Json::array({"REELGATE_FD"}), "manifest_environment"},
        Row{"EnvironmentAssigns", "environment", Json::array({"A=1"}), "manifest_environment"},
        Row{"FilesElsewhere", "files", "../SHA256SUMS", "manifest_files"},
        Row{"FilesBelow", "files", "a/SHA256SUMS", "manifest_files"},
        Row{"FilesAreTheProgram", "files", "plugin.so", "manifest_files"},
        Row{"NoCommand", "command", kGone, "manifest_command"},
        Row{"CommandText", "command", "main.py", "manifest_command"},
        Row{"CommandEmpty", "command", Json::array(), "manifest_command"},
        Row{"CommandElsewhere", "command", Json::array({"/bin/sh"}), "manifest_command"},
        Row{"CommandParent", "command", Json::array({"../main.py"}), "manifest_command"},
        Row{"CommandMany", "command", Json(65, "a"), "manifest_command"}),
    [](const auto& row) { return row.param.name; });

struct TextRow {
    const char* name;
    std::string text;
    const char* code;
    const char* says;
};

class ManifestTextIsRefused : public testing::TestWithParam<TextRow> {};

TEST_P(ManifestTextIsRefused, WithItsCodeAndPlace)
{
    const Result<Manifest> read = parse_manifest(GetParam().text, "/p/x");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, GetParam().code);
    EXPECT_THAT(read.error().text, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    ManifestTextIsRefused,
    testing::Values(
        TextRow{"Empty", "", "manifest_not_json", "/p/x/plugin.json:1:"},
        TextRow{"LineIsNamed", "{\n \"schema\": 1,\n \"id\" }", "manifest_not_json", "json:3:7"},
        TextRow{"BadUtf8", "{\"id\": \"\xFF\"}", "manifest_not_json", "is not JSON"},
        TextRow{"HugeNumber", "{\"schema\": 1e999}", "manifest_not_json", "is not JSON"},
        TextRow{"List", "[]", "manifest_not_object", "is not an object"},
        TextRow{"Deep", std::string(9, '['), "manifest_too_deep", "deeper than 8"},
        TextRow{"VeryDeep", std::string(60000, '['), "manifest_too_deep", "deeper than 8"},
        TextRow{"Long", std::string(kManifestLimit + 1, ' '), "manifest_too_large", "65536"},
        TextRow{
            "Twice", "{\"id\": \"a\", \"id\": \"b\"}", "manifest_duplicate", "\"id\" is given"}),
    [](const auto& row) { return row.param.name; });

TEST(Manifest, BracketsInTextsAreNotDepth)
{
    Json manifest = good();
    manifest["name"] = "\"[[[[[[[[[[{{{{{{{";
    EXPECT_TRUE(parse(manifest));
}

struct FitRow {
    const char* name;
    void (*spoil)(Manifest&);
    const char* code;
    std::vector<const char*> says;
};

class ManifestMustFit : public testing::TestWithParam<FitRow> {};

TEST_P(ManifestMustFit, OrNamesBothSidesAndWhatToUpdate)
{
    Manifest manifest = *parse(good());
    ASSERT_TRUE(fits_this_host(manifest));
    GetParam().spoil(manifest);
    const Result<Done> fits = fits_this_host(manifest);
    ASSERT_FALSE(fits);
    EXPECT_EQ(fits.error().code, GetParam().code);
    for (const char* part : GetParam().says)
        EXPECT_THAT(fits.error().sentence(), HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(Each,
                         ManifestMustFit,
                         testing::Values(
                             FitRow{
                                 "OtherMachine",
                                 [](Manifest& m) { m.machine = "s390x";                           },
                                 "wrong_machine",
                                 { "org.example.bars 1.2.0 is for s390x, this is ",
                                                  "install the plugin's build"}
},
                             FitRow{"UnheardOfMachine",
                                    [](Manifest& m) { m.machine = "vax"; },
                                    "wrong_machine",
                                    {"is for vax"}},
                             FitRow{"NewerMajor",
                                    [](Manifest& m) { m.abi_major = 2; },
                                    "abi_too_new",
                                    {"plugin ABI 2, this host has 1", "update Reelgate"}},
                             FitRow{"OlderMajor",
                                    [](Manifest& m) { m.abi_major = 0; },
                                    "abi_too_old",
                                    {"plugin ABI 0, this host has 1", "update the plugin"}},
                             FitRow{"NewerMinor",
                                    [](Manifest& m) { m.abi_min_host_minor = 99; },
                                    "host_too_old",
                                    {"needs host ABI 1.99, this is 1.", "update Reelgate"}}),
                         [](const auto& row) { return row.param.name; });

TEST(ManifestFile, IsReadFromItsDirectory)
{
    const ScratchDir scratch;
    EXPECT_EQ(read_manifest(scratch.path()).error().code, "manifest_missing");
    std::ofstream(scratch / "plugin.json") << good().dump();
    EXPECT_TRUE(read_manifest(scratch.path()));
    std::ofstream(scratch / "plugin.json") << std::string(kManifestLimit + 1, ' ');
    EXPECT_EQ(read_manifest(scratch.path()).error().code, "manifest_too_large");
}

TEST(ManifestFile, MustBeAPlainFile)
{
    const ScratchDir scratch;
    std::filesystem::create_directory(scratch / "plugin.json");
    EXPECT_EQ(read_manifest(scratch.path()).error().code, "manifest_unreadable");
    std::filesystem::remove(scratch / "plugin.json");
    ASSERT_EQ(::mkfifo((scratch / "plugin.json").c_str(), 0600),
              0); // would block a careless reader
    EXPECT_EQ(read_manifest(scratch.path()).error().code, "manifest_unreadable");
}

TEST(ManifestFile, LiesInADirectoryOfItsName)
{
    Manifest manifest = *parse(good());
    manifest.directory = "/p/org.example.bars/";
    EXPECT_TRUE(directory_is_id(manifest));
    manifest.directory = "/p/bars";
    EXPECT_EQ(directory_is_id(manifest).error().code, "manifest_id_not_directory");
}

} // namespace
} // namespace reelgate
