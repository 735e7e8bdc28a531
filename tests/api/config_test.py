"""The configuration of a daemon that runs: taken anew as a whole or not at all."""
import concurrent.futures
import json
import os
import re
import shutil
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

    def test_a_daemon_that_is_told_to_end_while_it_takes_a_file_over_ends(self):
        for number in range(3):
            with self.subTest(number=number):
                reelgate = self.daemon(self.providers("one"))
                notes = [number] * 15_000 # it takes its time to read them
                self.write(self.providers("one", "two", **{"x-notes": notes}))
                reelgate.process.send_signal(signal.SIGHUP)
                self.assertEqual(reelgate.stop(), 0, "".join(reelgate.log[-30:]))

    def test_what_was_fetched_is_shown_to_nobody(self):
        (self.dir / "canary").write_text("canary-4f1d")
        config = self.providers("one")
        config["providers"]["one"]["note"] = "${file:canary}"
        reelgate = self.daemon(config)
        shown = reelgate.ask("GET", "/v1/config")
        [note] = [value for value in shown.json["values"] if value["key"] == "providers.one.note"]
        self.assertEqual(note["value"], '"${file:canary}"')
        other = self.providers("one", "two", video_provider="${file:canary}")
        answers = [shown, reelgate.ask("POST", "/v1/config/check", {"text": json.dumps(other)})]
        del other["video_provider"]
        other["providers"]["two"].update(note="${file:canary}", models=[{"id": "m", "path": "${file:canary}"}])
        answers.append(reelgate.ask("POST", "/v1/config/check", {"text": json.dumps(other)}))
        for answer in answers:
            self.assertEqual(answer.status, 200)
            self.assertNotIn(b"canary-4f1d", answer.body)
        self.assertIn("providers.two.note", [change["key"] for change in answers[-1].json["changes"]])

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

    def test_many_changes_at_once_take_turns(self):
        reelgate = self.daemon(self.providers("one", "two"))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(reelgate.ask, "PATCH", "/v1/config", {"video_provider": name})
                     for name in ["one", "two"] * 8]
            self.assertEqual({answer.result().status for answer in asked}, {200})
        told = reelgate.ask("GET", "/v1/config").json
        (value,) = [value for value in told["values"] if value["key"] == "video_provider"]
        self.assertIn(value["value"], ("one", "two"))
        self.assertIn(f"video_provider: {value['value']}", (self.dir / "data/config-overlay.yaml").read_text())

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
                ("GET", "/v1/config", None, 401), ("GET", "/v1/config", "m-secret", 403),
                ("GET", "/v1/config", "b-secret", 200), ("POST", "/admin/config/reload", "m-secret", 403),
                ("POST", "/admin/config/reload", "b-secret", 200), ("GET", "/v1/videos", "m-secret", 200),
                ("GET", "/v1/videos", "b-secret", 403)]:
            with self.subTest(path=path, who=who):
                headers = {"authorization": f"Bearer {who}"} if who else {}
                answer = reelgate.ask(method, path, **headers)
                self.assertEqual(answer.status, status, answer.body)
                if status > 400:
                    self.assertEqual(answer.code, {401: "invalid_api_key", 403: "missing_scope"}[status])
                self.assertNotIn(b"secret\":\"", answer.body)
                for secret in (b"m-secret", b"b-secret"):
                    self.assertNotIn(secret, answer.body)
        (self.dir / "boss").write_text("another")
        self.assertEqual(reelgate.ask("POST", "/admin/config/reload", authorization="Bearer b-secret").status, 200)
        self.assertEqual(reelgate.ask("GET", "/v1/config", authorization="Bearer b-secret").status, 401)
        self.assertEqual(reelgate.ask("GET", "/v1/config", authorization="Bearer another").status, 200)

    def test_a_page_of_an_allowed_origin_may_call(self):
        page = "http://localhost:3000"
        reelgate = self.daemon(self.providers("one", server={"cors_origins": [page]}))
        asked = reelgate.ask("OPTIONS", "/v1/videos", origin=page, access_control_request_headers="x-one")
        self.assertEqual((asked.status, asked.headers["access-control-allow-headers"]), (204, "x-one"))
        for path, status in [("/v1/videos", 200), ("/v1/videos/nope", 404)]:
            answer = reelgate.ask("GET", path, origin=page)
            self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (status, page))
        self.assertEqual(reelgate.ask("OPTIONS", "/v1/videos", origin="http://evil.example").status, 405)
        self.write(self.providers("one"))
        self.reload(reelgate)
        self.assertNotIn("access-control-allow-origin", reelgate.ask("GET", "/v1/videos", origin=page).headers)

    def test_no_other_page_calls_where_no_key_is_asked_for(self):
        reelgate = self.daemon(self.providers("one"))
        for headers, status in [({}, 200), ({"origin": f"http://127.0.0.1:{reelgate.port}"}, 200),
                                ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403),
                                ({"host": "evil.example:8055"}, 403), ({"host": "localhost:8055"}, 200),
                                ({"host": "[::1]:8055"}, 200)]:
            with self.subTest(**headers):
                for method, path in [("GET", "/v1/config"), ("POST", "/admin/config/reload"), ("GET", "/v1/videos")]:
                    self.assertEqual(reelgate.ask(method, path, **headers).status, status)
        self.assertEqual(reelgate.ask("POST", "/v1/videos", '{"prompt":"x"}', content_type="text/plain",
                                      origin="https://evil.example").code, "origin_not_allowed")

    def test_what_is_nested_too_deeply_is_no_json(self):
        reelgate = self.daemon(self.providers("one")).until_ready()
        def deep(levels):
            return "[" * levels + "]" * levels

        text = json.dumps('{"a":' * 6_000 + "1" + "}" * 6_000) # an object may come as a text
        for method, path in [("POST", "/v1/videos"), ("POST", "/v1/routes/explain"), ("PATCH", "/v1/config"),
                             ("POST", "/v1/config/check")]:
            for body in ['{"prompt":"x","zz":%s}' % deep(65), '{"prompt":"x","zz":%s}' % deep(15_000),
                         '{"prompt":"x","params":%s}' % text, '{"prompt":"x","zz":%s}' % deep(200_000)]:
                with self.subTest(path=path, bytes=len(body)):
                    answer = reelgate.ask(method, path, body)
                    self.assertEqual(answer.status, 413 if path == "/v1/config" and len(body) > 65_536 else 400)
        self.assertEqual(reelgate.ask("POST", "/v1/videos", {"prompt": "x"}).status, 200, "it is still there")

    def test_a_value_that_is_no_text_is_refused(self):
        (self.dir / "latin").write_bytes(b"caf\xe9")
        config = self.providers("one")
        reelgate = self.daemon(config)
        config["providers"]["one"]["note"] = "${file:latin}"
        self.write(config)
        answer = self.reload(reelgate)
        self.assertEqual(answer.status, 400)
        self.assertIn(b"UTF-8", answer.body)
        reelgate.process.send_signal(signal.SIGHUP)
        reelgate.line(r"config\.rejected .*")
        self.assertEqual(reelgate.ask("GET", "/health").status, 200)

    def test_a_budget_of_a_key_is_what_the_store_says(self):
        (self.dir / "key").write_text("sesame")
        keys = [{"name": "me", "secret": {"file": "key"}, "budget_usd_per_day": 0.15}]
        config = self.providers("paid", plugin="scripted-paid", auth={"keys": keys})
        config["providers"]["paid"]["models"] = [{"id": "pattern", "usd_per_second": 0.10}]
        reelgate = self.daemon(config)
        reelgate.headers = {"authorization": "Bearer sesame"}

        def ask():
            return reelgate.ask("POST", "/v1/videos", {"prompt": "a bar", "size": "64x64", "num_frames": 25, "fps": 24})

        first = ask()
        self.assertEqual(first.status, 200, first.body)
        self.assertEqual(reelgate.ended(first.json["id"])["state"], "completed")
        self.assertEqual((ask().status, ask().code), (402, "budget_exceeded"))
        reelgate.stop()
        reelgate.start()
        reelgate.until_ready()
        self.assertEqual(ask().code, "budget_exceeded", "what was spent outlives a restart")

    def test_a_model_does_no_more_than_the_file_lets_it(self):
        config = self.providers("one")
        config["providers"]["one"]["models"] = [
            {"id": "pattern", "sizes": ["64x64"], "max_frames": 9, "vram_peak": "8GiB"}]
        config["providers"]["one"]["gpu"] = 0
        reelgate = self.daemon(config).until_ready()
        body = {"prompt": "x", "size": "64x64", "num_frames": 49, "adjust": "reject"}
        for fields, status in [({"num_frames": 5}, 200), ({}, 400), ({"size": "128x128", "num_frames": 5}, 400)]:
            with self.subTest(fields=fields):
                answer = reelgate.ask("POST", "/v1/videos", {**body, **fields})
                self.assertEqual(answer.status, status, answer.body)
        self.write({**config, "gpus": [{"id": 0, "vram_budget": "6GiB"}]})
        self.assertEqual(self.reload(reelgate).status, 200)
        told = reelgate.ask("POST", "/v1/routes/explain", {**body, "num_frames": 5})
        self.assertIn(b"vram_never_fits", told.body)

    def test_where_plugins_lie_who_may_run_and_what_is_logged(self):
        plugins = self.dir / "more" / "plugins"
        shutil.copytree(BIN.parent / "plugins" / "scripted", plugins / "scripted")
        config = self.providers("one", plugins={"dirs": ["more/plugins"], "trust": "any"}, log={"level": "debug"})
        reelgate = self.daemon(config).until_ready()
        reelgate.create("a secret prompt")
        found = re.search(r'plugin\.found provider="one" .*directory="([^"]*)"', "".join(reelgate.log))
        self.assertIn(str(plugins), found[1])
        self.assertRegex(reelgate.line(r'job\.created .*prompt="([^"]*)"')[1], r"^sha256:[0-9a-f]{8}, 15 bytes$")
        reelgate.stop()
        self.assertNotIn("a secret prompt", "".join(reelgate.log))
        config["plugins"]["trust"] = "pinned"
        config["log"] = {"prompts": "full"}
        reelgate = self.daemon(config)
        self.assertRegex("".join(reelgate.log), r"plugin\.refused .*trust")
        self.assertEqual(reelgate.ask("GET", "/health").json["providers"][0]["state"], "misconfigured")
        reelgate.stop()
        config["plugins"]["trust"] = "any"
        reelgate = self.daemon(config)
        reelgate.create("a secret prompt")
        self.assertEqual(reelgate.line(r'job\.created .*prompt="([^"]*)"')[1], "a secret prompt")

    def test_a_log_is_json_unless_it_is_for_a_person(self):
        self.write(self.providers("one"))
        command = [BIN / "reelgate", "serve", "--listen", "127.0.0.1:0", "--data-dir", self.dir / "data", "--config",
                   self.dir / "reelgate.yaml"]
        with subprocess.Popen(command, cwd=self.dir, stderr=subprocess.PIPE, text=True) as daemon:
            events = [json.loads(daemon.stderr.readline())["event"] for _ in range(2)]
            daemon.kill()
        self.assertIn("host.started", events)


if __name__ == "__main__":
    unittest.main()
