// @NAME@: a film that is computed here.
#pragma once

#include <reelgate/plugin.hpp>

class @CLASS@ final : public reelgate::IVideoProvider {
public:
    static reelgate::Description describe(); // pure: no file, network, device or thread

    // `config` has been checked and completed. No network and no device memory here.
    @CLASS@(reelgate::Host host, const reelgate::Json& config);

    void run(reelgate::Job& job) override;
    reelgate::Json probe() override;

private:
    reelgate::Host host_;
    unsigned brightness_;
};
