// How a worker becomes ready, or says that it never will be: hello, created, fatal.
#include "host/plugin/config_check.hpp"
#include "host/plugin/frame_members.hpp"
#include "host/plugin/frames.hpp"
#include "host/plugin/refusal.hpp"
#include "host/plugin/supervised_state.hpp"

#include <nlohmann/json.hpp>

#include <cassert>
#include <utility>

namespace reelgate {
namespace {

// Said by the plugin, shown to people.
constexpr std::size_t kMaxFatalText = 1024;

Result<Done> speaks_our_protocol(const Json& hello, const std::string& who)
{
    const auto range = hello.find("protocol");
    const bool shaped = range != hello.end() && range->is_array() && range->size() == 2 &&
                        (*range)[0].is_number_integer() && (*range)[1].is_number_integer();
    if (!shaped)
        return refusal(who + ": its hello names no protocol", "bad_hello", "see the plugin guide");
    const auto lowest = (*range)[0].get<std::int64_t>();
    const auto highest = (*range)[1].get<std::int64_t>();
    const std::string sides = who + " speaks worker protocol " + std::to_string(lowest) + " to " +
                              std::to_string(highest) + ", this is " +
                              std::to_string(kProtocolLowest) + " to " +
                              std::to_string(kProtocolHighest);
    if (lowest > kProtocolHighest) return refusal(sides, "protocol_too_new", "update Reelgate");
    if (highest < kProtocolLowest) return refusal(sides, "protocol_too_old", "update the plugin");
    return Done{};
}

} // namespace

void SupervisedProvider::on_hello(const Json& frame)
{
    if (state_.life != supervise::Life::starting) return;
    const std::string plugin = who(manifest_);
    const auto refuse = [&](const Error& why) {
        handshake_ = Handshake::over;
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
        apply(supervise::Fatal{why.text});
    };
    if (const auto speaks = speaks_our_protocol(frame, plugin); !speaks)
        return refuse(speaks.error());
    auto description = checked_description(json_of(frame, "describe"), manifest_);
    if (!description) return refuse(description.error());
    const auto config = checked_config(*description, settings_.config_json);
    description_ = *std::move(description);
    if (!config) return refuse(config.error());
    settings_.limits.silent_for = settings_.silent_for.value_or(description_->silent_for);
    settings_.limits.cancel_within = settings_.cancel_within.value_or(description_->cancel_within);

    jail_.clear();
    if (const auto jail = frame.find("jail"); jail != frame.end() && jail->is_array())
        for (const Json& m : *jail)
            if (m.is_object())
                jail_.push_back({text_of(m, "what"),
                                 m.value("applied", Json(false)) == Json(true),
                                 text_of(m, "detail")});

    child_->send(Json{
        {"type",     "hello"                                                              },
        {"protocol", kProtocolHighest                                                     },
        {"features", Json::array()                                                        },
        {"host",     {{"abi", {{"major", RG_ABI_MAJOR}, {"minor", settings_.host_minor}}}}},
        {"limits",   {{"frame", kMaxFrame}}                                               }
    });
    const Json create{
        {"type",                       "create"             },
        {"config",                     Json::parse(*config,   nullptr, false)},
        {"data_dir",                      settings_.data_dir.string()                                          },
        {"cache_dir",settings_.cache_dir.string()}
    };
    if (child_->send(create) == Sent::too_long)
        refuse(refusal(plugin + ": its configuration of " + std::to_string(config->size()) +
                           " bytes does not fit a frame",
                       "config_too_long",
                       "put what is long into a file, and name the file"));
}

void SupervisedProvider::on_created(const Json& frame)
{
    if (state_.life != supervise::Life::starting) return;
    assert(description_); // a worker that is starting was greeted in this life, by on_hello()
    if (status_of(frame) != RG_OK) {
        handshake_ = Handshake::over;
        Error why = failure_in(frame, Phase::load);
        if (why.code.empty()) why.code = "create_failed";
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
        return apply(supervise::Fatal{why.text});
    }
    last_failure_.reset();
    log_.write(Event::worker_ready,
               {
                   {"provider", settings_.id}
    });
    apply(supervise::Created{});
}

void SupervisedProvider::on_fatal(const Json& frame)
{
    const auto category = category_from(text_of(frame, "category"));
    handshake_ = Handshake::over;
    const Error why{.category = category.value_or(Category::worker_unavailable),
                    .text = shortened(text_of(frame, "text"), kMaxFatalText),
                    .code = text_of(frame, "code"),
                    .hint = text_of(frame, "hint"),
                    .phase = Phase::load};
    if (state_.life == supervise::Life::starting) {
        last_failure_ = why;
        log_.write(Event::plugin_refused,
                   {
                       {"provider", settings_.id  },
                       {"text",     why.sentence()}
        });
    }
    apply(supervise::Fatal{why.text});
}

} // namespace reelgate
