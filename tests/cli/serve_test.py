"""`reelgate serve` with real workers: ends in order, restarts what dies, leaves nothing behind."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from cli import BIN, CliTest

PLUGIN = BIN.parent / "plugins" / "scripted"


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def gone(pid):
    """Waits for the end of a process that may be nobody's child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select
        return bool(select.select([handle], [], [], 30)[0]) or not is_alive(pid)
    finally:
        os.close(handle)


class Serve(CliTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(PLUGIN, self.plugins / "scripted")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        config = self.dir / "reelgate.yaml"
        config.write_text("version: 1\nproviders: { scripted: { plugin: scripted } }\nhealth: { interval: 200ms }\n")
        self.daemon = subprocess.Popen(
            [BIN / "reelgate", "serve", "--log-format", "text", "--data-dir", self.data,
             "--plugins-dir", self.plugins, "--trust", "any",
             "--config", config, "--listen", "127.0.0.1:0"],
            env=env, cwd=self.dir, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.daemon.stderr.close)
        self.addCleanup(self.daemon.wait)
        self.addCleanup(self.daemon.kill)

    def line(self, pattern):
        """The next line of the log that matches; fails when the daemon ends without one."""
        for line in self.daemon.stderr:
            if found := re.search(pattern, line):
                return found
        self.fail(f"no line matched {pattern}")

    def worker(self):
        return int(self.line(r'plugin\.started provider="scripted" pid=(\d+)')[1])

    def test_starts_probes_and_ends_in_order(self):
        worker = self.worker()
        self.line(r'health\.changed provider="scripted" state="ready"')
        self.daemon.send_signal(signal.SIGTERM)
        self.line(r'plugin\.state provider="scripted" state="stopped" reason="ended"')
        self.line(r"host\.stopped")
        self.assertEqual(self.daemon.wait(30), 0)
        self.assertFalse(is_alive(worker))

    def test_what_a_worker_prints_lies_out_of_its_reach(self):
        self.worker()
        self.line(r"plugin\.ready")
        self.daemon.send_signal(signal.SIGTERM)
        self.line(r"host\.stopped")
        self.assertIn("started", (self.data / "logs/scripted/worker.log").read_text())
        self.assertIn("started", self.reelgate("plugin", "logs", "scripted").out)
        self.assertFalse((self.data / "providers/scripted/worker.log").exists())

    def test_a_dead_worker_is_started_again(self):
        first = self.worker()
        self.line(r"plugin\.ready")
        os.kill(first, signal.SIGSEGV)
        self.line(r'plugin\.crashed provider="scripted" text="SIGSEGV')
        self.line(r'state="resting"')
        second = self.worker()
        self.line(r"plugin\.ready")
        self.assertNotEqual(first, second)

    def test_no_worker_outlives_a_daemon_that_is_killed(self):
        worker = self.worker()
        self.line(r"plugin\.ready")
        self.daemon.kill()
        self.daemon.wait(30)
        self.assertTrue(gone(worker))

    def test_two_daemons_do_not_share_a_data_directory(self):
        self.line(r"host\.started")
        second = self.reelgate("serve")
        self.assertEqual(second.code, 3)
        self.assertIn("another daemon runs on", second.err)

    def test_a_hang_up_signal_tries_a_resting_provider_at_once(self):
        for _ in range(3):
            worker = self.worker()
            self.line(r"plugin\.ready")
            os.kill(worker, signal.SIGKILL)
            self.line(r"plugin\.crashed")
        self.line(r'state="quarantined"')
        self.daemon.send_signal(signal.SIGHUP)
        self.line(r'state="starting" reason="reset"')
        self.line(r"plugin\.ready")


class ShowLive(CliTest):
    def test_says_models_state_and_confinement(self):
        shown = self.reelgate("plugin", "show", "scripted", "--live", "--format", "json")
        self.assertEqual(shown.code, 0, shown.err)
        live = shown.json["live"]
        self.assertTrue(live["ready"])
        self.assertIn("pattern", live["models"])
        self.assertEqual(live["state"], "ready")
        self.assertIn("privileges", [m["what"] for m in live["confinement"] if m["applied"]])

    def test_a_directory_is_meant_and_its_settings_are_named(self):
        bars = BIN.parent / "examples" / "org.example.bars"
        shown = self.reelgate("plugin", "show", bars, "--live")
        self.assertEqual(shown.code, 3, "it may still not run by its id")
        self.assertRegex(shown.out, r"(?m)^model +bars: t2v$")
        self.assertRegex(shown.out, r"(?m)^setting +bars: integer, from 1, up to 16, default 8: Number of bars$")
        self.assertRegex(shown.out, r"(?m)^probe +ready")

    def test_what_is_not_started_is_said(self):
        shown = self.reelgate("--plugins-dir", BIN.parent / "examples", "plugin", "show", "org.example.bars", "--live")
        self.assertEqual(shown.code, 3)
        self.assertRegex(shown.out, r"(?m)^live +not started")


class Generate(CliTest):
    def test_one_command_makes_a_verified_film(self):
        made = self.reelgate("generate", "a red circle", "--provider", "scripted", "--frames", 9, "--seed", 7,
                             "-o", self.dir / "out.mp4", "--format", "json")
        self.assertEqual(made.code, 0, made.err)
        self.assertEqual((made.json["frames"], made.json["container"], made.json["seed"]), (9, "mp4", 7))
        self.assertGreater((self.dir / "out.mp4").stat().st_size, 1000)
        self.assertEqual(list((self.data / "work/scripted").iterdir()), [], "the work directory is swept")
        self.assertEqual(list((self.data / "kept").iterdir()), [], "and what was kept meanwhile")

    def test_what_cannot_be_made_is_refused_with_the_reason(self):
        for options, code in [(["--size", "99999x99999"], "size"),
                              (["--model", "nope"], "model"), (["--task", "talking_head"], "task"),
                              (["--param", "nope=1"], "nope"), (["--set", "nope=1"], "nope")]:
            with self.subTest(options=options):
                made = self.reelgate("generate", "x", "--provider", "scripted", *options)
                self.assertNotEqual(made.code, 0)
                self.assertIn(code, made.err)
                self.assertFalse(list(self.dir.glob("reelgate-*.*")))


if __name__ == "__main__":
    unittest.main()
