#include "host/plugin/elf.hpp"

#include "host/plugin/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <elf.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace reelgate {
namespace {

using testing::HasSubstr;

const std::string kFixtures = REELGATE_BINARY_DIR "/tests/elf/";

std::string contents(const std::string& name)
{
    std::ifstream in(kFixtures + name + ".so", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Result<ElfFacts> parse(const std::string& bytes)
{
    return parse_elf(std::as_bytes(std::span(bytes)), "x/plugin.so");
}

// The code with which the bytes are refused, first by the reader, then by the judgement.
std::string code_of(const std::string& bytes)
{
    const Result<ElfFacts> facts = parse(bytes);
    if (!facts) return facts.error().code;
    const Result<Done> fits = fits_this_host(*facts, "x/plugin.so");
    return fits ? "fits" : fits.error().code;
}

std::string sentence_of(const std::string& bytes)
{
    const Result<ElfFacts> facts = parse(bytes);
    const Result<Done> fits =
        facts ? fits_this_host(*facts, "x/plugin.so") : Result<Done>(facts.error());
    return fits ? "fits" : fits.error().sentence();
}

std::string with_byte(std::string bytes, std::size_t at, int value)
{
    bytes[at] = static_cast<char>(value);
    return bytes;
}

constexpr std::size_t kType = offsetof(Elf64_Ehdr, e_type);
constexpr std::size_t kMachine = offsetof(Elf64_Ehdr, e_machine);
constexpr int kOtherMachine = kThisMachine.elf == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;

struct Row {
    const char* name;
    std::string bytes;
    const char* code;
    std::vector<std::string> says; // each of these, so that both sides are named
};

class ElfIsJudged : public testing::TestWithParam<Row> {};

TEST_P(ElfIsJudged, WithItsOwnCodeAndBothSides)
{
    EXPECT_EQ(code_of(GetParam().bytes), GetParam().code);
    for (const std::string& part : GetParam().says)
        EXPECT_THAT(sentence_of(GetParam().bytes), HasSubstr(part));
}

std::vector<Row> rows()
{
    const std::string good = contents("elf_v1");
    const std::string half = good.substr(0, good.size() / 2);
    const std::string here(kThisMachine.spoken);
    return {
        {"Good",                  good,                                                                        "fits",             {}                               },
        {"Empty",                 "",                                                                          "plugin_truncated", {"ends after 0 bytes"}           },
        {"PartOfTheMagic",
         "\x7F"
         "EL",                                                                                                 "plugin_truncated",
         {"ends after 3 bytes"}                                                                                                                                     },
        {"HeaderOnly",            good.substr(0,                                                               40),                "plugin_truncated",                {"ends after 40 bytes"}},
        {"Half",                       half,                                                                                             "plugin_truncated",                                                                                     {"ends after", "copy or build it again"}       },
        {"LastByteGone",                       good.substr(0,                                                                                     good.size() - 1),                                                                    "plugin_truncated",{"x/plugin.so"}},
        {"Text",        "#!/bin/sh\nexit 0\n",                                                                                   "not_a_plugin",                                                                                                {"is not an ELF file"}                                                                                                           },
        {"Program", with_byte(good,                                                                            kType,ET_EXEC),"not_a_plugin", {"is a program"}},
        {"ObjectFile",
         with_byte(good,                                                                            kType,                                                                                        ET_REL),
         "not_a_plugin", {"is an object or core file"}},
        {"OtherMachine",
         with_byte(good,     kMachine,kOtherMachine),
         "wrong_machine", {"is for " + std::string(machine_of_elf(kOtherMachine)->spoken), "this is " + here}},
        {"UnknownMachine",
         with_byte(good,                                                                                     kMachine,                                                                                                           250),
         "wrong_machine", {"machine 250", "this is " + here}},
        {"Pointers32",         with_byte(good, EI_CLASS,                   ELFCLASS32),                                     "wrong_machine", {"32-bit pointers"}},
        {"BigEndian",
         with_byte(with_byte(with_byte(with_byte(with_byte(good,  EI_DATA,                                                                                                          ELFDATA2MSB),                                                                                                         kType, 0),
         kType + 1,
         ET_DYN),
         kMachine, 0),
         kMachine + 1,
         EM_S390),
         "wrong_machine", {"is for s390x", "this is " + here}},
        {"NewerMajor",
         contents("elf_v2"),
         "abi_too_new",                                                                           {"no reelgate_provider_v1", "found reelgate_provider_v2", "update Reelgate"}                                                                              },
        {"OlderMajor",
         contents("elf_v0"),
         "abi_too_old",                                                                                       {"no reelgate_provider_v1", "found reelgate_provider_v0", "update the plugin"}                                                                                                     },
        {"NoEntry",           contents("elf_none"),                                                                                 "entry_missing",{"no reelgate_provider_v1"}                                                                                                                                                  },
        {"EntryIsData",                contents("elf_data"),                                                                                         "entry_missing",                                                                                                             {"as data"}                                                                                                                                                   },
    };
}

INSTANTIATE_TEST_SUITE_P(Each, ElfIsJudged, testing::ValuesIn(rows()), [](const auto& row) {
    return row.param.name;
});

TEST(Elf, TellsWhatALibraryExportsAndNeeds)
{
    const Result<ElfFacts> facts = read_elf(kFixtures + "elf_v1.so");
    ASSERT_TRUE(facts) << facts.error().sentence();
    EXPECT_EQ(facts->kind, ElfFacts::Kind::shared_object);
    EXPECT_EQ(facts->machine, kThisMachine.elf);
    ASSERT_EQ(facts->exports.size(), 1U);
    EXPECT_EQ(facts->exports[0].name, "reelgate_provider_v1");
    EXPECT_TRUE(facts->exports[0].is_function);
    EXPECT_FALSE(facts->exports[0].is_unique);
}

TEST(Elf, TellsAPositionIndependentProgramFromALibrary)
{
    const Result<ElfFacts> facts = read_elf("/proc/self/exe");
    ASSERT_TRUE(facts) << facts.error().sentence();
    EXPECT_EQ(facts->kind, ElfFacts::Kind::program);
    EXPECT_FALSE(facts->needed.empty());
    EXPECT_FALSE(facts->versions.empty());
}

TEST(Elf, SaysWhichLibcAPluginWants)
{
    ElfFacts facts = *parse(contents("elf_v1"));
    facts.versions.push_back({"libc.so.6", "GLIBC_2.4"});
    EXPECT_TRUE(fits_this_host(facts, "x"));
    facts.versions.push_back({"libc.so.6", "GLIBC_9.1"});
    const Result<Done> fits = fits_this_host(facts, "x");
    ASSERT_FALSE(fits);
    EXPECT_EQ(fits.error().code, "libc_too_old");
    EXPECT_THAT(fits.error().text, HasSubstr("needs glibc 9.1, this machine has "));
}

TEST(Elf, AMissingFileAndADirectoryAreTwoThings)
{
    EXPECT_EQ(read_elf(kFixtures + "nothing.so").error().code, "plugin_missing");
    EXPECT_EQ(read_elf(kFixtures).error().code, "not_a_plugin");
}

TEST(Elf, EveryPrefixOfALibraryIsTruncated)
{
    const std::string good = contents("elf_v1");
    for (std::size_t size = 0; size < good.size(); size += 7)
        ASSERT_EQ(code_of(good.substr(0, size)), "plugin_truncated") << size;
}

TEST(Elf, SurvivesAnyDamage)
{
    const std::string good = contents("elf_v1");
    std::mt19937 chance(20240601); // any seed: the sanitizers judge
    std::uniform_int_distribution<std::size_t> where(0, good.size() - 1);
    std::uniform_int_distribution<int> what(0, 255);
    std::size_t refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = good;
        for (int hit = 0; hit < 40; ++hit)
            bytes[where(chance)] = static_cast<char>(what(chance));
        // The header and the tables behind it are where damage matters.
        for (int hit = 0; hit < 8; ++hit)
            bytes[where(chance) % 1024 + 16] = static_cast<char>(what(chance));
        if (code_of(bytes) != "fits") ++refused;
    }
    EXPECT_GT(refused, 0U);
}

} // namespace
} // namespace reelgate
