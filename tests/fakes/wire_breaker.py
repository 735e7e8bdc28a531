#!/usr/bin/env -S python3 -B
"""A provider that breaks the worker protocol once, as REELGATE_FAULT says, in its first life, and behaves afterwards.
A fault named then_X exits in its first run and does X in its second life."""
import json
import os
import signal
import struct

WIRE = 3
MODEL = {"id": "none", "tasks": ["t2v"], "fps": [24], "sizes": {"multiple_of": 16, "max_pixels": 921600},
         "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
         "default": {"size": "64x64", "frames": 5, "fps": 24}}
CONFIG = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
DESCRIPTION = {"id": "wire-breaker", "version": "1.0.0", "max_concurrency": 2, "billing": "free", "models": [MODEL],
               "config_schema": CONFIG}
HELLO = {"type": "hello", "protocol": [1, 1], "describe": DESCRIPTION}


def raw(data):
    while data:
        data = data[os.write(WIRE, data):]


def frame(text):
    raw(struct.pack("<I", len(text)) + text)


def send(**members):
    frame(json.dumps(members).encode())


def done(job, status=0):
    send(type="done", job=job, status=status)


def exactly(size):
    data = b""
    while len(data) < size:
        more = os.read(WIRE, size - len(data))
        if not more:
            os._exit(0)
        data += more
    return data


def stay():
    while True:
        signal.pause()


def close_and_stay(_job):
    os.close(WIRE)
    stay()


def cut_short(_job):
    raw(struct.pack("<I", 100) + b'{"type"')
    os._exit(0)


def strange(job):
    send(type="fanfare", job=job, loud=True)
    send(type="progress", job=job, source="measured", value=0.5, step=1, steps=2, stage="s", mood="good")
    done(job)


def wrong_kinds(job):
    send(type="progress", job=job, source=7, value="much", step=-1, steps=1 << 70, stage=[])
    send(type="preview", job=job, path={})
    send(type="log", level=3, event=None, fields="none")
    send(type="pong", n="x")
    send(type="done", job=5)
    done(job)


def receive():
    return json.loads(exactly(struct.unpack("<I", exactly(4))[0]))


def await_frame(kind):
    while True:
        got = receive()
        if got["type"] == kind:
            return got
        if got["type"] == "ping":
            send(type="pong", n=got["n"], rss=0, jobs=1)


def intend_once_cancelled(job):
    """Tells by its failure what the host answered to an intent, and to work that exists all the same."""
    send(type="progress", job=job, source="none")
    await_frame("cancel")
    send(type="intend", job=job, n=1, what={"money": True})
    intended = await_frame("ack")
    send(type="accepted", job=job, n=2, remote={"id": "r"})
    accepted = await_frame("ack")
    done_of = f"intend {intended['n']} {intended['status']}, accepted {accepted['n']} {accepted['status']}"
    send(type="done", job=job, status=5, failure={"category": "cancelled", "text": done_of})


def ask_for_nobody(job):
    """An intent of nobody's costs nothing and gets no answer, least of all a long one."""
    send(type="intend", job="nobody", n=1, what={})
    send(type="accepted", job="x" * 200_000, n=2, remote={})
    send(type="intend", job=job, n=3, what={})
    ack = await_frame("ack")
    send(type="done", job=job, status=3, failure={"text": f"{ack['job'] == job} {ack['n']} {ack['status']}"})


def ask_and_never_read(job):
    n = 0
    while True:
        n += 1
        send(type="intend", job=job, n=n, what={})


def answer_other_pings(_job):
    while True:
        send(type="pong", n=receive().get("n", 0) + 1000, rss=0, jobs=1)


def chatter(job):
    for i in range(20_000):
        send(type="log", level="info", event="chatter", fields={"i": i})
    done(job)


def mumble(job):
    for _ in range(5_000):
        send(type="artifact", job=job, path="../x", meta={})
    done(job)


def hurry(job):
    for step in range(1, 5_001):
        send(type="progress", job=job, source="measured", value=step / 5_000, step=step, steps=5_000, stage="s")
    for name in ["old.png"] * 2_000 + ["new.png"]:
        send(type="preview", job=job, path=name)
    done(job)


def leave_an_heir():
    """A process that outlives this one, holds its wire and never stops greeting."""
    if os.fork():
        return
    os.setsid()
    text = json.dumps(HELLO).encode()
    many = (struct.pack("<I", len(text)) + text) * 1000
    try:
        while True:
            raw(many)
    except OSError:
        os._exit(0)


def late(job):
    done(job)
    send(type="artifact", job=job, path="clip.mp4", meta={})
    send(type="progress", job=job, source="measured", value=1.0)


ACTS = {
    "exits": lambda job: os._exit(3),
    "oversized": lambda job: raw(struct.pack("<I", 2 << 20) + b"x" * 64),
    "truncated": cut_short,
    "not_json": lambda job: frame(b"hello from a stray print"),
    "not_object": lambda job: frame(b"[1, 2]"),
    "no_type": lambda job: send(job=job),
    "type_is_no_text": lambda job: send(type=4, job=job),
    "deep": lambda job: frame(b'{"type":"log","x":' + b"[" * 100 + b"]" * 100 + b"}"),
    "closes_the_wire": close_and_stay,
    "second_hello": lambda job: send(**HELLO),
    "created_twice": lambda job: send(type="created", status=0),
    "gives_up": lambda job: send(type="fatal", category="internal", text="it is too much"),
    "deaf": lambda job: stay(),
    "unknown_job": lambda job: (done("nobody"), done(job)),
    "done_twice": lambda job: (done(job), done(job, 3)),
    "late": late,
    "strange": strange,
    "wrong_kinds": wrong_kinds,
    "bad_artifact": lambda job: (send(type="artifact", job=job, path="../x", meta={}), done(job)),
    "intend_once_cancelled": intend_once_cancelled,
    "ask_for_nobody": ask_for_nobody,
    "asks_and_never_reads": ask_and_never_read,
    "answers_other_pings": answer_other_pings,
    "chatters": chatter,
    "mumbles": mumble,
    "hurries": hurry,
    "no_status": lambda job: send(type="done", job=job),
}
HELLOS = {
    "too_new": {**HELLO, "protocol": [2, 3]},
    "too_old": {**HELLO, "protocol": [0, 0]},
    "no_protocol": {**HELLO, "protocol": "1"},
    "other_id": {**HELLO, "describe": {**DESCRIPTION, "id": "somebody-else"}},
    "no_description": {"type": "hello", "protocol": [1, 1]},
}


FIRST_WORDS = {
    "created_first": [{"type": "created", "status": 0}],
    "done_before_hello": [{"type": "done", "job": "a-1", "status": 0}],
    "done_before_created": [HELLO, {"type": "done", "job": "a-1", "status": 0}],
    "hello_twice": [HELLO, HELLO],
}


def begin(fault):
    if fault in FIRST_WORDS:
        for words in FIRST_WORDS[fault]:
            send(**words)
        stay()
    if fault == "silent":
        stay()
    if fault == "leaves":
        os._exit(9)
    if fault == "prints":
        raw(b"Loading the model, please wait ...\n")
    send(**HELLOS.get(fault, HELLO))


def serve(fault):
    while True:
        got = receive()
        kind = got["type"]
        if kind == "create":
            send(type="created", status=0)
        elif kind == "ping":
            send(type="pong", n=got["n"], rss=0, jobs=0)
        elif kind == "run":
            ACTS.pop(fault, done)(got["job"])
        elif kind == "bye" and fault != "ignores_bye":
            if fault == "leaves_an_heir":
                leave_an_heir()
            return


def main():
    with open(os.path.join(os.environ["HOME"], "lives"), "a+b") as lives:
        lives.write(b"x")
        life = lives.tell()
    fault = os.environ["REELGATE_FAULT"]
    if fault.startswith("then_"):
        fault = ["exits", fault[len("then_"):]][life - 1] if life <= 2 else "none"
    elif life > 1:
        fault = "none"
    begin(fault)
    serve(fault)


if __name__ == "__main__":
    main()
