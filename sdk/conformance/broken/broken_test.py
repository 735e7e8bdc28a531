"""Each case of the suite is failed by a plugin that is broken there and nowhere else."""
import concurrent.futures
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import tempfile
import threading
import unittest

import checked

BUILT = checked.BUILD / "tests/broken"
ID = "org.example.broken"

# These cases take as long as all others together. A plugin meets them where its own case is in
# their group, and all plugins meet them when somebody asks for that: the gate does not.
DEAR = ("refuse.wrong", "refuse.random", "parallel.runs", "isolation.in_process")
SLOW = ("isolation.in_process.hangs", "open.time", "manners.bye", "cancel.first",
        "cancel.midway")  # to be waited for: they go first
EVERY_CASE = "REELGATE_EVERY_CASE" in os.environ


def case_of(name):
    """The case that a broken plugin is for; a third word tells those of one case apart."""
    return ".".join(name.split(".")[:2])


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
HELLO = 'if frame.get("protocol", 1) != 1:'
BYE = "def on_bye(self, _):"
PROGRAMS = {
    "cancel.after": (ON_CANCEL, 'job = self.jobs[frame["job"]]'),
    "cancel.twice": (ON_CANCEL, ON_CANCEL + """
        told = self.__dict__.setdefault("told", set())
        if frame["job"] in told:
            os._exit(3)
        told.add(frame["job"])"""),
    "handshake.newer.program": (HELLO, 'if frame["host"]["abi"]["minor"] > 0:\n            os._exit(4)\n        ' + HELLO),
    "manners.early": (BYE, BYE + """
        if self.provider is None:
            return"""),
    "manners.hang_up": (GONE, GONE + "\n    threading.Event().wait()\n\n\ndef _never():"),
}


class Upstream:
    """What a paid plugin submits to, on a port of its own: counts what arrives."""

    def __init__(self):
        self.posts = []
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                upstream.posts.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


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

    def options_of(self, directory):
        """What it takes to run a plugin, and where it posts to if it does."""
        if json.loads((directory / "plugin.json").read_text()).get("egress", "none") == "none":
            return [], None
        upstream = Upstream()
        self.addCleanup(upstream.close)
        port = upstream.server.server_address[1]
        config = self.dir / f"{port}.json"
        config.write_text(json.dumps({"port": port}))
        return ["--online", "--config", config], upstream

    def test_every_case_has_its_broken_plugin(self):
        names = [file.name for file in BUILT.iterdir() if not file.name.startswith("good")]
        self.assertEqual(sorted(checked.cases()), sorted({case_of(name) for name in [*names, *SPOILT, *PROGRAMS]}))

    def test_the_good_ones_fail_nothing(self):
        for name in ("good", "good_paid", "good_paid_posts"):
            with self.subTest(name):
                options, upstream = self.options_of(BUILT / name / ID)
                code, said, _ = checked.report(BUILT / name / ID, *options)
                self.assertEqual((code, checked.failed(said)), (0, {}))
                if upstream:
                    self.assertNotEqual([], upstream.posts)
                if name != "good":
                    outcomes = {case["id"]: case["outcome"] for case in said["cases"]}
                    self.assertEqual("passed", outcomes["money.refused"])

    def test_each_fails_its_own_case_and_no_other_that_is_affordable(self):
        cases = checked.cases()
        where = {name: self.misled(name) for name in PROGRAMS}
        where |= {name: self.spoilt(name) for name in SPOILT}
        where |= {file.name: file / ID for file in BUILT.iterdir() if not file.name.startswith("good")}

        upstreams = {name: self.options_of(where[name]) for name in where if (BUILT / name).is_dir()}
        upstreams |= {name: ([], None) for name in where if name not in upstreams}

        def judged(name):
            group = name.split(".")[0]
            affordable = [other for other in cases if other not in DEAR or other.split(".")[0] == group]
            only = [] if EVERY_CASE else [word for other in affordable for word in ("--only", other)]
            options, upstream = upstreams[name]
            code, said, _ = checked.report(where[name], *only, *options)
            return code, said, upstream

        where = {name: where[name] for name in sorted(where, key=lambda name: name not in SLOW)}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # much of it is waiting
            reports = dict(zip(where, pool.map(judged, where)))
        for name, (code, said, upstream) in reports.items():
            with self.subTest(name):
                found = checked.failed(said)
                self.assertEqual([case_of(name)], list(found), found)
                self.assertEqual(code, 1)
                if upstream:  # that it posts is no mere assertion: cases that let it have seen it
                    self.assertNotEqual([], upstream.posts)


if __name__ == "__main__":
    unittest.main()
