"""The commands that talk to a daemon, as a person at a terminal uses them."""
import fcntl
import http.server
import json
import os
import pty
import select
import signal
import subprocess
import threading
import unittest

from daemon import BIN, PATIENCE, DaemonTest


class Commands(DaemonTest):
    def start(self, *arguments, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        env.update(HOME=str(self.dir), **more.pop("env", {}))
        return subprocess.Popen(
            [BIN / "reelgate", *map(str, arguments), "--data-dir", self.dir / "data"], env=env, cwd=self.dir,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def reelgate(self, *arguments, **more):
        started = self.start(*arguments, **more)
        started.out, started.err = started.communicate(timeout=60)
        return started


class Jobs(Commands):
    def test_a_job_is_listed_shown_fetched_and_forgotten(self):
        reelgate = self.daemon(self.providers("one"))
        video = reelgate.create("a lighthouse")
        waited = self.reelgate("jobs", "wait", video)
        self.assertEqual(waited.returncode, 0, waited.err)
        self.assertIn(f"{video} is completed", waited.out)
        listed = self.reelgate("jobs", "list")
        self.assertRegex(listed.out, rf"{video} +completed +100 % +one +pattern +a lighthouse")
        shown = json.loads(self.reelgate("jobs", "show", video, "--format", "json").out)
        self.assertEqual((shown["id"], shown["backend"], len(shown["decisions"])), (video, "one", 1))
        self.assertRegex(self.reelgate("jobs", "show", video).out, r"(?m)^state +completed$")
        fetched = self.reelgate("jobs", "content", video, "-o", "film.mp4")
        self.assertEqual(fetched.returncode, 0, fetched.err)
        self.assertEqual((self.dir / "film.mp4").read_bytes()[4:8], b"ftyp")
        self.assertEqual(self.reelgate("jobs", "delete", video).returncode, 0)
        gone = self.reelgate("jobs", "show", video)
        self.assertEqual(gone.returncode, 1)
        self.assertIn(video, gone.err)

    def test_one_that_runs_is_cancelled(self):
        reelgate = self.daemon(self.providers("one"))
        video = reelgate.create(run=[{"progress": 1}, "stall"])
        reelgate.until(video, "running")
        early = self.reelgate("jobs", "content", video)
        self.assertEqual(early.returncode, 1)
        self.assertIn("not finished", early.err)
        self.assertEqual(list(self.dir.glob("*.mp4*")), [])
        self.assertEqual(self.reelgate("jobs", "cancel", video).returncode, 0)
        waited = self.reelgate("jobs", "wait", video)
        self.assertEqual(waited.returncode, 130, waited.err)
        self.assertEqual(reelgate.video(video)["state"], "cancelled")
        again = self.reelgate("jobs", "resolve", video, "lost")
        self.assertEqual(again.returncode, 1)
        self.assertIn("ambiguous", again.err)

    def test_ctrl_c_cancels_what_is_waited_for(self):
        reelgate = self.daemon(self.providers("one"))
        video = reelgate.create(run=[{"progress": 1}, "stall"])
        waiting = self.start("jobs", "wait", video)
        self.assertIn("running", "".join(iter(lambda: waiting.stderr.read(1), "g")) + "g")
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 130)
        self.assertEqual(reelgate.video(video)["state"], "cancelled")

    def test_who_waits_sees_the_stage_and_its_steps(self):
        reelgate = self.daemon(self.providers("one"))
        video = reelgate.create(run=[{"progress": {"stage": "denoise", "steps": 4}}, "stall"])
        waiting = self.start("jobs", "wait", video)
        seen = ""
        while "denoise 4/4 99 %" not in seen and (more := waiting.stderr.read(1)):
            seen += more
        self.assertIn("running at one: denoise 4/4 99 %", seen)
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=60)

    def test_without_a_daemon_it_is_said_what_to_do(self):
        reelgate = self.daemon(self.providers("one"))
        reelgate.kill()  # what it left behind says that it is there
        for command in (["jobs", "list"], ["config", "reload"]):
            ran = self.reelgate(*command)
            self.assertEqual(ran.returncode, 3)
            self.assertIn("reelgate serve", ran.err)

    def test_a_key_is_taken_from_the_environment(self):
        (self.dir / "key").write_text("sesame")
        keys = [{"name": "me", "secret": {"file": "key"}}]
        self.daemon(self.providers("one", auth={"keys": keys}))
        without = self.reelgate("jobs", "list")
        self.assertEqual(without.returncode, 3)
        self.assertIn("REELGATE_API_KEY", without.err)
        self.assertEqual(self.reelgate("jobs", "list", env={"REELGATE_API_KEY": "sesame"}).returncode, 0)

    def test_a_key_is_told_to_nobody_but_the_daemon_of_the_directory(self):
        """Whoever listens where a daemon did: he says that he is one, and writes down what he is told."""
        told = []

        class Stranger(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                told.append(self.headers["authorization"])
                body = b'{"service":"reelgate","data":[]}'
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        stranger = http.server.HTTPServer(("127.0.0.1", 0), Stranger)
        self.addCleanup(stranger.server_close)
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        self.addCleanup(stranger.shutdown)
        data = self.dir / "data"
        data.mkdir()
        (data / "daemon.lock").touch()

        def ask(pid):
            told.clear()
            (data / "daemon.json").write_text(
                json.dumps({"pid": pid, "url": f"http://127.0.0.1:{stranger.server_port}"}))
            return self.reelgate("jobs", "list", env={"REELGATE_API_KEY": "sesame"}).returncode

        self.assertEqual((ask(os.getpid()), told), (3, []), "nobody has the directory")
        with open(data / "daemon.lock", "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.assertEqual((ask(os.getppid()), told), (3, []), "somebody else has it")
            self.assertEqual((ask(os.getpid()), told), (0, [None, "Bearer sesame"]))


class Generate(Commands):
    SMALL = ("--size", "64x64", "--frames", 5, "--seed", 7)

    def write(self, *providers):
        (self.dir / "reelgate.yaml").write_text(json.dumps(self.providers(*providers)))

    def test_the_daemon_that_runs_makes_it(self):
        reelgate = self.daemon(self.providers("one", "two")).until_ready()
        made = self.reelgate("generate", "a lighthouse", *self.SMALL, "--provider", "two", "-o", "out.mp4",
                             "--format", "json")
        self.assertEqual(made.returncode, 0, made.err)
        told = json.loads(made.out)
        self.assertEqual((told["provider"], told["frames"], told["size"], told["seed"]), ("two", 5, "64x64", 7))
        self.assertEqual((self.dir / "out.mp4").stat().st_size, told["bytes"])
        self.assertEqual(reelgate.video(told["id"])["prompt"], "a lighthouse")

    def test_the_daemon_knows_its_providers_though_no_file_lies_here(self):
        self.daemon(self.providers("one")).until_ready()
        (self.dir / "reelgate.yaml").unlink()
        for provider, by in [((), "one"), (("--provider", "one"), "one"), (("--provider", "scripted"), None)]:
            with self.subTest(provider=provider):
                made = self.reelgate("generate", "x", *self.SMALL, *provider, "-o", "out.mp4", "--format", "json")
                self.assertEqual(made.returncode, 0, made.err)
                self.assertEqual(json.loads(made.out).get("provider"), by)

    def test_one_for_the_occasion_makes_it_and_is_gone(self):
        self.write("one")
        made = self.reelgate("generate", "a lighthouse", *self.SMALL, "-o", "out.mp4")
        self.assertEqual(made.returncode, 0, made.err)
        self.assertRegex(made.out, r"out\.mp4: 64x64, 5 frames .* verified, by one \(seed 7\)")
        self.assertEqual((self.dir / "out.mp4").read_bytes()[4:8], b"ftyp")
        self.assertEqual(self.reelgate("jobs", "list").returncode, 3, "it has ended")
        kept = self.daemon((self.dir / "reelgate.yaml").read_text())
        (job,) = kept.ask("GET", "/v1/videos").json["data"]
        self.assertEqual(job["status"], "completed")

    def test_ctrl_c_cancels_and_the_daemon_for_the_occasion_ends(self):
        self.write("one")
        made = self.start("generate", "x", *self.SMALL, "--provider", "one", "--param",
                          'script={"run":[{"progress":1},"stall"]}')
        seen = ""
        while "running" not in seen:
            seen += made.stderr.read(1)
        made.send_signal(signal.SIGINT)
        made.communicate(timeout=60)
        self.assertEqual(made.returncode, 130)
        self.assertEqual(self.reelgate("jobs", "list").returncode, 3)
        kept = self.daemon((self.dir / "reelgate.yaml").read_text())
        (job,) = kept.ask("GET", "/v1/videos").json["data"]
        self.assertEqual(job["state"], "cancelled")

    def test_the_daemon_for_the_occasion_ends_with_the_command(self):
        for how in (signal.SIGKILL, signal.SIGHUP): # as when a terminal is closed
            with self.subTest(how=how):
                self.fresh_directory()
                self.write("one")
                made = self.start("generate", "x", *self.SMALL, "--provider", "one", "--param",
                                  'script={"run":[{"progress":1},"stall"]}')
                seen = ""
                while "running" not in seen:
                    seen += made.stderr.read(1)
                daemon = os.pidfd_open(json.loads((self.dir / "data" / "daemon.json").read_text())["pid"])
                self.addCleanup(os.close, daemon)
                made.send_signal(how)
                made.communicate(timeout=60)
                self.assertEqual(made.returncode, -how)
                self.assertTrue(select.select([daemon], [], [], PATIENCE)[0], "it has ended")
                self.assertFalse((self.dir / "data" / "daemon.json").exists(), "and in order")
                log = (self.dir / "data" / "logs" / "daemon.log").read_text()
                self.assertRegex(log, r"host\.stopped")

    def test_why_there_is_no_film(self):
        self.write("one")
        for arguments, code, says in [(["--size", "wide"], 1, "WIDTHxHEIGHT"), (["--model", "nope"], 1, "nope"),
                                      (["--param", "script={\"run\":[{\"fail\":\"content_rejected\"}]}"], 1, "jobs show")]:
            with self.subTest(arguments=arguments):
                made = self.reelgate("generate", "x", *arguments, "--provider", "one")
                self.assertEqual(made.returncode, code, made.err)
                self.assertIn(says, made.err)
                self.assertEqual(list(self.dir.glob("*.mp4*")), [])

    def test_a_configuration_with_errors_is_not_started(self):
        (self.dir / "reelgate.yaml").write_text(
            'version: 1\nproviders: { one: { plugin: scripted } }\nlog: { lvel: info }\n')
        made = self.reelgate("generate", "x")
        self.assertEqual(made.returncode, 1)
        self.assertIn("reelgate.yaml:3", made.err)

    def test_a_terminal_sees_a_line_that_is_rewritten(self):
        self.daemon(self.providers("one")).until_ready()
        ours, theirs = pty.openpty()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        command = [BIN / "reelgate", "generate", "x", *map(str, self.SMALL), "-o", "out.mp4", "--data-dir",
                   self.dir / "data"]
        made = subprocess.run(command, env={**env, "HOME": str(self.dir)}, cwd=self.dir, stdout=subprocess.PIPE,
                              stderr=theirs, timeout=60)
        os.close(theirs)
        seen = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertEqual(made.returncode, 0, seen)
        self.assertIn("\r\x1b[K", seen)


class Settings(Commands):
    def test_set_and_unset_with_a_daemon_and_without(self):
        reelgate = self.daemon(self.providers("one", "two")).until_ready()
        done = self.reelgate("config", "set", "video_provider", "two")
        self.assertEqual(done.returncode, 0, done.err)
        self.assertIn("config-overlay.yaml", done.out)
        self.assertEqual(reelgate.ended(reelgate.create())["backend"], "two")
        refused = self.reelgate("config", "set", "video_provider", "too")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("did you mean `two`", refused.err)
        self.assertIn("nothing was changed", refused.err)
        reelgate.stop()
        self.assertEqual(self.reelgate("config", "unset", "video_provider").returncode, 0)
        refused = self.reelgate("config", "set", "video_provider", "too")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("did you mean `two`", refused.err)
        self.assertIn("video_provider: auto", self.reelgate("config", "show").out)

    def test_reload(self):
        reelgate = self.daemon(self.providers("one"))
        (self.dir / "reelgate.yaml").write_text(json.dumps(self.providers("two")))
        done = self.reelgate("config", "reload")
        self.assertEqual(done.returncode, 0, done.err)
        self.assertIn("providers.two.plugin", done.out)
        self.assertEqual([p["id"] for p in reelgate.ask("GET", "/health").json["providers"]], ["two"])
        (self.dir / "reelgate.yaml").write_text("version: 1\nprovider: {}\n")
        done = self.reelgate("config", "reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("reelgate.yaml:2:1", done.err)
        self.assertIn("nothing was changed", done.err)


if __name__ == "__main__":
    unittest.main()
