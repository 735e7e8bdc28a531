#include "host/app/output.hpp"

#include <algorithm>
#include <cstdio>

namespace reelgate {

std::string printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control sequences to some terminals, as are the C0 codes to all.
        const bool c1 = byte == 0xC2 && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                        static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        if (byte == '\t')
            out += ' ';
        else
            out += c1 || byte < 0x20 || byte == 0x7F ? '?' : text[i];
    }
    return out;
}

void print_line(std::string_view text) { std::printf("%s\n", printable(text).c_str()); }

void print_json(const nlohmann::json& value)
{
    const auto lossy = nlohmann::json::error_handler_t::replace;
    std::printf("%s\n", value.dump(2, ' ', false, lossy).c_str());
}

nlohmann::json error_json(const Error& error)
{
    return {
        {"category", to_string(error.category)},
        {"code",     error.code               },
        {"text",     error.text               },
        {"hint",     error.hint               }
    };
}

void print_table(const std::vector<std::vector<std::string>>& rows)
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
        }
        print_line(line);
    }
}

void print_facts(const std::vector<std::pair<std::string, std::string>>& facts)
{
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, value] : facts)
        rows.push_back({name, value});
    print_table(rows);
}

} // namespace reelgate
