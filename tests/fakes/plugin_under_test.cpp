#include "tests/fakes/plugin_under_test.hpp"

#include <dlfcn.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>

namespace reelgate::fakes {
namespace {

using nlohmann::json;

rg_bytes bytes(const std::string& text) { return {text.data(), text.size()}; }
std::string string(rg_bytes text) { return {text.data, text.size}; }

void append(void* self, rg_bytes text) { static_cast<Answer*>(self)->text += string(text); }

template <class Work>
Answer ask(Work work)
{
    Answer answer;
    const rg_sink sink{sizeof(rg_sink), 0, &answer, append};
    answer.status = work(&sink);
    return answer;
}

void ignore_log(void*, std::int32_t, rg_bytes, rg_bytes) {}
const void* no_extension(void*, const char*) { return nullptr; }

} // namespace

struct JobCalls {
    static TableJob& of(void* self) { return *static_cast<TableJob*>(self); }

    static std::int32_t is_cancelled(void* self) { return of(self).cancelled_ ? 1 : 0; }

    static void progress(void* self, const rg_progress* progress)
    {
        TableJob& job = of(self);
        const std::lock_guard lock(job.mutex_);
        job.progress_.push_back(progress->value);
        if (job.progress_.size() == job.cancel_after_) job.cancel();
    }

    static rg_status preview(void* self, rg_bytes)
    {
        ++of(self).previews_;
        return RG_OK;
    }

    static rg_status artifact(void* self, rg_bytes path, rg_bytes meta)
    {
        const std::lock_guard lock(of(self).mutex_);
        of(self).artifacts_.push_back({string(path), json::parse(string(meta))});
        return RG_OK;
    }

    static rg_status intend(void* self, rg_bytes what)
    {
        const std::lock_guard lock(of(self).mutex_);
        of(self).intents_.push_back(json::parse(string(what)));
        return RG_OK;
    }

    static rg_status accepted(void* self, rg_bytes remote)
    {
        const std::lock_guard lock(of(self).mutex_);
        of(self).accepted_.push_back(json::parse(string(remote)));
        return RG_OK;
    }
};

TableJob::TableJob(json request)
    : work_dir_(dir_.path().string()), request_(request.dump()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    table_ = {sizeof(rg_job),
              wake_,
              this,
              bytes(request_),
              bytes(work_dir_),
              JobCalls::is_cancelled,
              JobCalls::progress,
              JobCalls::preview,
              JobCalls::artifact,
              JobCalls::intend,
              JobCalls::accepted};
}

TableJob::~TableJob() { ::close(wake_); }

void TableJob::cancel()
{
    cancelled_ = true;
    const std::uint64_t one = 1;
    if (::write(wake_, &one, sizeof(one)) != sizeof(one)) throw std::runtime_error("eventfd");
}

std::vector<double> TableJob::progress() const
{
    const std::lock_guard lock(mutex_);
    return progress_;
}

std::vector<HandedIn> TableJob::artifacts() const
{
    const std::lock_guard lock(mutex_);
    return artifacts_;
}

std::vector<json> TableJob::intents() const
{
    const std::lock_guard lock(mutex_);
    return intents_;
}

std::vector<json> TableJob::accepted() const
{
    const std::lock_guard lock(mutex_);
    return accepted_;
}

const rg_provider* load_plugin(const std::filesystem::path& directory)
{
    void* library = ::dlopen((directory / "plugin.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    void* entry = ::dlsym(library, RG_ENTRY_SYMBOL);
    if (entry == nullptr) throw std::runtime_error(::dlerror());
    return reinterpret_cast<decltype(&reelgate_provider_v1)>(entry)();
}

Answer describe(const rg_provider* plugin)
{
    return ask([=](const rg_sink* sink) { return plugin->describe(sink); });
}

Life::Life(const rg_provider* plugin, const json& config, std::filesystem::path data_dir)
    : plugin_(plugin), data_dir_(data_dir.string())
{
    host_ = {sizeof(rg_host),
             RG_ABI_MINOR,
             this,
             bytes(data_dir_),
             bytes(data_dir_),
             ignore_log,
             no_extension};
    const std::string text = config.dump();
    created_ = ask(
        [&](const rg_sink* sink) { return plugin_->create(&host_, bytes(text), &self_, sink); });
}

Life::~Life()
{
    if (created_.status == RG_OK) plugin_->destroy(self_);
}

Answer Life::estimate(const json& request)
{
    const auto* table = static_cast<const rg_cost*>(plugin_->extension(RG_EXT_COST));
    const std::string text = request.dump();
    return ask([&](const rg_sink* sink) { return table->estimate(self_, bytes(text), sink); });
}

Answer Life::amount(const json& remote)
{
    const auto* table = static_cast<const rg_cost*>(plugin_->extension(RG_EXT_COST));
    const std::string text = remote.dump();
    return ask([&](const rg_sink* sink) { return table->amount(self_, bytes(text), sink); });
}

Answer Life::load(const std::string& model)
{
    const auto* table = static_cast<const rg_warm*>(plugin_->extension(RG_EXT_WARM));
    return ask([&](const rg_sink* sink) { return table->load(self_, bytes(model), sink); });
}

Answer Life::unload(const std::string& model)
{
    const auto* table = static_cast<const rg_warm*>(plugin_->extension(RG_EXT_WARM));
    return ask([&](const rg_sink* sink) { return table->unload(self_, bytes(model), sink); });
}

Answer Life::loaded()
{
    const auto* table = static_cast<const rg_warm*>(plugin_->extension(RG_EXT_WARM));
    return ask([&](const rg_sink* sink) { return table->loaded(self_, sink); });
}

Answer Life::tool(const std::string& name, const json& arguments)
{
    const auto* table = static_cast<const rg_tool*>(plugin_->extension(RG_EXT_TOOL));
    const std::string text = arguments.dump();
    return ask(
        [&](const rg_sink* sink) { return table->call(self_, bytes(name), bytes(text), sink); });
}

Answer Life::probe()
{
    return ask([this](const rg_sink* sink) { return plugin_->probe(self_, sink); });
}

Answer Life::run(const TableJob& job)
{
    return ask([&](const rg_sink* sink) { return plugin_->run(self_, job.table(), sink); });
}

Answer Life::resume(const TableJob& job, const json& remote)
{
    const auto* table = static_cast<const rg_resume*>(plugin_->extension(RG_EXT_RESUME));
    const std::string text = remote.dump();
    return ask(
        [&](const rg_sink* sink) { return table->resume(self_, job.table(), bytes(text), sink); });
}

Answer Life::abandon(const json& remote)
{
    const auto* table = static_cast<const rg_resume*>(plugin_->extension(RG_EXT_RESUME));
    const std::string text = remote.dump();
    return ask([&](const rg_sink* sink) { return table->abandon(self_, bytes(text), sink); });
}

json small_request()
{
    return json::parse(R"({
        "model": "pattern", "task": "t2v", "prompt": "a bar that moves", "negative_prompt": "",
        "width": 64, "height": 64, "frames": 9, "fps": 24, "seed": 42, "steps": null, "guidance": null,
        "audio": false, "inputs": [], "params": {},
        "attempt": {"id": "a-1", "number": 1, "deadline_s": 60, "idempotency_key": "key-1"}})");
}

} // namespace reelgate::fakes
