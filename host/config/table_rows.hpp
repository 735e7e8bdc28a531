// How a row reaches its member: the glue between the kinds of the file and the types of Settings.
// Included by table.cpp alone.
#pragma once

#include "host/config/table.hpp"

#include <algorithm>
#include <concepts>
#include <optional>
#include <utility>

namespace reelgate::table {

template <class M>
struct IsOptional : std::false_type {
};
template <class M>
struct IsOptional<std::optional<M>> : std::true_type {
};

template <class M>
struct IsDuration : std::false_type {
};
template <class Rep, class Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::true_type {
};

template <class M>
void put_value(M& member, SettingValue value)
{
    if constexpr (IsOptional<M>::value) {
        typename M::value_type inner{};
        put_value(inner, std::move(value));
        member = std::move(inner);
    } else if constexpr (std::same_as<M, bool>) {
        member = std::get<bool>(value);
    } else if constexpr (std::integral<M>) {
        member = static_cast<M>(std::get<std::uint64_t>(value));
    } else if constexpr (IsDuration<M>::value) {
        member = std::chrono::duration_cast<M>(std::get<std::chrono::milliseconds>(value));
    } else if constexpr (std::is_enum_v<M>) {
        const auto& words = WordsOf<M>::kList;
        const auto found = std::find(words.begin(), words.end(), std::get<std::string>(value));
        member = static_cast<M>(found - words.begin());
    } else if constexpr (std::same_as<M, std::filesystem::path>) {
        member = std::get<std::string>(value);
    } else {
        member = std::get<M>(std::move(value));
    }
}

template <class M>
SettingValue get_value(const M& member)
{
    if constexpr (IsOptional<M>::value) {
        return member ? get_value(*member) : SettingValue();
    } else if constexpr (std::integral<M> && !std::same_as<M, bool>) {
        return static_cast<std::uint64_t>(member);
    } else if constexpr (IsDuration<M>::value) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(member);
    } else if constexpr (std::is_enum_v<M>) {
        return std::string(WordsOf<M>::kList[static_cast<std::size_t>(member)]);
    } else if constexpr (std::same_as<M, std::filesystem::path>) {
        return member.string();
    } else {
        return member;
    }
}

template <class T, class M>
T owner_of(M T::*);

template <class T, auto... Members>
auto& reach(T& whole)
{
    return (whole.*....*Members);
}

template <class T, auto... Members>
constexpr SettingRow<T> row_of(SettingInfo info)
{
    using Member = std::remove_reference_t<decltype(reach<T, Members...>(std::declval<T&>()))>;
    if constexpr (std::is_enum_v<Member>) info.words = WordsOf<Member>::kList;
    if constexpr (IsOptional<Member>::value) {
        if constexpr (std::is_enum_v<typename Member::value_type>)
            info.words = WordsOf<typename Member::value_type>::kList;
    }
    return {info,
            [](T& whole, SettingValue value) {
                put_value(reach<T, Members...>(whole), std::move(value));
            },
            [](const T& whole) { return get_value(reach<const T, Members...>(whole)); }};
}

// row<&A::b>(...) for a member of A, row<&A::b, &B::c>(...) for one that lies deeper.
template <auto First, auto... Rest>
constexpr auto row(SettingInfo info)
{
    using T = decltype(owner_of(First));
    return row_of<T, First, Rest...>(info);
}

} // namespace reelgate::table
