"""What `reelgate plugin new` writes, for each language and kind: built against an installed SDK, tested by its
own test, found by the host, asked for one film and held to `plugin check`. The directory stays the same from
run to run, so that a compiler cache finds what it has compiled before."""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import unittest

BUILD = pathlib.Path(os.environ["REELGATE_BUILD_DIR"])
REELGATE = BUILD / "bin" / "reelgate"
ID = "org.example.slow-motion"
SIZE, FRAMES, FPS = (832, 480), 24, 24
STRICT = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"


class Service(http.server.BaseHTTPRequestHandler):
    """The service that the remote projects are written for. Its films are grey, and done when asked twice."""

    def answer(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.calls.append(f"{self.command} {self.path}")
            status, body = self.decide(json.loads(asked) if asked else {})
        if self.headers["Authorization"] != "Bearer secret":
            status, body = 401, {}
        body = film(body) if isinstance(body, tuple) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the check breaks off where it can
            self.wfile.write(body)

    def decide(self, wanted):
        """Status and body; a film is its width, height and number of frames."""
        if self.command == "POST":
            shape = wanted["width"], wanted["height"], wanted["frames"]
            if wanted["model"] != "standard" or not (0 < shape[0] * shape[1] <= 1280 * 720 and 24 <= shape[2] <= 240):
                return 422, {"error": "no such film"}
            self.server.films.append(shape)
            return 201, {"id": f"v-{len(self.server.films)}"}
        number, *rest = self.path.removeprefix("/v1/videos/v-").split("/")
        if rest:
            return 200, self.server.films[int(number) - 1]
        if self.command == "DELETE":
            return 200, {"stopped": True, "charged": False}
        done = self.server.calls.count(self.server.calls[-1]) > 1
        return 200, {"status": "done"} if done else {"status": "running", "progress": 0.5}

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


def film(shape):
    width, height, frames = shape
    frame = b"FRAME\n" + b"\x80" * (width * height * 3 // 2)
    return b"YUV4MPEG2 W%d H%d F%d:1 C420jpeg\n" % (width, height, FPS) + frame * frames


class NewProject:
    lang = kind = None

    def setUp(self):
        self.work = BUILD / "tests" / "new_project" / f"{self.lang}-{self.kind}"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.project = self.work / "project"
        self.plugin = self.project / "build" / "plugins" / ID

    def run_in(self, directory, *command, may_fail=False):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        environment["HOME"] = str(self.work)
        if cache := os.environ.get("CCACHE_DIR", pathlib.Path.home() / ".cache" / "ccache"):
            environment["CCACHE_DIR"] = str(cache)
            environment["CCACHE_BASEDIR"] = str(self.work) # another directory each time, the same files
        done = subprocess.run([str(word) for word in command], cwd=directory, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if not may_fail:
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}")
        return done.stdout

    def reelgate(self, *arguments, **how):
        return self.run_in(self.work, REELGATE, "--data-dir", self.work / "data", *arguments, **how)

    def build(self):
        """As the README of the project says."""
        if self.lang == "python":
            self.run_in(self.project, sys.executable, "-B", "-m", "unittest")
            self.run_in(self.project, "./package.py")
            return
        prefix = self.work / "sdk"
        self.run_in(self.work, "cmake", "--install", BUILD, "--component", "sdk", "--prefix", prefix)
        cached = [f"-DCMAKE_{l}_COMPILER_LAUNCHER=ccache" for l in ("C", "CXX") if shutil.which("ccache")]
        self.run_in(self.project, "cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}",
                    f"-DCMAKE_C_FLAGS={STRICT}", f"-DCMAKE_CXX_FLAGS={STRICT}", "--no-warn-unused-cli", *cached)
        self.run_in(self.project, "cmake", "--build", "build", "--parallel", "2")
        self.run_in(self.project, "ctest", "--test-dir", "build", "--output-on-failure", "--no-tests=error")

    def film(self, *arguments):
        self.reelgate("providers", "try", self.plugin, "--prompt", "a lighthouse", "--frames", FRAMES,
                      "--size", f"{SIZE[0]}x{SIZE[1]}", "-o", self.work / "film", *arguments)
        self.assertGreater((self.work / "film").stat().st_size, 1000)

    def service(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.calls, server.films, server.lock = [], [], threading.Lock()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, {"url": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "secret", "poll_s": 0}

    def paid_film(self):
        server, config = self.service()
        self.film(*(word for name, value in config.items() for word in ("--set", f"{name}={value}")))
        state = "GET /v1/videos/v-1"
        self.assertEqual(server.calls, ["POST /v1/videos", state, state, state + "/content"])
        said = self.reelgate("--quiet", "providers", "try", self.plugin, "--prompt", "a lighthouse", "-o", "nowhere",
                             "--set", f"url={config['url']}", "--set", "api_key=wrong", "--format", "json", may_fail=True)
        error = json.loads(said[said.index("{"):])["error"]
        self.assertEqual((error["category"], error["code"]), ("auth_failed", ""), "a code would be the host's complaint")

    def check(self, *arguments):
        """Every case of `plugin check`, by name; none of them has failed."""
        said = self.reelgate("--quiet", "plugin", "check", self.plugin, "--format", "json", *arguments, may_fail=True)
        cases = {case["id"]: case for case in json.loads(said)["cases"]}
        self.assertEqual([case for case in cases.values() if case["outcome"] == "failed"], [])
        return cases

    def passes_the_check(self):
        if self.kind == "local":
            return self.assertEqual(self.check()["run.promise"]["outcome"], "passed")
        offline = self.check("--config", self.project / "check.json")
        self.assertEqual(offline["create.defaults"]["outcome"], "passed")
        self.assertEqual(offline["run.smallest"]["outcome"], "skipped")
        (self.work / "check.json").write_text(json.dumps(self.service()[1]), encoding="utf-8")
        groups = [word for group in ("run.promise", "parallel", "cancel", "money") for word in ("--only", group)]
        online = self.check("--config", self.work / "check.json", "--online", *groups)
        for case in ("run.promise", "cancel.midway", "money.intent", "money.refused", "money.resume"):
            self.assertEqual(online[case]["outcome"], "passed", online[case])

    def test_it_builds_makes_a_film_and_passes_the_check(self):
        self.reelgate("plugin", "new", ID, "--lang", self.lang, "--kind", self.kind, "--dir", self.project)
        self.build()
        self.run_in(self.plugin, "sha256sum", "--check", "--strict", "SHA256SUMS")
        found = json.loads(self.reelgate("--quiet", "--plugins-dir", self.plugin.parent, "plugin", "list",
                                         "--format", "json"))["plugins"]
        row = next(row for row in found if row["id"] == ID)
        self.assertEqual((row["state"], row["warnings"], row["name"]), ("ok", [], "Slow motion"))
        if self.kind == "local":
            self.film()
        else:
            self.paid_film()
        self.passes_the_check()


class CppLocal(NewProject, unittest.TestCase):
    lang, kind = "cpp", "local"


class CppRemote(NewProject, unittest.TestCase):
    lang, kind = "cpp", "remote"


class CLocal(NewProject, unittest.TestCase):
    lang, kind = "c", "local"


class CRemote(NewProject, unittest.TestCase):
    lang, kind = "c", "remote"


class PythonLocal(NewProject, unittest.TestCase):
    lang, kind = "python", "local"


class PythonRemote(NewProject, unittest.TestCase):
    lang, kind = "python", "remote"


if __name__ == "__main__":
    unittest.main()
