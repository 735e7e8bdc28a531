#!/usr/bin/env python3
"""Installs the SDK to an empty prefix and builds plugins from there, as an author would: the project of
four lines with a given compiler, then looks at the binaries and makes a film with them.

Exit 77 (skipped) when the compiler asked for is not on this machine."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

CONSUMER = """cmake_minimum_required(VERSION 3.25)
project(bars LANGUAGES CXX)
find_package(ReelgateSDK 1.0 REQUIRED)
reelgate_add_plugin(bars ID org.example.bars VERSION 1.0.0 SOURCES bars.cpp)
"""

# HTTP for providers is built from source with the author's compiler; here, to a port that is closed.
CONSUMER_HTTP = """
add_executable(calls calls.cpp)
target_link_libraries(calls PRIVATE Reelgate::http)
"""
CALLS = """#include <reelgate/http/client.hpp>
int main()
{
    using namespace reelgate::http;
    Request request;
    request.url = "http://127.0.0.1:1/";
    const auto answer = Client{}.perform(request);
    return !answer && answer.error().kind == FailureKind::connect && !answer.error().request_left ? 0 : 1;
}
"""

# A test of the provider with the doubles of the package; its failure is the failure of this test.
CONSUMER_TEST = """
find_package(GTest REQUIRED)
add_executable(bars_test bars_test.cpp)
target_link_libraries(bars_test PRIVATE Reelgate::testing GTest::gmock_main)
"""
# Everything reelgate_add_plugin takes, with text that must be escaped.
CONSUMER_RICH = r"""
set(REELGATE_PLUGIN_OUTPUT_DIR "${CMAKE_BINARY_DIR}/elsewhere")
reelgate_add_plugin(rich ID org.example.rich VERSION 1.0.0 SOURCES bars.cpp uses_http.cpp NAME [[Bars "C:\x"]]
  LICENSE MIT EGRESS cloud GPU optional ENVIRONMENT HTTP_PROXY HOME START_TIMEOUT 90 FILES data.txt
  MANIFEST_EXTRA [[{"homepage": "https://example.org/\"q\"", "beta": true, "old": false, "none": null,
                    "tags": ["a", {"b": 1.5}]}]])
target_link_libraries(rich PRIVATE Reelgate::http)
"""
USES_HTTP = """#include <reelgate/http/client.hpp>
#include <reelgate/http/url.hpp>
bool is_local(const char* url) { return reelgate::http::parse_url(url)->is_loopback(); }
"""
RICH = {"name": 'Bars "C:\\x"', "license": "MIT", "egress": "cloud", "gpu": "optional",
        "environment": ["HTTP_PROXY", "HOME"], "start_timeout_s": 90,
        "homepage": 'https://example.org/"q"', "beta": True, "old": False, "none": None,
        "tags": ["a", {"b": 1.5}]}
BARS_TEST = """#include "bars.cpp"
#include <reelgate/testing.hpp>
TEST(Bars, WritesAFilm)
{
    RecordingJob job(sample_request());
    Bars(Host(), {{"bars", 4}}).run(job);
    EXPECT_EQ(job.all("artifact").at(0).at("path"), "clip.y4m");
}
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def configure_and_build(source, build, prefix, flags):
    environment = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "CXXFLAGS", "LDFLAGS")}
    if shutil.which("ccache"):
        flags = [*flags, "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    # Unoptimised: quicker to build, and nothing that could be exported is inlined away.
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=",
        f"-DCMAKE_PREFIX_PATH={prefix}", *flags, env=environment)
    run("cmake", "--build", build, env=environment)


def look_at(plugin, identifier, extra=None, beside=()):
    manifest = json.loads((plugin / "plugin.json").read_text())
    expected = {"schema": 1, "id": identifier, "version": "1.0.0", "runtime": "native",
                "entry": "plugin.so", "transport": "fd", "machine": os.uname().machine,
                "files": "SHA256SUMS", "abi": {"major": 1, "min_host_minor": 0}}
    expected.update(extra or {})
    for member, value in expected.items():
        assert member in manifest and manifest[member] == value, f"plugin.json: {member} is {manifest.get(member)!r}"
    assert plugin.name == identifier
    listed = {line.split("  ", 1)[1] for line in (plugin / "SHA256SUMS").read_text().splitlines()}
    assert listed == {"plugin.json", "plugin.so", *beside}, listed
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=plugin)

    library = plugin / "plugin.so"
    exported = [line.split() for line in run("nm", "-D", "--defined-only", library).splitlines()]
    functions = [words[-1].split("@")[0] for words in exported if words[-2] != "A"]
    assert functions == ["reelgate_provider_v1"], f"exports {functions}"
    assert not [w for w in exported if w[-2] == "u"], "exports a GNU unique symbol"
    dynamic = run("readelf", "-d", library)
    assert "[$ORIGIN/lib]" in dynamic and "BIND_NOW" in dynamic, dynamic


def changed_again(source):
    """What lies beside the library reaches the plugin and its sums without a change in the code."""
    (source / "data.txt").write_text("other data\n")
    run("cmake", "--build", source / "build")
    plugin = source / "build/elsewhere/org.example.rich"
    assert (plugin / "data.txt").read_text() == "other data\n"
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=plugin)


def main():
    parser = argparse.ArgumentParser()
    for option in ("--build", "--sdk", "--host", "--reelgate", "--work"):
        parser.add_argument(option, required=True, type=pathlib.Path)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--stdlib", default="")
    args = parser.parse_args()
    if not shutil.which(args.cxx):
        print(f"skipped: {args.cxx} is not installed")
        sys.exit(77)
    if args.stdlib == "libc++":
        probe = subprocess.run([args.cxx, "-stdlib=libc++", "-x", "c++", "-fsyntax-only", "-"],
                               input="#include <vector>\n", text=True, capture_output=True)
        if probe.returncode != 0:
            print("skipped: libc++ is not installed")
            sys.exit(77)

    # The same place each time, so that a compiler cache knows the files again.
    root = args.work
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    prefix = root / "prefix"
    run("cmake", "--install", args.build, "--component", "sdk", "--prefix", prefix)
    flags = [f"-DCMAKE_CXX_COMPILER={args.cxx}"]
    if args.stdlib:
        flags.append(f"-DCMAKE_CXX_FLAGS=-stdlib={args.stdlib}")

    source = root / "bars"
    source.mkdir()
    # GTest of the distribution is built with libstdc++, so the doubles are only tried with that.
    more = "" if args.stdlib else CONSUMER_TEST + CONSUMER_RICH
    (source / "CMakeLists.txt").write_text(CONSUMER + CONSUMER_HTTP + more)
    (source / "data.txt").write_text("data\n")
    (source / "bars_test.cpp").write_text(BARS_TEST)
    (source / "uses_http.cpp").write_text(USES_HTTP)
    (source / "calls.cpp").write_text(CALLS)
    shutil.copy(args.sdk / "example/cpp/bars.cpp", source)
    configure_and_build(source, source / "build", prefix, flags)
    plugin = source / "build/plugins/org.example.bars"
    look_at(plugin, "org.example.bars")
    work = root / "work"
    work.mkdir()
    run(args.host, plugin / "plugin.so", work)
    run(args.reelgate, "--trust", "any", "--data-dir", work / "data", "providers", "try", plugin,
        "--prompt", "lighthouse", "--size", "64x48", "--frames", "5", "--output", work / "film.y4m")
    assert (work / "film.y4m").stat().st_size > 5 * 64 * 48 * 3 / 2
    run(source / "build/calls")
    if args.stdlib:
        assert "libc++.so" in run("readelf", "-d", plugin / "plugin.so")
        return
    run(source / "build/bars_test")
    look_at(source / "build/elsewhere/org.example.rich", "org.example.rich", RICH, ["data.txt"])
    changed_again(source)

    # The smallest plugin in C is a project of its own, and needs no C++ compiler.
    configure_and_build(args.sdk / "example/c", root / "c", prefix, [])
    look_at(root / "c/plugins/org.example.cbars", "org.example.cbars")
    run(args.host, root / "c/plugins/org.example.cbars/plugin.so", work)


main()
