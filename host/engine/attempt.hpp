// One attempt on one provider, in two halves: the provider works, then what it left is opened,
// counted and held against what was promised.
#pragma once

#include "host/base/async.hpp"
#include "host/media/desk.hpp"
#include "host/model/job.hpp"
#include "host/plugin/provider.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reelgate {

struct AttemptPlan {
    std::string id;
    unsigned number = 1;
    Request request;
    std::filesystem::path work_dir; // exists, private, inputs in place
    std::filesystem::path keep_dir; // no provider may write there; what is verified lies there
    std::chrono::seconds deadline = std::chrono::minutes(30);
    std::string idempotency_key;
    bool accept_deviations = false;
    bool wants_mp4 = false;                      // made of what was delivered, if that is none
    bool wants_pictures = false;                 // a thumbnail and a sprite sheet of the film
    std::optional<std::string> remote_json = {}; // the work exists already: follow it
};

// What the caller hears meanwhile, on the loop. Answering an Ack with RG_OK promises that what was
// said would survive a crash of this process.
class AttemptWatcher {
public:
    virtual ~AttemptWatcher() = default;
    virtual void on_progress(const ProgressNote& note) = 0;
    virtual void on_preview(const std::string& path) = 0; // below the work directory
    virtual void on_intend(const std::string& what_json, Ack ack) = 0;
    virtual void on_accepted(const std::string& remote_json, Ack ack) = 0;
};

struct FilmPicture {
    std::string role; // thumbnail, spritesheet
    std::string mime;
    std::filesystem::path file;
};

struct VerifiedVideo {
    std::filesystem::path file = {}; // in the plan's keep_dir, out of the provider's reach
    MediaFacts facts = {};
    std::vector<Deviation> deviations = {}; // empty unless the plan accepts them
    std::vector<FilmPicture> pictures = {}; // beside the file
    std::vector<std::string> notes = {};    // what was done to it, and what could not be
    std::vector<StageTime> times = {};      // verify, convert, pictures
};

// Everything it needs besides the plan; all of it outlives the attempt.
struct AttemptTools {
    Provider& provider;
    MediaDesk& media;
};

// The provider's half: what it offers once it says that it is done. Fails with the provider's own
// category; the error's billing is always set.
Task<std::vector<ArtifactOffer>>
work_on(AttemptTools tools, AttemptPlan plan, AttemptWatcher& watcher);

// The host's half: host/engine/verify.hpp. Fails with output_invalid when what was left is not what
// was promised (code `no_video`, `deviates`, or the probe's), and as MediaDesk::run(), which knows
// it by the plan's id; the error's billing is always set.
Task<VerifiedVideo>
verify_offers(AttemptTools tools, AttemptPlan plan, std::vector<ArtifactOffer> offers);

// Both.
Task<VerifiedVideo> run_attempt(AttemptTools tools, AttemptPlan plan, AttemptWatcher& watcher);

} // namespace reelgate
