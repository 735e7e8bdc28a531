// Reads the members of a body as clients write them: numbers as text, flags as words, null for
// absent. The first member at fault is kept, with its name, because that is what a client is told.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reelgate::api {

struct BadField {
    std::string param;
    std::string code; // of the contract: missing_required_parameter, invalid_value, ...
    std::string text;
    unsigned status = 400;
};

class Fields {
public:
    // `object` outlives this. `fault` is where the first fault goes; several readers may share it.
    Fields(const nlohmann::json& object, std::optional<BadField>& fault, std::string prefix = {})
        : object_(&object), fault_(&fault), prefix_(std::move(prefix))
    {
    }

    const nlohmann::json* find(std::string_view name); // nullptr where absent or null

    // Each takes the first of `names` that is there: fields have older names too.
    using Names = std::initializer_list<std::string_view>;
    std::optional<std::string> text(Names names);
    std::optional<std::uint64_t> whole(Names names, std::uint64_t least, std::uint64_t most);
    std::optional<double> number(Names names, double least, double most);
    std::optional<bool> flag(Names names);
    std::vector<std::string> texts(std::string_view name, std::size_t most);

    // An object, or the JSON text of one; empty where it is absent.
    nlohmann::json object(std::string_view name);

    // What nobody asked for.
    nlohmann::json others() const;

    void bad(std::string_view name, std::string text, std::string code = "invalid_value");

private:
    const nlohmann::json* first_of(Names names, std::string_view& name);

    const nlohmann::json* object_;
    std::optional<BadField>* fault_;
    std::string prefix_;
    std::set<std::string, std::less<>> asked_;
};

} // namespace reelgate::api
