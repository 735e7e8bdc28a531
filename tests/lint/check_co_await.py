#!/usr/bin/env python3
"""GCC 12 copies an aggregate or a capturing lambda bit by bit when it is made inside a co_await
expression, and destroys it twice. It also awaits what stands behind && or || or ? though the other
side has decided already. This finds such places; the cure is to name the object, or the condition,
on a line before. It goes by our naming: what starts with a capital is a type."""
import pathlib
import re
import sys

import sources

MADE_ON_THE_SPOT = re.compile(
    r"(?<![\w)\]])\[[^\]\n]+\]\s*(?:\(|\{|mutable|noexcept|->)"  # a lambda that captures, not a subscript
    r"|\b[A-Z]\w*\s*[({]"                                        # Type{...} or Type(...)
    r"|[\w>(,]\s*\{"                                             # f({...}), vector<T>{...}
)

AWAITED_BY_CONDITION = re.compile(r"(?:&&|\|\||\?)[\s!(]*$")


def expression(code, start):
    """From co_await to where its expression ends: a semicolon, or the bracket that was open before it."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
        if depth < 0 or (code[at] == ";" and depth == 0):
            return code[start:at]
    return code[start:]


def offences(root):
    for path in sources.code(root):
        code = sources.without_comments((pathlib.Path(root) / path).read_text())
        for start in (m.start() for m in re.finditer(r"\bco_await\b", code)):
            if MADE_ON_THE_SPOT.search(expression(code, start)):
                yield f"{path}:{code.count(chr(10), 0, start) + 1}: made inside co_await; name it first"
            if AWAITED_BY_CONDITION.search(code[max(0, start - 80):start]):
                yield f"{path}:{code.count(chr(10), 0, start) + 1}: awaited behind a condition; use an if"


if __name__ == "__main__":
    bad = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(bad) or "co_await: ok")
    sys.exit(bool(bad))
