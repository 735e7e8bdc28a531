// The cases, a file for each stage of a plugin's life. The table that orders them is in suite.cpp.
#pragma once

#include "sdk/conformance/suite.hpp"

namespace reelgate::conformance {

// cases_static.cpp: what can be judged without running anything
Verdict manifest_readable(Subject& s);
Verdict manifest_named_like_its_directory(Subject& s);
Verdict manifest_says_its_license(Subject& s);
Verdict manifest_has_known_members(Subject& s);
Verdict manifest_sums_hold(Subject& s);
Verdict binary_fits(Subject& s);
Verdict binary_exports_one_symbol(Subject& s);
Verdict binary_looks_nowhere_else(Subject& s);

// cases_start.cpp: from the first instruction to `created`
Verdict open_survives(Subject& s);
Verdict open_in_time(Subject& s);
Verdict open_quietly(Subject& s);
Verdict open_starts_no_thread(Subject& s);
Verdict describe_is_valid(Subject& s);
Verdict describe_is_who_the_manifest_says(Subject& s);
Verdict describe_never_changes(Subject& s);
Verdict handshake_newer_host(Subject& s);
Verdict handshake_short_structs(Subject& s);
Verdict handshake_null_members(Subject& s);
Verdict create_with_defaults(Subject& s);
Verdict create_survives_wrong_fields(Subject& s);
Verdict create_survives_long_text(Subject& s);
Verdict create_again_and_again(Subject& s);
Verdict create_with_read_only_data(Subject& s);
Verdict probe_answers(Subject& s);
Verdict probe_answers_during_run(Subject& s);

// cases_run.cpp: attempts
Verdict run_survives(Subject& s);
Verdict run_smallest(Subject& s);
Verdict run_makes_what_it_promised(Subject& s);
Verdict run_at_the_limits(Subject& s);
Verdict run_progress_is_monotonic(Subject& s);
Verdict run_stays_in_its_directory(Subject& s);
Verdict run_same_seed_same_film(Subject& s);
Verdict run_leaves_no_late_calls(Subject& s);
Verdict run_again_and_again(Subject& s);
Verdict refuse_wrong_requests(Subject& s);
Verdict refuse_random_requests(Subject& s);
Verdict refuse_hostile_text(Subject& s);
Verdict parallel_runs(Subject& s);

// cases_cancel.cpp: cancels, in each phase of a job
Verdict cancel_before_progress(Subject& s);
Verdict cancel_while_loading(Subject& s);
Verdict cancel_midway(Subject& s);
Verdict cancel_while_intending(Subject& s);
Verdict cancel_once_accepted(Subject& s);
Verdict cancel_while_resuming(Subject& s);
Verdict cancel_twice(Subject& s);
Verdict cancel_after_done(Subject& s);

// cases_money.cpp: what leaves, and what is said before
Verdict money_sends_nothing_before_its_intent(Subject& s);
Verdict money_sends_nothing_when_refused(Subject& s);
Verdict money_resumes_without_an_intent(Subject& s);

// cases_end.cpp: manners, faults
Verdict manners_leaves_when_told(Subject& s);
Verdict manners_leaves_before_it_is_created(Subject& s);
Verdict manners_leaves_when_host_is_gone(Subject& s);
Verdict faults_disk_full(Subject& s);
Verdict faults_little_memory(Subject& s);
Verdict isolation_in_process(Subject& s);

} // namespace reelgate::conformance
