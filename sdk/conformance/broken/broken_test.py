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

# Each plugin against its own group of cases, and all that stands before it; against every case only
# when asked for, because that takes minutes.
EVERY_CASE = "REELGATE_EVERY_CASE" in os.environ
UNBREAKABLE = {
    "cancel.twice": "the host sends one cancel a job and the worker passes one on: a library cannot see a second",
    "cancel.after": "the host sends no cancel for a job that is over",
    "manners.hang_up": "the worker ends its own process group by SIGKILL, which no library can stop",
}


def rewrite(directory, **members):
    file = directory / "plugin.json"
    manifest = {**json.loads(file.read_text()), **members}
    file.write_text(json.dumps({name: value for name, value in manifest.items() if value is not None}))


def sum_up(directory):
    lines = [f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n"
             for name in ("plugin.json", "plugin.so")]
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

    def test_every_case_has_its_broken_plugin(self):
        built = {file.name for file in BUILT.iterdir() if not file.name.startswith("good")}
        self.assertEqual(sorted(checked.cases()), sorted({*built, *SPOILT, *UNBREAKABLE}))
        self.assertFalse(built & (SPOILT.keys() | UNBREAKABLE.keys()))

    def test_the_good_ones_fail_nothing(self):
        for name in ("good", "good_paid"):
            with self.subTest(name):
                code, said, _ = checked.report(BUILT / name / ID)
                self.assertEqual((code, checked.failed(said)), (0, {}))

    def test_each_fails_its_own_case_and_no_other(self):
        where = {case: self.spoilt(case) for case in SPOILT}
        where |= {case: BUILT / case / ID for case in checked.cases() if (BUILT / case).is_dir()}

        def judged(case):
            group = [] if EVERY_CASE else ["--only", case.split(".")[0]]
            return checked.report(where[case], *group)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            reports = dict(zip(where, pool.map(judged, where)))
        for case, (code, said, _) in reports.items():
            with self.subTest(case):
                found = checked.failed(said)
                self.assertEqual([case], list(found), found)
                self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
