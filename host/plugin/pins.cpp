#include "host/plugin/pins.hpp"

#include "host/base/fd.hpp"
#include "host/base/file.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace reelgate {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using std::string;

constexpr std::size_t kLongestPins = 1 << 20U; // some 4000 pins

fs::path pins_file(const fs::path& data_dir) { return data_dir / "plugins" / "trusted.json"; }

// Members by name, for reading and writing alike.
constexpr std::array<std::pair<const char*, string Pin::*>, 5> kMembers{
    {
     {"id", &Pin::id},
     {"version", &Pin::version},
     {"sha256", &Pin::sha256},
     {"trusted_at", &Pin::trusted_at},
     {"by", &Pin::by},
     }
};

std::optional<std::vector<Pin>> parse_pins(const Json& object)
{
    const auto list = object.is_object() ? object.find("pins") : object.end();
    if (!object.is_object() || list == object.end() || !list->is_array()) return std::nullopt;
    std::vector<Pin> pins;
    for (const Json& row : *list) {
        Pin pin;
        for (const auto& [name, member] : kMembers) {
            const Json* value = row.is_object() && row.contains(name) ? &row.at(name) : nullptr;
            const auto* text = value != nullptr ? value->get_ptr<const string*>() : nullptr;
            if (text == nullptr) return std::nullopt;
            pin.*member = *text;
        }
        pins.push_back(std::move(pin));
    }
    return pins;
}

Result<Done> write_pins(const fs::path& data_dir, std::span<const Pin> pins)
{
    Json list = Json::array();
    for (const Pin& pin : pins) {
        Json row = Json::object();
        for (const auto& [name, member] : kMembers)
            row[name] = pin.*member;
        list.push_back(std::move(row));
    }
    const Json object{
        {"schema", 1              },
        {"pins",   std::move(list)}
    };
    return replace_file(pins_file(data_dir), object.dump(2) + "\n");
}

// Held from reading the pins to replacing them, so that two people do not undo each other.
Result<Fd> lock_pins(const fs::path& data_dir)
{
    const fs::path file = pins_file(data_dir).string() + ".lock";
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    if (failed)
        return system_error(
            Category::internal, "making " + file.parent_path().string(), failed.value());
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
        return system_error(Category::internal, "locking " + file.string(), errno);
    return lock;
}

// The record comes first: a pin without one would be trust that nobody gave.
Result<Done> record(const fs::path& data_dir, Json what, WallTime now)
{
    what["time"] = iso_time(now);
    what["who"] = this_user();
    return append_line(data_dir / "audit.log", what.dump());
}

} // namespace

Result<std::vector<Pin>> read_pins(const std::filesystem::path& data_dir)
{
    const fs::path file = pins_file(data_dir);
    const auto text = read_file(file, kLongestPins);
    if (!text && text.error().code == "file_missing") return std::vector<Pin>{};
    if (!text) return text.error();
    auto pins = parse_pins(Json::parse(*text, nullptr, false));
    if (pins) return *std::move(pins);
    return invalid(file.string() + ": is not a list of pins as Reelgate writes it",
                   "pins_unreadable")
        .with_hint("repair it, or remove it and trust the plugins again");
}

std::optional<Pin> find_pin(std::span<const Pin> pins, std::string_view id)
{
    const auto is_it = [id](const Pin& pin) { return pin.id == id; };
    const auto found = std::find_if(pins.begin(), pins.end(), is_it);
    return found == pins.end() ? std::nullopt : std::optional(*found);
}

Result<Done> add_pin(const std::filesystem::path& data_dir, Pin pin, WallTime now)
{
    pin.trusted_at = iso_time(now);
    pin.by = this_user();
    RG_TRY(const Fd lock, lock_pins(data_dir));
    RG_TRY(std::vector<Pin> pins, read_pins(data_dir));
    const auto before = find_pin(pins, pin.id);
    RG_CHECK(record(data_dir,
                    Json{
                        {"what",    "plugin.trusted"                      },
                        {"id",      pin.id                                },
                        {"version", pin.version                           },
                        {"sha256",  pin.sha256                            },
                        {"before",  before ? Json(before->sha256) : Json()}
    },
                    now));
    std::erase_if(pins, [&pin](const Pin& row) { return row.id == pin.id; });
    pins.push_back(std::move(pin));
    return write_pins(data_dir, pins);
}

Result<Done> remove_pin(const std::filesystem::path& data_dir, std::string_view id, WallTime now)
{
    RG_TRY(const Fd lock, lock_pins(data_dir));
    RG_TRY(std::vector<Pin> pins, read_pins(data_dir));
    const auto before = find_pin(pins, id);
    if (!before)
        return Error{.category = Category::not_found,
                     .text = "no pin names " + string(id),
                     .code = "not_pinned"};
    RG_CHECK(record(data_dir,
                    Json{
                        {"what",   "plugin.distrusted"},
                        {"id",     id                 },
                        {"before", before->sha256     }
    },
                    now));
    std::erase_if(pins, [id](const Pin& row) { return row.id == id; });
    return write_pins(data_dir, pins);
}

std::string this_user()
{
    const uid_t user = ::getuid();
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    const bool known =
        ::getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
    return (known ? string(entry.pw_name) + " " : string()) + "(uid " + std::to_string(user) + ")";
}

std::string iso_time(WallTime time)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return "unknown";
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), size};
}

} // namespace reelgate
