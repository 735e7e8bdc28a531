#include "host/plugin/table.hpp"

#include "host/plugin/failure_record.hpp"
#include "host/plugin/refusal.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <utility>

namespace reelgate {
namespace {

rg_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

// Collects what a call writes. A plugin that writes without end fills nothing but this bound.
class Answer {
public:
    Answer() : sink_{.struct_size = sizeof(rg_sink), .reserved = 0, .self = this, .write = append}
    {
    }

    const rg_sink* sink() const { return &sink_; }
    bool overflowed() const { return overflowed_; }
    std::string take() { return std::move(text_); }

private:
    static void append(void* self, rg_bytes text)
    {
        auto* answer = static_cast<Answer*>(self);
        if (text.data == nullptr || answer->overflowed_) return;
        if (text.size > kMaxAnswer - answer->text_.size()) {
            answer->overflowed_ = true;
            return;
        }
        answer->text_.append(text.data, text.size);
    }

    rg_sink sink_;
    std::string text_;
    bool overflowed_ = false;
};

Error escaped(std::string_view what)
{
    return Error{.category = Category::plugin_crashed,
                 .text = "the plugin let an exception out of a C function: " + std::string(what),
                 .code = "exception_escaped",
                 .hint = "catch everything at the boundary, as the C++ face of the SDK does",
                 .phase = Phase::run};
}

// Calls into the plugin. With OnEscape::die the noexcept frame ends the search for a handler at
// once, so the process dies with the thrower still on the stack.
template <class Call>
Result<rg_status> enter(OnEscape on_escape, Call call)
{
    if (on_escape == OnEscape::die) return [&call]() noexcept -> rg_status { return call(); }();
    try {
        return rg_status{call()};
    } catch (const std::exception& e) {
        return escaped(e.what());
    } catch (...) {
        return escaped("of unknown type");
    }
}

// One call that answers with text.
template <class Call>
Result<std::string> ask(OnEscape on_escape, Phase phase, Call call)
{
    Answer answer;
    RG_TRY(const rg_status status, enter(on_escape, [&] { return call(answer.sink()); }));
    if (status == RG_OK && answer.overflowed())
        return Error{.category = Category::unknown,
                     .text = "the plugin answered with more than " + std::to_string(kMaxAnswer) +
                             " bytes",
                     .code = "answer_too_long",
                     .phase = phase};
    if (status != RG_OK) return error_from(status, answer.take(), phase);
    return answer.take();
}

template <class Call>
Result<Done> ask_done(OnEscape on_escape, Phase phase, Call call)
{
    RG_TRY([[maybe_unused]] const std::string ignored, ask(on_escape, phase, std::move(call)));
    return Done{};
}

Error no_extension(std::string_view extension)
{
    return Error{.category = Category::unsupported_capability,
                 .text = "the plugin does not offer " + std::string(extension),
                 .code = "no_extension",
                 .phase = Phase::validate};
}

std::string version(std::uint32_t minor)
{
    return std::to_string(RG_ABI_MAJOR) + '.' + std::to_string(minor);
}

} // namespace

Result<Table> Table::adopt(const rg_provider* raw,
                           std::string_view who,
                           OnEscape on_escape,
                           std::uint32_t host_minor)
{
    const std::string name(who);
    if (raw == nullptr)
        return refusal(name + ": " RG_ENTRY_SYMBOL " returned no table",
                       "entry_missing",
                       "return the address of a static rg_provider");
    if (!RG_HAS(raw, run))
        return refusal(name + ": its table is " + std::to_string(raw->struct_size) +
                           " bytes, host ABI " + version(host_minor) + " needs at least " +
                           std::to_string(offsetof(rg_provider, run) + sizeof raw->run),
                       "table_too_small",
                       "set struct_size to sizeof(rg_provider) and rebuild the plugin");
    if (raw->min_host_minor > host_minor)
        return refusal(name + " needs host ABI " + version(raw->min_host_minor) + ", this is " +
                           version(host_minor),
                       "host_too_old",
                       "update Reelgate");

    const std::array<std::pair<const char*, bool>, 5> required{
        {{"describe", raw->describe != nullptr},
         {"create", raw->create != nullptr},
         {"destroy", raw->destroy != nullptr},
         {"probe", raw->probe != nullptr},
         {"run", raw->run != nullptr}}
    };
    for (const auto& [function, present] : required)
        if (!present)
            return refusal(name + ": its table has no " + function,
                           "function_missing",
                           std::string("fill in ") + function + " and rebuild the plugin");

    Table table(raw, on_escape);
    table.find_extensions();
    return table;
}

// A table whose functions are not all there is as good as none.
void Table::find_extensions()
{
    if (!RG_HAS(raw_, extension) || raw_->extension == nullptr) return;
    const auto* resume = static_cast<const rg_resume*>(raw_->extension(RG_EXT_RESUME));
    if (RG_HAS(resume, abandon) && resume->resume && resume->abandon) resume_ = resume;
    const auto* cost = static_cast<const rg_cost*>(raw_->extension(RG_EXT_COST));
    if (RG_HAS(cost, amount) && cost->estimate && cost->amount) cost_ = cost;
    const auto* reconcile = static_cast<const rg_reconcile*>(raw_->extension(RG_EXT_RECONCILE));
    if (RG_HAS(reconcile, find) && reconcile->find) reconcile_ = reconcile;
    const auto* warm = static_cast<const rg_warm*>(raw_->extension(RG_EXT_WARM));
    if (RG_HAS(warm, loaded) && warm->load && warm->unload && warm->loaded) warm_ = warm;
    const auto* tool = static_cast<const rg_tool*>(raw_->extension(RG_EXT_TOOL));
    if (RG_HAS(tool, call) && tool->list && tool->call) tool_ = tool;
}

Result<std::string> Table::describe() const
{
    return ask(on_escape_, Phase::load, [&](const rg_sink* out) { return raw_->describe(out); });
}

Result<void*> Table::create(const rg_host& host, std::string_view config_json) const
{
    void* self = nullptr;
    RG_TRY([[maybe_unused]] const std::string text,
           ask(on_escape_, Phase::load, [&](const rg_sink* out) {
               return raw_->create(&host, bytes_of(config_json), &self, out);
           }));
    return self;
}

void Table::destroy(void* self) const
{
    // Nobody is left to tell of a failure here.
    static_cast<void>(enter(on_escape_, [&] {
        raw_->destroy(self);
        return rg_status{RG_OK};
    }));
}

Result<std::string> Table::probe(void* self) const
{
    return ask(
        on_escape_, Phase::queue, [&](const rg_sink* out) { return raw_->probe(self, out); });
}

Result<Done> Table::run(void* self, const rg_job& job) const
{
    return ask_done(
        on_escape_, Phase::run, [&](const rg_sink* out) { return raw_->run(self, &job, out); });
}

Result<Done> Table::resume(void* self, const rg_job& job, std::string_view remote_json) const
{
    if (resume_ == nullptr) return no_extension(RG_EXT_RESUME);
    return ask_done(on_escape_, Phase::poll, [&](const rg_sink* out) {
        return resume_->resume(self, &job, bytes_of(remote_json), out);
    });
}

Result<std::string> Table::abandon(void* self, std::string_view remote_json) const
{
    if (resume_ == nullptr) return no_extension(RG_EXT_RESUME);
    return ask(on_escape_, Phase::poll, [&](const rg_sink* out) {
        return resume_->abandon(self, bytes_of(remote_json), out);
    });
}

Result<std::string> Table::call(void* self,
                                std::string_view extension,
                                std::string_view function,
                                std::string_view name,
                                std::string_view argument) const
{
    using Call = std::function<rg_status(const rg_sink*)>;
    struct Row {
        std::string_view extension;
        std::string_view function;
        bool present;
        Call call;
    };
    const rg_bytes text = bytes_of(argument);
    const std::array rows{
        Row{RG_EXT_COST,
            "estimate",               cost_ != nullptr,
            [&](auto* o) { return cost_->estimate(self, text, o); }                                 },
        Row{RG_EXT_COST,
            "amount",                 cost_ != nullptr,
            [&](auto* o) { return cost_->amount(self, text, o); }                                   },
        Row{RG_EXT_RECONCILE,
            "find",                   reconcile_ != nullptr,
            [&](auto* o) { return reconcile_->find(self, text, o); }                                },
        Row{RG_EXT_WARM,
            "load",                   warm_ != nullptr,
            [&](auto* o) { return warm_->load(self, text, o); }                                     },
        Row{RG_EXT_WARM,
            "unload",                 warm_ != nullptr,
            [&](auto* o) { return warm_->unload(self, text, o); }                                   },
        Row{RG_EXT_WARM,
            "loaded",                 warm_ != nullptr,
            [&](auto* o) { return warm_->loaded(self, o); }                                         },
        Row{RG_EXT_TOOL,      "list", tool_ != nullptr,      [&](auto* o) { return tool_->list(o); }},
        Row{RG_EXT_TOOL,
            "call",                   tool_ != nullptr,
            [&](auto* o) { return tool_->call(self, bytes_of(name), text, o); }                     },
    };
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) {
        return r.extension == extension && r.function == function;
    });
    if (row == rows.end() || !row->present) return no_extension(extension);
    return ask(on_escape_, Phase::run, row->call);
}

} // namespace reelgate
