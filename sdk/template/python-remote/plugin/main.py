#!/usr/bin/env -S python3 -B
"""@NAME@: films that a service makes. (-B: the directory of a plugin stays as it was summed.)

The order is what keeps money safe: intend, create, accepted, follow. resume() is the last of these alone,
and nothing but create() may cost anything."""
import http.client
import json
import os
import pathlib
import re
import urllib.parse

import reelgate_worker as reelgate  # claims the wire to the host: print() is log from here on

MANIFEST = json.loads(pathlib.Path(__file__).with_name("plugin.json").read_text(encoding="utf-8"))
DESCRIPTION = {
    **{member: MANIFEST[member] for member in ("id", "name", "version", "license", "egress")},
    "max_concurrency": 4,  # run() overlaps itself up to this
    "silent_for_s": 120,  # a healthy run() says something at least this often
    "cancel_within_s": 30,  # and ends this soon after a cancel
    "resources": {"gpu": "none"},
    "billing": "paid",
    "models": [{
        "id": "standard", "tasks": ["t2v"], "seed": True, "fps": [24],
        "sizes": ["832x480", "1280x720"],
        "frames": {"min": 24, "max": 240},
        "default": {"size": "1280x720", "frames": 120, "fps": 24},
    }],
    # What the operator sets; it has been checked and completed when it reaches __init__.
    "config_schema": {"type": "object", "additionalProperties": False, "required": ["api_key"], "properties": {
        "url": {"type": "string", "title": "Address of the service", "minLength": 1,
                "default": "https://api.example.com/v1"},
        "api_key": {"type": "string", "title": "API key", "minLength": 1, "x-secret": True},
        "poll_s": {"type": "number", "title": "Between two questions", "minimum": 0, "maximum": 60,
                   "default": 2, "x-unit": "s", "x-advanced": True}}},
    "params_schema": {"type": "object", "additionalProperties": False, "properties": {}},
}

SILENCE_S = 20  # the longest wait for the other side; shorter than cancel_within_s
MAX_ANSWER = 1 << 20
MAX_FILM = 4 << 30
PATIENCE = 10  # unanswered questions in a row; each is free, so a gap in the network costs no film

# What a status of the service means. What the host does next follows from the category.
MEANING = {
    400: (reelgate.REJECTED, "invalid_params"),
    401: (reelgate.FAILED, "auth_failed"),
    402: (reelgate.FAILED, "quota_exhausted"),
    403: (reelgate.FAILED, "auth_failed"),
    404: (reelgate.FAILED, "artifact_unavailable"),
    422: (reelgate.REJECTED, "invalid_params"),
    429: (reelgate.BUSY, "rate_limited"),
    503: (reelgate.BUSY, "provider_overloaded"),
}


class NoVerdict(Exception):
    """The request left and no whole answer came back."""


class Service:
    """The other side's HTTP. http.client and not urllib.request: that one follows redirects, and takes
    the key along to whatever host they name."""

    def __init__(self, url, api_key):
        self.url = urllib.parse.urlsplit(url)
        if self.url.scheme not in ("http", "https") or not self.url.hostname:
            raise reelgate.rejected(f"url: '{url}' is no http or https address")
        self.headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json",
                        "Connection": "close"}

    def open(self, method, path, body=None, headers=None):
        """The answer, its body unread, on a connection of its own: nothing is ever sent twice."""
        secure = self.url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self.url.hostname, self.url.port, timeout=SILENCE_S)
        try:
            connection.connect()
        except OSError as error:
            raise reelgate.Failure("network_error", f"{self.url.hostname} cannot be reached: {error}",
                                   phase="connect", billing="not_billed") from None
        try:
            connection.request(method, self.url.path.rstrip("/") + path, body, {**self.headers, **(headers or {})})
            return connection.getresponse()  # closes the connection with itself
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoVerdict(f"{method} {path}: {error}") from None

    def ask(self, method, path, phase, body=None, headers=None):
        """The JSON of a successful answer."""
        with self.open(method, path, body, headers) as answer:
            if answer.status >= 300:
                raise refused(answer, phase)
            try:
                return json.loads(answer.read(MAX_ANSWER))
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise NoVerdict(f"{method} {path}: the answer is not whole: {error}") from None


def refused(answer, phase):
    excerpt = answer.read(2048).decode("utf-8", "replace")
    text = f"the service answered {answer.status}"
    if phase == "submit" and answer.status in (500, 502, 504):
        return reelgate.ambiguous(text, provider_code=answer.status, upstream_excerpt=excerpt)
    status, category = MEANING.get(answer.status, (reelgate.FAILED, "provider_error"))
    if phase == "submit" and answer.status == 404:
        category = "model_not_found"  # there is no film yet that could be missing
    delay = answer.getheader("Retry-After", "")
    return reelgate.Failure(category, text, status, phase=phase, provider_code=answer.status,
                            billing="not_billed" if phase == "submit" else None, upstream_excerpt=excerpt,
                            retry_after_s=int(delay) if delay.isdigit() else None)


class @CLASS@:
    def __init__(self, config):  # no network here
        self.service = Service(config["url"], config["api_key"])
        self.poll_s = config["poll_s"]

    def probe(self):  # could it take a job now? Within 2 s; a read that costs nothing may be asked here
        return {"state": "ready"}

    def run(self, job):
        request = job.request
        wanted = {name: request[name] for name in ("model", "prompt", "width", "height", "frames", "fps", "seed")}
        job.intend(endpoint="create", model=request["model"])  # on disk before a byte leaves
        try:
            made = self.service.ask("POST", "/videos", "submit", json.dumps(wanted),
                                    {"Idempotency-Key": request["attempt"]["idempotency_key"]})
        except NoVerdict as nothing:
            raise reelgate.ambiguous(str(nothing), billing="maybe_billed") from None
        remote = {"id": str(made.get("id", ""))}
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", remote["id"]):  # it becomes part of an address
            raise reelgate.ambiguous("the service accepted, and gave no usable id", billing="maybe_billed")
        job.accepted(**remote)  # on disk before the first question
        self.resume(job, remote)

    def resume(self, job, remote):
        try:
            self.follow(job, remote["id"])
            self.download(job, remote["id"])
        except reelgate.Failure:
            if not job.cancelled:
                raise
            raise reelgate.cancelled(**self.abandon(remote)) from None

    def abandon(self, remote):
        """Asks the service to stop. Claims no more than it said."""
        try:
            answer = self.service.ask("DELETE", f"/videos/{remote['id']}", "run")
        except (reelgate.Failure, NoVerdict):
            return {"compute_stopped": False, "billing": "maybe_billed"}
        charged = answer.get("charged", True)
        return {"compute_stopped": bool(answer.get("stopped")), "billing": "billed" if charged else "not_billed"}

    def follow(self, job, id):
        unanswered = 0
        while True:
            try:
                state = self.service.ask("GET", f"/videos/{id}", "poll")
                unanswered = 0
            except (NoVerdict, reelgate.Failure) as failure:
                state, unanswered = {}, unanswered + 1
                lasting = isinstance(failure, reelgate.Failure) and failure.record["category"] in (
                    "auth_failed", "artifact_unavailable")
                if lasting or unanswered > PATIENCE:
                    raise failure if lasting else reelgate.Failure("network_error", str(failure), phase="poll")
            if state.get("status") == "done":
                return
            if state.get("status") == "failed":
                raise reelgate.Failure("provider_error", str(state.get("error", "the service says no more")),
                                       phase="run", billing="billed" if state.get("charged", True) else "not_billed")
            job.progress("remote", value=state.get("progress"), estimated=True)  # any other word: it goes on
            job.wait(self.poll_s)  # ends at once when cancelled

    def download(self, job, id):
        part, size = os.path.join(job.work_dir, "clip.part"), 0
        try:
            with self.service.open("GET", f"/videos/{id}/content") as answer, open(part, "wb") as clip:
                if answer.status != 200:
                    raise refused(answer, "download")
                while block := answer.read(1 << 18):
                    size += clip.write(block)
                    if size > MAX_FILM:
                        raise reelgate.Failure("output_invalid", f"the film is over {MAX_FILM} bytes", phase="download")
                    job.progress("download")
                if answer.length:
                    raise NoVerdict(f"the film broke off, {answer.length} bytes are missing")
        except (NoVerdict, OSError, http.client.HTTPException) as error:
            raise reelgate.Failure("network_error", str(error), phase="download") from None
        os.rename(part, os.path.join(job.work_dir, "clip.mp4"))
        job.artifact("clip.mp4", mime="video/mp4")


if __name__ == "__main__":
    reelgate.serve(DESCRIPTION, @CLASS@)
