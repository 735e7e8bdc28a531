// What every endpoint may ask: the engine, what is known of this daemon, and who may call.
#pragma once

#include "host/api/config_desk.hpp"
#include "host/api/cors.hpp"
#include "host/api/surface.hpp"
#include "host/engine/engine.hpp"

#include <string>
#include <utility>
#include <vector>

namespace reelgate::api {

struct ApiKey {
    std::string name;
    std::string secret;
    bool makes_videos = true;        // scope `videos`: and sees its own
    bool changes_the_daemon = false; // scope `admin`
};

struct ApiSettings {
    std::vector<ApiKey> keys; // none: whoever reaches the address may call
    bool is_open = false;     // to any page and under any name, as the configuration says
    Origins cors_origins;     // pages that may call from a browser
    std::string version;
    std::string public_url; // "http://127.0.0.1:8055": what content links begin with
    std::chrono::milliseconds delete_patience = std::chrono::seconds(2);
};

class Api {
public:
    Api(Engine& the_engine,
        asio::thread_pool& the_pool,
        const ArtifactStore& the_artifacts,
        const Clock& the_clock,
        ApiSettings given)
        : engine(the_engine), pool(the_pool), artifacts(the_artifacts), clock(the_clock),
          settings(std::move(given)), started(the_clock.wall())
    {
    }

    Engine& engine;
    asio::thread_pool& pool;
    const ArtifactStore& artifacts;
    const Clock& clock;
    ApiSettings settings;
    ConfigDesk* config = nullptr; // set before the first call
    WallTime started;

    // From the header alone: finds the endpoint, checks origin and key, and notes what it found in
    // the call. The reply where it goes no further: then nothing of the body need be read.
    std::optional<Reply> refuse(Call& call) const;

    // Of a call that was not refused. Always answers: what fails is an envelope too.
    asio::awaitable<Reply> answer(Call call);
};

} // namespace reelgate::api
