"""Drives a real provider in a real child, over a socket pair and over stdio, as the host does."""
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = 20  # seconds until a test that waits for a frame gives up
OK, BUSY, REJECTED, FAILED, AMBIGUOUS, CANCELLED = range(6)

PROVIDER = '''
import os, resource, subprocess, sys, threading, time
print("printed before the import")
import reelgate_worker as reelgate
print("printed after the import")

class Scripted:
    def __init__(self, config):
        if config.get("refuse"):
            raise reelgate.rejected("the colour is none", hint="name one")
        self.config = config
        print("printed in the constructor")
    def probe(self):
        answer = self.config.get("probe", {"state": "ready"})
        if answer == "raise":
            raise RuntimeError("no device")
        return {1, 2} if answer == "a set" else answer
    def run(self, job):
        getattr(self, job.request["do"])(job)
    def close(self):
        with open(os.path.join(reelgate.data_dir, "closed"), "w") as file:
            file.write("yes")

    def film(self, job):
        with open(os.path.join(job.work_dir, "clip.y4m"), "w") as clip:
            clip.write("film")
        job.artifact("clip.y4m", mime="video/x-yuv4mpeg", frames=3)
    def frames(self, job):
        os.mkdir(os.path.join(job.work_dir, "out"))
        job.artifact("out", role="frames", mime="image/png", fps=24)
    def many_steps(self, job):
        for i in range(20000):
            job.progress("denoise", i + 1, 20000)
    def alive(self, job):
        job.progress("remote")
    def previews(self, job):
        for i in range(50):
            name = f"{i}.png"
            open(os.path.join(job.work_dir, name), "w").close()
            job.preview(name)
    def block(self, job):
        job.progress("load")
        while not job.cancelled:  # as native code does: asks now and then, raises nothing
            time.sleep(0.01)
        raise reelgate.cancelled(compute_stopped=True)
    def deaf(self, job):
        job.progress("load")
        threading.Event().wait()
    def loop(self, job):
        while True:
            job.progress("step")
    def wait(self, job):
        job.progress("remote")
        job.wait(3600)
    def fail(self, job):
        raise reelgate.Failure("network_error", "the host closed the connection", phase="download",
                               retry_after_s=3, provider_code=OSError("odd"), hint=None)
    def busy(self, job):
        raise reelgate.busy("full", provider_code=429, retry_after_s=1.5)
    def ambiguous(self, job):
        raise reelgate.ambiguous("no answer came")
    def plain(self, job):
        raise ValueError("seven is no colour \\ud800")
    def memory(self, job):
        raise MemoryError("512 GB")
    def leave(self, job):
        sys.exit(3)
    def outside(self, job):
        job.artifact(job.request["path"])
    def paid(self, job):
        job.intend(endpoint="create")
        print("sent")
        job.accepted(id="r-1")
        job.progress("remote")
    def logs(self, job):
        for i in range(job.request["lines"]):
            reelgate.log("info", "line.said", i=i, odd=object, nan=float("nan"))
    def late(self, job):
        threading.Thread(target=lambda: self.say_late(job)).start()
    def say_late(self, job):
        while not job.over:
            time.sleep(0.001)
        job.progress("late")
    def child(self, job):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], close_fds=False)
        reelgate.log("info", "child.started", pid=child.pid)
        self.wait(job)
    def little_memory(self, job):
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 20, resource.RLIM_INFINITY))
        job.progress("limited")
        job._cancel.wait()
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    def huge(self, job):
        job.artifact("clip.y4m", note="x" * 2000000)

    def deep(self, job):
        into, deep = job.request["into"], {}
        for _ in range(100):
            deep = [deep]
        if into == "log":
            reelgate.log("info", "deep", deep=deep)
        elif into == "intend":
            job.intend(deep=deep)
        else:
            open(job.work_dir + "/clip.y4m", "w").close()
            job.artifact("clip.y4m", deep=deep)

    def resume(self, job, remote):
        job.progress("remote " + remote["id"])
    def abandon(self, remote):
        return {"compute_stopped": True, "id": remote["id"]}
    def estimate(self, request):
        return {"usd": "0.40", "frames": request["frames"]}
    def loaded(self):
        return ["a"]
    def load(self, model):
        self.config["model"] = model
        return {"model": model}
    @staticmethod
    def tools():
        return [{"name": "check", "summary": "checks", "arguments": {"type": "object"}}]
    def call(self, name, arguments):
        return {"name": name, "arguments": arguments}

print("printed before serve")
reelgate.serve({"id": "org.example.scripted", "version": "1.0.0"}, Scripted)
'''


class Child:
    """The host's side of one worker."""

    def __init__(self, stdio=False):
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name)
        (self.path / "work").mkdir()
        (self.path / "main.py").write_text(PROVIDER, encoding="utf-8")
        ours, theirs = socket.socketpair()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
                       "REELGATE_PARENT": str(os.getpid())}
        self.log = tempfile.TemporaryFile()
        null = subprocess.DEVNULL
        ends = {"stdin": theirs, "stdout": theirs} if stdio else {"stdin": null, "stdout": self.log}
        if not stdio:
            environment["REELGATE_FD"] = str(theirs.fileno())
        self.process = subprocess.Popen([sys.executable, "main.py"], cwd=self.path, env=environment,
                                        stderr=self.log, start_new_session=True,
                                        pass_fds=[] if stdio else [theirs.fileno()], **ends)
        theirs.close()
        self.wire, self.held, self.others = ours, b"", []
        ours.settimeout(LIMIT)

    def close(self):
        self.wire.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
        self.directory.cleanup()

    def send(self, type, **members):
        self.send_text(json.dumps({"type": type, **members}).encode())

    def send_text(self, text):
        self.wire.sendall(struct.pack("<I", len(text)) + text)

    def receive(self):
        """The next frame, or None at the end of the wire."""
        while len(self.held) < 4 or len(self.held) < 4 + struct.unpack("<I", self.held[:4])[0]:
            part = self.wire.recv(65536)
            if not part:
                return None
            self.held += part
        size = struct.unpack("<I", self.held[:4])[0]
        text, self.held = self.held[4:4 + size], self.held[4 + size:]
        return json.loads(text)

    def until(self, type):
        """The next frame of that type; what came before it is in `others`."""
        self.others = []
        while True:
            frame = self.receive()
            if frame is None:
                raise AssertionError(f"the wire ended before a '{type}': {self.printed()}")
            if frame["type"] == type:
                return frame
            self.others.append(frame)

    def ready(self, **config):
        hello = self.until("hello")
        self.send("hello", protocol=1, features=[], host="test", limits={})
        self.send("create", config=config, data_dir=str(self.path), cache_dir=str(self.path))
        created = self.until("created")
        if created["status"] != OK:
            raise AssertionError(created)
        return hello

    def run(self, do, job="j1", **request):
        self.send("run", job=job, request={"do": do, **request}, work_dir=str(self.path / "work"))

    def done(self, do, **request):
        self.run(do, **request)
        return self.until("done")

    def printed(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")


def alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"  # ended, and nobody has asked for its status


class WorkerTest(unittest.TestCase):
    stdio = False

    def setUp(self):
        self.child = Child(self.stdio)
        self.addCleanup(self.child.close)

    # The life of a worker.

    def test_hello_is_first_and_says_what_the_provider_is(self):
        hello = self.child.receive()
        self.assertEqual(hello["type"], "hello")
        self.assertEqual(hello["protocol"], [1, 1])
        self.assertEqual(hello["pid"], self.child.process.pid)
        self.assertEqual(hello["abi"], {"major": 1, "minor": 0})
        self.assertEqual(hello["describe"], {"id": "org.example.scripted", "version": "1.0.0"})
        self.assertTrue(hello["sdk"].startswith("python "))
        self.assertIs(hello["resume"], True)

    def test_what_is_printed_is_log_and_never_a_frame(self):
        self.child.ready()
        self.assertEqual(self.child.done("film")["status"], OK)
        self.child.send("bye")
        self.child.process.wait(LIMIT)
        printed = self.child.printed()
        for line in ("after the import", "before serve", "in the constructor"):
            self.assertIn("printed " + line, printed)

    def test_a_refused_config_is_said_with_its_record(self):
        self.child.until("hello")
        self.child.send("create", config={"refuse": True}, data_dir="", cache_dir="")
        created = self.child.until("created")
        self.assertEqual(created["status"], REJECTED)
        self.assertEqual(created["failure"], {"category": "invalid_params", "text": "the colour is none",
                                              "hint": "name one"})

    def test_an_unknown_type_and_unknown_members_are_ignored(self):
        self.child.ready()
        self.child.send("from_the_future", n=1)
        self.child.send("ping", n=2, also="this")
        self.assertEqual(self.child.until("pong")["n"], 2)

    def test_bye_cancels_closes_and_exits_0(self):
        self.child.ready()
        self.child.run("wait")
        self.child.until("progress")
        self.child.send("bye")
        self.assertEqual(self.child.until("done")["status"], CANCELLED)
        self.assertEqual(self.child.process.wait(LIMIT), 0)
        self.assertEqual((self.child.path / "closed").read_text(), "yes")

    def test_drain_lets_jobs_end_and_takes_no_more(self):
        self.child.ready()
        self.child.run("block", job="old")
        self.child.until("progress")
        self.child.send("drain")
        self.child.run("film", job="new")
        refused = self.child.until("done")
        self.assertEqual((refused["job"], refused["status"]), ("new", BUSY))
        self.child.send("cancel", job="old")
        self.assertEqual(self.child.until("done")["job"], "old")
        self.child.send("bye")
        self.assertEqual(self.child.process.wait(LIMIT), 0)

    def test_the_end_of_the_wire_ends_a_deaf_plugin_and_its_children(self):
        self.child.ready()
        self.child.run("child")
        grandchild = self.child.until("log")["fields"]["pid"]
        self.child.run("deaf", job="j2")
        self.child.until("progress")
        self.child.wire.close()
        self.child.process.wait(LIMIT)
        end = time.monotonic() + LIMIT
        while alive(grandchild):
            self.assertLess(time.monotonic(), end, "a grandchild lives on")
            select.select([], [], [], 0.01)

    # What the host may not send.

    def test_a_length_above_the_limit_is_a_violation(self):
        self.child.ready()
        self.child.wire.sendall(b"GET / HTTP/1.1\r\n")
        self.refused("a frame of 542393671 bytes was announced")

    def test_text_that_is_no_object_is_a_violation(self):
        for text in (b"[]", b"{", b"\xff\xfe", b'{"type": 7}', b"[" * 100000):
            with self.subTest(text=text[:20]):
                child, self.child = self.child, Child(self.stdio)
                child.close()
                self.addCleanup(self.child.close)
                self.child.ready()
                self.child.send_text(text)
                self.refused("begins with")

    def test_a_frame_without_a_member_it_needs_is_a_violation(self):
        self.child.ready()
        self.child.send("run", job="j1")
        self.refused("'request'")

    def refused(self, words):
        fatal = self.child.until("fatal")
        self.assertEqual((fatal["category"], fatal["code"]), ("plugin_crashed", "protocol_violation"))
        self.assertIn(words, fatal["text"])
        self.assertEqual(self.child.process.wait(LIMIT), 1)

    def test_a_protocol_that_we_do_not_speak_is_refused_with_both_numbers(self):
        self.child.until("hello")
        self.child.send("hello", protocol=2)
        self.assertIn("protocol 2, this helper speaks 1", self.child.until("fatal")["text"])

    # Beside a running job.

    def test_ping_is_answered_while_the_plugin_blocks(self):
        self.child.ready()
        self.child.run("deaf")
        self.child.until("progress")
        self.child.send("ping", n=41)
        pong = self.child.until("pong")
        self.assertEqual((pong["n"], pong["jobs"]), (41, 1))
        self.assertGreater(pong["rss"], 1 << 20)

    def test_probe_is_answered_while_a_job_runs(self):
        self.child.ready(probe={"state": "busy", "queue": 1})
        self.child.run("deaf")
        self.child.send("probe", n=5)
        probed = self.child.until("probed")
        self.assertEqual((probed["n"], probed["status"]), (5, OK))
        self.assertEqual(probed["result"], {"state": "busy", "queue": 1})

    def test_a_probe_that_raises_or_gives_no_json_fails_and_nothing_else(self):
        for spoil, code in (("raise", "exception"), ("a set", "bad_answer")):
            with self.subTest(spoil):
                child, self.child = self.child, Child(self.stdio)
                child.close()
                self.addCleanup(self.child.close)
                self.child.ready(probe=spoil)
                self.child.send("probe", n=1)
                probed = self.child.until("probed")
                self.assertEqual((probed["status"], probed["failure"]["code"]), (FAILED, code))
                self.assertNotIn("result", probed)
                self.assertEqual(self.child.done("film")["status"], OK)

    # Cancel.

    def test_cancel_ends_a_loop_a_wait_and_one_who_asks(self):
        self.child.ready()
        for do in ("loop", "wait", "block"):
            with self.subTest(do):
                self.child.run(do, job=do)
                self.child.until("progress")
                self.child.send("cancel", job=do)
                self.child.send("cancel", job=do)
                done = self.child.until("done")
                self.assertEqual((done["job"], done["status"]), (do, CANCELLED))
                self.assertEqual(done["failure"]["category"], "cancelled")

    def test_a_cancel_reaches_only_its_job(self):
        self.child.ready()
        for job in ("a", "b"):
            self.child.run("wait", job=job)
        self.child.send("cancel", job="b")
        self.assertEqual(self.child.until("done")["job"], "b")
        self.child.send("ping", n=1)
        self.assertEqual(self.child.until("pong")["jobs"], 1)

    def test_a_cancel_after_done_is_nothing(self):
        self.child.ready()
        self.child.done("film")
        self.child.send("cancel", job="j1")
        self.assertEqual(self.child.done("alive")["status"], OK)

    # Progress, previews, logs.

    def test_progress_is_the_latest_and_its_last_word_comes_before_done(self):
        self.child.ready()
        started = time.monotonic()
        self.assertEqual(self.child.done("many_steps")["status"], OK)
        tenths = (time.monotonic() - started) * 10
        told = [f for f in self.child.others if f["type"] == "progress"]
        self.assertLessEqual(len(told), tenths + 3)  # 20000 calls
        self.assertEqual((told[-1]["step"], told[-1]["value"], told[-1]["source"]), (20000, 1.0, "measured"))
        self.assertEqual(told[-1]["stage"], "denoise")

    def test_progress_without_a_share_is_a_sign_of_life(self):
        self.child.ready()
        self.child.done("alive")
        told = [f for f in self.child.others if f["type"] == "progress"]
        self.assertEqual([(f["source"], f["stage"]) for f in told], [("none", "remote")])

    def test_of_previews_the_newest_wins(self):
        self.child.ready()
        self.child.done("previews")
        told = [f["path"] for f in self.child.others if f["type"] == "preview"]
        self.assertLess(len(told), 50)
        self.assertEqual(told[-1], "49.png")

    def test_logs_come_with_fields_and_what_is_lost_is_counted(self):
        self.child.ready()
        self.child.run("logs", lines=5000)
        seen, lost = 0, 0
        while seen + lost < 5000:
            frame = self.child.until("log")
            if frame["event"] == "log.lost":
                lost += frame["fields"]["lines"]
            else:
                self.assertEqual((frame["event"], frame["level"]), ("line.said", "info"))
                self.assertEqual(frame["fields"]["nan"], "NaN")
                seen += 1
        self.assertGreaterEqual(seen, 256)

    # Failures.

    def test_each_way_to_fail_has_its_status_and_record(self):
        rows = [
            ("fail", FAILED, {"category": "network_error", "text": "the host closed the connection",
                              "phase": "download", "retry_after_s": 3, "provider_code": "odd"}),
            ("busy", BUSY, {"category": "provider_overloaded", "text": "full", "provider_code": "429",
                            "retry_after_s": 1.5}),
            ("ambiguous", AMBIGUOUS, {"category": "submit_ambiguous", "text": "no answer came",
                                      "phase": "submit"}),
            ("plain", FAILED, {"category": "unknown", "text": "ValueError: seven is no colour ?",
                               "code": "exception"}),
            ("memory", FAILED, {"category": "unknown", "text": "MemoryError: 512 GB", "code": "host_memory"}),
            ("leave", FAILED, {"category": "unknown", "text": "SystemExit: 3", "code": "exception"}),
            ("no_such_method", FAILED, {"category": "unknown", "code": "exception", "text":
                                        "AttributeError: 'Scripted' object has no attribute 'no_such_method'"}),
        ]
        self.child.ready()
        for do, status, record in rows:
            with self.subTest(do):
                self.assertEqual(self.child.done(do),
                                 {"type": "done", "job": "j1", "status": status, "failure": record})

    def test_a_frame_that_would_be_too_long_fails_its_job_only(self):
        self.child.ready()
        self.child.done("film")
        self.assertIn("does not fit", self.child.done("huge")["failure"]["text"])
        self.assertEqual(self.child.done("alive")["status"], OK)

    def test_what_nests_too_deeply_never_reaches_the_wire(self):
        self.child.ready()
        for into in ("artifact", "intend"):
            with self.subTest(into):
                self.assertIn("nested deeper", self.child.done("deep", into=into)["failure"]["text"])
        self.child.run("deep", into="log")
        said = {frame["type"]: frame for frame in (self.child.receive(), self.child.receive())}
        self.assertEqual(said["log"]["fields"], {"cut": "nested too deeply"})
        self.assertEqual(said["done"]["status"], OK)

    def test_where_memory_is_short_a_job_fails_and_the_worker_goes_on(self):
        self.child.ready()
        self.child.run("little_memory", job="j0")
        self.child.until("progress")
        failure = self.child.done("film")["failure"]  # its thread cannot be had
        self.assertEqual((failure["category"], failure["code"]), ("unknown", "host_memory"))
        self.child.send("cancel", job="j0")
        self.assertEqual(self.child.until("done"), {"type": "done", "job": "j0", "status": OK})
        self.assertEqual(self.child.done("film")["status"], OK)

    def test_a_second_run_of_a_running_job_is_refused(self):
        self.child.ready()
        self.child.run("wait")
        self.child.until("progress")
        self.assertEqual(self.child.done("film")["status"], BUSY)

    def test_a_call_after_the_job_is_counted_and_not_sent(self):
        self.child.ready()
        self.child.run("late")
        self.child.until("done")
        late = self.child.until("log")
        self.assertEqual((late["event"], late["fields"]["function"]), ("plugin.late_call", "progress"))
        self.assertEqual(self.child.others, [])

    # Files.

    def test_an_artifact_comes_before_done_with_its_meta(self):
        self.child.ready()
        self.assertEqual(self.child.done("film"), {"type": "done", "job": "j1", "status": OK})
        self.assertEqual(self.child.others[-1], {
            "type": "artifact", "job": "j1", "path": "clip.y4m",
            "meta": {"role": "video", "mime": "video/x-yuv4mpeg", "frames": 3}})

    def test_numbered_pictures_are_a_directory(self):
        self.child.ready()
        self.assertEqual(self.child.done("frames")["status"], OK)
        self.assertEqual(self.child.others[-1]["path"], "out")

    def test_a_path_that_leads_out_or_nowhere_is_refused(self):
        work = self.child.path / "work"
        (self.child.path / "secret").write_text("x")
        (work / "link").symlink_to("../secret")
        (work / "up").symlink_to("..")
        os.link(self.child.path / "secret", work / "twice")
        (work / "directory").mkdir()
        os.mkfifo(work / "pipe")
        self.child.ready()
        rows = {"../secret": "path_escapes", str(self.child.path / "secret"): "path_escapes",
                "directory/../../secret": "path_escapes", "..": "path_escapes", "link": "path_escapes",
                "up/secret": "path_escapes", "missing.mp4": "path_missing", "directory": "not_a_file",
                "pipe": "not_a_file", "twice": "linked"}
        for path, code in rows.items():
            with self.subTest(path):
                failure = self.child.done("outside", path=path)["failure"]
                self.assertEqual((failure["category"], failure["code"]), ("output_invalid", code))

    # Money.

    def test_nothing_is_sent_before_the_intent_is_on_disk(self):
        self.child.ready()
        self.child.run("paid")
        intend = self.child.until("intend")
        self.assertEqual((intend["job"], intend["what"]), ("j1", {"endpoint": "create"}))
        self.child.send("ping", n=1)  # its answer comes after whatever the job would say unasked
        self.child.until("pong")
        self.assertNotIn("accepted", [f["type"] for f in self.child.others])
        self.child.send("ack", job="j1", n=intend["n"], status=OK)
        accepted = self.child.until("accepted")
        self.assertEqual(accepted["remote"], {"id": "r-1"})
        self.assertNotEqual(accepted["n"], intend["n"])
        self.child.send("ping", n=2)
        self.child.until("pong")
        self.assertEqual([f for f in self.child.others if f["type"] == "progress"], [])
        self.child.send("ack", job="j1", n=accepted["n"], status=OK)
        self.assertEqual(self.child.until("done")["status"], OK)

    def test_a_refused_intent_sends_nothing_and_a_refused_acceptance_is_ambiguous(self):
        self.child.ready()
        self.child.run("paid")
        self.child.send("ack", job="j1", n=self.child.until("intend")["n"], status=FAILED)
        failure = self.child.until("done")["failure"]
        self.assertEqual((failure["code"], failure["billing"]), ("intend_refused", "not_billed"))

        self.child.run("paid")
        self.child.send("ack", job="j1", n=self.child.until("intend")["n"], status=OK)
        self.child.send("ack", job="j1", n=self.child.until("accepted")["n"], status=FAILED)
        done = self.child.until("done")
        self.assertEqual((done["status"], done["failure"]["billing"]), (AMBIGUOUS, "maybe_billed"))

    def test_work_of_an_earlier_life_is_resumed_and_abandoned(self):
        self.child.ready()
        self.child.send("resume", job="j9", request={}, work_dir=str(self.child.path), remote={"id": "r-7"})
        self.assertEqual(self.child.until("done"), {"type": "done", "job": "j9", "status": OK})
        self.assertEqual(self.child.others[-1]["stage"], "remote r-7")
        self.child.send("abandon", job="j9", remote={"id": "r-7"})
        self.assertEqual(self.child.until("abandoned"), {
            "type": "abandoned", "job": "j9", "status": OK, "result": {"compute_stopped": True, "id": "r-7"}})

    # Extensions.

    def test_calls_reach_the_methods_of_the_extensions(self):
        rows = [
            ("reelgate.cost/1", "estimate", {"arguments": {"frames": 49}}, {"usd": "0.40", "frames": 49}),
            ("reelgate.warm/1", "load", {"arguments": "a"}, {"model": "a"}),
            ("reelgate.warm/1", "loaded", {}, ["a"]),
            ("reelgate.tool/1", "list", {}, [{"name": "check", "summary": "checks",
                                              "arguments": {"type": "object"}}]),
            ("reelgate.tool/1", "call", {"name": "check", "arguments": {"a": 1}},
             {"name": "check", "arguments": {"a": 1}}),
        ]
        self.child.ready()
        for extension, function, members, result in rows:
            with self.subTest(function):
                self.child.send("call", n=3, extension=extension, function=function, **members)
                self.assertEqual(self.child.until("called"),
                                 {"type": "called", "n": 3, "status": OK, "result": result})

    def test_a_call_that_the_provider_lacks_is_refused(self):
        self.child.ready()
        for extension, function in (("reelgate.cost/1", "amount"), ("reelgate.cost/1", "close"),
                                    ("org.example.other/1", "run")):
            with self.subTest(function):
                self.child.send("call", n=4, extension=extension, function=function, arguments={})
                self.assertEqual(self.child.until("called")["failure"]["code"], "no_extension")


class WorkerOverStdioTest(WorkerTest):
    stdio = True


class WithoutHostTest(unittest.TestCase):
    def python(self, code):
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment,
                              capture_output=True, text=True, timeout=LIMIT, check=False)

    def test_started_by_hand_it_says_what_it_is(self):
        ended = self.python("import reelgate_worker as r; r.serve({}, dict)")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("reelgate plugin check", ended.stderr)

    def test_a_provider_can_be_tested_without_a_host(self):
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "a.mp4").write_text("film")
            ended = self.python(f"""
                import reelgate_worker as reelgate
                job = reelgate.RecordingJob({{"frames": 5}}, {directory!r})
                job.progress("render", 1, job.request["frames"])
                job.intend(endpoint="create")
                job.accepted(id="r-1")
                job.artifact("a.mp4")
                print([f["type"] for f in job.said], job.said[0]["value"], job.said[-1]["path"])
                job.cancel()
                try:
                    job.progress("render")
                except reelgate.Failure as failure:
                    print(failure.record["category"])
            """)
        self.assertEqual(ended.stdout, "['progress', 'intend', 'accepted', 'artifact'] 0.2 a.mp4\ncancelled\n",
                         ended.stderr)


class ExampleTest(unittest.TestCase):
    def test_the_example_writes_the_film_that_was_asked_for(self):
        sys.path[:0] = [str(HERE), str(HERE.parent / "example" / "python")]
        self.addCleanup(lambda: sys.path.__delitem__(slice(0, 2)))
        import main as example
        import reelgate_worker
        with tempfile.TemporaryDirectory() as directory:
            request = {"width": 64, "height": 48, "frames": 5, "fps": 24}
            job = reelgate_worker.RecordingJob(request, directory)
            example.Bars({"bars": 8}).run(job)
            film = (pathlib.Path(directory) / "clip.y4m").read_bytes()
        header, frames = film.split(b"\n", 1)
        self.assertEqual(header, b"YUV4MPEG2 W64 H48 F24:1 C420jpeg")
        self.assertEqual(len(frames), 5 * (len(b"FRAME\n") + 64 * 48 * 3 // 2))
        self.assertEqual([f["type"] for f in job.said], ["progress"] * 5 + ["artifact"])
        manifest = json.loads((HERE.parent / "example" / "python" / "plugin.json").read_text("utf-8"))
        for member in ("id", "version", "name", "license"):
            self.assertEqual(manifest[member], example.DESCRIPTION[member])


if __name__ == "__main__":
    signal.alarm(300)  # a test that waits for ever ends here
    unittest.main()
