// What a request carries: pieces of memory and whole files, read while they are sent.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reelgate::http {

struct FilePiece {
    std::string
        path; // read at its size when the call begins; if it shrinks meanwhile, the call fails
};

struct Body {
    std::vector<std::variant<std::string, FilePiece>> pieces;

    static Body bytes(std::string bytes);
    static Body file(std::string path);
};

// A multipart/form-data body, part by part. Names are escaped as browsers do it.
class Multipart {
public:
    Multipart(); // with a boundary by chance, 128 bits

    void add_field(std::string_view name, std::string_view value);
    void add_bytes(std::string_view name,
                   std::string_view filename,
                   std::string_view content_type,
                   std::string bytes);
    void add_file(std::string_view name,
                  std::string_view filename,
                  std::string_view content_type,
                  std::string path);

    std::string content_type() const; // for the request's Content-Type header
    Body finish() &&;                 // no part can follow

private:
    void open_part(std::string_view name, std::string_view filename, std::string_view content_type);
    void append(std::string_view text);

    std::string boundary_;
    Body body_;
};

} // namespace reelgate::http
