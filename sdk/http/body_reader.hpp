// Reads a Body front to back, once. Not part of the installed headers.
#pragma once

#include <reelgate/http/body.hpp>
#include <reelgate/http/expected.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace reelgate::http {

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_{fd} {}
    Descriptor(Descriptor&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }

private:
    int fd_;
};

// The last system error as a sentence: what, with which file, why.
std::string os_failure(std::string_view what, const std::string& path);

class BodyReader {
public:
    // Opens every file, so that a missing one is known before anything leaves. `body` must outlive
    // the reader.
    static Expected<BodyReader, std::string> open(const Body& body);

    std::uint64_t size() const { return size_; }
    // How many bytes were put into `space`; 0 at the end; nothing on trouble with a file.
    std::optional<std::size_t> read(std::span<char> space);
    const std::string& trouble() const { return trouble_; }

private:
    struct Piece {
        const std::string* bytes = nullptr; // or, for a file:
        Descriptor file;
        const std::string* path = nullptr;
        std::uint64_t size = 0;
    };
    std::optional<std::size_t> read_piece(Piece& piece, std::span<char> space);

    std::vector<Piece> pieces_;
    std::size_t at_ = 0;
    std::uint64_t done_ = 0; // of the piece at_
    std::uint64_t size_ = 0;
    std::string trouble_;
};

} // namespace reelgate::http
