// Every reason that a decision can give for a provider, with what it means: one list for the code,
// the documents and the page that explains a job. Stable words: clients may compare them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reelgate {

enum class ReasonKind : std::uint8_t {
    rejects, // can never serve this job as it stands
    skips,   // cannot now
    holds,   // could, and waits
};

struct ReasonRow {
    std::string_view code;
    ReasonKind kind;
    std::string_view meaning; // for people
};

// clang-format off
inline constexpr std::array kReasonTable{
    ReasonRow{"disabled",              ReasonKind::rejects, "the operator has switched it off"},
    ReasonRow{"misconfigured",         ReasonKind::rejects, "the provider, or this model of it, cannot work as it is set up"},
    ReasonRow{"draining",              ReasonKind::rejects, "it finishes what it has and takes nothing new"},
    ReasonRow{"not_configured",        ReasonKind::rejects, "a step names a provider or pool that does not exist"},
    ReasonRow{"not_in_chain",          ReasonKind::rejects, "the chain of this request does not use it"},
    ReasonRow{"not_named",             ReasonKind::rejects, "the request names another provider and allows no fall-over"},
    ReasonRow{"excluded",              ReasonKind::rejects, "the request leaves it out, by `ignore` or by `only`"},
    ReasonRow{"fallback_not_allowed",  ReasonKind::rejects, "the request stays with the step where it began"},
    ReasonRow{"key_not_allowed",       ReasonKind::rejects, "the API key may not use it"},
    ReasonRow{"egress_denied",         ReasonKind::rejects, "the prompt or the inputs would travel further than is allowed"},
    ReasonRow{"price_unknown",         ReasonKind::rejects, "it takes money, its price is not known, and there is a cap"},
    ReasonRow{"price_over_cap",        ReasonKind::rejects, "it costs more than the job may"},
    ReasonRow{"budget_exceeded",       ReasonKind::rejects, "it costs more than the job or the key has left"},
    ReasonRow{"vram_never_fits",       ReasonKind::rejects, "the model needs more video memory than the provider may use"},
    ReasonRow{"model_not_found",       ReasonKind::rejects, "it does not offer the model that is asked for"},
    ReasonRow{"task_unsupported",      ReasonKind::rejects, "the model cannot do this kind of task"},
    ReasonRow{"input_unsupported",     ReasonKind::rejects, "the model does not take these images, videos or sounds"},
    ReasonRow{"size_unsupported",      ReasonKind::rejects, "the model cannot make this frame size, nor one close to it"},
    ReasonRow{"frames_unsupported",    ReasonKind::rejects, "the model cannot make this number of frames"},
    ReasonRow{"fps_unsupported",       ReasonKind::rejects, "the model cannot make this frame rate"},
    ReasonRow{"duration_unsupported",  ReasonKind::rejects, "the model cannot make a video of this length"},
    ReasonRow{"audio_unsupported",     ReasonKind::rejects, "the model makes no sound"},
    ReasonRow{"seed_unsupported",      ReasonKind::rejects, "the model does not follow a seed, and the request requires one"},
    ReasonRow{"steps_unsupported",     ReasonKind::rejects, "the number of steps is outside what makes sense"},
    ReasonRow{"guidance_unsupported",  ReasonKind::rejects, "the guidance is outside what makes sense"},
    ReasonRow{"already_tried",         ReasonKind::rejects, "it has had this job, and the failure grants no second try"},
    ReasonRow{"retry_too_late",        ReasonKind::rejects, "it asks for a longer wait than the job has patience for"},
    ReasonRow{"retry_after_deadline",  ReasonKind::rejects, "the next try would come after the job's deadline"},
    ReasonRow{"not_moved_on",          ReasonKind::rejects, "after the last failure nobody else may have the job"},
    ReasonRow{"submits_used_up",       ReasonKind::rejects, "the job has been submitted as often as it may"},
    ReasonRow{"resubmits_used_up",     ReasonKind::rejects, "it would be paid for once more than is allowed"},
    ReasonRow{"unhealthy",             ReasonKind::skips,   "its probes fail"},
    ReasonRow{"starting",              ReasonKind::skips,   "it is not ready yet"},
    ReasonRow{"breaker_open",          ReasonKind::skips,   "it has failed too often and rests"},
    ReasonRow{"cooling_down",          ReasonKind::skips,   "it rests until a stated time"},
    ReasonRow{"trial_running",         ReasonKind::skips,   "one job tries whether it is back"},
    ReasonRow{"backing_off",           ReasonKind::skips,   "it is tried again a little later"},
    ReasonRow{"no_free_slot",          ReasonKind::skips,   "all its slots are taken"},
    ReasonRow{"waits_for_free",        ReasonKind::holds,   "something that costs nothing, or a repetition, is waited for first"},
};
// clang-format on

// Where `code` stands in the table; its size where it does not. GCC's sanitizers compare no
// pointers at compile time, so the question is asked by position.
constexpr std::size_t reason_index(std::string_view code)
{
    std::size_t at = 0;
    while (at < kReasonTable.size() && kReasonTable[at].code != code)
        ++at;
    return at;
}

constexpr const ReasonRow* find_reason(std::string_view code)
{
    const std::size_t at = reason_index(code);
    return at == kReasonTable.size() ? nullptr : &kReasonTable[at];
}

} // namespace reelgate
