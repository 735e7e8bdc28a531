// The provider that does what its script says, through the C++ face like anybody's. What the face
// would not let through (an exception, a result that is none) is done around it, in
// scripted_entry.cpp.
#pragma once

#include "tests/fakes/act.hpp"

namespace reelgate::fakes {

class Scripted final : public IVideoProvider,
                       public IResumable,
                       public IReconcilable,
                       public ICosted,
                       public IWarmable,
                       public IToolbox {
public:
    static Description describe();
    static Tools tools();

    Scripted(Host host, const Json& config);

    Json probe() override;
    void run(Job& job) override;
    void resume(Job& job, const Json& remote) override;
    Json abandon(const Json& remote) override;
    Json find(const Json& intent) override;
    Json estimate(const Json& request) override;
    Json amount(const Json& remote) override;
    void load(std::string_view model) override;
    void unload(std::string_view model) override;
    Json loaded() override;
    Json call(std::string_view tool, const Json& arguments) override;

    // The script of `destroy`; a destructor could not fail as it may ask for.
    void play_destroy();

    Scene& scene() { return scene_; }

private:
    Json perform(Call call, Json subject, Job* job = nullptr, std::optional<RemoteJob> remote = {});

    Scene scene_;
};

// `description` as the file describe.json beside the library wants it: {"description": merge patch,
// "steps": [...]}. The one thing that no configuration can reach is what describe says, so a test
// that needs another description copies the plugin's directory and adds this file.
Json described_beside(Json description);

} // namespace reelgate::fakes
