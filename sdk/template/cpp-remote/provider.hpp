// @NAME@: films that a service makes. The order is what keeps money safe: intend, create, accepted,
// follow. resume() is the last of these alone, and nothing but create may cost anything.
#pragma once

#include <reelgate/http/client.hpp>
#include <reelgate/plugin.hpp>

#include <chrono>
#include <string>

class @CLASS@ final : public reelgate::IVideoProvider, public reelgate::IResumable {
public:
    static reelgate::Description describe(); // pure: no file, network, device or thread

    // `config` has been checked and completed. No network here.
    @CLASS@(reelgate::Host host, const reelgate::Json& config);

    void run(reelgate::Job& job) override;
    void resume(reelgate::Job& job, const reelgate::Json& remote) override;
    reelgate::Json abandon(const reelgate::Json& remote) override;
    reelgate::Json probe() override;

private:
    reelgate::http::Request
    request_to(const std::string& method, const std::string& path, int cancel_fd = -1) const;
    std::string create(reelgate::Job& job) const;
    void follow(reelgate::Job& job, const std::string& id) const;
    bool is_done(reelgate::Job& job, const std::string& id) const;
    void download(reelgate::Job& job, const std::string& id) const;

    reelgate::Host host_;
    reelgate::http::Client client_;
    std::string url_;
    std::string api_key_; // never log it
    std::chrono::milliseconds poll_;
};
