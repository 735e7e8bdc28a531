#include <reelgate/http/client.hpp>

#include "body_reader.hpp"
#include "client_pool.hpp"

#include <reelgate/http/url.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <sstream>

namespace reelgate::http {
namespace {

// What must be the same for a part to be continued. The query of the URL is left out: signed links
// change, and they are secrets.
struct Identity {
    std::string url;
    std::string etag;
    std::uint64_t length = 0;
};

bool is_strong(std::string_view etag)
{
    return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
}

Failure disk(std::string text) { return {FailureKind::local_file, false, 0, std::move(text)}; }
Failure odd(std::string text) { return {FailureKind::protocol, false, 0, std::move(text)}; }

// "bytes 100-199/200"
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t total = 0;
};

std::optional<ContentRange> parse_content_range(std::string_view text)
{
    ContentRange out;
    constexpr std::string_view kUnit = "bytes ";
    if (!text.starts_with(kUnit)) return {};
    text.remove_prefix(kUnit.size());
    const auto number = [&text](std::uint64_t& into, char then) {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), into);
        if (read.ec != std::errc{}) return false;
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
        if (then == '\0') return text.empty();
        if (!text.starts_with(then)) return false;
        text.remove_prefix(1);
        return true;
    };
    if (!number(out.first, '-') || !number(out.last, '/') || !number(out.total, '\0')) return {};
    return out;
}

// The part file and the note beside it that says of what it is a part.
class PartFile {
public:
    PartFile(const std::string& path, std::string url)
        : final_{path}, part_{path + ".part"}, note_{path + ".part.meta"}, url_{std::move(url)}
    {
    }

    std::optional<Failure> open();
    std::uint64_t size() const { return size_; } // of what can be continued, or 0
    const Identity& identity() const { return identity_; }

    std::optional<Failure> restart(Identity fresh); // an empty etag: cannot be continued
    std::optional<Failure> append(std::string_view bytes);
    std::optional<Failure> finish();
    void leave(); // after a failure: keeps what can be continued, else nothing
    void discard();

private:
    bool read_note();
    bool write_note() const;

    std::string final_, part_, note_, url_;
    Descriptor file_;
    Identity identity_;
    std::uint64_t size_ = 0;
};

std::optional<Failure> PartFile::open()
{
    file_ = Descriptor{::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (file_.get() < 0) return disk(os_failure("cannot open", part_));
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
        return disk("another download is writing " + part_);
    struct stat found {};
    if (::fstat(file_.get(), &found) != 0) return disk(os_failure("cannot read", part_));
    if (!S_ISREG(found.st_mode)) return disk(part_ + " is not a regular file");
    const auto there = static_cast<std::uint64_t>(found.st_size);
    // A whole part is not taken for the film: nobody saw its last byte arrive.
    if (there > 0 && read_note() && there < identity_.length) size_ = there;
    if (size_ > 0 && ::lseek(file_.get(), 0, SEEK_END) < 0)
        return disk(os_failure("cannot seek in", part_));
    return {};
}

bool PartFile::read_note()
{
    const Descriptor file{::open(note_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    std::array<char, 8192> text{};
    const ssize_t got = file.get() < 0 ? -1 : ::read(file.get(), text.data(), text.size());
    if (got <= 0) return false;
    std::istringstream lines{
        std::string{text.data(), static_cast<std::size_t>(got)}
    };
    std::string length;
    Identity said;
    if (!std::getline(lines, said.url) || !std::getline(lines, said.etag) ||
        !std::getline(lines, length))
        return false;
    const auto read = std::from_chars(length.data(), length.data() + length.size(), said.length);
    if (read.ec != std::errc{} || said.url != url_ || !is_strong(said.etag)) return false;
    identity_ = std::move(said);
    return true;
}

bool PartFile::write_note() const
{
    const std::string text =
        identity_.url + "\n" + identity_.etag + "\n" + std::to_string(identity_.length) + "\n";
    const Descriptor file{
        ::open(note_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644)};
    return file.get() >= 0 &&
           ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::optional<Failure> PartFile::restart(Identity fresh)
{
    size_ = 0;
    identity_ = std::move(fresh);
    identity_.url = url_;
    // The old note goes before the old bytes: a crash in between leaves a part without a note.
    ::unlink(note_.c_str());
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
        return disk(os_failure("cannot empty", part_));
    if (!identity_.etag.empty() && !write_note()) return disk(os_failure("cannot write", note_));
    return {};
}

std::optional<Failure> PartFile::append(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return disk(os_failure("cannot write", part_));
        bytes.remove_prefix(static_cast<std::size_t>(put));
        size_ += static_cast<std::uint64_t>(put);
    }
    return {};
}

std::optional<Failure> PartFile::finish()
{
    if (::rename(part_.c_str(), final_.c_str()) != 0)
        return disk(os_failure("cannot rename to", final_));
    ::unlink(note_.c_str());
    return {};
}

void PartFile::leave()
{
    if (identity_.etag.empty() || size_ == 0) discard();
}

void PartFile::discard()
{
    ::unlink(note_.c_str());
    ::unlink(part_.c_str());
}

class FileSink final : public Sink {
public:
    FileSink(PartFile& file, std::uint64_t most) : file_{file}, most_{most} {}

    std::optional<Failure> begin(const Head& head) override;
    std::optional<Failure> write(std::string_view bytes) override
    {
        if (!wanted_) return {}; // a 204, say: not a film
        if (file_.size() + bytes.size() > most_) {
            file_.discard();
            return Failure{FailureKind::too_large,
                           false,
                           0,
                           "the file is larger than " + std::to_string(most_) + " bytes"};
        }
        return file_.append(bytes);
    }

    bool wanted() const { return wanted_; }
    std::optional<std::uint64_t> total() const { return total_; }
    std::uint64_t resumed_from() const { return resumed_from_; }

private:
    std::optional<Failure> resume(const Head& head);

    PartFile& file_;
    std::uint64_t most_;
    bool wanted_ = false;
    std::optional<std::uint64_t> total_;
    std::uint64_t resumed_from_ = 0;
};

std::optional<Failure> FileSink::begin(const Head& head)
{
    if (head.status == 206) return resume(head);
    if (head.status != 200) return {};
    wanted_ = true;
    total_ = head.length;
    Identity fresh;
    const std::string_view etag = head.headers.get("etag");
    const bool ranges = equal_ignoring_case(head.headers.get("accept-ranges"), "bytes");
    if (ranges && is_strong(etag) && head.length) {
        fresh.etag = etag;
        fresh.length = *head.length;
    }
    return file_.restart(std::move(fresh));
}

std::optional<Failure> FileSink::resume(const Head& head)
{
    const auto range = parse_content_range(head.headers.get("content-range"));
    const std::string_view etag = head.headers.get("etag");
    const Identity& ours = file_.identity();
    const bool fits = file_.size() > 0 && range && range->first == file_.size() &&
                      range->total == ours.length && range->last + 1 == range->total &&
                      (etag.empty() || etag == ours.etag);
    if (!fits) {
        file_.discard();
        return odd("the server continued something else than was asked for");
    }
    wanted_ = true;
    total_ = ours.length;
    resumed_from_ = file_.size();
    return {};
}

Expected<Response, Failure>
settle(Expected<Response, Failure> out, PartFile& file, const FileSink& sink)
{
    if (!out) {
        file.leave();
        return out;
    }
    if (!sink.wanted()) {
        // 416, or gone, or not for us: the part may be what is wrong with it.
        if (out->status == 416 || file.size() == 0) file.discard();
        return out;
    }
    const auto refused = [&](Failure why) -> Expected<Response, Failure> {
        why.request_left = true;
        why.status = out->status;
        return why;
    };
    if (sink.total() && file.size() != *sink.total()) {
        file.discard();
        return refused(odd("the file has " + std::to_string(file.size()) + " bytes instead of " +
                           std::to_string(*sink.total())));
    }
    if (auto why = file.finish()) return refused(*std::move(why));
    out->saved = true;
    out->resumed_from = sink.resumed_from();
    return out;
}

} // namespace

Expected<Response, Failure> Client::download(const Request& request, const std::string& path) const
{
    if (request.method != "GET" || request.compressed)
        return Failure{
            FailureKind::bad_request, false, 0, "a download is a GET of the bytes as they are"};
    PartFile file{path, redacted_url(request.url)};
    if (auto why = file.open()) return *std::move(why);
    Request asked = request;
    if (file.size() > 0) {
        asked.headers.set("Range", "bytes=" + std::to_string(file.size()) + "-");
        asked.headers.set("If-Range", file.identity().etag);
    }
    FileSink sink{file, request.limits.max_body_bytes};
    return settle(pool_->call(asked, sink, file.size()), file, sink);
}

} // namespace reelgate::http
