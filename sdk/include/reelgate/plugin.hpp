// The face of the plugin contract in C++: all an author includes. Write a class that implements
// IVideoProvider, with `static Description describe()` and a constructor (Host, const Json&
// config), and name it once in RG_PLUGIN. No exception leaves the plugin, and nothing here is
// global.
#pragma once

#include <reelgate/abi/provider.h>
#include <reelgate/description.hpp>
#include <reelgate/ext/cost.h>
#include <reelgate/ext/reconcile.h>
#include <reelgate/ext/resume.h>
#include <reelgate/ext/tool.h>
#include <reelgate/ext/vram.h>
#include <reelgate/ext/warm.h>
#include <reelgate/failure.hpp>
#include <reelgate/job.hpp>

#include <concepts>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace reelgate {
inline namespace sdk_v1 {

class IVideoProvider {
public:
    virtual ~IVideoProvider() = default;

    // One attempt, from the request to the last artifact. Overlaps itself up to the concurrency of
    // the description.
    virtual void run(Job& job) = 0;

    // Could it take a job now? Free of charge, within 2 s; may overlap run(). Only `state` is
    // required: ready, busy, starting, degraded, unhealthy or misconfigured, with a `reason` unless
    // ready.
    virtual Json probe()
    {
        return {
            {"state", "ready"}
        };
    }
};

// Optional abilities. A provider has one by also deriving from it.

class IResumable { // reelgate.resume/1
public:
    virtual ~IResumable() = default;
    // Like run(), for work that exists: `remote` is what accepted() was told. Never submits.
    virtual void resume(Job& job, const Json& remote) = 0;
    // Asks the other side to stop: {{"compute_stopped", bool}, {"billing", "..."}}.
    virtual Json abandon(const Json& remote) = 0;
};

class IReconcilable { // reelgate.reconcile/1
public:
    virtual ~IReconcilable() = default;
    // What became of a submit whose answer was lost; `intent` is what intend() was told. Asks,
    // never submits: {{"found", true}, {"remote", {...}}}, {{"found", false}} only where it is
    // certain that nothing was accepted and nothing will be, {{"found", nullptr}} where it is not
    // known.
    virtual Json find(const Json& intent) = 0;
};

class ICosted { // reelgate.cost/1
public:
    virtual ~ICosted() = default;
    // Before the submit, without network: {{"usd", "0.40"}, {"basis", "list"}}; decimal text, no
    // double.
    virtual Json estimate(const Json& request) = 0;
    // After acceptance, as far as the other side tells.
    virtual Json amount(const Json& remote) = 0;
};

class IWarmable { // reelgate.warm/1
public:
    virtual ~IWarmable() = default;
    virtual void load(std::string_view model) = 0;
    virtual void unload(std::string_view model) = 0;
    // The ids of the models that are loaded, as an array.
    virtual Json loaded() = 0;
};

class IToolbox { // reelgate.tool/1; such a class also has `static Tools tools()`
public:
    virtual ~IToolbox() = default;
    virtual Json call(std::string_view tool, const Json& arguments) = 0;
};

namespace detail {

inline void write(const rg_sink* out, std::string_view text)
{
    if (RG_HAS(out, write) && out->write != nullptr) out->write(out->self, bytes(text));
}

inline Json parse(rg_bytes text)
{
    return text.size == 0 ? Json::object() : Json::parse(string(text));
}

inline rg_status report(const rg_sink* out, const Failure& failure)
{
    write(out, dump(failure.record()));
    return failure.status() == RG_OK ? RG_FAILED : failure.status();
}

// The one way out of the plugin: the result of `work`, or what it threw as a status and a record.
template <class Work>
rg_status guard(const rg_sink* out, Work work) noexcept
{
    try {
        try {
            const Json result = work();
            if (!result.is_null()) write(out, dump(result));
            return RG_OK;
        } catch (const Failure& failure) {
            return report(out, failure);
        } catch (const std::bad_alloc&) { // a literal: there is no memory for more
            write(out, R"({"category":"unknown","code":"host_memory","text":"out of memory"})");
            return RG_FAILED;
        } catch (const std::exception& other) {
            return report(out, failed(Category::unknown, other.what()).code("exception"));
        } catch (...) {
            return report(out,
                          failed(Category::unknown, "exception of unknown type").code("exception"));
        }
    } catch (...) {
        return RG_FAILED; // the record could not be made; the status alone is legal
    }
}

template <class Provider, class Interface>
Interface& as(void* self)
{
    return *static_cast<Provider*>(self);
}

template <class Provider>
struct Resume {
    static rg_status
    resume(void* self, const rg_job* job, rg_bytes remote, const rg_sink* out) noexcept
    {
        return guard(out, [=]() -> Json {
            HostJob one(job);
            as<Provider, IResumable>(self).resume(one, parse(remote));
            return nullptr;
        });
    }
    static rg_status abandon(void* self, rg_bytes remote, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, IResumable>(self).abandon(parse(remote)); });
    }
    static constexpr rg_resume kTable{sizeof(rg_resume), 0, resume, abandon};
};

template <class Provider>
struct Reconcile {
    static rg_status find(void* self, rg_bytes intent, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, IReconcilable>(self).find(parse(intent)); });
    }
    static constexpr rg_reconcile kTable{sizeof(rg_reconcile), 0, find};
};

template <class Provider>
struct Cost {
    static rg_status estimate(void* self, rg_bytes request, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, ICosted>(self).estimate(parse(request)); });
    }
    static rg_status amount(void* self, rg_bytes remote, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, ICosted>(self).amount(parse(remote)); });
    }
    static constexpr rg_cost kTable{sizeof(rg_cost), 0, estimate, amount};
};

template <class Provider>
struct Warm {
    static rg_status load(void* self, rg_bytes model, const rg_sink* out) noexcept
    {
        return guard(out, [=]() -> Json {
            as<Provider, IWarmable>(self).load(string(model));
            return nullptr;
        });
    }
    static rg_status unload(void* self, rg_bytes model, const rg_sink* out) noexcept
    {
        return guard(out, [=]() -> Json {
            as<Provider, IWarmable>(self).unload(string(model));
            return nullptr;
        });
    }
    static rg_status loaded(void* self, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, IWarmable>(self).loaded(); });
    }
    static constexpr rg_warm kTable{sizeof(rg_warm), 0, load, unload, loaded};
};

template <class Provider>
struct Tool {
    static rg_status list(const rg_sink* out) noexcept
    {
        return guard(out, [] { return Provider::tools().json(); });
    }
    static rg_status
    call(void* self, rg_bytes name, rg_bytes arguments, const rg_sink* out) noexcept
    {
        return guard(
            out, [=] { return as<Provider, IToolbox>(self).call(string(name), parse(arguments)); });
    }
    static constexpr rg_tool kTable{sizeof(rg_tool), 0, list, call};
};

template <class Provider>
struct Table {
    static_assert(std::derived_from<Provider, IVideoProvider>, "RG_PLUGIN needs an IVideoProvider");
    static_assert(std::constructible_from<Provider, Host, const Json&>,
                  "RG_PLUGIN needs a public constructor (Host, const Json& config)");

    static rg_status describe(const rg_sink* out) noexcept
    {
        return guard(out, [] { return Provider::describe().json(); });
    }
    static rg_status
    create(const rg_host* host, rg_bytes config, void** self, const rg_sink* out) noexcept
    {
        return guard(out, [=]() -> Json {
            const Json settings = parse(config);
            *self = std::make_unique<Provider>(Host(host), settings).release();
            return nullptr;
        });
    }
    static void destroy(void* self) noexcept
    {
        guard(nullptr, [=]() -> Json {
            delete static_cast<Provider*>(self);
            return nullptr;
        });
    }
    static rg_status probe(void* self, const rg_sink* out) noexcept
    {
        return guard(out, [=] { return as<Provider, IVideoProvider>(self).probe(); });
    }
    static rg_status run(void* self, const rg_job* job, const rg_sink* out) noexcept
    {
        return guard(out, [=]() -> Json {
            HostJob one(job);
            as<Provider, IVideoProvider>(self).run(one);
            return nullptr;
        });
    }
    static const void* extension(const char* id) noexcept
    {
        const auto asked = [id](const char* known) { return std::strcmp(id, known) == 0; };
        if constexpr (std::derived_from<Provider, IResumable>)
            if (asked(RG_EXT_RESUME)) return &Resume<Provider>::kTable;
        if constexpr (std::derived_from<Provider, IReconcilable>)
            if (asked(RG_EXT_RECONCILE)) return &Reconcile<Provider>::kTable;
        if constexpr (std::derived_from<Provider, ICosted>)
            if (asked(RG_EXT_COST)) return &Cost<Provider>::kTable;
        if constexpr (std::derived_from<Provider, IWarmable>)
            if (asked(RG_EXT_WARM)) return &Warm<Provider>::kTable;
        if constexpr (std::derived_from<Provider, IToolbox>)
            if (asked(RG_EXT_TOOL)) return &Tool<Provider>::kTable;
        return nullptr;
    }
    static constexpr rg_provider kTable{sizeof(rg_provider),
                                        RG_ABI_MINOR,
                                        RG_MIN_HOST_MINOR,
                                        0,
                                        describe,
                                        create,
                                        destroy,
                                        probe,
                                        run,
                                        extension};
};

} // namespace detail
} // namespace sdk_v1
} // namespace reelgate

// Once in a plugin, in any namespace-free place: the class that provides.
#define RG_PLUGIN(Class)                                                                           \
    extern "C" RG_EXPORT const rg_provider* reelgate_provider_v1(void)                             \
    {                                                                                              \
        return &::reelgate::detail::Table<Class>::kTable;                                          \
    }
