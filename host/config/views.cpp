#include "host/config/views.hpp"

#include "host/base/digest.hpp"

#include <algorithm>
#include <utility>

namespace reelgate {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20U;

Error nothing_left(const std::string& model, std::string_view of_what)
{
    return {.category = Category::unsupported_capability,
            .text = "model " + model + ": the configuration leaves it no " + std::string(of_what),
            .code = "narrowed_away"};
}

void narrow_tasks(ModelCapability& model, const std::vector<std::string>& only)
{
    if (only.empty()) return;
    std::erase_if(model.tasks, [&only](const std::string& task) {
        return std::find(only.begin(), only.end(), task) == only.end();
    });
}

// False where none is left: a rule without a list would allow any size.
bool narrow_sizes(ModelCapability& model, const std::vector<std::string>& only)
{
    if (only.empty()) return model.sizes.is_possible();
    SizeRule rule;
    for (const std::string& text : only)
        if (const auto size = frame_size_from(text); size && model.sizes.allows(*size))
            rule.list.push_back(*size);
    if (!rule.is_list()) return false;
    model.sizes = std::move(rule);
    if (!model.sizes.allows(model.default_size))
        model.default_size = model.sizes.nearest(model.default_size);
    return true;
}

void narrow_frames(ModelCapability& model, std::optional<std::uint32_t> most)
{
    if (!most || *most >= model.frames.max) return;
    model.frames.max = *most;
    if (model.frames.is_possible() && model.default_frames > 0)
        model.default_frames = model.frames.nearest(model.default_frames);
}

} // namespace

ProviderView provider_view(const Settings& settings, const ProviderConfig& provider)
{
    ProviderView view{.id = provider.id, .plugin = provider.plugin};
    view.enabled = provider.enabled;
    view.in_process = provider.isolation == Isolation::in_process;
    view.misconfigured = provider.misconfigured;
    view.egress = provider.egress;
    view.slots = provider.max_concurrency;
    view.gpu = provider.gpu;
    for (const PoolSettings& pool : settings.pools)
        if (std::find(pool.members.begin(), pool.members.end(), provider.id) != pool.members.end())
            view.pool = pool.id;
    for (const GpuSettings& gpu : settings.gpus)
        if (provider.gpu == gpu.id && gpu.vram_budget > 0)
            view.vram_budget_mb = gpu.vram_budget / kMib;
    for (const ModelSettings& model : provider.models) {
        view.models.push_back(model.id);
        if (model.usd_per_second) view.usd_per_second.emplace(model.id, *model.usd_per_second);
    }
    return view;
}

std::vector<ProviderView> provider_views(const Settings& settings)
{
    std::vector<ProviderView> views;
    for (const ProviderConfig& provider : settings.providers)
        views.push_back(provider_view(settings, provider));
    return views;
}

Result<ModelCapability> narrowed(ModelCapability declared, const ModelSettings& by)
{
    narrow_tasks(declared, by.tasks);
    if (declared.tasks.empty()) return nothing_left(declared.id, "task");
    if (!narrow_sizes(declared, by.sizes)) return nothing_left(declared.id, "frame size");
    narrow_frames(declared, by.max_frames);
    if (!declared.frames.is_possible()) return nothing_left(declared.id, "number of frames");
    if (by.max_seconds) {
        const auto most = static_cast<double>(by.max_seconds->count());
        declared.max_seconds = std::min(declared.max_seconds.value_or(most), most);
    }
    if (declared.max_seconds && declared.min_seconds.value_or(0) > *declared.max_seconds)
        return nothing_left(declared.id, "length");
    if (by.usd_per_second) declared.usd_per_second = to_string(*by.usd_per_second);
    if (by.vram_peak > 0) declared.vram_peak_mb = (by.vram_peak + kMib - 1) / kMib;
    return declared;
}

Result<ModelCapability> narrowed(ModelCapability declared, const ProviderConfig& by)
{
    for (const ModelSettings& model : by.models)
        if (model.id == declared.id) return narrowed(std::move(declared), model);
    return declared;
}

Purse purse_of(const KeySettings& key, Money spent, Money reserved)
{
    return {.cap = key.budget_per_day, .spent = spent, .reserved = reserved};
}

KeyView key_view(const KeySettings& key, const Purse& purse)
{
    return {.name = key.name,
            .providers = key.providers,
            .allow_media_egress = key.allow_media_egress,
            .left = purse.left()};
}

const KeySettings* key_with(const Settings& settings, std::string_view secret)
{
    // Digests are compared, and so the time that it takes says nothing about the secrets.
    const std::string digest = sha256_hex(secret);
    const KeySettings* found = nullptr;
    for (const KeySettings& key : settings.keys)
        if (key.secret.is_set() && digest == sha256_hex(key.secret.reveal())) found = &key;
    return found;
}

} // namespace reelgate
