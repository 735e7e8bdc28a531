// The face before hosts that have less than today's, and the extensions it publishes.
#include "sdk/face_fixture.hpp"

#include <algorithm>
#include <stdexcept>

namespace reelgate {
namespace {

using testing::HasSubstr;

// ---- a host that was built long ago ----------------------------------------------------------

struct OlderRow {
    const char* name;
    std::size_t size; // of its rg_job
    rg_status status;
    const char* code;
};

class OlderHost : public Face, public testing::WithParamInterface<OlderRow> {
protected:
    void says_everything(const char* code, rg_status status)
    {
        const Answer answer = run([](Job& job) {
            job.progress("a", 1, 2);
            job.preview("p.png");
            job.artifact("x.mp4", "video", "video/mp4");
            job.intend({
                {"a", 1}
            });
            job.accepted({
                {"id", 1}
            });
        });
        EXPECT_EQ(answer.status, status);
        const Json record = answer.text.empty() ? Json::object() : answer.json();
        EXPECT_EQ(record.value("code", ""), code);
    }
};

TEST_P(OlderHost, IsReadNoFurtherThanItReaches)
{
    // What lies behind the given size is poison: a call would crash.
    auto* bytes = reinterpret_cast<unsigned char*>(&fake.job);
    std::fill(bytes + GetParam().size, bytes + sizeof(rg_job), static_cast<unsigned char>(0x5a));
    fake.job.struct_size = static_cast<std::uint32_t>(GetParam().size);
    says_everything(GetParam().code, GetParam().status);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(EachSize, OlderHost, testing::Values(
    OlderRow{"Nothing", 4, RG_FAILED, "bad_host"},
    OlderRow{"NoDirectory", offsetof(rg_job, work_dir), RG_FAILED, "bad_host"},
    OlderRow{"NoFlag", offsetof(rg_job, is_cancelled), RG_FAILED, "host_too_old"},
    OlderRow{"NoProgress", offsetof(rg_job, progress), RG_FAILED, "host_too_old"},
    OlderRow{"NoPreview", offsetof(rg_job, preview), RG_FAILED, "host_too_old"},
    OlderRow{"NoArtifact", offsetof(rg_job, artifact), RG_FAILED, "host_too_old"},
    OlderRow{"NoIntent", offsetof(rg_job, intend), RG_FAILED, "host_too_old"},
    OlderRow{"NoAcceptance", offsetof(rg_job, accepted), RG_AMBIGUOUS, "accepted_refused"},
    OlderRow{"Whole", sizeof(rg_job), RG_OK, ""}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST_F(OlderHost, MayLeaveMembersNull)
{
    fake.job.is_cancelled = nullptr;
    fake.job.progress = nullptr;
    fake.job.preview = nullptr;
    fake.job.artifact = nullptr;
    says_everything("host_too_old", RG_FAILED);
    fake.job.artifact = FakeHost::artifact;
    fake.job.intend = nullptr;
    says_everything("host_too_old", RG_FAILED);
    fake.job.intend = FakeHost::intend;
    fake.job.accepted = nullptr;
    says_everything("accepted_refused", RG_AMBIGUOUS);
}

TEST_F(OlderHost, MayGiveNoJobAtAll)
{
    const Answer answer = ask([&](const rg_sink* out) { return table.run(self, nullptr, out); });
    EXPECT_EQ(answer.status, RG_FAILED);
    EXPECT_EQ(answer.json().at("code"), "bad_host");
}

TEST(HostHandle, ReadsWhatThereIs)
{
    FakeHost fake;
    const Host whole(&fake.host);
    EXPECT_EQ(whole.data_dir(), "/data");
    EXPECT_EQ(whole.cache_dir(), "/cache");
    EXPECT_NE(whole.extension<rg_vram>(RG_EXT_VRAM), nullptr);
    EXPECT_EQ(whole.extension<rg_vram>("reelgate.vram/2"), nullptr);
    whole.warn("a.b");
    EXPECT_EQ(fake.heard, (std::vector<std::string>{"log a.b {}"}));
}

TEST(HostHandle, DoesNothingWhereThereIsNothing)
{
    FakeHost fake;
    fake.host.struct_size = offsetof(rg_host, data_dir);
    fake.host.log = nullptr;
    fake.host.extension = nullptr;
    for (const Host host : {Host(), Host(&fake.host)}) {
        host.error("a.b",
                   {
                       {"c", 1}
        });
        EXPECT_EQ(host.data_dir(), "");
        EXPECT_EQ(host.cache_dir(), "");
        EXPECT_EQ(host.extension<rg_vram>(RG_EXT_VRAM), nullptr);
    }
    fake.host.struct_size = sizeof(rg_host);
    const Host nulls(&fake.host);
    nulls.error("a.b");
    EXPECT_EQ(nulls.extension<rg_vram>(RG_EXT_VRAM), nullptr);
}

// ---- extensions ------------------------------------------------------------------------------

template <class Table>
const Table& published(const char* id)
{
    const void* found = reelgate_provider_v1()->extension(id);
    if (found == nullptr) throw std::runtime_error(std::string("not published: ") + id);
    const auto& extension = *static_cast<const Table*>(found);
    EXPECT_EQ(extension.struct_size, sizeof(Table));
    return extension;
}

TEST_F(Face, ResumesAndAbandons)
{
    const auto& ext = published<rg_resume>(RG_EXT_RESUME);
    const Answer resumed = ask(
        [&](const rg_sink* out) { return ext.resume(self, &fake.job, b(R"({"id": "r1"})"), out); });
    EXPECT_EQ(resumed.status, RG_OK);
    ASSERT_EQ(fake.heard.size(), 1U);
    EXPECT_THAT(fake.heard[0], HasSubstr(R"("stage":"r1")"));
    const Answer gone =
        ask([&](const rg_sink* out) { return ext.abandon(self, b(R"({"id": "r1"})"), out); });
    EXPECT_EQ(gone.text, R"({"gave_up":"r1"})");
    const Answer garbage = ask([&](const rg_sink* out) { return ext.abandon(self, b("{"), out); });
    EXPECT_EQ(garbage.status, RG_FAILED);
}

TEST_F(Face, TellsWhatItCosts)
{
    const auto& ext = published<rg_cost>(RG_EXT_COST);
    const Answer before =
        ask([&](const rg_sink* out) { return ext.estimate(self, b(R"({"price": "0.40"})"), out); });
    EXPECT_EQ(before.text, R"({"usd":"0.40"})");
    const Answer after = ask([&](const rg_sink* out) { return ext.amount(self, b("{}"), out); });
    EXPECT_EQ(after.status, RG_BUSY);
    EXPECT_EQ(after.json().at("retry_after_s"), 9);
}

TEST_F(Face, WarmsAndCools)
{
    const auto& ext = published<rg_warm>(RG_EXT_WARM);
    const auto loaded = [&] {
        return ask([&](const rg_sink* out) { return ext.loaded(self, out); }).text;
    };
    EXPECT_EQ(loaded(), "[]");
    EXPECT_EQ(ext.load(self, b("m"), nullptr), RG_OK);
    EXPECT_EQ(loaded(), R"(["m"])");
    EXPECT_EQ(ext.unload(self, b("m"), nullptr), RG_OK);
    EXPECT_EQ(loaded(), "[]");
}

TEST_F(Face, OffersItsTools)
{
    const auto& ext = published<rg_tool>(RG_EXT_TOOL);
    EXPECT_EQ(ask(ext.list).json(), Json::parse(R"([
        {"name": "check", "summary": "Checks a directory",
         "arguments": {"type": "object", "additionalProperties": false, "required": ["directory"],
                       "properties": {"directory": {"type": "string", "x-order": 1}}}},
        {"name": "list", "summary": "Lists",
         "arguments": {"type": "object", "additionalProperties": false, "properties": {}}}])"));
    const Answer answer = ask([&](const rg_sink* out) {
        return ext.call(self, b("check"), b(R"({"directory": "/x"})"), out);
    });
    EXPECT_EQ(answer.json(), Json::parse(R"({"tool": "check", "got": {"directory": "/x"}})"));
}

TEST_F(Face, KnowsNoOtherExtension)
{
    EXPECT_EQ(table.extension("reelgate.resume/2"), nullptr);
    EXPECT_EQ(table.extension(""), nullptr);
}

class Plain final : public IVideoProvider {
public:
    static Description describe() { return {"org.example.plain", "Plain", "1.0.0"}; }
    Plain(Host, const Json&) {}
    void run(Job&) override {}
};

TEST(PlainProvider, PublishesNoExtension)
{
    for (const char* id : {RG_EXT_RESUME, RG_EXT_COST, RG_EXT_WARM, RG_EXT_TOOL})
        EXPECT_EQ(detail::Table<Plain>::kTable.extension(id), nullptr) << id;
}

} // namespace
} // namespace reelgate
