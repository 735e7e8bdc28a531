// What the SDK makes, read by the host's own readers: manifest, sums, description. The two sides
// share no code, so this is where they could drift apart.
#include "host/plugin/description.hpp"
#include "host/plugin/manifest.hpp"

#include <reelgate/abi/provider.h>

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

namespace reelgate {
namespace {

using testing::IsEmpty;

void append(void* self, rg_bytes text)
{
    static_cast<std::string*>(self)->append(text.data, text.size);
}

Result<Description> described_by(const rg_provider& provider)
{
    std::string text;
    const rg_sink out{sizeof(rg_sink), 0, &text, append};
    EXPECT_EQ(provider.describe(&out), RG_OK);
    return parse_description(text);
}

// Stays open, like every plugin.
const rg_provider* open(const std::filesystem::path& library)
{
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return nullptr;
    using Entry = const rg_provider* (*)();
    const auto entry = reinterpret_cast<Entry>(::dlsym(handle, RG_ENTRY_SYMBOL));
    return entry == nullptr ? nullptr : entry();
}

class Example : public testing::TestWithParam<const char*> {};

TEST_P(Example, IsWhatTheHostReads)
{
    const auto directory = std::filesystem::path(REELGATE_BINARY_DIR) / "examples" / GetParam();
    const Result<Manifest> manifest = read_manifest(directory);
    ASSERT_TRUE(manifest) << manifest.error().sentence();
    EXPECT_THAT(manifest->warnings, IsEmpty());
    EXPECT_TRUE(directory_is_id(*manifest));
    EXPECT_TRUE(fits_this_host(*manifest));

    const rg_provider* provider = open(manifest->program());
    ASSERT_NE(provider, nullptr);
    const Result<Description> description = described_by(*provider);
    ASSERT_TRUE(description) << description.error().sentence();
    EXPECT_THAT(description->warnings, IsEmpty());
    EXPECT_EQ(description->id, manifest->id);
    EXPECT_EQ(description->version, manifest->version);
    EXPECT_EQ(description->license, manifest->license);
    EXPECT_EQ(description->models.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Each,
                         Example,
                         testing::Values("org.example.bars", "org.example.cbars"),
                         [](const auto& row) {
                             const std::string id = row.param;
                             return id.substr(id.rfind('.') + 1);
                         });

// The provider of the face's own tests uses everything a Description can say.
TEST(FaceInFull, IsWhatTheHostReads)
{
    const Result<Description> description = described_by(*reelgate_provider_v1());
    ASSERT_TRUE(description) << description.error().sentence();
    EXPECT_THAT(description->warnings, IsEmpty());
    EXPECT_EQ(description->max_concurrency, 3U);
    EXPECT_EQ(description->silent_for, std::chrono::seconds(7));
    EXPECT_EQ(description->cancel_within, std::chrono::seconds(60));
    EXPECT_EQ(description->billing, Charge::paid);
    EXPECT_EQ(description->egress, "cloud");
    EXPECT_EQ(description->resources.gpu, "optional");
    EXPECT_EQ(description->config_schema.at("properties").size(), 3U);
}

} // namespace
} // namespace reelgate
