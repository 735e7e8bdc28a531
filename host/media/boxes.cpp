#include "host/media/boxes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace reelgate {
namespace {

// A fragmented file of ten minutes with two boxes a quarter second has 4800. The limit only stops a
// file of nothing but empty boxes.
constexpr int kMaxBoxes = 1 << 16;

std::uint64_t big_endian(std::span<const std::uint8_t> bytes)
{
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

struct Box {
    std::string type;
    std::uint64_t at = 0;
    std::uint64_t length = 0; // with its header
};

std::optional<Box> box_at(const Source& source, std::uint64_t at)
{
    std::array<std::uint8_t, 16> head{};
    const std::size_t got = source.read_at(at, head);
    const std::span bytes{head};
    if (got < 8) return std::nullopt;
    Box box{
        .type = {head.begin() + 4, head.begin() + 8},
        .at = at,
        .length = big_endian(bytes.first(4))
    };
    const bool long_form = box.length == 1;
    if (box.length == 0) box.length = source.size() - at; // "to the end of the file"
    if (long_form) box.length = got < 16 ? 0 : big_endian(bytes.subspan(8));
    if (box.length < (long_form ? 16U : 8U)) return std::nullopt;
    return box;
}

// What may follow index and data on the outermost level.
bool is_known(const std::string& type)
{
    constexpr std::array<std::string_view, 11> kTypes{
        "mdat", "moof", "mfra", "moov", "free", "skip", "sidx", "styp", "meta", "udta", "uuid"};
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// What stands on the outermost level. The walk ends at the first thing that is no box.
struct Walk {
    std::optional<std::uint64_t> index; // of "moov"
    std::optional<std::uint64_t> data;  // of the first "mdat"
    std::optional<Box> cut;             // claims to end after the file does
};

Walk walk(const Source& source)
{
    Walk found;
    std::uint64_t at = 0;
    for (int i = 0; i < kMaxBoxes && at < source.size(); ++i) {
        std::optional<Box> box = box_at(source, at);
        if (!box) break;
        if (box->length > source.size() - at) {
            found.cut = std::move(box);
            break;
        }
        if (box->type == "moov" && !found.index) found.index = at;
        if (box->type == "mdat" && !found.data) found.data = at;
        at += box->length;
    }
    return found;
}

std::string printable(std::string type)
{
    for (char& letter : type)
        if (letter < ' ' || letter > '~') letter = '?';
    return type;
}

// A number of EBML: the leading zero bits of the first byte say how many bytes follow.
struct Variable {
    std::uint64_t value = 0;
    std::uint64_t bytes = 0;
    bool unknown = false; // all ones: "until the end", as a live writer has it
};

std::optional<Variable> variable_at(const Source& source, std::uint64_t at)
{
    std::array<std::uint8_t, 8> raw{};
    const std::size_t got = source.read_at(at, raw);
    if (got == 0 || raw[0] == 0) return std::nullopt;
    const auto length = static_cast<std::size_t>(std::countl_zero(raw[0])) + 1;
    if (got < length) return std::nullopt;
    const std::uint64_t mask = (std::uint64_t{1} << (7 * length)) - 1;
    const std::uint64_t value = big_endian(std::span{raw}.first(length)) & mask;
    return Variable{value, length, value == mask};
}

} // namespace

bool index_stands_first(const Source& source)
{
    const Walk found = walk(source);
    return found.index && (!found.data || *found.index < *found.data);
}

std::optional<std::string> missing_in_mp4(const Source& source)
{
    const Walk found = walk(source);
    if (!found.cut && !found.index) return "the file ends without its index ('moov')";
    if (!found.cut && !found.data) return "the file ends without its data ('mdat')";
    if (!found.cut) return std::nullopt;
    // Rubbish after a complete file does not make it incomplete.
    const bool complete = found.index && found.data;
    if (complete && !is_known(found.cut->type)) return std::nullopt;
    return "the box '" + printable(found.cut->type) + "' has " + std::to_string(found.cut->length) +
           " bytes, the file holds " + std::to_string(source.size() - found.cut->at) + " of them";
}

std::optional<std::string> missing_in_matroska(const Source& source)
{
    constexpr std::uint64_t kIdBytes = 4; // of the EBML header and of the segment
    constexpr std::array<std::uint8_t, kIdBytes> kSegment{0x18, 0x53, 0x80, 0x67};

    const auto header = variable_at(source, kIdBytes);
    if (!header) return "the file ends within its header";
    if (header->value > source.size()) return "the file ends within its header";
    const std::uint64_t segment = kIdBytes + header->bytes + header->value;
    std::array<std::uint8_t, kIdBytes> id{};
    if (source.read_at(segment, id) < id.size()) return "the file ends before its segment";
    if (id != kSegment) return std::nullopt; // a legal file may put something between
    const auto length = variable_at(source, segment + kIdBytes);
    if (!length) return "the file ends before its segment";
    const std::uint64_t start = segment + kIdBytes + length->bytes;
    if (length->unknown || length->value <= source.size() - start) return std::nullopt;
    return "the segment has " + std::to_string(length->value) + " bytes, the file holds " +
           std::to_string(source.size() - start) + " of them";
}

} // namespace reelgate
