// What the tests of the face share: a host to be called by, and the way through the C table.
#pragma once

#include <reelgate/plugin.hpp>

#include <gmock/gmock.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reelgate {

// What the next run() of the provider under test does, so that each test is one line.
using Act = std::function<void(Job&)>;
extern Act act;
extern unsigned living; // providers created and not destroyed

inline rg_bytes b(std::string_view text) { return {text.data(), text.size()}; }
inline std::string s(rg_bytes text) { return {text.data, text.size}; }

struct Answer {
    rg_status status = -1;
    std::string text;
    Json json() const { return Json::parse(text); }
};

inline void append(void* self, rg_bytes text) { *static_cast<std::string*>(self) += s(text); }

template <class Call>
Answer ask(Call call)
{
    Answer answer;
    const rg_sink out{sizeof(rg_sink), 0, &answer.text, append};
    answer.status = call(&out);
    return answer;
}

// A host that keeps what it hears and answers each call with `verdict`.
struct FakeHost {
    rg_status verdict = RG_OK;
    std::atomic<bool> cancelled = false;
    int fd = ::eventfd(0, EFD_CLOEXEC);
    std::vector<std::string> heard;
    std::string request = R"({"model": "m", "frames": 5})";
    rg_host host{};
    rg_job job{};

    FakeHost()
    {
        host = {sizeof(rg_host), RG_ABI_MINOR, this, b("/data"), b("/cache"), log, extension};
        job = {sizeof(rg_job),
               fd,
               this,
               b(request),
               b("/work"),
               is_cancelled,
               progress,
               preview,
               artifact,
               intend,
               accepted};
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;
    ~FakeHost() { ::close(fd); }

    void cancel()
    {
        cancelled = true;
        ASSERT_EQ(::eventfd_write(fd, 1), 0);
    }

    static FakeHost& me(void* self) { return *static_cast<FakeHost*>(self); }
    static rg_status note(void* self, const char* what, rg_bytes one, rg_bytes two = {})
    {
        std::string& line = me(self).heard.emplace_back(what);
        line.append(" ").append(s(one));
        if (two.size != 0) line.append(" ").append(s(two));
        return me(self).verdict;
    }
    static void log(void* self, int32_t level, rg_bytes event, rg_bytes fields)
    {
        note(self, level == RG_INFO ? "info" : "log", event, fields);
    }
    static const void* extension(void*, const char* id)
    {
        static constexpr rg_vram kVram{};
        return std::string_view(id) == RG_EXT_VRAM ? &kVram : nullptr;
    }
    static int32_t is_cancelled(void* self) { return me(self).cancelled ? 1 : 0; }
    static void progress(void* self, const rg_progress* p)
    {
        Json told;
        told["stage"] = s(p->stage);
        told["value"] = p->value;
        told["source"] = p->source;
        told["step"] = p->step;
        told["steps"] = p->steps;
        EXPECT_EQ(p->struct_size, sizeof(rg_progress));
        me(self).heard.emplace_back("progress ").append(told.dump());
    }
    static rg_status preview(void* self, rg_bytes path) { return note(self, "preview", path); }
    static rg_status artifact(void* self, rg_bytes path, rg_bytes meta)
    {
        return note(self, "artifact", path, meta);
    }
    static rg_status intend(void* self, rg_bytes what) { return note(self, "intend", what); }
    static rg_status accepted(void* self, rg_bytes remote)
    {
        return note(self, "accepted", remote);
    }
};

class Face : public testing::Test {
protected:
    void SetUp() override
    {
        living = 0;
        const Answer made = create(R"({"key": "right"})");
        ASSERT_EQ(made.status, RG_OK);
        ASSERT_EQ(made.text, "");
    }
    void TearDown() override
    {
        table.destroy(self);
        EXPECT_EQ(living, 0U);
    }

    Answer create(std::string_view config)
    {
        return ask(
            [&](const rg_sink* out) { return table.create(&fake.host, b(config), &self, out); });
    }
    Answer run(Act what)
    {
        act = std::move(what);
        fake.heard.clear();
        return ask([&](const rg_sink* out) { return table.run(self, &fake.job, out); });
    }

    const rg_provider& table = *reelgate_provider_v1();
    FakeHost fake;
    void* self = nullptr;
};

} // namespace reelgate
