"""The configuration of a daemon that runs: taken anew as a whole or not at all."""
import json
import os
import signal
import subprocess
import unittest

from daemon import BIN, DaemonTest


class Config(DaemonTest):
    def write(self, config):
        (self.dir / "reelgate.yaml").write_text(config if isinstance(config, str) else json.dumps(config))

    def reload(self, daemon):
        return daemon.ask("POST", "/admin/config/reload")

    def revision(self, daemon):
        return daemon.ask("GET", "/v1/config").json["revision"]

    def worker(self, daemon, provider):
        return int(daemon.line(rf'plugin\.started provider="{provider}" pid=(\d+)')[1])

    def cli(self, *arguments):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        env["HOME"] = str(self.dir)
        return subprocess.run(
            [BIN / "reelgate", "config", *arguments, "--config", self.dir / "reelgate.yaml", "--data-dir",
             self.dir / "data"], env=env, cwd=self.dir, capture_output=True, text=True, timeout=60)

    def test_a_bad_file_changes_nothing_and_says_why(self):
        reelgate = self.daemon(self.providers("one", "two"))
        before = self.revision(reelgate)
        reelgate.until_ready()
        self.write('version: 1\nproviders:\n  one: { plugin: scripted }\n  two: { plgin: scripted }\n')
        answer = self.reload(reelgate)
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.code, "invalid_value")
        self.assertIn("reelgate.yaml:4:", answer.json["detail"])
        self.assertIn("missing", [finding["code"] for finding in answer.json["findings"]])
        self.assertEqual(answer.json["revision"], before)
        reelgate.line(rf"config\.rejected revision={before}")
        self.assertEqual(self.revision(reelgate), before)
        self.assertEqual(reelgate.ended(reelgate.create())["status"], "completed")

    def test_the_next_job_goes_by_the_new_file_and_the_one_that_runs_as_it_began(self):
        reelgate = self.daemon(self.providers("one", "two")).until_ready()
        go = self.dir / "go"
        first = reelgate.create(run=[{"progress": 1}, {"wait_for": str(go)}, "deliver"])
        reelgate.until(first, "running")
        self.write(self.providers("two"))
        answer = self.reload(reelgate)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertTrue(answer.json["ok"])
        self.assertIn("providers.one.plugin", [change["key"] for change in answer.json["changes"]])
        reelgate.line(rf"config\.loaded revision={answer.json['revision']}")
        self.assertEqual([p["id"] for p in reelgate.ask("GET", "/health").json["providers"]], ["two"])
        second = reelgate.create()
        self.assertEqual(reelgate.ended(second)["backend"], "two")
        go.write_text("go")
        ended = reelgate.ended(first)
        self.assertEqual((ended["status"], ended["backend"]), ("completed", "one"))
        reelgate.line(r'plugin\.state provider="one" state="stopped"')

    def test_providers_come_change_and_stay(self):
        reelgate = self.daemon(self.providers("stays", "changes")).until_ready()
        config = self.providers("new", "stays", "changes")
        config["providers"]["changes"]["max_concurrency"] = 1
        self.write(config)
        answer = self.reload(reelgate)
        self.assertEqual(answer.status, 200, answer.body)
        effects = {change["key"]: change["effect"] for change in answer.json["changes"]}
        self.assertEqual(effects["providers.changes.max_concurrency"], "provider restart")
        reelgate.until_ready()
        self.assertEqual([p["id"] for p in reelgate.ask("GET", "/health").json["providers"]],
                         ["new", "stays", "changes"])
        started = [line for line in reelgate.log if "plugin.started" in line]
        for provider, workers in [("new", 1), ("stays", 1), ("changes", 2)]:
            self.assertEqual(sum(f'provider="{provider}"' in line for line in started), workers, provider)

    def test_one_that_is_switched_off_and_on_again(self):
        reelgate = self.daemon(self.providers("one", "two")).until_ready()
        answer = reelgate.ask("PATCH", "/v1/config", {"providers": {"one": {"enabled": False}}})
        self.assertEqual(answer.status, 200, answer.body)
        states = {p["id"]: p["state"] for p in reelgate.ask("GET", "/health").json["providers"]}
        self.assertEqual(states["one"], "disabled")
        self.assertEqual(reelgate.ended(reelgate.create())["backend"], "two")
        reelgate.ask("PATCH", "/v1/config", {"providers.one.enabled": None})
        reelgate.until_ready()
        self.assertEqual(reelgate.ended(reelgate.create())["backend"], "one")

    def test_what_needs_a_new_start_is_refused_and_said(self):
        reelgate = self.daemon(self.providers("one"))
        before = self.revision(reelgate)
        self.write(self.providers("one", "two", log={"level": "debug"}))
        answer = self.reload(reelgate)
        self.assertEqual(answer.status, 400)
        self.assertEqual([finding["code"] for finding in answer.json["findings"]], ["needs_restart"])
        self.assertIn("log.level", answer.json["detail"])
        self.assertEqual(self.revision(reelgate), before)
        self.assertEqual(len(reelgate.ask("GET", "/health").json["providers"]), 1)

    def test_a_check_changes_nothing(self):
        reelgate = self.daemon(self.providers("one"))
        before = self.revision(reelgate)
        text = json.dumps(self.providers("one", "two"))
        told = reelgate.ask("POST", "/v1/config/check", {"text": text}).json
        self.assertTrue(told["ok"], told)
        self.assertIn("providers.two.plugin", [change["key"] for change in told["changes"]])
        told = reelgate.ask("POST", "/v1/config/check", {"text": "version: 2\n"}).json
        self.assertFalse(told["ok"])
        self.assertEqual(self.revision(reelgate), before)

    def test_a_hang_up_signal_takes_the_file_over(self):
        reelgate = self.daemon(self.providers("one"))
        self.write(self.providers("two"))
        reelgate.line(r"config\.loaded")
        reelgate.process.send_signal(signal.SIGHUP)
        reelgate.line(r"config\.loaded")
        self.assertEqual([p["id"] for p in reelgate.ask("GET", "/health").json["providers"]], ["two"])

    def test_the_toggle_outlives_a_restart(self):
        reelgate = self.daemon(self.providers("one", "two")).until_ready()
        answer = reelgate.ask("PATCH", "/v1/config", {"video_provider": "two"})
        self.assertEqual(answer.status, 200, answer.body)
        (value,) = answer.json["values"]
        self.assertEqual((value["key"], value["value"]), ("video_provider", "two"))
        self.assertIn("config-overlay.yaml", value["origin"])
        self.assertEqual(reelgate.ended(reelgate.create())["backend"], "two")
        self.assertEqual(reelgate.stop(), 0)
        reelgate.start()
        reelgate.until_ready()
        self.assertEqual(reelgate.ended(reelgate.create())["backend"], "two")
        self.assertRegex(self.cli("show", "--origins").stdout, r"video_provider: two +# .*config-overlay\.yaml")

    def test_a_wrong_toggle_is_refused_and_nothing_is_left_of_it(self):
        reelgate = self.daemon(self.providers("one", "two"))
        for body, says in [({"video_provider": "too"}, "two"), ({"jobs": {"max_wait": "1m"}}, "jobs.max_wait"),
                           ({}, "settings"), ([], "settings"), ({"video_provider": ["one"]}, "settings")]:
            with self.subTest(body=body):
                answer = reelgate.ask("PATCH", "/v1/config", body)
                self.assertEqual(answer.status, 400)
                self.assertIn(says, answer.json["detail"])
        self.assertFalse((self.dir / "data" / "config-overlay.yaml").exists())

    def test_diff_knows_what_runs(self):
        reelgate = self.daemon(self.providers("one"))
        reelgate.line(r"config\.loaded")
        reelgate.ask("PATCH", "/v1/config", {"video_provider": "one"})
        self.write(self.providers("one", "two"))
        told = self.cli("diff")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("providers.two.plugin", told.stdout)
        self.assertNotIn("video_provider", told.stdout)

    def test_a_key_needs_its_scope(self):
        for name, text in [("maker", "m-secret"), ("boss", "b-secret")]:
            (self.dir / name).write_text(text)
        keys = [{"name": "maker", "secret": {"file": "maker"}},
                {"name": "boss", "secret": {"file": "boss"}, "scopes": ["admin"]}]
        reelgate = self.daemon(self.providers("one", auth={"keys": keys}))
        for method, path, who, status in [
                ("GET", "/v1/config", None, 401), ("GET", "/v1/config", "m-secret", 401),
                ("GET", "/v1/config", "b-secret", 200), ("POST", "/admin/config/reload", "m-secret", 401),
                ("POST", "/admin/config/reload", "b-secret", 200), ("GET", "/v1/videos", "m-secret", 200),
                ("GET", "/v1/videos", "b-secret", 401)]:
            with self.subTest(path=path, who=who):
                headers = {"authorization": f"Bearer {who}"} if who else {}
                answer = reelgate.ask(method, path, **headers)
                self.assertEqual(answer.status, status, answer.body)
                self.assertNotIn(b"secret\":\"", answer.body)
                for secret in (b"m-secret", b"b-secret"):
                    self.assertNotIn(secret, answer.body)
        (self.dir / "boss").write_text("another")
        self.assertEqual(reelgate.ask("POST", "/admin/config/reload", authorization="Bearer b-secret").status, 200)
        self.assertEqual(reelgate.ask("GET", "/v1/config", authorization="Bearer b-secret").status, 401)
        self.assertEqual(reelgate.ask("GET", "/v1/config", authorization="Bearer another").status, 200)


if __name__ == "__main__":
    unittest.main()
