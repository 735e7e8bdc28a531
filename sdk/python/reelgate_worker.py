"""A Reelgate provider in Python: one file, standard library only, to lie beside your program.

    import reelgate_worker as reelgate      # claims the wire; from here on print() is log

    class Bars:
        def __init__(self, config): ...     # no network, no device memory
        def run(self, job): ...             # required; threads: up to max_concurrency at once
        def probe(self): ...                # optional: {"state": "ready"}; within 2 s, free of charge
        def resume(self, job, remote): ...  # optional, with abandon(remote): work that survives a restart
        def close(self): ...                # optional: the last call

    if __name__ == "__main__":
        reelgate.serve({"id": "org.example.bars", "version": "1.0.0", "models": [...]}, Bars)

Optional beside these: estimate(request) and amount(remote); load(model), unload(model) and loaded();
tools() as a static method and call(name, arguments). Whatever is thrown ends one job, never the program:
a Failure says precisely what went wrong, anything else is reported as `unknown` with its text.

The frames are a 32-bit little-endian length and that many bytes of UTF-8 JSON, over the descriptor in
REELGATE_FD or over stdin and stdout.
"""
import collections
import faulthandler
import itertools
import json
import math
import os
import queue
import signal
import stat
import struct
import sys
import threading
import time
import traceback

VERSION = "1.0.0"
OK, BUSY, REJECTED, FAILED, AMBIGUOUS, CANCELLED = range(6)
data_dir = cache_dir = ""  # known once the provider is created; data_dir is kept between lives

_MAX_FRAME = 1 << 20
_MAX_DEPTH = 64  # of a frame; the host ends who sends one that nests deeper
_PACE = {"progress": 0.1, "preview": 0.5}  # seconds between two frames of one kind and job
_RING = 256  # log lines that wait; older ones are lost and counted
_ROOM = 1024  # frames that wait; then the plugin's thread does
_PATIENCE = 4  # seconds that jobs have to end after `bye`; the host kills after five
_TEXT = 16 * 1024  # the longest text of a failure


_NO_TEXT = {"retry_after_s", "compute_stopped"}  # the members of a failure record that are numbers or flags


def _plain(name, value):
    """A member of a failure record, whatever it was: a record that cannot be sent would hide its cause, and one
    with a number for a text would be taken for a broken one."""
    usable = name in _NO_TEXT and (isinstance(value, int) or isinstance(value, float) and math.isfinite(value))
    return value if usable else str(value)[:_TEXT]


class Failure(Exception):
    """raise Failure("network_error", "the host closed the connection", phase="download")

    Further members: code, phase, scope, billing, provider_code, retry_after_s, hint, upstream_excerpt,
    compute_stopped. What is left out is filled by the host from category and phase."""

    _STATUS = {"provider_overloaded": BUSY, "invalid_params": REJECTED,
               "submit_ambiguous": AMBIGUOUS, "cancelled": CANCELLED}

    def __init__(self, category, text, status=None, **members):
        super().__init__(text)
        self.status = self._STATUS.get(category, FAILED) if status is None else status
        members = {"category": category, "text": text, **members}
        self.record = {name: _plain(name, value) for name, value in members.items() if value is not None}


def rejected(text, category="invalid_params", **members):
    """The request itself is at fault: no other provider is asked."""
    return Failure(category, text, REJECTED, **members)


def busy(text, category="provider_overloaded", **members):
    """Not now: later here, or at once elsewhere."""
    return Failure(category, text, BUSY, **members)


def ambiguous(text, **members):
    """It left and no verdict came: work may exist and money may be spent."""
    return Failure("submit_ambiguous", text, AMBIGUOUS, **{"phase": "submit", **members})


def cancelled(text="cancelled", **members):
    """What progress() and wait() raise. Say compute_stopped=False where the machine goes on."""
    return Failure("cancelled", text, CANCELLED, **members)


def _answer(work):
    """The (status, record or result) of one call into the provider; nothing gets out of it."""
    try:
        return OK, work()
    except Failure as failure:
        return failure.status or FAILED, failure.record
    except BaseException as error:  # a sys.exit() in a job ends the job, not the neighbours
        traceback.print_exc()
        text = f"{type(error).__name__}: {error}"[:_TEXT]
        code = "host_memory" if isinstance(error, MemoryError) else "exception"
        return FAILED, {"category": "unknown", "text": text, "code": code}


def _deeper(value, levels):
    """Does it nest deeper than that?"""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    return levels == 0 or any(_deeper(part, levels - 1) for part in value)


def _encode(frame):
    if _deeper(frame, _MAX_DEPTH):
        raise ValueError(f"a {frame['type']} nested deeper than {_MAX_DEPTH} levels does not fit a frame")
    # Not ensure_ascii: a lone surrogate would pass as an escape that no strict reader accepts.
    text = json.dumps(frame, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    if len(text) > _MAX_FRAME:
        raise ValueError(f"a {frame['type']} of {len(text)} bytes does not fit a frame of {_MAX_FRAME}")
    return struct.pack("<I", len(text)) + text


def _claim():
    """The descriptors of the wire (in, out): from here on nothing else can write to it by accident.
    None where no host started us: a test imports the provider, or somebody runs it by hand."""
    if "REELGATE_PARENT" not in os.environ and "REELGATE_FD" not in os.environ:
        return None, None
    faulthandler.enable(2)  # a crash in native code says where, into the log
    if "REELGATE_FD" in os.environ:
        fd = int(os.environ.pop("REELGATE_FD"))
        os.set_inheritable(fd, False)  # a child of the plugin must not keep the wire open
        os.set_blocking(fd, True)
        wire = fd, fd
    else:
        wire = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    return wire


_in, _out = _claim()


class _Outbox:
    """What there is to say, by class. Any thread puts in; one thread writes."""

    def __init__(self):
        self.changed = threading.Condition()
        self.always = collections.deque()
        self.logs = collections.deque()
        self.lost = 0
        self.held = {}  # (kind, job) -> [frame or None, not before]
        self.closed = False

    def say(self, type, wait=True, **members):
        frame = _encode({"type": type, **members})
        with self.changed:
            if wait:
                self.changed.wait_for(lambda: self.closed or len(self.always) < _ROOM)
            self.always.append(frame)
            self.changed.notify_all()

    def hold(self, kind, job, **members):
        frame = {"type": kind, "job": job, **members}
        with self.changed:
            slot = self.held.setdefault((kind, job), [None, 0])
            wake, slot[0] = slot[0] is None, frame
            if wake:  # else the writer is already due: most calls of a tight loop end here
                self.changed.notify_all()

    def log(self, frame):
        with self.changed:
            if len(self.logs) == _RING:
                self.logs.popleft()
                self.lost += 1
            self.logs.append(frame)
            self.changed.notify_all()

    def finish(self, job, status, failure):
        """The last word of a job: what is still held back of it goes out first."""
        last = {"type": "done", "job": job, "status": status, **({"failure": failure} if failure else {})}
        with self.changed:
            slots = [self.held.pop((kind, job), [None]) for kind in _PACE]
            self.always.extend(_encode(slot[0]) for slot in slots if slot[0])
            self.always.append(_encode(last))
            self.changed.notify_all()

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _next(self):
        """Under the lock: a frame, or the seconds until there may be one (None: unknown)."""
        if self.always:
            return self.always.popleft(), None
        now, due = time.monotonic(), None
        for (kind, _), slot in self.held.items():
            if slot[0] and slot[1] <= now:
                frame, slot[:] = slot[0], [None, now + _PACE[kind]]
                return _encode(frame), None
            if slot[0]:
                due = min(due or math.inf, slot[1] - now)
        if self.lost:
            lines, self.lost = self.lost, 0
            return _encode({"type": "log", "level": "warn", "event": "log.lost",
                            "fields": {"lines": lines}}), None
        return (self.logs.popleft(), None) if self.logs else (None, due)

    def write_until_closed(self):
        while True:
            with self.changed:
                frame, due = self._next()
                if frame is None and self.closed:
                    return
                if frame is None:
                    self.changed.wait(due)
                    continue
                self.changed.notify_all()  # there is room
            try:
                while frame:
                    frame = frame[os.write(_out, frame):]
            except OSError:
                _gone()


_outbox = _Outbox()


def log(level, event, **fields):
    """An event is a stable word with dots; level is debug, info, warn or error."""
    fields = {"cut": "nested too deeply"} if _deeper(fields, _MAX_DEPTH - 1) else fields
    text = json.dumps(fields, default=str, skipkeys=True)
    fields = json.loads(text, parse_constant=str) if len(text) < 64 * 1024 else {"cut": text[:1024]}
    _outbox.log(_encode({"type": "log", "level": level, "event": str(event)[:256], "fields": fields}))


def _relative(work_dir, path, directory):
    """`path` as the host will take it. The host looks again; here the author is told at once."""
    path = os.fspath(path)

    def refuse(why, code):
        return Failure("output_invalid", f"'{path}' {why}", code=code, phase="verify")

    inside = os.path.normpath(path)
    if os.path.isabs(path) or inside == ".." or inside.startswith("../"):
        raise refuse("is not inside the work directory", "path_escapes")
    full = os.path.join(os.path.realpath(work_dir), inside)
    if os.path.realpath(full) != full:
        raise refuse("leads through a link", "path_escapes")
    try:
        facts = os.lstat(full)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}", "path_missing") from None
    if directory and stat.S_ISDIR(facts.st_mode):
        return inside
    if not stat.S_ISREG(facts.st_mode):
        raise refuse("is not a regular file", "not_a_file")
    if facts.st_nlink != 1:
        raise refuse("has a second name elsewhere", "linked")
    return inside


_numbers = itertools.count(1)
_acks = {}  # n -> where the host's answer is waited for


class Job:
    """One attempt. Everything may be called from any thread until run() returns."""

    def __init__(self, id, request, work_dir, wire=_outbox):
        self.id, self.request, self.work_dir = id, request, work_dir
        self._wire, self._cancel = wire, threading.Event()
        self.over = False  # run() has returned

    @property
    def cancelled(self):
        return self._cancel.is_set()

    def cancel(self):
        self._cancel.set()

    def stop_if_cancelled(self):
        if self.cancelled:
            raise cancelled()

    def wait(self, seconds):
        """Lets time pass, and ends at once on a cancel."""
        if self._cancel.wait(seconds):
            raise cancelled()

    def progress(self, stage, step=0, steps=0, value=None, estimated=False):
        """Steps, or value as a share 0..1, or neither: a sign of life. A cancel lands here."""
        self._check_open("progress")
        if value is None and steps:
            value = step / steps
        source = "none" if value is None else "estimated" if estimated else "measured"
        value = min(1.0, max(0.0, value)) if value is not None and math.isfinite(value) else 0.0
        self._wire.hold("progress", self.id, source=source, value=value, step=max(0, int(step)),
                        steps=max(0, int(steps)), stage=str(stage)[:256])
        self.stop_if_cancelled()

    def preview(self, path):
        """A picture of the unfinished film. Write it aside and rename it."""
        self._check_open("preview")
        self._wire.hold("preview", self.id, path=_relative(self.work_dir, path, False))

    def artifact(self, path, role="video", mime="video/mp4", **meta):
        """A finished file, or with role="frames" a directory of numbered pictures. Close it first."""
        self._check_open("artifact")
        path = _relative(self.work_dir, path, role == "frames")
        self._wire.say("artifact", job=self.id, path=path, meta={"role": role, "mime": mime, **meta})

    def intend(self, **what):
        """Before anything that may cost money leaves. If this raises, nothing may be sent."""
        self.stop_if_cancelled()
        status = self._acknowledged("intend", what=what)
        if status == CANCELLED:
            raise cancelled()
        if status != OK:
            raise Failure("unknown", "the host did not record the intent, nothing was sent",
                          code="intend_refused", phase="submit", billing="not_billed")

    def accepted(self, **remote):
        """As soon as the other side has given its id, before the first poll."""
        if self._acknowledged("accepted", remote=remote) != OK:
            raise ambiguous(f"the host did not record the accepted work {remote}",
                            code="accepted_refused", billing="maybe_billed")

    def _acknowledged(self, type, **members):
        self._check_open(type)
        n, answer = next(_numbers), queue.SimpleQueue()
        _acks[n] = answer
        try:
            self._wire.say(type, job=self.id, n=n, **members)
            return answer.get()
        finally:
            _acks.pop(n, None)

    def _check_open(self, call):
        if self.over:
            log("warn", "plugin.late_call", function=call, job=self.id)
            raise Failure("unknown", f"{call}() after run() of its job has returned", code="late_call")


class RecordingJob(Job):
    """A job without a host, for a provider's own tests: `said` is the list of what it reported."""

    def __init__(self, request, work_dir):
        super().__init__("test", request, str(work_dir), wire=self)
        self.said = []

    def say(self, type, **members):
        self.said.append({"type": type, **members})

    def hold(self, type, job, **members):
        self.say(type, **members)

    def _acknowledged(self, type, **members):
        self.say(type, **members)
        return OK


def _gone():
    """The host is no more: so are we, and what the plugin started in our process group."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _aside(work, *arguments, **members):
    threading.Thread(target=work, args=arguments, kwargs=members, daemon=True).start()


def _read_exactly(size):
    data = b""
    while len(data) < size:
        try:
            part = os.read(_in, size - len(data))
        except OSError:
            part = b""
        if not part:
            _gone()
        data += part
    return data


class _Server:
    # What each extension may be asked for.
    CALLS = {"reelgate.cost/1": ("estimate", "amount"), "reelgate.warm/1": ("load", "unload", "loaded"),
             "reelgate.tool/1": ("list", "call")}

    def __init__(self, describe, make):
        self.describe, self.make, self.provider = describe, make, None
        self.jobs, self.calls, self.ending = {}, 0, False
        self.idle = threading.Condition()
        self.slow = queue.SimpleQueue()  # create and probe, one after the other, on the main thread
        self.writer = threading.Thread(target=_outbox.write_until_closed, daemon=True)

    def serve(self):
        _outbox.say("hello", protocol=[1, 1], pid=os.getpid(), abi={"major": 1, "minor": 0},
                    sdk=f"python {VERSION}", resume=hasattr(self.make, "resume"), describe=self.describe)
        # Little is called on these two, and where memory is limited a stack counts as if it were full.
        threading.stack_size(1 << 20)
        self.writer.start()
        threading.Thread(target=self.read, daemon=True).start()
        threading.stack_size(0)
        while True:
            self.slow.get()()

    def read(self):
        try:
            self.take_frames()
        except BaseException as error:  # a worker that no longer reads would only be waited for
            traceback.print_exc()
            self.fatal(f"the reading thread ended: {type(error).__name__}: {error}", "reader_ended")

    def take_frames(self):
        """Takes every frame and never enters the provider: a ping is answered whatever it does."""
        while True:
            head = _read_exactly(4)
            size = struct.unpack("<I", head)[0]
            if size > _MAX_FRAME:
                self.fatal(f"a frame of {size} bytes was announced; it begins with {head!r}")
            text = _read_exactly(size)
            try:
                frame = json.loads(text)
                handler = getattr(self, "on_" + frame["type"], None)
            except (ValueError, TypeError, KeyError, RecursionError):
                self.fatal(f"a frame is not an object with a type; it begins with {text[:64]!r}")
            try:
                if handler:  # else the type belongs to a newer host
                    handler(frame)
            except KeyError as member:
                self.fatal(f"a frame of type {frame['type']} has no {member}")

    def fatal(self, text, code="protocol_violation"):
        _outbox.say("fatal", wait=False, category="plugin_crashed", code=code, text=text)
        self.leave(1)

    def leave(self, status):
        _outbox.close()
        self.writer.join(1)
        try:
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):
            pass  # nobody reads it, or it is not there
        os._exit(status)  # not sys.exit: a thread that hangs must not keep us

    # One method for each frame of the host; on the reading thread.

    def on_hello(self, frame):
        if frame.get("protocol", 1) != 1:
            self.fatal(f"the host picked protocol {frame['protocol']}, this helper speaks 1: update it",
                       "protocol_version")

    def on_ping(self, frame):
        with open("/proc/self/statm", encoding="ascii") as statm:
            rss = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        _outbox.say("pong", wait=False, n=frame["n"], rss=rss, jobs=len(self.jobs))

    def on_create(self, frame):
        self.slow.put(lambda: self.reply(lambda: self.create(frame), "created"))

    def on_probe(self, frame):
        self.slow.put(lambda: self.reply(self.probe, "probed", n=frame["n"]))

    def on_run(self, frame):
        self.start(frame, lambda job: self.provider.run(job))

    def on_resume(self, frame):
        self.start(frame, lambda job: self.provider.resume(job, frame["remote"]))

    def on_abandon(self, frame):
        _aside(self.reply, lambda: self.provider.abandon(frame["remote"]), "abandoned", job=frame["job"])

    def on_call(self, frame):
        _aside(self.reply, lambda: self.call(**frame), "called", n=frame["n"])

    def on_cancel(self, frame):
        job = self.jobs.get(frame["job"])
        if job:  # else its `done` and the cancel met on the way
            job.cancel()

    def on_ack(self, frame):
        answer = _acks.get(frame["n"])
        if answer:
            answer.put(frame.get("status", FAILED))

    def on_drain(self, _):
        self.ending = True

    def on_bye(self, _):
        self.ending = True
        for job in list(self.jobs.values()):
            job.cancel()
        _aside(self.end)

    # What other threads do.

    def create(self, frame):
        global data_dir, cache_dir
        if self.provider is not None:
            raise Failure("internal", "create came twice")
        data_dir, cache_dir = frame.get("data_dir", ""), frame.get("cache_dir", "")
        self.provider = self.make(frame.get("config", {}))

    def probe(self):
        if self.provider is None:
            raise Failure("internal", "probe came before create")
        return self.provider.probe() if hasattr(self.provider, "probe") else {"state": "ready"}

    def call(self, extension, function, arguments=None, name="", **_):
        if function not in self.CALLS.get(extension, ()):
            raise Failure("unsupported_capability", f"{extension} has no {function}", code="no_extension")
        method = getattr(self.provider, "tools" if function == "list" else function, None)
        if method is None:
            raise Failure("unsupported_capability", f"the provider has no {extension}", code="no_extension")
        given = {"list": (), "loaded": (), "call": (name, arguments)}.get(function, (arguments,))
        return method(*given)

    def reply(self, work, type, **members):
        with self.idle:
            self.calls += 1
        status, told = _answer(work)
        member = "result" if status == OK else "failure"
        try:
            _outbox.say(type, status=status, **members, **({} if told is None else {member: told}))
        except (TypeError, ValueError) as error:  # no JSON, or too much of it
            told = Failure("unknown", f"the answer cannot be sent: {error}", code="bad_answer").record
            _outbox.say(type, status=FAILED, **members, failure=told)
        with self.idle:
            self.calls -= 1
            self.idle.notify_all()

    def start(self, frame, work):
        job = Job(frame["job"], frame["request"], frame["work_dir"])
        if self.provider is None or self.ending or job.id in self.jobs:
            text = "the worker takes no such job: it is ending, not created, or has it already"
            _outbox.finish(job.id, BUSY, {"category": "worker_unavailable", "text": text})
            return
        self.jobs[job.id] = job
        try:
            _aside(self.attempt, job, work)
        except (RuntimeError, MemoryError) as error:  # what a thread that cannot be had is said with
            del self.jobs[job.id]
            text = f"there is no memory for another job: {error}"
            _outbox.finish(job.id, FAILED, {"category": "unknown", "code": "host_memory", "text": text})

    def attempt(self, job, work):
        status, failure = _answer(lambda: work(job))
        job.over = True
        with self.idle:
            del self.jobs[job.id]
            _outbox.finish(job.id, status, None if status == OK else failure)
            self.idle.notify_all()

    def end(self):
        with self.idle:
            idle = self.idle.wait_for(lambda: not self.jobs and not self.calls, _PATIENCE)
            if idle and hasattr(self.provider, "close"):
                _answer(self.provider.close)
            self.leave(0)


def serve(describe, make):
    """Speaks with the host until it says bye; `make(config)` gives the provider. Never returns."""
    if _in is None:
        sys.exit("This is a plugin of Reelgate and is started by it. To try it: reelgate plugin check .")
    _Server(describe, make).serve()
