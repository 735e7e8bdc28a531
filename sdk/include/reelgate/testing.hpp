// Doubles for the tests of a provider: hand one to run() and look at what it did. MockJob says what
// must be called (gMock); RecordingJob behaves like a patient host and writes down everything.
#pragma once

#include <reelgate/job.hpp>

#include <gmock/gmock.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace reelgate {
inline namespace sdk_v1 {

// A complete request, as a host sends it, with `changes` laid over it.
inline Json sample_request(const Json& changes = Json::object())
{
    Json request = Json::parse(R"({"model": "sample", "task": "t2v", "prompt": "a lighthouse",
        "negative_prompt": "", "width": 64, "height": 48, "frames": 5, "fps": 24, "seed": 42,
        "steps": null, "guidance": null, "audio": false, "inputs": [], "params": {},
        "attempt": {"id": "a1", "number": 1, "deadline_s": 600, "idempotency_key": "k1"}})");
    request.update(changes);
    return request;
}

class MockJob : public Job {
public:
    MockJob()
    {
        ON_CALL(*this, request).WillByDefault(testing::ReturnRef(request_));
        ON_CALL(*this, work_dir).WillByDefault(testing::ReturnRef(work_dir_));
        ON_CALL(*this, cancel_fd).WillByDefault(testing::Return(-1));
    }

    MOCK_METHOD(const Json&, request, (), (const, override));
    MOCK_METHOD(const std::filesystem::path&, work_dir, (), (const, override));
    MOCK_METHOD(bool, cancelled, (), (const, override));
    MOCK_METHOD(int, cancel_fd, (), (const, override));
    MOCK_METHOD(void, wait, (std::chrono::milliseconds), (override));
    MOCK_METHOD(void, preview, (const std::filesystem::path&), (override));
    MOCK_METHOD(void, artifact, (const std::filesystem::path&, const Json&), (override));
    MOCK_METHOD(void, intend, (const Json&), (override));
    MOCK_METHOD(void, accepted, (const Json&), (override));
    MOCK_METHOD(void, report, (const Progress&), (override)); // all forms of progress() end here

private:
    Json request_ = sample_request();
    std::filesystem::path work_dir_ = std::filesystem::temp_directory_path();
};

// Has a work directory of its own, which goes with it. wait() takes no time.
class RecordingJob final : public Job {
public:
    struct Call {
        std::string name; // progress, wait, preview, artifact, intend, accepted
        Json detail;      // what was said
        bool operator==(const Call&) const = default;
    };

    explicit RecordingJob(Json request = sample_request())
        : request_(std::move(request)), cancel_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
        std::string name =
            (std::filesystem::temp_directory_path() / "reelgate-job-XXXXXX").string();
        if (cancel_fd_ < 0 || ::mkdtemp(name.data()) == nullptr)
            throw std::system_error(errno, std::generic_category(), "RecordingJob");
        work_dir_ = name;
        std::filesystem::create_directory(work_dir_ / "inputs");
    }
    ~RecordingJob() override
    {
        std::error_code ignored; // a test may have removed it
        std::filesystem::remove_all(work_dir_, ignored);
        ::close(cancel_fd_);
    }

    // What the host does on a cancel: the flag, and a readable descriptor. From any thread.
    void cancel()
    {
        const std::uint64_t one = 1;
        if (::write(cancel_fd_, &one, sizeof(one)) != sizeof(one))
            throw std::runtime_error("RecordingJob: cancelled too often");
    }
    // Cancels by itself when the call `name` happens for the nth time.
    void cancel_at(std::string name, unsigned nth = 1)
    {
        const std::lock_guard lock(mutex_);
        trigger_ = std::move(name);
        countdown_ = nth;
    }

    std::vector<Call> calls() const
    {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    // The details of the calls with this name.
    std::vector<Json> all(std::string_view name) const
    {
        std::vector<Json> found;
        for (const Call& call : calls())
            if (call.name == name) found.push_back(call.detail);
        return found;
    }
    // The names in their order, a run of equal ones as one: {"intend", "accepted", "progress"}.
    std::vector<std::string> order() const
    {
        std::vector<std::string> names;
        for (const Call& call : calls())
            if (names.empty() || names.back() != call.name) names.push_back(call.name);
        return names;
    }

    const Json& request() const override { return request_; }
    const std::filesystem::path& work_dir() const override { return work_dir_; }
    int cancel_fd() const override { return cancel_fd_; }
    bool cancelled() const override
    {
        return detail::readable_within(cancel_fd_, std::chrono::milliseconds(0));
    }
    void wait(std::chrono::milliseconds duration) override
    {
        record("wait", duration.count());
        stop_if_cancelled();
    }
    void preview(const std::filesystem::path& file) override { record("preview", file.string()); }
    void artifact(const std::filesystem::path& file, const Json& meta) override
    {
        Json detail = meta;
        detail["path"] = file.string();
        record("artifact", std::move(detail));
    }
    using Job::artifact;
    void intend(const Json& what) override { record("intend", what); }
    void accepted(const Json& remote) override { record("accepted", remote); }

protected:
    void report(const Progress& progress) override
    {
        Json detail;
        detail["stage"] = progress.stage;
        detail["source"] = progress.source == Source::none        ? "none"
                           : progress.source == Source::estimated ? "estimated"
                                                                  : "measured";
        detail["value"] = progress.value;
        detail["step"] = progress.step;
        detail["steps"] = progress.steps;
        record("progress", std::move(detail));
    }

private:
    void record(const char* name, Json detail)
    {
        const std::lock_guard lock(mutex_);
        calls_.push_back({name, std::move(detail)});
        if (trigger_ == name && countdown_ > 0 && --countdown_ == 0) cancel();
    }

    Json request_;
    std::filesystem::path work_dir_;
    int cancel_fd_;
    mutable std::mutex mutex_;
    std::vector<Call> calls_;
    std::string trigger_;
    unsigned countdown_ = 0;
};

} // namespace sdk_v1
} // namespace reelgate
