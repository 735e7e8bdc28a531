"""`reelgate serve` on a directory of its own and a free port, and a client without a library."""
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ["REELGATE_BIN_DIR"])
TESTS = pathlib.Path(os.environ["REELGATE_TESTS_DIR"])
PATIENCE = 60


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


class Daemon:
    def __init__(self, directory, config, *arguments):
        self.dir = directory
        (directory / "reelgate.yaml").write_text(config if isinstance(config, str) else json.dumps(config))
        self.arguments = arguments
        self.headers = {} # of every call
        self.log = []
        self.start()

    def start(self, kill_at=None):
        """With `kill_at`, a daemon that is gone as soon as a job has come to that milestone."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        env["HOME"] = str(self.dir)
        config, data = self.dir / "reelgate.yaml", self.dir / "data"
        command = [BIN / "reelgate", "serve", "--config", config, "--listen", "127.0.0.1:0", "--data-dir", data,
                   "--log-format", "text", *self.arguments]
        if kill_at:
            command = [TESTS / "serve_until", kill_at, BIN, config, data]
        self.process = subprocess.Popen(
            command, env=env, cwd=self.dir, stderr=subprocess.PIPE, text=True)
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self.process, self.lines), daemon=True).start()
        self.port = int(self.line(r'host\.started .*address="http://[^"]*:(\d+)"')[1])

    def _read(self, process, lines):
        for line in process.stderr:
            self.log.append(line)
            lines.put(line)
        process.stderr.close()
        lines.put(None)

    def line(self, pattern):
        """The next line of the log that matches; fails when the daemon ends without one."""
        deadline = time.monotonic() + PATIENCE
        while (line := self.lines.get(timeout=max(0.01, deadline - time.monotonic()))) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no line matched {pattern}:\n" + "".join(self.log[-30:]))

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                headers.setdefault("content_type", "application/json")
            headers = {**self.headers, **headers}
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def create(self, prompt="a bar that moves", run=None, **fields):
        """A small film of the scripted plugin; `run` is its script."""
        body = {"prompt": prompt, "size": "64x64", "num_frames": 5, **fields}
        if run is not None:
            body["params"] = {plugin: {"script": {"run": run}} for plugin in ("scripted", "scripted-paid")}
        answer = self.ask("POST", "/v1/videos", body)
        assert answer.status == 200, answer.body
        return answer.json["id"]

    def video(self, video):
        return self.ask("GET", f"/v1/videos/{video}").json

    def until_ready(self):
        """What a provider can do is known once its worker has said so."""
        deadline = time.monotonic() + PATIENCE
        while any(provider["state"] != "ready" for provider in self.ask("GET", "/health").json["providers"]):
            if time.monotonic() > deadline:
                raise AssertionError("not ready:\n" + "".join(self.log[-30:]))
            time.sleep(0.02)
        return self

    def until(self, video, *states):
        deadline = time.monotonic() + PATIENCE
        while (seen := self.video(video))["state"] not in states:
            if time.monotonic() > deadline:
                raise AssertionError(f"{video} is {seen['state']}, not {states}:\n" + "".join(self.log[-30:]))
            time.sleep(0.02)
        return seen

    def ended(self, video):
        return self.until(video, "completed", "failed", "cancelled", "quarantined")


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.fresh_directory()

    def fresh_directory(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="reelgate-api-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def daemon(self, config, *arguments):
        daemon = Daemon(self.dir, config, *arguments)
        self.addCleanup(daemon.process.wait)
        self.addCleanup(daemon.kill)
        return daemon

    def providers(self, *names, plugin="scripted", **more):
        """A configuration with a provider of the scripted plugin for each name, in that order."""
        health = {"interval": "100ms", "hurried": "100ms"}
        return {"version": 1, "providers": {name: {"plugin": plugin} for name in names}, **more}

    def ledger(self, provider):
        """What the scripted plugin wrote down of what it was asked to do."""
        file = self.dir / "data" / "providers" / provider / "ledger.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
