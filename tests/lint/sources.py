"""Which files are ours: what git knows or would add, and is there. Without git, what lies in the tree."""
import pathlib
import re
import subprocess

CODE = {".c", ".h", ".cpp", ".hpp"}


def files(root):
    """Paths relative to root, sorted."""
    root = pathlib.Path(root)
    git = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."],
        capture_output=True, check=False)
    if git.returncode == 0:
        names = git.stdout.decode().split("\0")
    else:
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if "build" not in p.relative_to(root).parts]
    return sorted(pathlib.PurePosixPath(n) for n in set(names) if n and (root / n).is_file())


def code(root):
    """Our C and C++. A template is not code until somebody has filled it in."""
    return [p for p in files(root) if p.suffix in CODE and not p.is_relative_to("sdk/template")]


NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)


def without_comments(text):
    """The text with comments and the insides of strings blanked, each line where it was."""
    return NO_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


if __name__ == "__main__":
    print("\n".join(str(p) for p in code(".")))
