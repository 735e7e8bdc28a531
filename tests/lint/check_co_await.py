#!/usr/bin/env python3
"""Each room includes only what layers.txt allows it. Prints the offending lines; exit 1 if any."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
OUTSIDE = ("boost/", "nlohmann/", "openssl/", "curl/", "torch/", "ATen/", "c10/", "libav", "libsw", "sqlite3", "yaml-cpp/", "CLI/",
           "gtest/", "gmock/")

allowed = {}
for line in (pathlib.Path(__file__).parent / "layers.txt").read_text().splitlines():
    words = line.split("#")[0].split()
    if words:
        allowed[words[0]] = words[1:]


def named(include):
    """The include in the words of layers.txt, or None for the standard library."""
    if include.startswith(("reelgate/abi/", "reelgate/ext/")):
        return "sdk/abi"
    if include.startswith("reelgate/"):
        return "sdk"
    if include.startswith("libsw"):
        return "libav"
    if include.startswith(("ATen/", "c10/")):
        return "torch"
    return include if include.startswith(("host/", "plugins/", "sdk/") + OUTSIDE) else None


bad = []
for path in sorted(p for top in ("host", "sdk", "plugins") for p in (ROOT / top).rglob("*") if p.suffix in {".h", ".hpp", ".cpp"}):
    here = path.relative_to(ROOT).as_posix()
    room = max((r for r in allowed if here.startswith(r + "/")), key=len, default=None)
    may = (*allowed.get(room, ()), room or "?", "gtest", "gmock")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        what = found and named(found.group(1))
        if what and not what.startswith(may):
            bad.append(f"{here}:{number}: {room} may not include {found.group(1)}")
print("\n".join(bad) or "layers: ok")
sys.exit(bool(bad))
