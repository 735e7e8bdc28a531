// The bytes that are probed: a file that is safe to open, or memory. Reading knows no position of
// its own, so whoever reads cannot disturb who else does.
#pragma once

#include "host/base/fd.hpp"
#include "host/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <span>

namespace reelgate {

class Source {
public:
    // Opens a regular file, following no link in the last part of the path and waiting for nobody
    // (a FIFO has no writer, perhaps for ever). The size is the size now: what is appended later is
    // not read.
    static Result<Source> open(const std::filesystem::path& file);

    // Borrows `bytes`, which must outlive the source.
    static Source over(std::span<const std::uint8_t> bytes);

    std::uint64_t size() const noexcept { return size_; }

    // Fills `into` from position `at`; returns less than its size only at the end of the bytes or
    // where reading fails.
    std::size_t read_at(std::uint64_t at, std::span<std::uint8_t> into) const;

private:
    Source() = default;

    Fd file_;
    std::span<const std::uint8_t> memory_;
    std::uint64_t size_ = 0;
};

} // namespace reelgate
