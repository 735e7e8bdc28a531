#!/usr/bin/env bash
# ./test.sh [-R pattern] [other ctest arguments]   build and run the tests; all of them without -R
# ./test.sh --gate                                 everything that must hold before a change goes in
# ./test.sh --gate=format,lint                     only these steps of it: format lint sizes build test
#                                                  clang headers tidy asan tsan fuzz
#           --keep-going                           with --gate: run the later steps after one has failed
# Installs what is missing. Takes as many jobs as memory allows; REELGATE_JOBS=N sets another number,
# REELGATE_FUZZ_SECONDS=N another time for a fuzzer than its row in tests/fuzz/CMakeLists.txt.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
. host/cmake/setup.sh
export PYTHONDONTWRITEBYTECODE=1

all_steps="format lint sizes build test clang headers tidy asan tsan fuzz"
steps= keep_going= ctest_arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,8s/^# //p' "$0"; exit ;;
    --gate) steps=$all_steps ;;
    --gate=*) steps=${1#--gate=}; steps=${steps//,/ } ;;
    --keep-going) keep_going=1 ;;
    *) ctest_arguments+=("$1") ;;
  esac
  shift
done

jobs=${REELGATE_JOBS:-$(build_jobs)}

run_ctest() { # PRESET [ctest arguments]; no test found is a failure
  local preset=$1
  shift
  ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --no-tests=error "$@" \
    "${ctest_arguments[@]}"
}

prepare() { # PRESET [cmake arguments]; the libtorch plugin is part of the plain build only
  if [ "$1" = release ]; then need_torch; fi
  configure "$@"
}

# A sanitizer build has tests of its own pace: what builds other projects or measures is labelled
# release_only. The shadow memory of GCC 12's sanitizers does not fit every random address layout.
sanitized() {
  local preset=$1 fixed_addresses=() started=$SECONDS built
  if setarch "$(uname -m)" -R true 2> /dev/null; then fixed_addresses=(setarch "$(uname -m)" -R); fi
  prepare "$preset"
  build "$preset" all
  built=$SECONDS
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
  "${fixed_addresses[@]}" bash -c "$(declare -f run_ctest); ctest_arguments=(\"\${@:2}\"); run_ctest \"\$1\" -LE release_only" \
    _ "$preset" "${ctest_arguments[@]}"
  say "$preset: built in $((built - started)) s, tested in $((SECONDS - built)) s"
}

step_format() {
  if python3 tests/lint/sources.py | xargs -r -d '\n' clang-format-14 --dry-run -Werror; then
    echo "format: ok"
  else
    die "put right by: python3 tests/lint/sources.py | xargs clang-format-14 -i"
  fi
}
step_lint() { for check in tests/lint/check_*.py; do python3 "$check" .; done; }
step_sizes() { python3 tests/lint/sizes.py .; }
step_build() {
  prepare release -DREELGATE_BUILD_TESTS=ON
  build release all
}
step_test() {
  step_build
  run_ctest release
}
built() { # the flags, and what is generated, for the steps that only read; silent if all is well
  (step_build) > build/gate/build.out 2>&1 || { cat build/gate/build.out; return 1; }
}
# The asan build is clang's, with warnings as errors: here, what it does not compile.
step_clang() { built; prepare asan > build/gate/asan.out; python3 tests/lint/clang_pass.py syntax --jobs "$jobs"; }
step_headers() { built; python3 tests/lint/clang_pass.py headers --jobs "$jobs"; }
step_tidy() { built; python3 tests/lint/clang_pass.py tidy --jobs "$jobs" --budget 90; }
step_asan() { sanitized asan; }
step_tsan() { sanitized tsan; }

fuzz_one() { # NAME SECONDS: from the seeds; what it finds lies in build/fuzz/findings
  local name=$1 seconds=${REELGATE_FUZZ_SECONDS:-$2} log="build/fuzz/$1.log" more=()
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/findings
  if [ -d "tests/fuzz/seeds/$name" ]; then more+=("tests/fuzz/seeds/$name"); fi
  if [ -e "tests/fuzz/$name.dict" ]; then more+=("-dict=tests/fuzz/$name.dict"); fi
  if "build/fuzz/tests/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" "build/fuzz/corpus/$name" "${more[@]}" > "$log" 2>&1 < /dev/null; then
    printf '%s: %s runs, nothing found\n' "$name" "$(awk '/number_of_executed_units/ { print $2 }' "$log")"
  else
    tail -n 60 "$log"
    printf '%s: FAILED, see %s and build/fuzz/findings\n' "$name" "$log"
    return 1
  fi
}
step_fuzz() {
  prepare fuzz
  build fuzz fuzzers
  [ -s build/fuzz/fuzzers.txt ] || die "there is no fuzz target"
  export -f fuzz_one
  xargs -P "$jobs" -L 1 bash -c 'fuzz_one "$1" "$2"' _ < build/fuzz/fuzzers.txt
}

if [ -z "$steps" ]; then
  need build test
  step_test
  exit
fi

for step in $steps; do
  case " $all_steps " in *" $step "*) ;; *) die "no step '$step'; there are: $all_steps" ;; esac
done
need build test gate
mkdir -p build/gate

# Sets cpu_seconds to what this shell's children have used: it tells a slow step from a busy machine.
# Not by $(...), which would be another shell with children of its own.
count_cpu() {
  times > build/gate/times
  cpu_seconds=$(awk '{ split($1, u, /[ms]/); split($2, s, /[ms]/) } END { print int(60 * (u[1] + s[1]) + u[2] + s[2]) }' build/gate/times)
}
table=() failed=
for step in $steps; do
  printf '\n== %s\n' "$step"
  count_cpu
  started=$SECONDS cpu=$cpu_seconds
  set +e
  (set -euo pipefail; "step_$step") 2>&1 | tee "build/gate/$step.log"
  code=${PIPESTATUS[0]}
  set -e
  count_cpu
  if [ "$code" = 0 ]; then verdict=passed; else verdict=FAILED failed="$failed $step"; fi
  table+=("$(printf '%-8s %6d s %6d s cpu  %s' "$step" $((SECONDS - started)) $((cpu_seconds - cpu)) "$verdict")")
  if [ -n "$failed" ] && [ -z "$keep_going" ]; then break; fi
done

printf '\n== gate\n'
printf '%s\n' "${table[@]}"
printf '%-8s %6d s %6d s cpu  on %s processors\n' all "$SECONDS" "$cpu_seconds" "$(nproc)"
for step in test asan tsan; do
  case " $steps " in *" $step "*) ;; *) continue ;; esac
  if [ -e "build/gate/$step.log" ]; then
    sed -n "s/^\([0-9]*% tests passed.*\)/$step: \1/p" "build/gate/$step.log"
  fi
done
if [ -n "$failed" ]; then die "failed:$failed"; fi
say "the gate is passed"
