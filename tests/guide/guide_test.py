"""docs/PLUGIN-GUIDE.md, followed to the letter from an empty folder: every block marked `<!-- run -->` is run in
order by one shell, as one author would, and what a block marked `<!-- shows -->` promises must appear."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["REELGATE_BUILD_DIR"])
WORK = BUILD / "tests" / "followed_guide"  # not tests/guide: CMake keeps its own files there
BLOCK = re.compile(r"^<!-- (run|shows) -->\n+```(?:sh|text)\n(.*?)^```$", re.S | re.M)
MARK = "guide_test: the block of line "


def blocks(text):
    """(line, what is run, what it must show) of each block that is run."""
    found = []
    for match in BLOCK.finditer(text):
        kind, body = match.groups()
        if kind == "run":
            found.append([text.count("\n", 0, match.start()) + 1, body, ""])
        else:
            found[-1][2] += body
    return found


def pattern(shown):
    """The lines in this order, others may stand between them; … stands for whatever varies."""
    lines = [re.escape(line.strip()).replace("…", ".*") for line in shown.splitlines() if line.strip()]
    return re.compile(r"^\s*" + r"\s*$(?:.*\n)+?\s*".join(lines) + r"\s*$", re.M)


class Guide(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(WORK, ignore_errors=True)
        home = WORK / "home"
        # A clone that is built, at the place where the guide's reader has it.
        clone = home / "reelgate"
        (clone / "build").mkdir(parents=True)
        (clone / "build" / "release").symlink_to(BUILD)
        for entry in ("sdk", "config", "docs"):
            (clone / entry).symlink_to(SOURCE / entry)
        self.empty = WORK / "empty"
        self.empty.mkdir()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE", "XDG_"))}
        self.environment["HOME"] = str(home)
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        if shutil.which("ccache"):
            self.environment.setdefault("CCACHE_DIR", str(pathlib.Path.home() / ".cache" / "ccache"))
            self.environment.update(CMAKE_C_COMPILER_LAUNCHER="ccache", CMAKE_CXX_COMPILER_LAUNCHER="ccache")

    def test_every_block_works_and_shows_what_it_says(self):
        steps = blocks((SOURCE / "docs" / "PLUGIN-GUIDE.md").read_text())
        self.assertGreater(len(steps), 5)
        script = "".join(f"echo '{MARK}{line}'\n{body}" for line, body, _ in steps)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.empty, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        said = {}
        for part in done.stdout.split(MARK)[1:]:
            line, _, output = part.partition("\n")
            said[int(line)] = output
        self.assertEqual(done.returncode, 0, f"the block of line {max(said)} failed:\n{said[max(said)]}")
        for line, _, shown in steps:
            with self.subTest(line=line):
                if shown and not pattern(shown).search(said[line]):
                    self.fail(f"line {line} promises\n{shown}\nand the shell said\n{said[line]}")


if __name__ == "__main__":
    unittest.main()
