// What a store makes of the directory that it is given.
#include "host/store/job_rows.hpp"
#include "host/store/schema.hpp"
#include "host/store/store_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string bytes_of(const fs::path& file)
{
    if (!fs::is_regular_file(file)) return {};
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const fs::path& file, std::uint64_t from, std::uint64_t to)
{
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(from));
    for (std::uint64_t at = from; at < to; ++at)
        out.put('\x5A');
}

class StoreOpenTest : public StoreFixture {
protected:
    fs::path directory() const { return scratch / "store"; }
    fs::path database() const { return directory() / "jobs.db"; }

    std::string refusal()
    {
        auto opened = JobStore::open(loop.get_executor(), clock, options());
        if (!opened) return opened.error().code;
        store = *std::move(opened);
        close();
        return "opened";
    }

    void fill(int jobs)
    {
        open();
        std::vector<std::shared_ptr<std::optional<Result<Admitted>>>> waiting;
        for (int i = 0; i < jobs; ++i)
            waiting.push_back(begin(store->create(order_of(std::string(400, 'p')), 1, {})));
        for (const auto& one : waiting)
            while (!one->has_value())
                turn();
        close();
    }

    void run_sql(const std::string& statements) const
    {
        auto opened = store::Database::open(database(), store::Database::Mode::write);
        ASSERT_TRUE(opened);
        const auto done = opened->run(statements);
        ASSERT_TRUE(done) << done.error().sentence();
    }

    std::uint64_t root_of(const std::string& table) const
    {
        auto opened = store::Database::open(database(), store::Database::Mode::read);
        if (!opened) return 0;
        auto query = opened->query("SELECT rootpage FROM sqlite_schema WHERE name = ?");
        return static_cast<std::uint64_t>(query.bind(table).number()->value_or(0));
    }

    void overwrite_page(std::uint64_t number) const
    {
        constexpr std::uint64_t kPage = 4096;
        ASSERT_GT(number, 1U);
        overwrite(database(), (number - 1) * kPage, number * kPage);
    }
};

TEST_F(StoreOpenTest, MakesWhatIsMissing)
{
    EXPECT_EQ(refusal(), "opened");
    struct stat facts {};
    ASSERT_EQ(::stat(directory().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
    EXPECT_EQ(refusal(), "opened");
}

TEST_F(StoreOpenTest, GoesOnWhereAFirstStartWasCutShort)
{
    fs::create_directories(directory());
    std::ofstream(database()).flush();
    EXPECT_EQ(refusal(), "opened");
}

TEST_F(StoreOpenTest, IsOneDaemonsAtATime)
{
    open();
    const auto second = JobStore::open(loop.get_executor(), clock, options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "store_in_use");
    EXPECT_THAT(second.error().text, HasSubstr("process " + std::to_string(::getpid())));
    const Job job = created(order_of("x")); // the first one goes on
    close();
    open();
    EXPECT_EQ(found(job.id), job);
}

// What is in the directory before; each is refused, and not a byte of it changes.
struct Foreign {
    const char* name;
    void (*make)(StoreOpenTest& test, const fs::path& database);
    const char* code;
};

class StoreRefuses : public StoreOpenTest, public testing::WithParamInterface<Foreign> {
public:
    using StoreOpenTest::fill;
    using StoreOpenTest::run_sql;
};

void make_own(StoreOpenTest& test) { static_cast<StoreRefuses&>(test).fill(20); }
void change_own(StoreOpenTest& test, const char* sql)
{
    make_own(test);
    static_cast<StoreRefuses&>(test).run_sql(sql);
}

TEST_P(StoreRefuses, AndTouchesNothing)
{
    fs::create_directories(directory());
    GetParam().make(*this, database());
    const std::string before = bytes_of(database());
    EXPECT_EQ(refusal(), GetParam().code);
    EXPECT_EQ(bytes_of(database()), before);
    EXPECT_EQ(refusal(), GetParam().code) << "again: nothing of it was repaired";
}

// clang-format off
const Foreign kForeign[] = {
    {"NewerVersion", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "PRAGMA user_version = 999;");
     }, "store_too_new"},
    {"NegativeVersion", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "PRAGMA user_version = -1;");
     }, "store_damaged"},
    {"AnotherProgram", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "PRAGMA application_id = 7;");
     }, "store_damaged"},
    {"AnotherProgramWithoutItsName", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "PRAGMA application_id = 0; PRAGMA user_version = 0;");
     }, "store_damaged"},
    {"Text", [](StoreOpenTest&, const fs::path& file) {
         std::ofstream(file) << std::string(5000, 't');
     }, "store_damaged"},
    {"ShorterThanAHeader", [](StoreOpenTest&, const fs::path& file) {
         std::ofstream(file) << "SQLite format 3";
     }, "store_damaged"},
    {"FirstPageDamaged", [](StoreOpenTest& test, const fs::path& file) {
         make_own(test);
         overwrite(file, 100, 4096);
     }, "store_damaged"},
    {"AllButTheFirstPageDamaged", [](StoreOpenTest& test, const fs::path& file) {
         make_own(test);
         overwrite(file, 4096, fs::file_size(file));
     }, "store_damaged"},
    {"CutOff", [](StoreOpenTest& test, const fs::path& file) {
         make_own(test);
         fs::resize_file(file, fs::file_size(file) / 2);
     }, "store_damaged"},
    {"AWordOfNoTable", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "UPDATE jobs SET state = 'asleep' WHERE seq = 7");
     }, "store_damaged"},
    {"ADocumentThatIsNone", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "UPDATE orders SET doc = '{' WHERE seq = 7");
     }, "store_damaged"},
    {"AJobWithoutItsOrder", [](StoreOpenTest& test, const fs::path&) {
         change_own(test, "DELETE FROM orders WHERE seq = 7");
     }, "store_damaged"},
    {"Directory", [](StoreOpenTest&, const fs::path& file) {
         fs::create_directory(file);
     }, "store_unwritable"},
    {"Link", [](StoreOpenTest& test, const fs::path& file) {
         make_own(test);
         fs::rename(file, file.string() + ".other");
         fs::create_symlink(file.string() + ".other", file);
     }, "store_unwritable"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Each, StoreRefuses, testing::ValuesIn(kForeign), [](const auto& row) {
    return std::string(row.param.name);
});

TEST_F(StoreOpenTest, RefusesADirectoryThatItCannotMake)
{
    std::ofstream(directory()) << "a file";
    EXPECT_EQ(refusal(), "store_unwritable");
    EXPECT_EQ(bytes_of(directory()), "a file");
}

TEST_F(StoreOpenTest, RefusesADirectoryThatIsNotItsOwn)
{
    if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
    fs::create_directory(directory(), scratch.path());
    fs::permissions(directory(), fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_EQ(refusal(), "store_unwritable");
}

// A newer daemon crashed: its version is in the log only, and the log is left for it.
TEST_F(StoreOpenTest, LeavesTheLogOfANewerVersionAlone)
{
    fill(5);
    fs::copy(directory(), scratch / "copy", fs::copy_options::recursive);
    {
        auto newer = store::Database::open(database(), store::Database::Mode::write);
        ASSERT_TRUE(newer);
        newer->checkpoint_on_close(false);
        ASSERT_TRUE(newer->run("PRAGMA user_version = 999; CREATE TABLE novelty (x);"));
    }
    const std::string log = bytes_of(database().string() + "-wal");
    ASSERT_FALSE(log.empty());
    ASSERT_EQ(bytes_of(database()), bytes_of(scratch / "copy/jobs.db"));
    EXPECT_EQ(refusal(), "store_too_new");
    EXPECT_EQ(bytes_of(database().string() + "-wal"), log);
    EXPECT_EQ(bytes_of(database()), bytes_of(scratch / "copy/jobs.db"));
}

// A commit that was cut short at any byte has not happened; what was answered before has.
TEST_F(StoreOpenTest, ForgetsHalfACommitAndNoMore)
{
    open();
    const Job first = created(order_of("first"));
    const auto half = fs::file_size(database().string() + "-wal");
    const Job second = created(order_of("second"));
    const auto whole = fs::file_size(database().string() + "-wal");
    ASSERT_GT(whole, half);
    for (const std::uint64_t size :
         {half, half + 1, half + 24, (half + whole) / 2, whole - 1, whole}) {
        const fs::path copy = scratch / ("copy" + std::to_string(size));
        fs::create_directory(copy);
        fs::copy(database(), copy / "jobs.db");
        fs::copy(database().string() + "-wal", copy / "jobs.db-wal");
        fs::resize_file(copy / "jobs.db-wal", size);
        auto opened = store::open_for_writing(copy);
        ASSERT_TRUE(opened) << opened.error().sentence();
        EXPECT_TRUE(*store::seq_of(*opened, first.id)) << size;
        EXPECT_EQ(store::seq_of(*opened, second.id)->has_value(), size == whole) << size;
    }
}

// Damage that is found only later stops what meets it, and what is sound is still read.
TEST_F(StoreOpenTest, SaysWhenHistoryIsDamaged)
{
    open();
    const Job bad = created(order_of("x"));
    const Job good = created(order_of("y"));
    applied(bad.id, steps({JobEvent::gave_up}));
    applied(good.id, steps({JobEvent::gave_up}));
    close();
    run_sql("UPDATE orders SET doc = '[]' WHERE seq = 1");
    open();
    const auto found_bad = wait(store->find(bad.id));
    ASSERT_FALSE(found_bad);
    EXPECT_EQ(found_bad.error().code, "store_damaged");
    EXPECT_EQ(found(good.id).order, good.order);
    EXPECT_FALSE(wait(store->list({})));
}

// Whoever writes into a damaged page is told, and so is everybody after him: nothing is answered
// that is not on disk.
TEST_F(StoreOpenTest, StopsWritingWhenADamagedPageIsMet)
{
    fill(1);
    overwrite_page(root_of("facts"));
    open();
    const Job job = created(order_of("x"));
    EXPECT_FALSE(store->failure());
    const auto fact = wait(store->put_fact("starts", "[]"));
    ASSERT_FALSE(fact);
    EXPECT_EQ(fact.error().code, "store_damaged");
    const auto applied = wait(store->apply(job.id, steps({JobEvent::picked})));
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, "store_damaged");
    ASSERT_TRUE(store->failure());
    EXPECT_EQ(store->failure()->code, "store_damaged");
    EXPECT_EQ(store->live(job.id)->state, JobState::queued);
    EXPECT_EQ(found(job.id), job);
    const auto again = wait(store->create(order_of("y"), 1, {}));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "store_damaged");
}

} // namespace
} // namespace reelgate
