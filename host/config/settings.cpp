#include "host/config/settings.hpp"

#include <algorithm>

namespace reelgate {
namespace {

template <class T>
const T* with_id(const std::vector<T>& all, std::string_view id)
{
    const auto found =
        std::find_if(all.begin(), all.end(), [id](const T& one) { return one.id == id; });
    return found == all.end() ? nullptr : &*found;
}

// `use` goes first; what came before it moves back by one.
void put_first(Chain& chain, const std::string& use, bool add_if_missing)
{
    const auto uses = [&use](const ChainStep& step) { return step.use == use; };
    const bool there = std::any_of(chain.steps.begin(), chain.steps.end(), uses);
    if (there) {
        std::stable_partition(chain.steps.begin(), chain.steps.end(), uses);
    } else if (add_if_missing) {
        ChainStep step;
        step.use = use;
        chain.steps.insert(chain.steps.begin(), std::move(step));
    }
}

Chain chain_of_all(const Settings& settings)
{
    Chain chain;
    chain.id = "default";
    for (const ProviderConfig& provider : settings.providers) {
        ChainStep step;
        step.use = provider.id;
        chain.steps.push_back(std::move(step));
    }
    return chain;
}

} // namespace

const ProviderConfig* Settings::provider(std::string_view id) const
{
    return with_id(providers, id);
}

const PoolSettings* Settings::pool(std::string_view id) const { return with_id(pools, id); }

const Chain* Settings::chain(std::string_view name) const
{
    // An alias may name another one; a circle of them is refused when the file is checked, and
    // could not hold us longer than this.
    for (std::size_t i = 0; i <= routes.aliases.size(); ++i) {
        if (const Chain* found = with_id(routes.chains, name)) return found;
        const auto alias = std::find_if(routes.aliases.begin(),
                                        routes.aliases.end(),
                                        [name](const auto& entry) { return entry.first == name; });
        if (alias == routes.aliases.end()) return nullptr;
        name = alias->second;
    }
    return nullptr;
}

std::string default_chain_of(const Settings& settings)
{
    if (settings.routes.chains.empty()) return "default";
    const Chain* named = settings.chain(settings.routes.default_chain);
    return named == nullptr ? settings.routes.chains.front().id : named->id;
}

std::vector<Chain> chains_followed(const Settings& settings)
{
    std::vector<Chain> chains = settings.routes.chains;
    if (chains.empty()) chains.push_back(chain_of_all(settings));
    if (settings.video_provider == "auto") return chains;
    const std::string standard = default_chain_of(settings);
    for (Chain& chain : chains)
        put_first(chain, settings.video_provider, chain.id == standard);
    return chains;
}

} // namespace reelgate
