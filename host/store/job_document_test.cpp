#include "host/store/job_document.hpp"

#include <gmock/gmock.h>

namespace reelgate {
namespace {

using testing::HasSubstr;

Request frames_only()
{
    Request request;
    request.task.clear();
    request.params_json.clear();
    request.frames = 49;
    return request;
}

TEST(JobDocument, LeavesOutWhatIsNothing)
{
    EXPECT_EQ(store::document_of(frames_only()), R"({"frames":49})");
    Job job;
    job.seed = 5;
    job.can_stop = false; // what is missing is read as false, and this one is true by default
    EXPECT_EQ(store::document_of(job), R"({"seed":5,"waiting":"slot"})");
}

TEST(JobDocument, WhatIsMissingIsNothingAndNotWhatWasThere)
{
    Job job;
    job.crashes = 2;
    job.warnings = {"w"};
    job.error = Error{};
    ASSERT_TRUE(store::read_document(R"({"waiting":"storage"})", job));
    EXPECT_EQ(job.crashes, 0U);
    EXPECT_TRUE(job.warnings.empty());
    EXPECT_FALSE(job.error);
    EXPECT_FALSE(job.can_stop);
    EXPECT_EQ(job.waiting, Waiting::storage);
}

TEST(JobDocument, LeavesAloneWhatColumnsHold)
{
    JobOrder order;
    order.wish.prompt = "a cube";
    order.owner = "anna";
    ASSERT_TRUE(store::read_document(R"({"wish":{"model":"m"},"adjust":"nearest",)"
                                     R"("priority":"normal"})",
                                     order));
    EXPECT_EQ(order.wish.prompt, "a cube");
    EXPECT_EQ(order.owner, "anna");
    EXPECT_EQ(order.wish.model, "m");
}

struct BadRow {
    const char* document; // of a job, with "waiting", which must be there
    const char* why;
};

// clang-format off
const BadRow kBad[] = {
    {"", "object"},
    {"[]", "object"},
    {"{", "object"},
    {R"({"waiting":"slot"} x)", "object"},
    {R"({"waiting":"slot","novelty":1})", "nobody knows"},
    {R"({"waiting":"nap"})", "'waiting'"},
    {R"({"waiting":7})", "'waiting'"},
    {R"({"waiting":"slot","crashes":-1})", "'crashes'"},
    {R"({"waiting":"slot","crashes":4294967296})", "'crashes'"},
    {R"({"waiting":"slot","crashes":1.5})", "'crashes'"},
    {R"({"waiting":"slot","late":1})", "'late'"},
    {R"({"waiting":"slot","warnings":"w"})", "'warnings'"},
    {R"({"waiting":"slot","warnings":[1]})", "'warnings'"},
    {R"({"waiting":"slot","wait_until":"soon"})", "'wait_until'"},
    {R"({"waiting":"slot","wait_until":18446744073709551615})", "'wait_until'"},
    {R"({"waiting":"slot","error":"oops"})", "'error'"},
    {R"({"waiting":"slot","error":{"category":"nothing","phase":"run"}})", "'category'"},
    {R"({"waiting":"slot","artifact":{"facts":{"width":"wide"}}})", "'width'"},
    {R"({"waiting":"slot","artifact":{"facts":{"depth":3}}})", "nobody knows"},
};
// clang-format on

TEST(JobDocument, RefusesWhatItWouldHaveToGuess)
{
    for (const BadRow& row : kBad) {
        Job job;
        const auto done = store::read_document(row.document, job);
        ASSERT_FALSE(done) << row.document;
        EXPECT_EQ(done.error().code, "store_damaged") << row.document;
        EXPECT_THAT(done.error().text, HasSubstr(row.why)) << row.document;
    }
}

TEST(JobDocument, TimesKeepTheirMicroseconds)
{
    for (const std::int64_t micros :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{1'800'000'000'123'456}})
        EXPECT_EQ(store::micros_of(store::time_of(micros)), micros);
}

} // namespace
} // namespace reelgate
