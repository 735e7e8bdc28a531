#include "tests/fakes/remote_jobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace reelgate::fakes {
namespace {

using nlohmann::json;

json to_json(const RemoteJob& job)
{
    json all;
    all["id"] = job.id;
    all["key"] = job.key;
    all["state"] = job.state;
    all["outcome"] = job.outcome;
    all["steps"] = job.steps;
    all["steps_done"] = job.steps_done;
    all["usd"] = job.usd;
    all["charge_when_done"] = job.charge_when_done;
    all["charged"] = job.charged;
    all["request"] = job.request;
    all["script"] = job.script;
    return all;
}

RemoteJob from_json(const json& all)
{
    RemoteJob job;
    all.at("id").get_to(job.id);
    all.at("key").get_to(job.key);
    all.at("state").get_to(job.state);
    all.at("outcome").get_to(job.outcome);
    all.at("steps").get_to(job.steps);
    all.at("steps_done").get_to(job.steps_done);
    all.at("usd").get_to(job.usd);
    all.at("charge_when_done").get_to(job.charge_when_done);
    all.at("charged").get_to(job.charged);
    job.request = all.at("request");
    job.script = all.at("script");
    return job;
}

// Ids come back from a host that may have lost its mind; they never become a path elsewhere.
bool is_id(const std::string& id)
{
    return id.size() > 2 && id.size() < 20 && id.starts_with("r-") &&
           std::ranges::all_of(id.substr(2), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

std::filesystem::path RemoteJobs::file_of(const std::string& id) const
{
    return directory_ / (id + ".json");
}

RemoteJob RemoteJobs::create(RemoteJob job) const
{
    std::filesystem::create_directories(directory_);
    for (std::uint64_t number = 1;; ++number) {
        job.id = "r-" + std::to_string(number);
        // The empty file claims the id; nobody knows it before the content is there.
        const int fd =
            ::open(file_of(job.id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EEXIST) continue;
        if (fd < 0)
            throw std::system_error(errno, std::generic_category(), file_of(job.id).string());
        ::close(fd);
        save(job);
        return job;
    }
}

void RemoteJobs::save(const RemoteJob& job) const
{
    const auto thread = std::hash<std::thread::id>()(std::this_thread::get_id());
    const std::filesystem::path aside =
        directory_ / (job.id + "." + std::to_string(::getpid()) + "." + std::to_string(thread));
    std::ofstream out(aside);
    out << to_json(job).dump(-1, ' ', false, json::error_handler_t::replace);
    out.close();
    if (!out) throw std::runtime_error("remote job " + job.id + " could not be written");
    std::filesystem::rename(aside, file_of(job.id));
}

std::optional<RemoteJob> RemoteJobs::find(const std::string& id) const
{
    if (!is_id(id)) return std::nullopt;
    std::ifstream in(file_of(id));
    const json all = json::parse(in, nullptr, false);
    if (!all.is_object()) return std::nullopt; // absent, or claimed and not yet written
    return from_json(all);
}

std::optional<RemoteJob> RemoteJobs::find_by_key(const std::string& key) const
{
    if (key.empty() || !std::filesystem::exists(directory_)) return std::nullopt;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        std::optional<RemoteJob> job = find(entry.path().stem().string());
        if (job && job->key == key) return job;
    }
    return std::nullopt;
}

} // namespace reelgate::fakes
