// What a provider gets: a Host for its whole life, and a Job for one run(). Both read the host's
// tables with care: what an older host does not have is simply not done, or said as a Failure where
// going on would be wrong.
#pragma once

#include <reelgate/abi/host.h>
#include <reelgate/failure.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reelgate {
inline namespace sdk_v1 {

namespace detail {

inline rg_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
inline std::string string(rg_bytes text)
{
    return text.data == nullptr ? std::string() : std::string(text.data, text.size);
}

// Is the descriptor readable, now or within `limit`? A signal does not cut the wait short.
inline bool readable_within(int fd, std::chrono::milliseconds limit)
{
    using std::chrono::milliseconds;
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + limit;
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        const auto slice = std::clamp(left, milliseconds(0), milliseconds(60'000));
        pollfd entry{fd, POLLIN, 0};
        const int found = ::poll(&entry, 1, static_cast<int>(slice.count()));
        if (found > 0) return true;
        if (found < 0 && errno != EINTR) return false;
        if (Clock::now() >= end) return false;
    }
}

} // namespace detail

// A handle, freely copied, good until the provider is destroyed. Host() is one that does nothing,
// for tests.
class Host {
public:
    explicit Host(const rg_host* table = nullptr) : table_(table) {}

    // An event is a stable word with dots ("bars.rendered"); what varies goes into fields.
    void debug(std::string_view event, const Json& fields = Json::object()) const
    {
        log(RG_DEBUG, event, fields);
    }
    void info(std::string_view event, const Json& fields = Json::object()) const
    {
        log(RG_INFO, event, fields);
    }
    void warn(std::string_view event, const Json& fields = Json::object()) const
    {
        log(RG_WARN, event, fields);
    }
    void error(std::string_view event, const Json& fields = Json::object()) const
    {
        log(RG_ERROR, event, fields);
    }

    // The provider's own directory, kept between lives. Empty if the host gives none.
    std::filesystem::path data_dir() const
    {
        return RG_HAS(table_, data_dir) ? detail::string(table_->data_dir) : std::string();
    }
    // May be emptied whenever nothing runs.
    std::filesystem::path cache_dir() const
    {
        return RG_HAS(table_, cache_dir) ? detail::string(table_->cache_dir) : std::string();
    }

    // host.extension<rg_vram>(RG_EXT_VRAM), nullptr where the host has none.
    template <class Table>
    const Table* extension(const char* id) const
    {
        if (!RG_HAS(table_, extension) || table_->extension == nullptr) return nullptr;
        return static_cast<const Table*>(table_->extension(table_->self, id));
    }

private:
    void log(rg_level level, std::string_view event, const Json& fields) const
    {
        if (!RG_HAS(table_, log) || table_->log == nullptr) return;
        const std::string text = detail::dump(fields);
        table_->log(table_->self, level, detail::bytes(event), detail::bytes(text));
    }

    const rg_host* table_;
};

// Where a share of the work done comes from. With none, the job is alive and the share unknown.
enum class Source : std::int32_t {
    none = RG_NONE,
    estimated = RG_ESTIMATED,
    measured = RG_MEASURED
};

struct Progress {
    std::string_view stage; // "load", "encode", "denoise", "decode", "remote", ...
    double value = 0;       // 0..1
    Source source = Source::none;
    std::uint32_t step = 0;
    std::uint32_t steps = 0;
};

// One attempt. Everything here may be called from any thread until run() returns.
class Job {
public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;

    // Complete and inside the limits the model declares: model, task, prompt, width, height,
    // frames, fps, seed, inputs, params, ...
    virtual const Json& request() const = 0;
    // Private to this attempt. Inputs are under inputs/; artifacts are named relative to it.
    virtual const std::filesystem::path& work_dir() const = 0;

    virtual bool cancelled() const = 0;
    // Readable once the job is cancelled, for poll and its relatives; never read from it. May be
    // -1.
    virtual int cancel_fd() const = 0;

    // Each of these throws cancelled() once the job is cancelled, so a straight loop ends by
    // itself.
    void progress(std::string_view stage, std::uint32_t step, std::uint32_t steps)
    {
        const double value = steps == 0 ? 0 : static_cast<double>(step) / steps;
        report({stage, value, steps == 0 ? Source::none : Source::measured, step, steps});
        stop_if_cancelled();
    }
    void progress(std::string_view stage, double share, Source source = Source::measured)
    {
        report({stage, share, source});
        stop_if_cancelled();
    }
    // Only a sign of life: something is going on, nobody knows how far.
    void alive(std::string_view stage) { progress(stage, 0, Source::none); }
    void stop_if_cancelled() const
    {
        if (cancelled()) throw sdk_v1::cancelled();
    }
    // Lets time pass, and ends at once on a cancel.
    virtual void wait(std::chrono::milliseconds duration)
    {
        stop_if_cancelled();
        // Without a descriptor the flag is asked ten times a second.
        const int fd = cancel_fd();
        const auto end = std::chrono::steady_clock::now() + duration;
        auto left = duration;
        do {
            const auto slice = fd < 0 ? std::min(left, std::chrono::milliseconds(100)) : left;
            if (detail::readable_within(fd, slice)) throw sdk_v1::cancelled();
            stop_if_cancelled();
            left = std::chrono::ceil<std::chrono::milliseconds>(end -
                                                                std::chrono::steady_clock::now());
        } while (left.count() > 0);
    }

    // A picture of the unfinished film, relative to work_dir().
    virtual void preview(const std::filesystem::path& file) = 0;
    // A finished file: role and mime, and what else is known. Close it first.
    virtual void artifact(const std::filesystem::path& file, const Json& meta) = 0;
    void artifact(const std::filesystem::path& file, std::string_view role, std::string_view mime)
    {
        Json meta;
        meta["role"] = role;
        meta["mime"] = mime;
        artifact(file, meta);
    }

    // Before anything that may cost money leaves: returns once the intent is on disk, else throws,
    // and then nothing may be sent.
    virtual void intend(const Json& what) = 0;
    // As soon as the other side has given its id: returns once that is on disk. Before the first
    // poll.
    virtual void accepted(const Json& remote) = 0;

protected:
    virtual void report(const Progress& progress) = 0;
};

namespace detail {

// The Job behind which the host's table is.
class HostJob final : public Job {
public:
    explicit HostJob(const rg_job* table) : table_(table)
    {
        if (!RG_HAS(table, work_dir)) {
            throw failed(Category::unknown, "the host gave a job without request or directory")
                .code("bad_host");
        }
        request_ = Json::parse(string(table->request_json));
        work_dir_ = string(table->work_dir);
    }

    const Json& request() const override { return request_; }
    const std::filesystem::path& work_dir() const override { return work_dir_; }
    int cancel_fd() const override { return table_->cancel_fd; }

    bool cancelled() const override
    {
        if (RG_HAS(table_, is_cancelled) && table_->is_cancelled != nullptr) {
            return table_->is_cancelled(table_->self) != 0;
        }
        return cancel_fd() >= 0 && readable_within(cancel_fd(), std::chrono::milliseconds(0));
    }

    void preview(const std::filesystem::path& file) override
    {
        if (!RG_HAS(table_, preview) || table_->preview == nullptr) return;
        const std::string name = file.generic_string();
        const rg_status status = table_->preview(table_->self, bytes(name));
        if (status != RG_BUSY) accept(status, "preview", name); // too many previews is no failure
    }

    void artifact(const std::filesystem::path& file, const Json& meta) override
    {
        if (!RG_HAS(table_, artifact) || table_->artifact == nullptr) throw lacks("artifact");
        const std::string name = file.generic_string();
        const std::string text = dump(meta);
        accept(table_->artifact(table_->self, bytes(name), bytes(text)), "artifact", name);
    }

    void intend(const Json& what) override
    {
        if (!RG_HAS(table_, intend) || table_->intend == nullptr) throw lacks("intend");
        const std::string text = dump(what);
        const rg_status status = table_->intend(table_->self, bytes(text));
        if (status == RG_OK) return;
        if (status == RG_CANCELLED) throw sdk_v1::cancelled();
        throw failed(Category::unknown, "the host did not record the intent, nothing was sent")
            .code("intend_refused")
            .phase(Phase::submit)
            .billing(Billing::not_billed);
    }

    void accepted(const Json& remote) override
    {
        const std::string text = dump(remote);
        const bool there = RG_HAS(table_, accepted) && table_->accepted != nullptr;
        if (there && table_->accepted(table_->self, bytes(text)) == RG_OK) return;
        throw ambiguous("the host did not record the accepted work " + text)
            .code("accepted_refused")
            .billing(Billing::maybe_billed);
    }

protected:
    void report(const Progress& progress) override
    {
        if (!RG_HAS(table_, progress) || table_->progress == nullptr) return;
        rg_progress record{};
        record.struct_size = sizeof(record);
        record.source = static_cast<std::int32_t>(progress.source);
        record.value = progress.value;
        record.step = progress.step;
        record.steps = progress.steps;
        record.stage = bytes(progress.stage);
        table_->progress(table_->self, &record);
    }

private:
    static Failure lacks(const char* member)
    {
        return failed(Category::unknown, std::string("this host has no ") + member)
            .code("host_too_old");
    }

    static void accept(rg_status status, const char* what, const std::string& name)
    {
        if (status == RG_OK) return;
        if (status == RG_CANCELLED) throw sdk_v1::cancelled();
        throw failed(Category::output_invalid,
                     std::string("the host refused the ") + what + " '" + name + "'")
            .code(std::string(what) + "_refused");
    }

    const rg_job* table_;
    Json request_;
    std::filesystem::path work_dir_;
};

} // namespace detail
} // namespace sdk_v1
} // namespace reelgate
