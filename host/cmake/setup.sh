# Sourced by run.sh and test.sh: packages, configure, build. Expects $root, the top of the tree.
# Nothing here asks a question, and nothing touches the network unless a package is missing.

say() { printf -- '-- %s\n' "$*"; }
die() { printf -- '!! %s\n' "$*" >&2; exit 1; }

# ccache must not refuse files that mention the time or come through a precompiled header.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}

# The lines of packages.txt for these groups, without the group: "name | other name".
packages_of() {
  local groups=" $* " group names
  while read -r group names; do
    case $group in ''|'#'*) continue ;; esac
    case $groups in *" $group "*) printf '%s\n' "$names" ;; esac
  done < "$root/host/cmake/packages.txt"
}

# Prints the lines of these groups of which no alternative is installed. One query for all.
packages_missing() {
  local wanted installed line name
  wanted=$(packages_of "$@")
  # shellcheck disable=SC2046,SC2086  # words are meant
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' $(tr '|\n' '  ' <<< "$wanted") 2>/dev/null || true) "
  while IFS= read -r line; do
    for name in ${line//|/ }; do
      case $installed in *" installed:$name "*) continue 2 ;; esac
    done
    printf '%s\n' "$line"
  done <<< "$wanted"
}

apt() {
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get "$@" < /dev/null
  elif command -v sudo > /dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive apt-get "$@"
  else
    die "not root and no sudo here; as root run: apt-get $*"
  fi
}

# The first alternative of a line that this distribution offers; nothing if it has none.
package_offered() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show "$name" > /dev/null 2>&1; then printf '%s\n' "$name"; return; fi
  done
}

# packages_install LINE...: installs one alternative of each. Prints what it cannot find and fails.
# What cmake did not find before, it must look for again: hence no build stays marked as configured.
packages_install() {
  local line name fresh= chosen=() unknown=()
  while :; do
    chosen=() unknown=()
    for line in "$@"; do
      name=$(package_offered "$line")
      if [ -n "$name" ]; then chosen+=("$name"); else unknown+=("$line"); fi
    done
    if [ ${#unknown[@]} = 0 ] || [ -n "$fresh" ]; then break; fi
    say "package lists are missing or old: apt-get update"
    apt update -q || return 1
    fresh=1
  done
  if [ ${#unknown[@]} != 0 ]; then
    printf -- '!! this distribution has no package for: %s\n' "${unknown[@]}" >&2
    return 1
  fi
  say "installing: ${chosen[*]}"
  rm -f "$root"/build/*/.configured
  # --no-remove: rather stop than throw out somebody's Boost 1.74.
  local install=(install -y -q --no-install-recommends --no-remove "${chosen[@]}")
  if ! apt "${install[@]}"; then
    [ -z "$fresh" ] || return 1
    say "that failed; once more with fresh package lists"
    apt update -q && apt "${install[@]}"
  fi
}

distribution() {
  local ID=unknown VERSION_ID=
  # shellcheck disable=SC1091
  if [ -r /etc/os-release ]; then . /etc/os-release; fi
  printf '%s-%s\n' "$ID" "$VERSION_ID"
}

# need GROUP...: makes sure that the packages of these groups are here.
need() {
  if ! command -v dpkg-query > /dev/null; then
    say "no Debian packages on this system; it needs what host/cmake/packages.txt lists ($*)"
    return
  fi
  local missing
  mapfile -t missing < <(packages_missing "$@")
  if [ ${#missing[@]} = 0 ] || [ -z "${missing[0]}" ]; then return; fi
  case $(distribution) in
    debian-12) ;;
    ubuntu-24.04) say "Ubuntu 24.04: best effort, Debian 12 is what is tested" ;;
    *) say "$(distribution) is neither Debian 12 nor Ubuntu 24.04: trying all the same" ;;
  esac
  packages_install "${missing[@]}" || die "packages are missing, see above"
}

# The libtorch plugin is the only one that a distribution may be unable to build.
need_torch() {
  [ -e "$root/plugins/fastvideo-local/CMakeLists.txt" ] || return 0
  command -v dpkg-query > /dev/null || return 0
  local missing
  mapfile -t missing < <(packages_missing torch)
  if [ ${#missing[@]} = 0 ] || [ -z "${missing[0]}" ]; then return; fi
  packages_install "${missing[@]}" ||
    say "no libtorch from this distribution: everything but plugins/fastvideo-local is built"
}

# As many as there are processors, but no more than memory allows: a file that includes Beast or
# libtorch takes about 1 GB to compile.
build_jobs() {
  local processors limit memory
  processors=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024) }' /proc/meminfo)
  if limit=$(cat /sys/fs/cgroup/memory.max 2> /dev/null) && [ "$limit" != max ]; then
    limit=$((limit / 1024 / 1024 / 1024))
    if [ "$limit" -lt "$memory" ]; then memory=$limit; fi
  fi
  if [ "$memory" -lt 1 ]; then memory=1; fi
  echo $((processors < memory ? processors : memory))
}

# configure PRESET [cmake arguments]: only if it was not yet, or if the presets or the arguments have
# changed since; whatever else changes, ninja reruns cmake by itself. Without arguments, those of an
# earlier call stay.
configure() {
  local preset=$1 dir="$root/build/$1" said="$*"
  if [ -e "$dir/build.ninja" ] && [ "$dir/.configured" -nt "$root/CMakePresets.json" ] &&
    { [ $# = 1 ] || [ "$(cat "$dir/.configured")" = "$said" ]; }; then
    return
  fi
  say "configuring build/$preset"
  (cd "$root" && cmake --preset "$@") || return 1
  printf '%s\n' "$said" > "$dir/.configured"
}

# build PRESET TARGET
build() {
  cmake --build "$root/build/$1" --parallel "${REELGATE_JOBS:-$(build_jobs)}" --target "$2"
}
