#!/usr/bin/env bash
# ./run.sh [--build-only] [subcommand and its arguments]
# Installs what is missing, builds Release, then runs build/release/bin/reelgate (no arguments: serve).
# --build-only stops after the build. REELGATE_JOBS=N sets how many compilers run side by side.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/host/cmake/setup.sh"

build_only=
case ${1:-} in
  -h | --help) sed -n '2,4s/^# //p' "$0"; exit ;;
  --build-only) build_only=1; shift ;;
esac

need build
need_torch
configure release
build release programs
if [ -n "$build_only" ]; then
  say "built: build/release/bin and build/release/plugins"
  exit
fi
if [ $# = 0 ]; then set -- serve; fi
exec "$root/build/release/bin/reelgate" "$@"
