#include "body_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace reelgate::http {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept
{
    std::swap(fd_, other.fd_);
    return *this;
}

Descriptor::~Descriptor()
{
    if (fd_ >= 0) ::close(fd_);
}

std::string os_failure(std::string_view what, const std::string& path)
{
    const int code = errno;
    return std::string{what} + " " + path + ": " + std::generic_category().message(code);
}

Expected<BodyReader, std::string> BodyReader::open(const Body& body)
{
    BodyReader out;
    for (const auto& part : body.pieces) {
        Piece piece;
        if (const auto* bytes = std::get_if<std::string>(&part)) {
            piece.bytes = bytes;
            piece.size = bytes->size();
        } else {
            piece.path = &std::get<FilePiece>(part).path;
            piece.file = Descriptor{::open(piece.path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
            struct stat found {};
            if (piece.file.get() < 0 || ::fstat(piece.file.get(), &found) != 0)
                return os_failure("cannot open", *piece.path);
            if (!S_ISREG(found.st_mode)) return *piece.path + " is not a regular file";
            piece.size = static_cast<std::uint64_t>(found.st_size);
        }
        out.size_ += piece.size;
        out.pieces_.push_back(std::move(piece));
    }
    return out;
}

std::optional<std::size_t> BodyReader::read(std::span<char> space)
{
    std::size_t filled = 0;
    while (at_ < pieces_.size() && filled < space.size()) {
        Piece& piece = pieces_[at_];
        if (done_ == piece.size) {
            ++at_;
            done_ = 0;
            continue;
        }
        const auto got = read_piece(piece, space.subspan(filled));
        if (!got) return {};
        filled += *got;
        done_ += *got;
    }
    return filled;
}

std::optional<std::size_t> BodyReader::read_piece(Piece& piece, std::span<char> space)
{
    const std::size_t most = std::min<std::uint64_t>(space.size(), piece.size - done_);
    if (piece.bytes != nullptr) {
        std::copy_n(piece.bytes->data() + done_, most, space.data());
        return most;
    }
    ssize_t got = -1;
    do
        got = ::read(piece.file.get(), space.data(), most);
    while (got < 0 && errno == EINTR);
    if (got > 0) return static_cast<std::size_t>(got);
    trouble_ = got < 0 ? os_failure("cannot read", *piece.path)
                       : *piece.path + " became shorter while it was sent";
    return {};
}

} // namespace reelgate::http
