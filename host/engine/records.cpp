#include "host/engine/records.hpp"

#include "host/base/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace reelgate {
namespace {

using Json = nlohmann::ordered_json;

double seconds_between(WallTime from, WallTime to)
{
    return std::chrono::duration<double>(to - from).count();
}

// What an attempt that has ended spent in the host's hands, before its file was adopted.
double looked_at_for(const Attempt& attempt)
{
    double seconds = 0;
    for (const StageTime& time : attempt.collecting)
        if (time.name != "adopt") seconds += time.seconds;
    return seconds;
}

Json stages_json(const std::vector<StageTime>& times)
{
    Json all = Json::object();
    for (const StageTime& time : times)
        all[time.name] = time.seconds;
    return all;
}

// Where the time went, in seconds: `queued` until the first attempt began, `submit` until the last
// one was accepted, `work` until its provider was done; the stages within that are the provider's.
// What follows is the host's, but for the writing of the summary itself.
Json timings(const Job& job)
{
    Json all = Json::object();
    const WallTime finished = job.finished.value_or(job.changed);
    if (const Attempt* last = job.current()) {
        const WallTime began = last->accepted.value_or(last->started);
        all["queued"] = seconds_between(job.created, job.attempts.front().started);
        all["submit"] = seconds_between(last->started, began);
        const WallTime ended = last->ended.value_or(finished);
        all["work"] = std::max(0.0, seconds_between(began, ended) - looked_at_for(*last));
        all["stages"] = stages_json(last->stages);
        all.update(stages_json(last->collecting));
    }
    all["total"] = seconds_between(job.created, finished);
    return all;
}

std::string_view basis_of(Estimate::Basis basis)
{
    constexpr std::array<std::string_view, 3> kNames{"none", "declared", "history"};
    return kNames[static_cast<std::size_t>(basis)];
}

Json candidate(const Considered& c)
{
    return Json{
        {"provider", c.provider                                     },
        {"model",    c.model.empty() ? Json(nullptr) : Json(c.model)},
        {"verdict",  to_string(c.standing)                          },
        {"reasons",  c.reasons                                      },
        {"health",   to_string(c.health)                            },
        {"breaker",  to_string(c.breaker)                           },
        {"est",
         Json{{"start_s", c.estimate.start.count()},
              {"run_s", c.estimate.run.count()},
              {"cost_usd", c.cost ? Json(to_string(*c.cost)) : Json(nullptr)},
              {"basis", basis_of(c.estimate.basis)}}                }
    };
}

struct OutcomeJson {
    Json operator()(const Dispatch& d) const
    {
        return Json{
            {"action",   "dispatch"          },
            {"provider", d.provider          },
            {"model",    d.model             },
            {"reserve",  to_string(d.reserve)}
        };
    }
    Json operator()(const Wait& w) const
    {
        return Json{
            {"action", "wait"               },
            {"for",    to_string(w.for_what)},
            {"until",  time_or_null(w.until)}
        };
    }
    Json operator()(const GiveUp& g) const
    {
        return Json{
            {"action",   g.as == JobEvent::poisoned ? "quarantine" : "give_up"},
            {"category", to_string(g.error.category)                          },
            {"code",     g.error.code                                         }
        };
    }
};

Json request_json(const Request& r)
{
    return Json{
        {"model",           r.model                                       },
        {"task",            r.task                                        },
        {"prompt",          r.prompt                                      },
        {"negative_prompt", r.negative_prompt                             },
        {"size",            to_string(r.size)                             },
        {"frames",          r.frames                                      },
        {"fps",             r.fps                                         },
        {"seed",            r.seed                                        },
        {"steps",           r.steps ? Json(*r.steps) : Json(nullptr)      },
        {"guidance",        r.guidance ? Json(*r.guidance) : Json(nullptr)},
        {"audio",           r.audio                                       },
        {"inputs",          r.inputs.size()                               }
    };
}

Json attempt_json(const Attempt& a)
{
    return Json{
        {"number",   a.number                                                },
        {"provider", a.provider                                              },
        {"plugin",   a.plugin_identity.empty() ? a.plugin : a.plugin_identity},
        {"model",    a.model                                                 },
        {"verdict",  to_string(a.verdict)                                    },
        {"billing",  to_string(a.billing)                                    },
        {"started",  timestamp(a.started)                                    },
        {"accepted", time_or_null(a.accepted)                                },
        {"ended",    time_or_null(a.ended)                                   },
        {"stages_s", stages_json(a.stages)                                   },
        {"cost_usd", a.settled ? Json(to_string(*a.settled)) : Json(nullptr) },
        {"warnings", a.warnings                                              },
        {"error",
         a.error ? Json{{"category", to_string(a.error->category)},
                        {"code", a.error->code},
                        {"text", a.error->text}}
                 : Json(nullptr)                                             }
    };
}

Json files_json(const JobArtifact& artifact)
{
    Json files = Json::array();
    for (const StoredFile& file : artifact.files)
        files.push_back(Json{
            {"role",   file.role  },
            {"type",   file.mime  },
            {"bytes",  file.bytes },
            {"sha256", file.sha256}
        });
    return files;
}

Json output_json(const JobArtifact& artifact)
{
    const MediaFacts& f = artifact.facts;
    Json deviations = Json::array();
    for (const Deviation& d : artifact.deviations)
        deviations.push_back(Json{
            {"what",     d.what    },
            {"expected", d.expected},
            {"found",    d.found   }
        });
    return Json{
        {"container",   f.container                                         },
        {"video_codec", f.video_codec                                       },
        {"pixels",      f.pixel_format                                      },
        {"size",        to_string(FrameSize{f.width, f.height})             },
        {"frames",      f.frames                                            },
        {"fps",         f.fps                                               },
        {"seconds",     f.seconds                                           },
        {"audio",       f.audio_codec ? Json(*f.audio_codec) : Json(nullptr)},
        {"deviations",  deviations                                          },
        {"files",       files_json(artifact)                                }
    };
}

std::string text_of(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json record_of(const Decision& decision, const RecordFrame& frame)
{
    Json candidates = Json::array();
    for (const Considered& one : decision.considered)
        candidates.push_back(candidate(one));
    Json record = Json::object();
    record["at"] = timestamp(frame.at);
    record["chain"] = frame.chain;
    record["config_revision"] = frame.config_revision;
    record["outcome"] = std::visit(OutcomeJson{}, decision.outcome);
    record["candidates"] = std::move(candidates);
    return record;
}

} // namespace

Json time_or_null(const std::optional<WallTime>& when)
{
    return when ? Json(timestamp(*when)) : Json(nullptr);
}

std::string route_record(const Decision& decision, const RecordFrame& frame)
{
    return text_of(record_of(decision, frame));
}

std::string explanation(const Decision& decision, const RecordFrame& frame)
{
    Json record = record_of(decision, frame);
    const auto* dispatch = std::get_if<Dispatch>(&decision.outcome);
    record["chosen"] = dispatch ? Json{{"provider", dispatch->provider}, {"model", dispatch->model}}
                                : Json(nullptr);
    record["normalized_request"] = dispatch ? request_json(dispatch->request) : Json(nullptr);
    record["warnings"] = dispatch ? Json(dispatch->warnings) : Json::array();
    return text_of(record);
}

std::string job_summary(const Job& job)
{
    Json attempts = Json::array();
    for (const Attempt& attempt : job.attempts)
        attempts.push_back(attempt_json(attempt));
    const Attempt* last = job.current();
    Money settled{};
    for (const Attempt& attempt : job.attempts)
        settled += attempt.settled.value_or(Money{});
    const Json summary{
        {"id",        job.id.text                                              },
        {"state",     to_string(job.state)                                     },
        {"created",   timestamp(job.created)                                   },
        {"finished",  time_or_null(job.finished)                               },
        {"request",   last ? request_json(last->request) : Json(nullptr)       },
        {"provider",  last ? Json(last->provider) : Json(nullptr)              },
        {"seed",      job.seed                                                 },
        {"attempts",  std::move(attempts)                                      },
        {"output",    job.artifact ? output_json(*job.artifact) : Json(nullptr)},
        {"timings_s", timings(job)                                             },
        {"cost_usd",  to_string(settled)                                       },
        {"billing",   to_string(billing_of(job))                               },
        {"warnings",  job.warnings                                             }
    };
    return summary.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace reelgate
