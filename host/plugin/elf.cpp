#include "host/plugin/elf.hpp"

#include "host/base/fd.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>

namespace reelgate {
namespace {

static_assert(std::endian::native == std::endian::little, "tables are copied as they lie");

// Limits on what a file may announce. libtorch_cpu has 80 thousand symbols and 8 MB of names.
constexpr std::uint64_t kMostBytes = 256ULL << 20U;
constexpr std::uint64_t kMostHeaders = 1024;
constexpr std::uint64_t kMostDynamic = 4096;
constexpr std::uint64_t kMostNeeds = 4096;
constexpr std::uint64_t kLongestChain = 1 << 16; // of one hash bucket; good tables have under 10

// Where the bytes come from: memory, or a file of which only the tables are wanted.
struct Source {
    std::uint64_t size = 0;
    std::function<bool(std::uint64_t offset, std::span<char> into)> read;
    std::string name;

    bool holds(std::uint64_t offset, std::uint64_t length) const
    {
        return offset <= size && length <= size - offset;
    }
};

Error truncated(const Source& in)
{
    return invalid(in.name + " ends after " + std::to_string(in.size) +
                       " bytes, before what its own headers announce",
                   "plugin_truncated")
        .with_hint("copy or build it again");
}

Error not_a_plugin(const Source& in, std::string_view why)
{
    return invalid(in.name + " " + std::string(why), "not_a_plugin");
}

template <class T>
Result<T> read_at(const Source& in, std::uint64_t offset)
{
    static_assert(std::is_trivially_copyable_v<T>);
    std::array<char, sizeof(T)> raw{};
    if (!in.holds(offset, raw.size()) || !in.read(offset, raw)) return truncated(in);
    return std::bit_cast<T>(raw);
}

template <class T>
Result<std::vector<T>> read_table(const Source& in, std::uint64_t offset, std::uint64_t count)
{
    static_assert(std::is_trivially_copyable_v<T>);
    if (count > kMostBytes / sizeof(T))
        return not_a_plugin(in, "announces a table without measure");
    const std::uint64_t bytes = count * sizeof(T);
    std::vector<T> table;
    if (!in.holds(offset, bytes)) return truncated(in); // before the allocation
    table.resize(count);
    std::vector<char> raw(bytes);
    if (!in.read(offset, raw)) return truncated(in);
    if (bytes != 0) std::memcpy(table.data(), raw.data(), bytes);
    return table;
}

// The parts of the dynamic section that are used.
struct Dynamic {
    std::uint64_t strings = 0, strings_size = 0, symbols = 0;
    std::uint64_t hash = 0, gnu_hash = 0;
    std::uint64_t needs = 0, needs_count = 0;
    std::uint64_t flags = 0, flags_1 = 0;
    bool bind_now = false;
    std::uint64_t soname = 0;
    std::vector<std::uint64_t> needed, paths; // offsets into the strings
};

class Reader {
public:
    Reader(const Source& in, ElfFacts& facts) : in_(in), facts_(facts) {}

    Result<Done> segments(const Elf64_Ehdr& header)
    {
        if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMostHeaders)
            return not_a_plugin(in_, "has program headers of a form that no loader takes");
        RG_TRY(headers_, read_table<Elf64_Phdr>(in_, header.e_phoff, header.e_phnum));
        for (const Elf64_Phdr& segment : headers_)
            if (segment.p_type == PT_LOAD && !in_.holds(segment.p_offset, segment.p_filesz))
                return truncated(in_);
        // The section table stands at the end; the loader does without it, but its absence shows
        // that the tail is gone.
        const std::uint64_t sections = std::uint64_t{header.e_shnum} * header.e_shentsize;
        if (header.e_shoff != 0 && !in_.holds(header.e_shoff, sections)) return truncated(in_);
        return Done{};
    }

    Result<Done> dynamic()
    {
        const auto is_dynamic = [](const Elf64_Phdr& p) { return p.p_type == PT_DYNAMIC; };
        const auto found = std::find_if(headers_.begin(), headers_.end(), is_dynamic);
        if (found == headers_.end()) return Done{};
        facts_.has_dynamic = true;
        const std::uint64_t count = found->p_filesz / sizeof(Elf64_Dyn);
        if (count > kMostDynamic) return not_a_plugin(in_, "has an endless dynamic section");
        RG_TRY(const auto rows, read_table<Elf64_Dyn>(in_, found->p_offset, count));
        for (const Elf64_Dyn& row : rows) {
            if (row.d_tag == DT_NULL) break;
            note(row);
        }
        RG_CHECK(load_strings());
        RG_CHECK(plain_facts());
        RG_CHECK(exported_symbols());
        return needed_versions();
    }

private:
    void note(const Elf64_Dyn& row)
    {
        const std::uint64_t value = row.d_un.d_val;
        switch (row.d_tag) {
        case DT_STRTAB:
            at_.strings = value;
            break;
        case DT_STRSZ:
            at_.strings_size = value;
            break;
        case DT_SYMTAB:
            at_.symbols = value;
            break;
        case DT_HASH:
            at_.hash = value;
            break;
        case DT_GNU_HASH:
            at_.gnu_hash = value;
            break;
        case DT_VERNEED:
            at_.needs = value;
            break;
        case DT_VERNEEDNUM:
            at_.needs_count = value;
            break;
        case DT_FLAGS:
            at_.flags = value;
            break;
        case DT_FLAGS_1:
            at_.flags_1 = value;
            break;
        case DT_BIND_NOW:
            at_.bind_now = true;
            break;
        case DT_SONAME:
            at_.soname = value;
            break;
        case DT_NEEDED:
            at_.needed.push_back(value);
            break;
        case DT_RPATH:
        case DT_RUNPATH:
            at_.paths.push_back(value);
            break;
        default:
            break;
        }
    }

    // Where the loader would put `address`, as an offset into the file.
    Result<std::uint64_t> offset_of(std::uint64_t address) const
    {
        for (const Elf64_Phdr& segment : headers_)
            if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
                address - segment.p_vaddr < segment.p_filesz)
                return segment.p_offset + (address - segment.p_vaddr);
        return not_a_plugin(in_, "points to an address outside of its own segments");
    }

    Result<Done> load_strings()
    {
        if (at_.strings == 0) return Done{};
        if (at_.strings_size > kMostBytes)
            return not_a_plugin(in_, "announces a table without measure");
        RG_TRY(const std::uint64_t offset, offset_of(at_.strings));
        RG_TRY(strings_, read_table<char>(in_, offset, at_.strings_size));
        return Done{};
    }

    Result<std::string> text(std::uint64_t offset) const
    {
        if (offset < strings_.size()) {
            const auto begin = strings_.begin() + static_cast<std::ptrdiff_t>(offset);
            const auto end = std::find(begin, strings_.end(), '\0');
            if (end != strings_.end()) return std::string(begin, end);
        }
        return not_a_plugin(in_, "has a name outside of its own table of names");
    }

    Result<Done> plain_facts()
    {
        facts_.binds_now =
            at_.bind_now || (at_.flags & DF_BIND_NOW) != 0 || (at_.flags_1 & DF_1_NOW) != 0;
        if ((at_.flags_1 & DF_1_PIE) != 0) facts_.kind = ElfFacts::Kind::program;
        if (at_.soname != 0) {
            RG_TRY(facts_.soname, text(at_.soname));
        }
        for (const std::uint64_t offset : at_.needed) {
            RG_TRY(auto name, text(offset));
            facts_.needed.push_back(std::move(name));
        }
        for (const std::uint64_t offset : at_.paths) {
            RG_TRY(const std::string list, text(offset));
            for (std::size_t start = 0; start <= list.size();) {
                const std::size_t end = std::min(list.find(':', start), list.size());
                facts_.search_paths.push_back(list.substr(start, end - start));
                start = end + 1;
            }
        }
        return Done{};
    }

    // How many symbols there are. The file does not say; the tables by which the loader finds them
    // do.
    Result<std::uint64_t> symbol_count() const
    {
        if (at_.gnu_hash != 0) return count_by_gnu_hash();
        if (at_.hash == 0) return std::uint64_t{0};
        RG_TRY(const std::uint64_t offset, offset_of(at_.hash));
        RG_TRY(const auto head, read_table<std::uint32_t>(in_, offset, 2));
        return std::uint64_t{head[1]};
    }

    Result<std::uint64_t> count_by_gnu_hash() const
    {
        RG_TRY(const std::uint64_t offset, offset_of(at_.gnu_hash));
        RG_TRY(const auto head, read_table<std::uint32_t>(in_, offset, 4));
        const std::uint64_t buckets_at =
            offset + 4 * sizeof(std::uint32_t) + std::uint64_t{head[2]} * sizeof(std::uint64_t);
        RG_TRY(const auto buckets, read_table<std::uint32_t>(in_, buckets_at, head[0]));
        const auto last = std::max_element(buckets.begin(), buckets.end());
        const std::uint64_t first_hashed = head[1];
        if (last == buckets.end() || *last < first_hashed) return first_hashed;
        // The chain of the highest bucket is the last one; its last member has the low bit set.
        const std::uint64_t chains_at = buckets_at + buckets.size() * sizeof(std::uint32_t);
        for (std::uint64_t index = *last; index - *last < kLongestChain; ++index) {
            RG_TRY(const auto link,
                   read_at<std::uint32_t>(
                       in_, chains_at + (index - first_hashed) * sizeof(std::uint32_t)));
            if ((link & 1U) != 0) return index + 1;
        }
        return not_a_plugin(in_, "has a symbol table without end");
    }

    Result<Done> exported_symbols()
    {
        if (at_.symbols == 0) return Done{};
        RG_TRY(const std::uint64_t count, symbol_count());
        RG_TRY(const std::uint64_t offset, offset_of(at_.symbols));
        RG_TRY(const auto symbols, read_table<Elf64_Sym>(in_, offset, count));
        for (const Elf64_Sym& symbol : symbols) {
            const int binding = ELF64_ST_BIND(symbol.st_info);
            const int type = ELF64_ST_TYPE(symbol.st_info);
            const int visibility = ELF64_ST_VISIBILITY(symbol.st_other);
            // The name of a version is entered as an absolute symbol; it is not an export.
            const bool is_version =
                symbol.st_shndx == SHN_ABS && symbol.st_value == 0 && symbol.st_size == 0;
            const bool is_visible = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
            if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL || !is_visible || is_version)
                continue;
            RG_TRY(auto name, text(symbol.st_name));
            facts_.exports.push_back({.name = std::move(name),
                                      .is_function = type == STT_FUNC || type == STT_GNU_IFUNC,
                                      .is_unique = binding == STB_GNU_UNIQUE});
        }
        return Done{};
    }

    Result<Done> needed_versions()
    {
        if (at_.needs == 0) return Done{};
        if (at_.needs_count > kMostNeeds) return not_a_plugin(in_, "needs libraries without end");
        RG_TRY(std::uint64_t offset, offset_of(at_.needs));
        for (std::uint64_t i = 0; i < at_.needs_count; ++i) {
            RG_TRY(const auto need, read_at<Elf64_Verneed>(in_, offset));
            RG_TRY(const std::string library, text(need.vn_file));
            std::uint64_t row_at = offset + need.vn_aux;
            for (unsigned row = 0; row < need.vn_cnt; ++row) {
                RG_TRY(const auto aux, read_at<Elf64_Vernaux>(in_, row_at));
                RG_TRY(auto version, text(aux.vna_name));
                facts_.versions.push_back({library, std::move(version)});
                if (facts_.versions.size() > kMostNeeds)
                    return not_a_plugin(in_, "needs versions without end");
                row_at += aux.vna_next;
            }
            offset += need.vn_next;
        }
        return Done{};
    }

    const Source& in_;
    ElfFacts& facts_;
    std::vector<Elf64_Phdr> headers_;
    std::vector<char> strings_;
    Dynamic at_;
};

ElfFacts::Kind kind_of(std::uint16_t e_type)
{
    if (e_type == ET_DYN) return ElfFacts::Kind::shared_object;
    return e_type == ET_EXEC ? ElfFacts::Kind::program : ElfFacts::Kind::other;
}

Result<ElfFacts> parse(const Source& in)
{
    const std::string_view magic(ELFMAG, SELFMAG);
    std::string begin(std::min<std::uint64_t>(in.size, SELFMAG), '\0');
    if (!in.read(0, begin)) return truncated(in);
    if (in.size == 0 || (begin.size() < magic.size() && magic.substr(0, begin.size()) == begin))
        return truncated(in);
    if (begin != magic) return not_a_plugin(in, "is not an ELF file");

    RG_TRY(const auto header, read_at<Elf64_Ehdr>(in, 0));
    ElfFacts facts;
    facts.bits = header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    facts.little_endian = header.e_ident[EI_DATA] == ELFDATA2LSB;
    // e_type and e_machine stand at the same place in both classes, but not in the same byte order.
    const auto in_order = [&facts](std::uint16_t raw) {
        const auto swapped = static_cast<std::uint16_t>((raw << 8U) | (raw >> 8U));
        return facts.little_endian ? raw : swapped;
    };
    facts.kind = kind_of(in_order(header.e_type));
    facts.machine = in_order(header.e_machine);
    if (facts.bits != 64 || !facts.little_endian) return facts;

    Reader reader(in, facts);
    RG_CHECK(reader.segments(header));
    RG_CHECK(reader.dynamic());
    return facts;
}

bool read_exactly(int fd, std::uint64_t offset, std::span<char> into)
{
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return false;
    std::size_t done = 0;
    while (done < into.size()) {
        const auto at = static_cast<off_t>(offset + done);
        const ssize_t got = ::pread(fd, into.data() + done, into.size() - done, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false; // it shrank while we read
        done += static_cast<std::size_t>(got);
    }
    return true;
}

} // namespace

const ElfSymbol* ElfFacts::find_export(std::string_view name) const
{
    for (const ElfSymbol& symbol : exports)
        if (symbol.name == name) return &symbol;
    return nullptr;
}

Result<ElfFacts> parse_elf(std::span<const std::byte> bytes, const std::filesystem::path& file)
{
    const auto copy = [bytes](std::uint64_t offset, std::span<char> into) {
        if (!into.empty()) std::memcpy(into.data(), bytes.data() + offset, into.size());
        return true;
    };
    return parse({bytes.size(), copy, file.string()});
}

Result<ElfFacts> read_elf(const std::filesystem::path& file)
{
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!in) {
        const int why = errno;
        Error error = system_error(Category::not_found, "opening " + file.string(), why);
        error.code = why == ENOENT ? "plugin_missing" : "plugin_unreadable";
        return error;
    }
    struct stat facts {};
    if (::fstat(in.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        return invalid(file.string() + " is not a plain file", "not_a_plugin");
    const auto read = [&in](std::uint64_t offset, std::span<char> into) {
        return read_exactly(in.get(), offset, into);
    };
    return parse({static_cast<std::uint64_t>(facts.st_size), read, file.string()});
}

} // namespace reelgate
