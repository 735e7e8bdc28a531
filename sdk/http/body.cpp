#include <reelgate/http/body.hpp>

#include <array>
#include <random>

namespace reelgate::http {
namespace {

std::string chance_boundary()
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::random_device source;
    std::string out = "reelgate-";
    for (int word = 0; word < 4; ++word) {
        unsigned bits = source();
        for (int digit = 0; digit < 8; ++digit, bits >>= 4U)
            out += kDigits[bits & 15U];
    }
    return out;
}

// Inside the quotes of name="..." and filename="...".
std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"')
            out += "%22";
        else if (c == '\r')
            out += "%0D";
        else if (c == '\n')
            out += "%0A";
        else
            out += c;
    }
    return out + '"';
}

// A Content-Type is not quoted; what would end its line is left out.
std::string one_line(std::string_view text)
{
    std::string out{text};
    std::erase_if(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    return out;
}

} // namespace

Body Body::bytes(std::string bytes)
{
    Body out;
    out.pieces.emplace_back(std::move(bytes));
    return out;
}

Body Body::file(std::string path)
{
    Body out;
    out.pieces.emplace_back(FilePiece{std::move(path)});
    return out;
}

Multipart::Multipart() : boundary_{chance_boundary()} {}

void Multipart::add_field(std::string_view name, std::string_view value)
{
    open_part(name, {}, {});
    append(value);
    append("\r\n");
}

void Multipart::add_bytes(std::string_view name,
                          std::string_view filename,
                          std::string_view content_type,
                          std::string bytes)
{
    open_part(name, filename, content_type);
    body_.pieces.emplace_back(std::move(bytes));
    append("\r\n");
}

void Multipart::add_file(std::string_view name,
                         std::string_view filename,
                         std::string_view content_type,
                         std::string path)
{
    open_part(name, filename, content_type);
    body_.pieces.emplace_back(FilePiece{std::move(path)});
    append("\r\n");
}

std::string Multipart::content_type() const { return "multipart/form-data; boundary=" + boundary_; }

Body Multipart::finish() &&
{
    append("--" + boundary_ + "--\r\n");
    return std::move(body_);
}

void Multipart::open_part(std::string_view name,
                          std::string_view filename,
                          std::string_view content_type)
{
    append("--" + boundary_ + "\r\nContent-Disposition: form-data; name=" + quoted(name));
    if (!filename.empty()) append("; filename=" + quoted(filename));
    append("\r\n");
    if (!content_type.empty()) append("Content-Type: " + one_line(content_type) + "\r\n");
    append("\r\n");
}

void Multipart::append(std::string_view text)
{
    if (body_.pieces.empty() || !std::holds_alternative<std::string>(body_.pieces.back()))
        body_.pieces.emplace_back(std::string{});
    std::get<std::string>(body_.pieces.back()) += text;
}

} // namespace reelgate::http
