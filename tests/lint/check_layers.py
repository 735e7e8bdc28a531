#!/usr/bin/env python3
"""Each room includes only what layers.txt allows it. Prints the offending lines; exit 1 if any."""
import pathlib
import posixpath
import re
import sys

import sources

INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
OURS = ("host/", "plugins/", "sdk/", "tests/")
# What starts like this belongs to a library that layers.txt can name; the rest is the standard or the system.
OUTSIDE = ("boost/", "nlohmann/", "openssl/", "curl/", "torch/", "sqlite3", "yaml-cpp/", "CLI/", "benchmark/", "gtest/", "gmock/")
ALIASES = {"libav": "libav/", "libsw": "libav/", "ATen/": "torch/", "c10/": "torch/"}
# A test may use these in any room, and so may what is there for tests only.
TEST = re.compile(r"^testing$|_(test|fixture)$")
IN_TESTS = ("gtest/", "gmock/", "tests/fakes", "sdk/abi")


def read_table(path):
    table = {}
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            table[words[0]] = words[1:]
    return table


def named(include, here):
    """The include in the words of layers.txt, or None for the standard library and the system."""
    beside = posixpath.normpath(here.parent / include)
    if include.startswith("."):
        include = beside.removeprefix("sdk/include/")
    if include.startswith(("reelgate/abi/", "reelgate/ext/")):
        return "sdk/abi"
    if include.startswith("reelgate/http/"):
        return "sdk/http/" + include.removeprefix("reelgate/http/")
    if include.startswith("reelgate/"):
        return "sdk/include/" + include
    if include.startswith(OURS):
        return include
    for start, name in ALIASES.items():
        if include.startswith(start):
            return name
    return include if include.startswith(OUTSIDE) else None


def covers(allowed, what):
    """host/base covers host/base/x.hpp and not host/basement/x.hpp; boost/asio also boost/asio.hpp."""
    return what == allowed or what.startswith((allowed + "/", allowed + "."))


def offences(root):
    table = read_table(pathlib.Path(root) / "tests/lint/layers.txt")
    for path in sources.code(root):
        if not path.is_relative_to("host") and not path.is_relative_to("sdk") and not path.is_relative_to("plugins"):
            continue
        room = max((r for r in table if path.is_relative_to(r)), key=len, default=None)
        if room is None:
            yield f"{path}:1: no line in tests/lint/layers.txt says what this room may include"
            continue
        is_test = TEST.search(path.stem)
        may = [*table[room], room, *((i.rstrip("/") for i in IN_TESTS) if is_test else ())]
        for number, line in enumerate((pathlib.Path(root) / path).read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            what = found and named(found.group(1), path)
            if what and not any(covers(a, what) for a in may):
                yield f"{path}:{number}: {room} may not include {found.group(1)}"


if __name__ == "__main__":
    bad = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(bad) or "layers: ok")
    sys.exit(bool(bad))
