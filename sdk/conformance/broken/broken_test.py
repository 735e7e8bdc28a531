"""Each case of the suite is failed by a plugin that is broken there and nowhere else."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import checked

BUILT = checked.BUILD / "tests/broken"
ID = "org.example.broken"

# These cases take as long as all others together. A plugin meets them where its own case is in
# their group, and all plugins meet them when asked for.
DEAR = ("refuse.wrong", "refuse.random", "parallel.runs", "isolation.in_process")
SLOW = ("open.time", "manners.bye", "cancel.first", "cancel.midway")  # to be waited for: they go first
EVERY_CASE = "REELGATE_EVERY_CASE" in os.environ


def rewrite(directory, **members):
    file = directory / "plugin.json"
    manifest = {**json.loads(file.read_text()), **members}
    file.write_text(json.dumps({name: value for name, value in manifest.items() if value is not None}))


def sum_up(directory):
    files = sorted(file for file in directory.iterdir() if file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (directory / "SHA256SUMS").write_text("".join(lines))


def cut(directory):
    file = directory / "plugin.so"
    file.write_bytes(file.read_bytes()[:3000])


# What is wrong with the directory, not with the library: (spoil, is it summed again)
SPOILT = {
    "manifest.readable": (lambda d: (d / "plugin.json").write_text('{"schema": 1,'), True),
    "manifest.directory": (lambda d: None, True),  # it is put under another name
    "manifest.license": (lambda d: rewrite(d, license=None), True),
    "manifest.members": (lambda d: rewrite(d, colour="red"), True),
    "manifest.sums": (lambda d: rewrite(d, name="Changed since"), False),
    "binary.fits": (cut, True),
}

# What the worker takes care of for a library, a program can get wrong: (a line of the helper, what it says instead)
ON_CANCEL = 'job = self.jobs.get(frame["job"])'
GONE = "def _gone():"
PROGRAMS = {
    "cancel.after": (ON_CANCEL, 'job = self.jobs[frame["job"]]'),
    "cancel.twice": (ON_CANCEL, ON_CANCEL + """
        told = self.__dict__.setdefault("told", set())
        if frame["job"] in told:
            os._exit(3)
        told.add(frame["job"])"""),
    "manners.hang_up": (GONE, GONE + "\n    threading.Event().wait()\n\n\ndef _never():"),
}


class Broken(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="reelgate-broken-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def spoilt(self, case):
        directory = self.dir / case / ("org.example.other" if case == "manifest.directory" else ID)
        shutil.copytree(BUILT / "good" / ID, directory)
        spoil, summed = SPOILT[case]
        spoil(directory)
        if summed:
            sum_up(directory)
        return directory

    def misled(self, case):
        directory = self.dir / case / "org.example.pybars"
        shutil.copytree(checked.BUILD / "examples/org.example.pybars", directory)
        helper = directory / "reelgate_worker.py"
        line, instead = PROGRAMS[case]
        text = helper.read_text()
        self.assertEqual(text.count(line), 1, case)
        helper.write_text(text.replace(line, instead))
        sum_up(directory)
        return directory

    def test_every_case_has_its_broken_plugin(self):
        built = [file.name for file in BUILT.iterdir() if not file.name.startswith("good")]
        self.assertEqual(sorted(checked.cases()), sorted([*built, *SPOILT, *PROGRAMS]))

    def test_the_good_ones_fail_nothing(self):
        for name in ("good", "good_paid"):
            with self.subTest(name):
                code, said, _ = checked.report(BUILT / name / ID)
                self.assertEqual((code, checked.failed(said)), (0, {}))

    def test_each_fails_its_own_case_and_no_other(self):
        cases = checked.cases()
        where = {case: self.misled(case) for case in PROGRAMS}
        where |= {case: self.spoilt(case) for case in SPOILT}
        where |= {case: BUILT / case / ID for case in cases if (BUILT / case).is_dir()}

        def judged(case):
            group = case.split(".")[0]
            affordable = [other for other in cases if other not in DEAR or other.split(".")[0] == group]
            only = [] if EVERY_CASE else [word for other in affordable for word in ("--only", other)]
            return checked.report(where[case], *only)

        where = {case: where[case] for case in sorted(where, key=lambda case: case not in SLOW)}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # much of it is waiting
            reports = dict(zip(where, pool.map(judged, where)))
        for case, (code, said, _) in reports.items():
            with self.subTest(case):
                found = checked.failed(said)
                self.assertEqual([case], list(found), found)
                self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
