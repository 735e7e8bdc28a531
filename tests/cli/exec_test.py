"""Programs that speak the frames, run by the real host: with the Python helper over both transports, and
without any helper, where the wire itself can be broken."""
import os
import pathlib
import shutil
import unittest

from cli import CliTest

HELPER = pathlib.Path(__file__).resolve().parents[2] / "sdk" / "python" / "reelgate_worker.py"
ID = "org.example.exec"

DESCRIPTION = {"id": ID, "name": "Exec", "version": "1.0", "license": "MIT", "max_concurrency": 1,
               "silent_for_s": 60, "cancel_within_s": 5, "resources": {"gpu": "none"}, "billing": "free",
               "egress": "none",
               "models": [{"id": "m", "tasks": ["t2v"], "sizes": ["64x48"], "frames": {"min": 1, "max": 5}, "fps": [24],
                           "default": {"size": "64x48", "frames": 5, "fps": 24}}],
               "config_schema": {"type": "object", "properties": {}, "additionalProperties": False},
               "params_schema": {"type": "object", "properties": {}, "additionalProperties": False}}

# `run` is the body of the method.
WITH_HELPER = """#!/usr/bin/env -S python3 -B
import os, sys
print("printed before the import")
import reelgate_worker as reelgate
class Exec:
    def __init__(self, config):
        {create}
    def run(self, job):
        {run}
reelgate.serve({description!r}, Exec)
"""
FILM = """
        with open(os.path.join(job.work_dir, "a.y4m"), "wb") as film:
            film.write(b"YUV4MPEG2 W64 H48 F24:1 C420jpeg\\n" + (b"FRAME\\n" + bytes(64 * 48 * 3 // 2)) * 5)
        job.artifact("a.y4m", mime="video/x-yuv4mpeg")"""

# A worker with no helper: `script` sees say() and hear().
BARE = """#!/usr/bin/env -S python3 -B
import json, os, struct, sys, time
wire = int(os.environ["REELGATE_FD"])
def write(data):
    while data:
        data = data[os.write(wire, data):]
def say(**frame):
    text = json.dumps(frame).encode()
    write(struct.pack("<I", len(text)) + text)
def read(size):
    data = b""
    while len(data) < size:
        part = os.read(wire, size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data
def hear(type):
    while True:
        frame = json.loads(read(struct.unpack("<I", read(4))[0]))
        if frame["type"] == "ping":
            say(type="pong", n=frame["n"], rss=0, jobs=0)
        if frame["type"] == type:
            return frame
def greet(**changes):
    say(**{{"type": "hello", "protocol": [1, 1], "pid": os.getpid(), "abi": {{"major": 1, "minor": 0}},
            "sdk": "none", "describe": {description!r}, **changes}})
def start():
    greet()
    hear("create")
    say(type="created", status=0)
    return hear("run")
{script}
"""


class ExecTest(CliTest):
    def film(self, text, transport="fd", patience=20, command="./main.py", where=None):
        self.program(ID, name="Exec", license="MIT", command=[command], transport=transport, abi={"major": 1})
        self.put(ID, command, text).chmod(0o755)
        shutil.copy(HELPER, self.plugins / ID)
        return self.reelgate("providers", "try", where or self.plugins / ID, "--prompt", "x", "-o", self.dir / "film",
                             "--format", "json", "--patience", patience)

    def helped(self, run=FILM, create="pass", **how):
        return self.film(WITH_HELPER.format(run=run, create=create, description=DESCRIPTION), **how)

    def bare(self, script, **how):
        return self.film(BARE.format(script=script, description=DESCRIPTION), **how)

    def failed(self, ran, category, code=None, said=""):
        self.assertNotEqual(ran.code, 0, ran.out)
        error = ran.json["error"]
        self.assertEqual(error["category"], category, error)
        if code:
            self.assertEqual(error["code"], code, error)
        self.assertIn(said, error["text"])
        self.assertFalse((self.dir / "film").exists())

    def test_a_film_comes_over_either_transport_whatever_is_printed(self):
        for transport in ("fd", "stdio"):
            with self.subTest(transport):
                ran = self.helped("print('printed in run')" + FILM, transport=transport)
                self.assertEqual(ran.code, 0, ran.out + ran.err)
                self.assertTrue((self.dir / "film").exists())
                os.remove(self.dir / "film")

    def test_its_work_lies_below_a_directory_of_its_own(self):
        ran = self.helped("print(job.work_dir)" + FILM)
        self.assertEqual(ran.code, 0, ran.out + ran.err)
        self.assertIn(f"{self.data}/work/{ID}/", self.reelgate("plugin", "logs", ID).out)

    def test_what_the_provider_says_of_a_failure_arrives(self):
        self.failed(self.helped("raise reelgate.Failure('content_rejected', 'too dark', reelgate.REJECTED)"),
                    "content_rejected", said="too dark")

    def test_an_exception_is_a_failure_and_not_a_crash(self):
        self.failed(self.helped("return 1 / 0"), "unknown", "exception", "division by zero")

    def test_a_refused_config_is_said(self):
        self.failed(self.helped(create="raise reelgate.rejected('no such colour')"), "invalid_params",
                    said="no such colour")

    def test_who_is_created_before_its_hello_is_ended(self):
        self.failed(self.bare('say(type="created", status=0)\nhear("run")'), "worker_unavailable",
                    "protocol_violation", said="before its hello")

    def test_a_program_that_exits_in_a_run_has_crashed(self):
        self.failed(self.helped("os._exit(7)"), "plugin_crashed", said="7")

    def test_a_program_that_is_killed_in_a_run_has_crashed(self):
        self.failed(self.helped("os.kill(os.getpid(), 11); job.wait(60)"), "plugin_crashed", said="SIGSEGV")

    def test_frames_alone_are_enough(self):
        ran = self.bare("""
job = start()
with open(os.path.join(job["work_dir"], "a.y4m"), "wb") as film:
    film.write(b"YUV4MPEG2 W64 H48 F24:1 C420jpeg\\n" + (b"FRAME\\n" + bytes(64 * 48 * 3 // 2)) * 5)
say(type="from_the_future", job=job["job"], n=1)
say(type="artifact", job=job["job"], path="a.y4m", meta={"role": "video", "mime": "video/x-yuv4mpeg"}, more=1)
say(type="done", job=job["job"], status=0)
hear("bye")
""")
        self.assertEqual(ran.code, 0, ran.out + ran.err)

    def test_a_broken_wire_costs_the_attempt(self):
        rows = {"a length over the limit": b"\xff\xff\xff\x7f", "a stray print": b"Loading model...\n",
                "no object": b"\x02\0\0\0[]", "no type": b"\x02\0\0\0{}", "no JSON": b"\x03\0\0\0{a}"}
        for name, garbage in rows.items():
            with self.subTest(name):
                self.failed(self.bare(f"start()\nwrite({garbage!r})\ntime.sleep(3600)\n"),
                            "plugin_crashed", "protocol_violation")

    def test_a_path_outside_the_work_directory_is_not_taken(self):
        self.put("", "secret.y4m", "x")
        for path in ("../../../secret.y4m", str(self.plugins / "secret.y4m"), "/etc/passwd"):
            with self.subTest(path):
                ran = self.bare(f"""
job = start()
say(type="artifact", job=job["job"], path={path!r}, meta={{"role": "video", "mime": "video/mp4"}})
say(type="done", job=job["job"], status=0)
hear("bye")
""")
                self.failed(ran, "output_invalid")

    def test_what_was_offered_is_not_exchanged_afterwards(self):
        film = b"YUV4MPEG2 W64 H48 F24:1 C420jpeg\n" + (b"FRAME\n" + bytes(64 * 48 * 3 // 2)) * 5
        elsewhere = self.dir / "elsewhere"
        (elsewhere / "d").mkdir(parents=True)
        films = [elsewhere / "a.y4m", elsewhere / "d/a.y4m"]
        for path in films:
            path.write_bytes(film)
        rows = {"the file": "os.rename('d/a.y4m', 'd/b'); os.symlink(elsewhere + '/a.y4m', 'd/a.y4m')",
                "its directory": "os.rename('d', 'e'); os.symlink(elsewhere, 'd')",
                "the work directory": "os.rename(work, work + '2'); os.symlink(elsewhere, work)"}
        for name, exchange in rows.items():
            with self.subTest(f"a link in place of {name}"):
                ran = self.bare(f"""
elsewhere = {str(elsewhere)!r}
job = start()
work = job["work_dir"]
os.chdir(work)
os.mkdir("d")
with open("d/a.y4m", "wb") as file:
    file.write({film[:33]!r} + (b"FRAME\\n" + bytes(64 * 48 * 3 // 2)) * 5)
say(type="artifact", job=job["job"], path="d/a.y4m", meta={{"role": "video", "mime": "video/x-yuv4mpeg"}})
say(type="intend", job=job["job"], n=1, what={{}})
hear("ack")  # by now the offer has been looked at
{exchange}
say(type="done", job=job["job"], status=0)
hear("bye")
""")
                self.failed(ran, "output_invalid", "path_escapes")
                self.assertEqual([path.read_bytes() == film for path in films], [True, True], "left alone")

    def test_what_does_not_start_is_said_with_its_reason(self):
        rows = {"silent": ("time.sleep(3600)", "starting"),
                "an older protocol": ("greet(protocol=[0, 0])\nhear('bye')", "protocol_too_old"),
                "a newer protocol": ("greet(protocol=[2, 3])\nhear('bye')", "protocol_too_new"),
                "another id": ("greet(describe={**%r, 'id': 'org.example.other'})\nhear('bye')" % DESCRIPTION, None)}
        for name, (script, code) in rows.items():
            with self.subTest(name):
                ran = self.bare(script, patience=1 if name == "silent" else 20)
                self.assertNotEqual(ran.code, 0)
                if code:
                    self.assertEqual(ran.json["error"]["code"], code, ran.out)
                else:
                    self.assertIn("org.example.other", ran.out)

    def test_the_program_that_was_checked_is_the_one_that_runs(self):
        text = WITH_HELPER.format(run=FILM, create="pass", description=DESCRIPTION)
        for command, where in [("true", None), ("./true", None), ("true", f"plugins/{ID}")]:  # /usr/bin has one, too
            with self.subTest(command=command, where=where):
                ran = self.film(text, command=command, where=where)
                self.assertEqual(ran.code, 0, ran.out + ran.err)
                os.remove(self.dir / "film")

    def test_a_program_that_is_not_there_is_said(self):
        self.program(ID, command=["./missing.py"], abi={"major": 1})
        ran = self.reelgate("providers", "try", self.plugins / ID, "--prompt", "x", "--format", "json")
        self.assertNotEqual(ran.code, 0)
        self.assertIn("missing.py", ran.out)


if __name__ == "__main__":
    unittest.main()
