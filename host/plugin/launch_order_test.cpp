#include "host/plugin/launch_order.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace reelgate {
namespace {

using Json = nlohmann::json;

// No member has its default.
LaunchOrder full_order()
{
    LaunchOrder order;
    order.exec = true;
    order.plugin_dir = "/plugins/bars";
    order.library = "/plugins/bars/plugin.so";
    order.command = {"./bars", "--worker", "a \"quoted\"\nword"};
    order.stdio = true;
    order.plugin_name = "org.example.bars 1.0.0";
    order.data_dir = "/data/bars";
    order.cache_dir = "/cache/bars";
    order.jail.confine = false;
    order.jail.strict = true;
    order.jail.allow_network = true;
    order.jail.memory_mb = 512;
    order.jail.cores = 3;
    order.jail.max_file_kb = 77;
    order.jail.read_only = {"/weights", "/models"};
    order.jail.read_write = {"/dev/nvidia0"};
    order.jail.work_root = "/work";
    order.shape = HostShape::null_members;
    order.host_minor = 4;
    order.cycles = 9;
    return order;
}

TEST(LaunchOrder, ArrivesAsItWasSent)
{
    const auto read = launch_order_from(to_text(full_order()));
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_TRUE(read->exec);
    EXPECT_EQ(read->plugin_dir, "/plugins/bars");
    EXPECT_EQ(read->library, "/plugins/bars/plugin.so");
    EXPECT_EQ(read->command, full_order().command);
    EXPECT_TRUE(read->stdio);
    EXPECT_EQ(read->plugin_name, "org.example.bars 1.0.0");
    EXPECT_EQ(read->data_dir, "/data/bars");
    EXPECT_EQ(read->cache_dir, "/cache/bars");
    EXPECT_EQ(read->shape, HostShape::null_members);
    EXPECT_EQ(read->host_minor, 4U);
    EXPECT_EQ(read->cycles, 9U);
}

TEST(LaunchOrder, ArrivesWithItsJail)
{
    const auto read = launch_order_from(to_text(full_order()));
    ASSERT_TRUE(read) << read.error().sentence();
    const JailOrder& jail = read->jail;
    EXPECT_FALSE(jail.confine);
    EXPECT_TRUE(jail.strict);
    EXPECT_TRUE(jail.allow_network);
    EXPECT_EQ(jail.memory_mb, 512U);
    EXPECT_EQ(jail.cores, 3U);
    EXPECT_EQ(jail.max_file_kb, 77U);
    EXPECT_EQ(jail.read_only, full_order().jail.read_only);
    EXPECT_EQ(jail.read_write, full_order().jail.read_write);
    EXPECT_EQ(jail.work_root, "/work");
}

TEST(LaunchOrder, WithoutLimitsHasNone)
{
    const auto read = launch_order_from(to_text(LaunchOrder{}));
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_FALSE(read->jail.memory_mb);
    EXPECT_FALSE(read->jail.cores);
    EXPECT_TRUE(read->jail.confine);
}

// A path is bytes; what is no text must not keep a worker from being told the rest.
TEST(LaunchOrder, SurvivesAPathThatIsNoText)
{
    LaunchOrder order = full_order();
    order.data_dir = "/data/\xff\xfe";
    const auto read = launch_order_from(to_text(order));
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->plugin_dir, "/plugins/bars");
}

class Broken : public testing::TestWithParam<std::string> {};

TEST_P(Broken, IsRefused)
{
    const auto read = launch_order_from(GetParam());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "bad_order");
}

// Whole orders without one member, or with one of the wrong kind, and what is no order at all.
std::vector<std::string> broken_orders()
{
    std::vector<std::string> all{"", "{", "[]", "null", "7", "{}"};
    const Json whole = Json::parse(to_text(full_order()));
    for (const auto& [member, value] : whole.items()) {
        Json without = whole;
        without.erase(member);
        all.push_back(without.dump());
        Json other = whole;
        other[member] = value.is_string() ? Json(7) : Json("seven");
        all.push_back(other.dump());
    }
    for (const auto& [member, value] : whole["jail"].items()) {
        Json other = whole;
        other["jail"][member] = value.is_string() ? Json(7) : Json("seven");
        all.push_back(other.dump());
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Rows, Broken, testing::ValuesIn(broken_orders()));

} // namespace
} // namespace reelgate
