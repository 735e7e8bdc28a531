#include "host/plugin/asking.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace reelgate {
namespace {

// A worker that takes frames and answers nothing by itself.
class AskingTest : public testing::Test {
protected:
    template <class T>
    std::shared_ptr<std::optional<Result<T>>> begin(Task<T> task)
    {
        auto answer = std::make_shared<std::optional<Result<T>>>();
        auto kept = keep(std::move(task), answer);
        asio::co_spawn(loop_, std::move(kept), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
        loop_.poll();
        return answer;
    }

    void answer(const std::string& type, const Json& frame)
    {
        asking_.answered(type, frame);
        loop_.restart();
        loop_.poll();
    }

    asio::io_context loop_{1};
    std::vector<Json> sent_;
    std::optional<Error> absent_; // why nobody takes frames
    Asking asking_{loop_.get_executor(), "org.x 1.0.0", "org.x", [this](const Json& frame) {
                       return take(frame);
                   }};

private:
    template <class T>
    static asio::awaitable<void> keep(Task<T> task,
                                      std::shared_ptr<std::optional<Result<T>>> answer)
    {
        answer->emplace(co_await std::move(task));
    }

    Result<Done> take(const Json& frame)
    {
        if (absent_) return *absent_;
        sent_.push_back(frame);
        return Done{};
    }
};

TEST_F(AskingTest, EachAnswerFindsItsQuestion)
{
    const auto first = begin(asking_.probe());
    const auto second = begin(asking_.probe());
    const auto load = begin(asking_.call("reelgate.warm/1", "load", "", "bars"));
    const auto gone = begin(asking_.abandon(R"({"id": 1})"));
    const auto ping = begin(asking_.ping());
    ASSERT_EQ(sent_.size(), 5U);
    EXPECT_EQ(sent_[2]["arguments"], "bars"); // no JSON: a text
    EXPECT_EQ(sent_[3]["remote"]["id"], 1);
    const Json states[] = {"ready", "busy"};
    for (const int i : {1, 0})
        answer("probed",
               Json{
                   {"n",      sent_[static_cast<std::size_t>(i)]["n"]},
                   {"status", 0                                      },
                   {"result", states[i]                              }
        });
    answer("called",
           Json{
               {"n",       sent_[2]["n"]      },
               {"status",  1                  },
               {"failure", {{"text", "later"}}}
    });
    answer("abandoned",
           Json{
               {"job",    sent_[3]["job"]},
               {"status", 0              },
               {"result", {}             }
    });
    answer("pong",
           Json{
               {"n", sent_[4]["n"]}
    });
    ASSERT_TRUE(*first && *second && *load && *gone && *ping);
    EXPECT_EQ(***first, "\"ready\"");
    EXPECT_EQ(***second, "\"busy\"");
    EXPECT_EQ((*load)->error().text, "later");
    EXPECT_EQ((*load)->error().category, Category::provider_overloaded);
    EXPECT_TRUE((*gone)->has_value());
    EXPECT_TRUE((*ping)->has_value());
}

TEST_F(AskingTest, WhatNobodyAskedIsDropped)
{
    const auto probe = begin(asking_.probe());
    const Json n = sent_[0]["n"];
    const Json others[] = {
        Json{{"n", 99U},     {"status", 0}},
        Json{{"n", "1"},              {"status", 0}},
        Json{{"status", 0}},
    };
    for (const Json& frame : others)
        answer("probed", frame);
    answer("called",
           Json{
               {"n",      n},
               {"status", 0}
    });
    EXPECT_FALSE(*probe);
    answer("probed",
           Json{
               {"n",      n},
               {"status", 0},
               {"result", 1}
    });
    answer("probed",
           Json{
               {"n",      n},
               {"status", 0},
               {"result", 2}
    });
    ASSERT_TRUE(*probe);
    EXPECT_EQ(***probe, "1");
}

TEST_F(AskingTest, TheEndOfTheWorkerAnswersEverything)
{
    const auto probe = begin(asking_.probe());
    const auto ping = begin(asking_.ping());
    asking_.lose_all(internal_error("it crashed"));
    loop_.restart();
    loop_.poll();
    ASSERT_TRUE(*probe && *ping);
    EXPECT_EQ((*probe)->error().text, "it crashed");
    EXPECT_EQ((*ping)->error().text, "it crashed");
}

TEST_F(AskingTest, WithoutAWorkerTheReasonIsTheAnswer)
{
    absent_ = internal_error("resting");
    const auto probe = begin(asking_.probe());
    ASSERT_TRUE(*probe);
    EXPECT_EQ((*probe)->error().text, "resting");
    EXPECT_TRUE(sent_.empty());
}

} // namespace
} // namespace reelgate
