// A value or the reason why there is none: the part of std::expected that is needed here, for
// compilers that do not have it yet. Nothing throws; asking for the wrong half is a bug.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace reelgate::http {

template <class T, class E>
class [[nodiscard]] Expected {
public:
    Expected(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Expected(E error) : state_{std::in_place_index<1>, std::move(error)} {}

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& operator*() & { return at<0>(state_); }
    const T& operator*() const& { return at<0>(state_); }
    T&& operator*() && { return std::move(at<0>(state_)); }
    T* operator->() { return &at<0>(state_); }
    const T* operator->() const { return &at<0>(state_); }

    E& error() & { return at<1>(state_); }
    const E& error() const& { return at<1>(state_); }
    E&& error() && { return std::move(at<1>(state_)); }

private:
    template <std::size_t I, class State>
    static auto& at(State& state)
    {
        assert(state.index() == I);
        return *std::get_if<I>(&state);
    }

    std::variant<T, E> state_;
};

} // namespace reelgate::http
