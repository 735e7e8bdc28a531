// A worker without a host: frames of our own, which no SupervisedProvider would send.
#include "host/plugin/frame_members.hpp"
#include "host/plugin/frames.hpp"
#include "tests/plugin/stage.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <fstream>

namespace reelgate::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// The scripted plugin's worker, and what it says. It has said hello and has no instance yet.
class EarlyWire : public testing::Test {
protected:
    void SetUp() override
    {
        auto manifest = read_manifest(REELGATE_BINARY_DIR "/plugins/scripted");
        ASSERT_TRUE(manifest) << manifest.error().sentence();
        ProviderSettings settings;
        settings.data_dir = data_;
        settings.cache_dir = cache_;
        settings.work_root = scratch_ / "work";
        fs::create_directories(settings.cache_dir);
        fs::create_directories(scratch_ / "work/a/inputs");
        auto spawned = spawn_worker(REELGATE_BINARY_DIR "/bin/reelgate-worker",
                                    launch_order_for(*manifest, settings),
                                    Environment{});
        ASSERT_TRUE(spawned) << spawned.error().sentence();
        worker_ = *std::move(spawned);
        ASSERT_EQ(text_of(next("hello"), "type"), "hello");
    }

    void TearDown() override
    {
        if (worker_.pid < 0) return;
        ::kill(-worker_.pid, SIGKILL);
        ::waitpid(worker_.pid, nullptr, 0);
    }

    void send(const Json& frame) const
    {
        const auto bytes = encode_frame(frame);
        ASSERT_TRUE(bytes);
        ASSERT_EQ(::send(worker_.wire.get(), bytes->data(), bytes->size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes->size()));
    }

    void run(const std::string& job, const Json& steps) const
    {
        Json request = Json::parse(R"({
            "model": "pattern", "task": "t2v", "prompt": "x", "negative_prompt": "", "width": 64,
            "height": 64, "frames": 5, "fps": 24, "seed": 1, "steps": null, "guidance": null,
            "audio": false, "inputs": [],
            "attempt": {"id": "a", "number": 1, "deadline_s": 60, "idempotency_key": "key"}})");
        request["params"]["script"]["run"] = steps;
        send(Json{
            {"type",     "run"                         },
            {"job",      job                           },
            {"request",  request                       },
            {"work_dir", (scratch_ / "work/a").string()}
        });
    }

    // The next frame of this type, whatever comes before it; an empty object when none comes.
    Json next(const std::string& type)
    {
        while (true) {
            auto frame = reader_.next();
            if (!frame) {
                ADD_FAILURE() << frame.error().sentence();
                return Json::object();
            }
            if (*frame) {
                if (text_of(**frame, "type") == type) return **frame;
                continue;
            }
            if (!read_more()) {
                ADD_FAILURE() << "waited in vain for " << type;
                return Json::object();
            }
        }
    }

    const ScratchDir scratch_;
    const fs::path data_ = scratch_ / "data";
    const fs::path cache_ = scratch_ / "data/cache";

private:
    bool read_more()
    {
        constexpr auto kLong = std::chrono::milliseconds(kPatience);
        pollfd wire{.fd = worker_.wire.get(), .events = POLLIN, .revents = 0};
        if (::poll(&wire, 1, static_cast<int>(kLong.count())) != 1) return false;
        std::array<char, 4096> block{};
        const ssize_t got = ::recv(wire.fd, block.data(), block.size(), 0);
        if (got <= 0) return false;
        reader_.feed({block.data(), static_cast<std::size_t>(got)});
        return true;
    }

    SpawnedWorker worker_;
    FrameReader reader_;
};

// And with an instance.
class RawWire : public EarlyWire {
protected:
    void SetUp() override
    {
        ASSERT_NO_FATAL_FAILURE(EarlyWire::SetUp());
        const Json config{
            {"ledger", ""}
        };
        send(Json{
            {"type",      "create"       },
            {"config",    config         },
            {"data_dir",  data_.string() },
            {"cache_dir", cache_.string()}
        });
        ASSERT_EQ(next("created").value("status", -1), RG_OK);
    }
};

struct Early {
    const char* name;
    const char* frame;
    const char* answer;
};
void PrintTo(const Early& row, std::ostream* out) { *out << row.name; }

class EarlyFrame : public EarlyWire, public testing::WithParamInterface<Early> {};

TEST_P(EarlyFrame, IsAnsweredWithoutThePlugin)
{
    send(Json::parse(GetParam().frame));
    const Json answer = next(GetParam().answer);
    EXPECT_NE(answer.value("status", int{RG_OK}), RG_OK);
    EXPECT_THAT(answer.dump(), HasSubstr("before `create`"));
    send(Json{
        {"type", "ping"},
        {"n",    1     }
    });
    EXPECT_EQ(next("pong").value("n", 0), 1) << "the worker is gone";
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, EarlyFrame, testing::Values(
    Early{"probe", R"({"type": "probe", "n": 1})", "probed"},
    Early{"abandon", R"({"type": "abandon", "job": "a", "remote": {"id": "r"}})", "abandoned"},
    Early{"call", R"({"type": "call", "n": 1, "extension": "reelgate.cost/1", "function": "amount", "arguments": {}})", "called"},
    Early{"run", R"({"type": "run", "job": "a", "request": {}, "work_dir": "/"})", "done"},
    Early{"resume", R"({"type": "resume", "job": "a", "request": {}, "remote": {}, "work_dir": "/"})", "done"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST_F(RawWire, AJobThatCameTwiceIsRefusedAndTheFirstGoesOn)
{
    const fs::path go = scratch_ / "work/a/go";
    const Json steps{{{"progress", 1}}, {{"wait_for", go.string()}}, "deliver"};
    run("twin", steps);
    ASSERT_EQ(text_of(next("progress"), "job"), "twin");

    run("twin", steps);
    const Json refused = next("done");
    EXPECT_EQ(text_of(refused, "job"), "twin");
    EXPECT_NE(refused.value("status", int{RG_OK}), RG_OK);
    EXPECT_THAT(refused.dump(), HasSubstr("came twice"));

    send(Json{
        {"type", "ping"},
        {"n",    7     }
    });
    const Json pong = next("pong");
    EXPECT_EQ(pong.value("n", 0), 7);
    EXPECT_EQ(pong.value("jobs", 0), 1) << "the first job is no more, or the second is there, too";

    std::ofstream(go) << "go";
    const Json artifact = next("artifact");
    EXPECT_EQ(text_of(artifact, "job"), "twin");
    EXPECT_EQ(next("done").value("status", -1), RG_OK);
}

// Each request leaves as soon as the verdict before it is here.
TEST_F(RawWire, AfterItsVerdictANameIsFree)
{
    for (int i = 0; i < 200; ++i) {
        run("again", Json::array());
        const Json done = next("done");
        ASSERT_EQ(done.value("status", -1), RG_OK) << i << ": " << done.dump();
    }
}

TEST_F(RawWire, WhatNeverWasAJobIsRefused)
{
    run("", Json::array());
    EXPECT_NE(next("done").value("status", int{RG_OK}), RG_OK);
    run("next", Json::array());
    EXPECT_EQ(next("done").value("status", -1), RG_OK);
}

} // namespace
} // namespace reelgate::test
