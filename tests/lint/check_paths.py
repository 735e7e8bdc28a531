#!/usr/bin/env python3
"""No file of ours names a place of somebody's machine or a package registry: what is committed must
mean the same everywhere, and packages come from the distribution's own sources."""
import pathlib
import re
import sys

import sources

# Written in pieces, so that this file passes its own check.
HOME = r"(?<![\w.$}@/-])/(?:" + "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers"]) + r")/\w"
HOSTS = "|".join(re.escape(h) for h in [
    "registry" + ".", "py" + "pi.org", "files.python" + "hosted", "proxy." + "golang.org", "crates" + ".io",
    "deb." + "debian.org", "archive." + "ubuntu.com", "arti" + "factory", "nexus" + ".",
])
PLACE = re.compile(f"{HOME}|//[\\w.-]*(?:{HOSTS})")


def offences(root):
    for path in sources.files(root):
        try:
            lines = (pathlib.Path(root) / path).read_text().splitlines()
        except UnicodeDecodeError:
            continue  # a picture, a corpus
        for number, line in enumerate(lines, 1):
            found = PLACE.search(line)
            if found:
                yield f"{path}:{number}: names a place that exists on one machine: {found.group()}"


if __name__ == "__main__":
    bad = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(bad) or "paths: ok")
    sys.exit(bool(bad))
