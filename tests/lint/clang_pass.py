#!/usr/bin/env python3
"""clang_pass.py syntax|headers|tidy [--jobs N] [--budget SECONDS] [FILE...]

A second compiler's opinion on every C and C++ file of ours, with the flags that the release build
compiles it with (build/release/compile_commands.json), less what only GCC understands.

syntax   clang 14 -fsyntax-only, warnings are errors; without what build/asan compiles, if that is
         configured: there the same compiler holds it to the same warnings
headers  each header alone, as its own file: it must include what it uses. A header that its own
         source includes first is proven by the build already and is left out
tidy     clang-tidy 14 with .clang-tidy. On a branch: what changed against origin/main and what
         includes it. On origin/main itself, or without it: everything, last changed first, until
         the budget is spent; what was not reached is said, and fails nothing
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import sources

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATABASE = ROOT / "build/release/compile_commands.json"
GCC_ONLY = re.compile(r"-Winvalid-pch|-fpch|-fcoroutines|-M[DPG]$")
WITH_VALUE = {"-o", "-MF", "-MT", "-MQ"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
# A header seen as a program of its own has functions that nobody calls.
HEADER_ALONE = ["-Wno-pragma-once-outside-header", "-Wno-unused-function", "-Wno-unused-const-variable",
                "-Wno-unneeded-internal-declaration", "-Wno-unused-macros"]


def clang_flags(command):
    """The flags of a compiler call that clang understands; not the compiler, not the file."""
    kept, words = ["-Wno-unknown-warning-option"], iter(shlex.split(command))
    for word in words:
        if word in WITH_VALUE:
            next(words)
        elif word in ("-include", "-isystem", "-I"):
            value = next(words)
            if "cmake_pch" not in value:
                kept += [word, value]
        elif word.startswith("-") and word != "-c" and not GCC_ONLY.match(word):
            kept.append(word)
    return kept


def read_database():
    """{path relative to the root: flags}, one entry a file of ours; and, for a file that has no entry,
    the union of where they look for headers and of what the build tells them."""
    ours = {p.as_posix() for p in sources.code(ROOT)}
    flags, union = {}, []
    for entry in json.loads(DATABASE.read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not path.is_relative_to(ROOT) or path.relative_to(ROOT).as_posix() not in ours:
            continue
        kept = clang_flags(entry["command"])
        flags.setdefault(path.relative_to(ROOT).as_posix(), kept)
        for at, word in enumerate(kept):
            group = kept[at:at + 2] if word in ("-isystem", "-I") else [word]
            if word.startswith(("-I", "-isystem", "-DBOOST_", "-DREELGATE_")) and group not in union:
                union.append(group)
    return flags, [word for group in union for word in group]


def flags_for(path, flags, union):
    """A file that the release build does not compile (a fuzz target, an example) gets the flags of all."""
    language = ["-std=c11"] if path.endswith(".c") else ["-std=c++20"]
    return flags.get(path) or [*language, "-Wall", "-Wextra", *union]


def compiler(path):
    return "clang-14" if path.endswith(".c") else "clang++-14"


def compiled_by_clang():
    """Files of ours that the sanitized build compiles."""
    database = ROOT / "build/asan/compile_commands.json"
    entries = json.loads(database.read_text()) if database.exists() else []
    return {pathlib.Path(entry["directory"], entry["file"]).resolve() for entry in entries}


def syntax_calls(flags, union):
    compiled = compiled_by_clang()
    for path in map(str, sources.code(ROOT)):
        if path.endswith((".c", ".cpp")) and ROOT / path not in compiled:
            yield path, [compiler(path), "-fsyntax-only", "-Werror", *flags_for(path, flags, union), path]


def proven_by_build(header, flags):
    """True if the header's own source is compiled and includes it before anything else."""
    own = header.with_suffix(".cpp")
    if str(own) not in flags:
        return False
    first = INCLUDE.search((ROOT / own).read_text())
    return bool(first) and header.as_posix().endswith(first.group(1))


def header_calls(flags, union):
    for header in sources.code(ROOT):
        if header.suffix not in (".h", ".hpp") or proven_by_build(header, flags):
            continue
        common = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", *HEADER_ALONE, *union]
        yield str(header), ["clang++-14", "-x", "c++", "-std=c++20", *common, str(header)]
        if header.suffix == ".h":
            yield f"{header} (C)", ["clang-14", "-x", "c", "-std=c11", "-pedantic", *common, str(header)]


def git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else []


def changed_on_this_branch():
    """Names that differ from where this branch left origin/main; None if this is origin/main, or there is none."""
    base = git("merge-base", "HEAD", os.environ.get("REELGATE_BASE", "origin/main"))
    if not base or base == git("rev-parse", "HEAD"):
        return None
    return set(git("diff", "--name-only", base[0])) | set(git("ls-files", "--others", "--exclude-standard"))


def last_changed_first(paths):
    order = {}
    for name in git("log", "--format=", "--name-only", "-n", "200"):
        order.setdefault(name, len(order))
    return sorted(paths, key=lambda p: order.get(p, len(order)))


def tidy_files():
    paths = [str(p) for p in sources.code(ROOT) if p.suffix in (".c", ".cpp")]
    changed = changed_on_this_branch()
    if changed is None:
        return last_changed_first(paths)

    def touched(path):
        return path in changed or any(
            name.endswith(include) for include in INCLUDE.findall((ROOT / path).read_text())
            for name in changed if name.endswith((".h", ".hpp")))

    return [p for p in paths if touched(p)]


def tidy_calls(flags, union):
    for path in tidy_files():
        yield path, ["clang-tidy-14", "--quiet", path, "--", *flags_for(path, flags, union)]


def run(name, call):
    start = time.monotonic()
    done = subprocess.run(call, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return name, done.returncode, done.stdout + (done.stderr if done.returncode else ""), time.monotonic() - start


def main():
    calls_of = {"syntax": syntax_calls, "headers": header_calls, "tidy": tidy_calls}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=calls_of)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=float("inf"))
    parser.add_argument("files", nargs="*", help="only these, as git names them")
    given = parser.parse_args()
    flags, union = read_database()
    calls = [c for c in calls_of[given.what](flags, union) if not given.files or c[0].split()[0] in given.files]
    end, bad, skipped, times = time.monotonic() + given.budget, 0, [], []

    def in_time(call):
        return run(*call) if time.monotonic() < end else (call[0], None, "", 0.0)

    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for name, code, text, seconds in pool.map(in_time, calls):
            times.append((seconds, name))
            if code is None:
                skipped.append(name)
            elif code:
                bad += 1
                print(f"{name}:\n{text}", flush=True)
    slowest = ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(times, reverse=True)[:3])
    print(f"clang {given.what}: {len(calls) - len(skipped)} of {len(calls)} files, {bad} bad; slowest: {slowest}")
    if skipped:
        print(f"not reached in {given.budget:.0f} s: {' '.join(skipped)}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
