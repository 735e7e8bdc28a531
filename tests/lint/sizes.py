#!/usr/bin/env python3
"""Prints the five largest files and functions. For reading; fails nothing."""
import pathlib
import re
import sys

import sources

# What stands before the brace of a function: a parameter list, and what may follow one.
HEAD = re.compile(r"(~?[\w:]+|operator\s*\S+)\s*\([^;{}]*\)(\s*(const|noexcept|override|final|mutable))*"
                  r"(\s*->\s*[\w:<>,&*\s]+)?(\s*:\s*[^;]*)?\s*$")
NO_FUNCTION = {"if", "for", "while", "switch", "catch", "return", "sizeof", "decltype", "alignas", "defined"}


def functions(text):
    """(lines, name, first line) of each function, by its braces; a lambda counts with what holds it."""
    code = sources.without_comments(text)
    stack = []
    for found in re.finditer(r"[{};]", code):
        at = found.start()
        if found.group() == "{":
            before = code[max(code.rfind(c, 0, at) for c in "{};") + 1:at]
            head = HEAD.search(before)
            name = head.group(1) if head and head.group(1) not in NO_FUNCTION else None
            inside = any(n for n, _ in stack)
            stack.append((None if inside else name, at))
        elif found.group() == "}" and stack:
            name, start = stack.pop()
            if name:
                yield code.count("\n", start, at) + 1, name, code.count("\n", 0, start) + 1


def main(root):
    files, bodies = [], []
    for path in sources.code(root):
        text = (pathlib.Path(root) / path).read_text()
        files.append((text.count("\n"), str(path)))
        bodies += [(lines, f"{name} ({path}:{line})") for lines, name, line in functions(text)]
    files.sort(reverse=True)
    bodies.sort(reverse=True)
    print(f"{len(files)} files, {sum(n for n, _ in files)} lines; largest:")
    print("".join(f"  {n:5} {name}\n" for n, name in files[:5]), end="")
    if bodies:
        print(f"{len(bodies)} functions, 95 of 100 at most {bodies[len(bodies) // 20][0]} lines; largest:")
        print("".join(f"  {n:5} {name}\n" for n, name in bodies[:5]), end="")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
