// Finished files. A file is here whole or not at all: it is written elsewhere on the same file
// system, flushed, renamed into place, and the directory is flushed. Whoever asks gets an open
// descriptor, so that expiry never pulls a file from under a reader.
#pragma once

#include "host/base/fd.hpp"
#include "host/model/job.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace reelgate {

struct OpenFile {
    Fd fd;
    StoredFile file;
    WallTime modified;
};

class ArtifactStore {
public:
    // `directory` is made when missing, 0700. Leftovers of an adoption that a crash cut short are
    // removed. BLOCKS, as everything here: call it on the pool.
    static Result<ArtifactStore> open(std::filesystem::path directory);

    // Takes `file` (opened without following links; a regular file with one name; on any file
    // system) as `role` of `job`: hashes it, flushes it, renames it to its place. On failure the
    // file is still where it was. Doing it again with the same content is no error: a restart may.
    // Other content under the same role is another file; what an earlier one said stays true.
    // `output_invalid` with `linked`, `not_a_file`, `changed_meanwhile`; `not_found/file_missing`.
    Result<StoredFile> adopt(const JobId& job,
                             const std::string& role,
                             const std::string& mime,
                             const std::filesystem::path& file) const;

    // Writes `text` (the summary) as a file of the job; with the promises of adopt().
    Result<StoredFile> write(const JobId& job,
                             const std::string& role,
                             const std::string& mime,
                             const std::string& text) const;

    Result<OpenFile> open_file(const StoredFile& file) const; // not_found/video_expired
    Result<Done> remove(const JobId& job) const;              // all of its files

    // Who has files here, a part of them at a time: what a crash left without a job is found so.
    std::vector<std::string> shards() const;
    std::vector<JobId> jobs_in(const std::string& shard) const;

    std::uint64_t free_bytes() const; // for who is not root; 0 where the disk cannot be asked

private:
    explicit ArtifactStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
    std::filesystem::path directory_;
};

} // namespace reelgate
