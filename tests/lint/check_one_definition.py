#!/usr/bin/env python3
"""A type has one definition in its namespace. Two of the same name in two rooms compile, and the
linker then lets one room's templates loose on the other's objects: no compiler says a word."""
import collections
import pathlib
import re
import sys

import sources

NAMESPACE = re.compile(r"^(?:inline )?namespace\s*([\w:]*)\s*\{|^\}\s*// namespace\s*([\w:]*)\s*$")
TYPE = re.compile(r"^(?:template <[^>]*> )?(?:struct|class|union|enum class) (?:alignas\(\w+\) )?(\w+)(?: final)?\s*(?::(?!:)|\{|$)")


def definitions(text):
    """(qualified name, line) of each type at the level of a named namespace."""
    inside = []
    for number, line in enumerate(sources.without_comments(text).splitlines(), 1):
        raw = text.splitlines()[number - 1]
        if found := NAMESPACE.match(raw):
            if raw.startswith("}"):
                inside = inside[:-1]
            else:
                inside.append(found.group(1))
            continue
        found = TYPE.match(line)
        if found and inside and all(inside) and not line.rstrip().endswith(";"):
            yield "::".join([*inside, found.group(1)]), number


def offences(root):
    places = collections.defaultdict(list)
    for path in sources.code(root):
        if path.suffix not in {".hpp", ".cpp"} or {"broken", "example"} & set(path.parts):
            continue  # C, and programs of their own
        for name, number in definitions((pathlib.Path(root) / path).read_text()):
            places[name].append(f"{path}:{number}")
    for name, where in sorted(places.items()):
        if len(where) > 1:
            yield f"{where[1]}: {name} is defined at {where[0]}, too"


if __name__ == "__main__":
    bad = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(bad) or "one definition: ok")
    sys.exit(bool(bad))
