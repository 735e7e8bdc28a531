#!/usr/bin/env python3
"""What README.md and docs/ name exists: each path of ours in backticks, each `function()`, each link."""
import itertools
import pathlib
import re
import sys

import sources

FENCE = re.compile(r"^```.*?^```[^\n]*$", re.S | re.M)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
# A path of ours starts in one of these; build/, /proc/ and a file in somebody's project do not.
PATH = re.compile(r"(?:\./)?(?:(?:host|sdk|plugins|tests|docs|config|\.ci)/[\w.{},/-]+|[A-Z][\w.-]*\.(?:md|txt|json)|(?:run|test)\.sh)")
FUNCTION = re.compile(r"(?:[\w:]+(?:::|\.|->))?(\w+)\(\)")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def spelled_out(path):
    """host/plugin/sums.{hpp,cpp} is two paths."""
    parts = [part.split(",") for part in re.split(r"[{}]", path.removeprefix("./"))]
    return ["".join(choice) for choice in itertools.product(*parts)]


def offences(root):
    root = pathlib.Path(root)
    pages = [p for p in sources.files(root) if p.suffix == ".md" and (p.parts[0] == "docs" or str(p) == "README.md")]
    words = set()
    for path in sources.files(root):
        if path.suffix in sources.CODE or path.suffix in {".py", ".cmake", ".sh"}:
            words.update(re.findall(r"\w+", (root / path).read_text()))
    for page in pages:
        text = FENCE.sub(blank, (root / page).read_text())
        for number, line in enumerate(text.splitlines(), 1):
            for span in SPAN.findall(line):
                if PATH.fullmatch(span):
                    for path in spelled_out(span):
                        if not (root / path).exists():
                            yield f"{page}:{number}: there is no {path}"
                called = FUNCTION.fullmatch(span)
                if called and called.group(1) not in words:
                    yield f"{page}:{number}: nothing is called {span}"
            for link in LINK.findall(SPAN.sub(blank, line)):
                if ":" not in link and not (root / page.parent / link).exists():
                    yield f"{page}:{number}: the link to {link} leads nowhere"


if __name__ == "__main__":
    bad = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(bad) or "docs: ok")
    sys.exit(bool(bad))
