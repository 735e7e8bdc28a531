"""What `reelgate plugin new` writes, for each language and kind: built against an installed SDK, tested by its
own test, found by the host, and asked for one film. The directory stays the same from run to run, so that a
compiler cache finds what it has compiled before."""
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
SIZE, FRAMES, FPS = (1280, 720), 24, 24
STRICT = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"


class Service(http.server.BaseHTTPRequestHandler):
    """The service that the remote projects are written for. Its film is grey."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.calls.append(f"{self.command} {self.path}")
        asked = self.server.calls.count("GET /v1/videos/v-1")
        film = b"YUV4MPEG2 W%d H%d F%d:1 C420jpeg\n" % (*SIZE, FPS)
        frame = b"FRAME\n" + b"\x80" * (SIZE[0] * SIZE[1] * 3 // 2)
        self.say({"POST /v1/videos": {"id": "v-1"},
                  "GET /v1/videos/v-1": {"status": "done"} if asked > 1 else {"status": "running", "progress": 0.5},
                  "GET /v1/videos/v-1/content": film + frame * FRAMES}[self.server.calls[-1]])

    def say(self, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200 if self.headers["Authorization"] == "Bearer secret" else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class NewProject:
    lang = kind = None

    def setUp(self):
        self.work = BUILD / "tests" / "new_project" / f"{self.lang}-{self.kind}"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.project = self.work / "project"
        self.plugin = self.project / "build" / "plugins" / ID

    def run_in(self, directory, *command):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        environment["HOME"] = str(self.work)
        if cache := os.environ.get("CCACHE_DIR", pathlib.Path.home() / ".cache" / "ccache"):
            environment["CCACHE_DIR"] = str(cache)
        done = subprocess.run([str(word) for word in command], cwd=directory, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}")
        return done.stdout

    def reelgate(self, *arguments):
        return self.run_in(self.work, REELGATE, "--data-dir", self.work / "data", *arguments)

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

    def paid_film(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.calls = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.film("--set", f"url=http://127.0.0.1:{server.server_port}/v1", "--set", "api_key=secret",
                  "--set", "poll_s=0")
        state, film = "GET /v1/videos/v-1", "GET /v1/videos/v-1/content"
        self.assertEqual(server.calls, ["POST /v1/videos", state, state, film])

    def test_it_builds_passes_its_test_and_makes_a_film(self):
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
