// What the tests of the scripted provider share: the built plugins, and a life in a directory of
// its own.
#pragma once

#include "tests/fakes/ledger.hpp"
#include "tests/fakes/plugin_under_test.hpp"

#include <gmock/gmock.h>

namespace reelgate::fakes {

inline const rg_provider* scripted()
{
    static const rg_provider* const kPlugin = load_plugin(REELGATE_BINARY_DIR "/plugins/scripted");
    return kPlugin;
}

inline const rg_provider* scripted_paid()
{
    static const rg_provider* const kPlugin =
        load_plugin(REELGATE_BINARY_DIR "/plugins/scripted-paid");
    return kPlugin;
}

// The configuration that holds `script`, written as JSON.
inline nlohmann::json config_of(const std::string& script)
{
    nlohmann::json config;
    config["script"] = nlohmann::json::parse(script);
    return config;
}

class ScriptedTest : public testing::Test {
protected:
    LedgerEntries ledger() const { return read_ledger(dir_ / "ledger.jsonl"); }

    // One run under `script`, in a life of its own.
    Answer
    run_once(const std::string& script, const TableJob& job, const rg_provider* plugin = scripted())
    {
        Life life(plugin, config_of(script), dir_.path());
        EXPECT_EQ(life.created().status, RG_OK) << life.created().text;
        return life.run(job);
    }

    ScratchDir dir_;
};

} // namespace reelgate::fakes
