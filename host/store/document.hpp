// One list of members for both directions: a struct of the model is written as a JSON object and
// read back by the same function, so that the two cannot drift apart.
//
// A member that is null, false, 0, "" or empty is left out, and what is missing is read as that; so
// a struct may grow. What an optional holds is always written. Reading is strict: another type, a
// word that is not in the table or a member that nobody knows is an error and no guess.
#pragma once

#include "host/store/job_document.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace reelgate::store {

using Json = nlohmann::json;

template <class E>
requires std::is_enum_v<E> std::optional<E> word_from(std::string_view word);

inline std::string_view to_string(Adjust adjust)
{
    return adjust == Adjust::nearest ? "nearest" : "reject";
}

class DocumentWriter {
public:
    template <class T>
    void operator()(const char* name, const T& value)
    {
        Json made = made_of(value);
        if (!is_nothing(made)) object_.emplace(name, std::move(made));
    }
    template <class T>
    void operator()(const char* name, const std::optional<T>& value)
    {
        if (value) object_.emplace(name, made_of(*value));
    }
    Json take() { return std::move(object_); }

private:
    static bool is_nothing(const Json& value)
    {
        switch (value.type()) {
        case Json::value_t::null:
            return true;
        case Json::value_t::boolean:
            return !value.get<bool>();
        case Json::value_t::number_unsigned:
            return value.get<std::uint64_t>() == 0;
        case Json::value_t::number_integer:
            return value.get<std::int64_t>() == 0;
        case Json::value_t::number_float:
            return value.get<double>() == 0;
        case Json::value_t::string:
            return value.get_ref<const std::string&>().empty();
        default:
            return value.empty();
        }
    }

    static Json made_of(const std::string& text) { return text; }
    static Json made_of(bool value) { return value; }
    static Json made_of(double value) { return std::isfinite(value) ? Json(value) : Json(0); }
    static Json made_of(Money value) { return value.micros; }
    static Json made_of(WallTime value) { return micros_of(value); }
    static Json made_of(std::chrono::seconds value) { return std::int64_t{value.count()}; }
    static Json made_of(const JobId& id) { return id.text; }
    template <class T>
    requires std::is_unsigned_v<T>
    static Json made_of(const T& value) { return std::uint64_t{value}; }
    template <class T>
    requires std::is_enum_v<T>
    static Json made_of(const T& value) { return std::string(to_string(value)); }
    template <class T>
    static Json made_of(const std::vector<T>& values)
    {
        Json list = Json::array();
        for (const T& value : values)
            list.push_back(made_of(value));
        return list;
    }
    template <class T>
    static Json made_of(const T& value)
    {
        DocumentWriter inner;
        members(inner, value);
        return inner.take();
    }

    Json object_ = Json::object();
};

class DocumentReader {
public:
    explicit DocumentReader(const Json& object) : object_(object)
    {
        if (!object.is_object()) refuse("", "an object");
    }

    template <class T>
    void operator()(const char* name, T& value)
    {
        const Json* found = find(name);
        if (found == nullptr)
            value = T{};
        else
            read(name, *found, value);
    }
    template <class T>
    void operator()(const char* name, std::optional<T>& value)
    {
        const Json* found = find(name);
        if (found == nullptr)
            value.reset();
        else
            read(name, *found, value.emplace());
    }

    // What was wrong, or nothing; to be asked after all members.
    std::string complaint() const
    {
        if (complaint_.empty() && known_ != object_.size()) return "a member that nobody knows";
        return complaint_;
    }

private:
    const Json* find(const char* name)
    {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(name);
        if (found == object_.end()) return nullptr;
        ++known_;
        return &*found;
    }

    void refuse(const std::string& name, const char* must)
    {
        if (complaint_.empty()) complaint_ = "'" + name + "' must be " + must;
    }

    template <class T>
    void read(const char* name, const Json& from, std::vector<T>& values)
    {
        values.clear();
        if (!from.is_array()) return refuse(name, "a list");
        for (const Json& one : from)
            read(name, one, values.emplace_back());
    }

    void read(const char* name, const Json& from, std::string& value)
    {
        if (!from.is_string()) return refuse(name, "a text");
        value = from.get_ref<const std::string&>();
    }
    void read(const char* name, const Json& from, JobId& value) { read(name, from, value.text); }
    void read(const char* name, const Json& from, bool& value)
    {
        if (!from.is_boolean()) return refuse(name, "true or false");
        value = from.get<bool>();
    }
    void read(const char* name, const Json& from, double& value)
    {
        if (!from.is_number()) return refuse(name, "a number");
        value = from.get<double>();
    }
    void read(const char* name, const Json& from, std::int64_t& value)
    {
        const bool fits =
            from.is_number_integer() &&
            (!from.is_number_unsigned() ||
             from.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
        if (!fits) return refuse(name, "a whole number");
        value = from.get<std::int64_t>();
    }
    void read(const char* name, const Json& from, Money& value) { read(name, from, value.micros); }
    void read(const char* name, const Json& from, WallTime& value)
    {
        std::int64_t micros = 0;
        read(name, from, micros);
        value = time_of(micros);
    }
    void read(const char* name, const Json& from, std::chrono::seconds& value)
    {
        std::int64_t count = 0;
        read(name, from, count);
        value = std::chrono::seconds(count);
    }
    template <class T>
    requires std::is_unsigned_v<T>
    void read(const char* name, const Json& from, T& value)
    {
        if (!from.is_number_unsigned() ||
            from.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<T>::max()})
            return refuse(name, "a whole number, not too large");
        value = static_cast<T>(from.get<std::uint64_t>());
    }
    template <class T>
    requires std::is_enum_v<T>
    void read(const char* name, const Json& from, T& value)
    {
        const auto word =
            from.is_string() ? word_from<T>(from.get_ref<const std::string&>()) : std::nullopt;
        if (!word) return refuse(name, "a word of its table");
        value = *word;
    }
    template <class T>
    void read(const char* name, const Json& from, T& value)
    {
        DocumentReader inner(from);
        members(inner, value);
        if (const std::string why = inner.complaint(); !why.empty())
            refuse(name, ("right inside: " + why).c_str());
    }

    const Json& object_;
    std::size_t known_ = 0;
    std::string complaint_;
};

} // namespace reelgate::store
