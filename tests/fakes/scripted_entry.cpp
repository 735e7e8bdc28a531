// The C table of the scripted provider: the face's, and around it what the face exists to prevent.
#include "tests/fakes/scripted_provider.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

#ifndef RG_SCRIPTED_PAID
#define RG_SCRIPTED_PAID 0
#endif

namespace reelgate::fakes {

constinit const Variant kVariant{RG_SCRIPTED_PAID ? "scripted-paid" : "scripted", RG_SCRIPTED_PAID};

namespace {

using Face = sdk_v1::detail::Table<Scripted>;
using FaceResume = sdk_v1::detail::Resume<Scripted>;

void append(void* text, rg_bytes more)
{
    if (more.size > 0) static_cast<std::string*>(text)->append(more.data, more.size);
}

// Lets the face do the call, then does what the steps have left in outer(). Whoever calls this must
// not be noexcept.
template <class Work>
rg_status relay(const rg_sink* out, Work work)
{
    outer() = Outer{};
    std::string text;
    const rg_sink collect{sizeof(rg_sink), 0, &text, append};
    rg_status status = work(&collect);
    if (outer().thrown) throw std::runtime_error(*outer().thrown);
    if (outer().text) text = *outer().text;
    if (outer().status) status = *outer().status;
    if (!text.empty() && RG_HAS(out, write) && out->write != nullptr)
        out->write(out->self, {text.data(), text.size()});
    return status;
}

// Until the thread that ran the job is gone: then run() has returned. A host that runs jobs on a
// thread of its own has returned from it long before the limit.
void await_end_of_thread(long thread)
{
    const std::string task = "/proc/self/task/" + std::to_string(thread);
    for (int i = 0; i < 500 && ::access(task.c_str(), F_OK) == 0; ++i)
        ::poll(nullptr, 0, 2);
}

// Uses a job that is over: what the host gave is copied, as a careless plugin's thread would have
// it.
void call_late(Scene& scene, const rg_job* job, std::uint64_t count)
{
    rg_job copy{};
    std::memcpy(&copy, job, std::min<std::size_t>(job->struct_size, sizeof(copy)));
    scene.beside([copy, count, runner = ::syscall(SYS_gettid)] {
        await_end_of_thread(runner);
        const std::string_view name = "film.mp4";
        const std::string_view meta = R"({"role":"video","mime":"video/mp4"})";
        for (std::uint64_t i = 0; i < count; ++i) {
            rg_progress late{};
            late.struct_size = sizeof(late);
            late.source = RG_MEASURED;
            late.value = 0.5;
            late.stage = {name.data(), name.size()};
            copy.progress(copy.self, &late);
            copy.artifact(copy.self, {name.data(), name.size()}, {meta.data(), meta.size()});
        }
    });
}

extern "C" {

static rg_status scripted_describe(const rg_sink* out)
{
    return relay(out, [](const rg_sink* inner) {
        return sdk_v1::detail::guard(inner,
                                     [] { return described_beside(Scripted::describe().json()); });
    });
}

static rg_status
scripted_create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out)
{
    return relay(out,
                 [=](const rg_sink* inner) { return Face::create(host, config, self, inner); });
}

static void scripted_destroy(void* self)
{
    relay(nullptr, [=](const rg_sink* inner) {
        return sdk_v1::detail::guard(inner, [=]() -> Json {
            static_cast<Scripted*>(self)->play_destroy();
            return nullptr;
        });
    });
    Face::destroy(self);
}

static rg_status scripted_probe(void* self, const rg_sink* out)
{
    return relay(out, [=](const rg_sink* inner) { return Face::probe(self, inner); });
}

static rg_status scripted_run(void* self, const rg_job* job, const rg_sink* out)
{
    return relay(out, [=](const rg_sink* inner) {
        const rg_status status = Face::run(self, job, inner);
        const std::uint64_t late = outer().late_calls;
        if (late > 0) call_late(static_cast<Scripted*>(self)->scene(), job, late);
        return status;
    });
}

static rg_status scripted_resume(void* self, const rg_job* job, rg_bytes remote, const rg_sink* out)
{
    return relay(
        out, [=](const rg_sink* inner) { return FaceResume::resume(self, job, remote, inner); });
}

static rg_status scripted_abandon(void* self, rg_bytes remote, const rg_sink* out)
{
    return relay(out,
                 [=](const rg_sink* inner) { return FaceResume::abandon(self, remote, inner); });
}

static const void* scripted_extension(const char* id)
{
    static constexpr rg_resume kResume{sizeof(rg_resume), 0, scripted_resume, scripted_abandon};
    return std::strcmp(id, RG_EXT_RESUME) == 0 ? &kResume : Face::extension(id);
}

} // extern "C"

} // namespace
} // namespace reelgate::fakes

extern "C" RG_EXPORT const rg_provider* reelgate_provider_v1(void)
{
    using namespace reelgate::fakes;
    static constexpr rg_provider kTable{sizeof(rg_provider),
                                        RG_ABI_MINOR,
                                        RG_MIN_HOST_MINOR,
                                        0,
                                        scripted_describe,
                                        scripted_create,
                                        scripted_destroy,
                                        scripted_probe,
                                        scripted_run,
                                        scripted_extension};
    return &kTable;
}
