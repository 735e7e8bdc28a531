// A value or an Error: the part of std::expected that we use, under its names, so that a newer
// compiler can take over. There is no value(): nothing here throws to report a failure.
#pragma once

#include "host/base/error.hpp"

#include <cassert>
#include <utility>
#include <variant>

namespace reelgate {

struct Done {}; // the value of a Result that only says whether something worked

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& operator*() & { return checked(); }
    const T& operator*() const& { return checked(); }
    T&& operator*() && { return std::move(checked()); }
    T* operator->() { return &checked(); }
    const T* operator->() const { return &checked(); }

    Error& error() & { return failed(); }
    const Error& error() const& { return failed(); }
    Error&& error() && { return std::move(failed()); }

private:
    T& checked()
    {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    const T& checked() const
    {
        assert(has_value());
        return *std::get_if<0>(&state_);
    }
    Error& failed()
    {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    const Error& failed() const
    {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }

    std::variant<T, Error> state_;
};

} // namespace reelgate

// RG_TRY binds the value of an expression or leaves the function with its error; RG_CHECK is for
// Result<Done>. The CO_ pair is for coroutines.
#define RG_CONCAT_IMPL(a, b) a##b
#define RG_CONCAT(a, b) RG_CONCAT_IMPL(a, b)
#define RG_TRY_IMPL(name, leave, decl, expr)                                                       \
    auto name = (expr);                                                                            \
    if (!name) leave std::move(name).error();                                                      \
    decl = *std::move(name)
#define RG_CHECK_IMPL(name, leave, expr)                                                           \
    if (auto name = (expr); !name) leave std::move(name).error()

#define RG_TRY(decl, expr) RG_TRY_IMPL(RG_CONCAT(rg_try_, __LINE__), return, decl, expr)
#define RG_CO_TRY(decl, expr) RG_TRY_IMPL(RG_CONCAT(rg_try_, __LINE__), co_return, decl, expr)
#define RG_CHECK(expr) RG_CHECK_IMPL(RG_CONCAT(rg_check_, __LINE__), return, expr)
#define RG_CO_CHECK(expr) RG_CHECK_IMPL(RG_CONCAT(rg_check_, __LINE__), co_return, expr)
