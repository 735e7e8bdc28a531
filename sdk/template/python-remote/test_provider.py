"""python3 -B -m unittest: the provider without a host, against a small service of its own."""
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "plugin"))
import main
import reelgate_worker as reelgate

REQUEST = {"model": "standard", "width": 1280, "height": 720, "frames": 120, "fps": 24, "seed": 1,
           "prompt": "a lighthouse", "params": {}, "attempt": {"idempotency_key": "k1"}}


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers what `script` says for "METHOD path": a list of (status, body), the last one again and again.
    None as body: the connection is dropped."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = f"{self.command} {self.path}"
        self.server.calls.append((call, dict(self.headers), body))
        answers = self.server.script[call]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if body is None:
            return self.connection.close()
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class ProviderTest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        self.server.calls = []
        self.server.script = {
            "POST /v1/videos": [(201, {"id": "v-1"})],
            "GET /v1/videos/v-1": [(200, {"status": "running", "progress": 0.5}), (200, {"status": "done"})],
            "GET /v1/videos/v-1/content": [(200, b"the film")],
            "DELETE /v1/videos/v-1": [(200, {"stopped": True, "charged": False})],
        }
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.job = reelgate.RecordingJob(REQUEST, self.directory)
        self.provider = self.with_url(f"http://127.0.0.1:{self.server.server_port}/v1")

    def with_url(self, url):
        return main.@CLASS@({"url": url, "api_key": "secret", "poll_s": 0})

    def calls(self):
        return [call for call, _, _ in self.server.calls]

    def failure(self, work, *arguments):
        with self.assertRaises(reelgate.Failure) as raised:
            work(*arguments)
        return raised.exception

    def test_a_film_is_paid_for_once_and_in_the_right_order(self):
        self.provider.run(self.job)
        told = [what["type"] for what in self.job.said if what["type"] != "progress"]
        self.assertEqual(told, ["intend", "accepted", "artifact"])
        self.assertEqual(self.calls(), ["POST /v1/videos", "GET /v1/videos/v-1", "GET /v1/videos/v-1",
                                        "GET /v1/videos/v-1/content"])
        self.assertEqual((self.directory / "clip.mp4").read_bytes(), b"the film")
        _, headers, body = self.server.calls[0]
        self.assertEqual(headers["Authorization"], "Bearer secret")
        self.assertEqual(headers["Idempotency-Key"], "k1")
        self.assertEqual(json.loads(body)["prompt"], "a lighthouse")

    def test_nothing_leaves_before_the_intent_is_on_disk(self):
        self.job.cancel()
        self.assertEqual(self.failure(self.provider.run, self.job).record["category"], "cancelled")
        self.assertEqual(self.calls(), [])

    def test_a_dropped_submit_is_ambiguous(self):
        self.server.script["POST /v1/videos"] = [(201, None)]
        failure = self.failure(self.provider.run, self.job)
        self.assertEqual((failure.status, failure.record["billing"]), (reelgate.AMBIGUOUS, "maybe_billed"))
        self.assertEqual(self.calls(), ["POST /v1/videos"])

    def test_a_service_that_is_not_there_cost_nothing(self):
        self.server.shutdown()
        self.server.server_close()
        failure = self.failure(self.provider.run, self.job)
        self.assertEqual((failure.record["phase"], failure.record["billing"]), ("connect", "not_billed"))

    def test_each_refusal_has_its_category(self):
        rows = [(400, "invalid_params", reelgate.REJECTED), (401, "auth_failed", reelgate.FAILED),
                (429, "rate_limited", reelgate.BUSY), (500, "submit_ambiguous", reelgate.AMBIGUOUS),
                (502, "submit_ambiguous", reelgate.AMBIGUOUS), (503, "provider_overloaded", reelgate.BUSY),
                (418, "provider_error", reelgate.FAILED)]
        for answer, category, status in rows:
            with self.subTest(answer):
                self.server.script["POST /v1/videos"] = [(answer, {"error": "no"})]
                failure = self.failure(self.provider.run, self.job)
                self.assertEqual((failure.record["category"], failure.status), (category, status))
                self.assertEqual(failure.record["provider_code"], str(answer))
                self.assertIn("no", failure.record["upstream_excerpt"])

    def test_resume_makes_no_second_film(self):
        self.provider.resume(self.job, {"id": "v-1"})
        self.assertNotIn("POST /v1/videos", self.calls())
        self.assertTrue((self.directory / "clip.mp4").exists())

    def test_a_gap_in_the_network_costs_no_film(self):
        self.server.script["GET /v1/videos/v-1"] = [(200, None), (503, {}), (200, {"status": "done"})]
        self.provider.resume(self.job, {"id": "v-1"})
        self.assertEqual(self.job.said[-1]["type"], "artifact")

    def test_a_cancel_stops_the_service_and_says_what_it_said(self):
        self.server.script["GET /v1/videos/v-1"] = [(200, {"status": "running"})]
        self.job.cancel()
        failure = self.failure(self.provider.resume, self.job, {"id": "v-1"})
        self.assertEqual(failure.status, reelgate.CANCELLED)
        self.assertEqual((failure.record["compute_stopped"], failure.record["billing"]), (True, "not_billed"))
        self.assertEqual(self.calls()[-1], "DELETE /v1/videos/v-1")

    def test_a_failed_film_says_why(self):
        self.server.script["GET /v1/videos/v-1"] = [(200, {"status": "failed", "error": "too dark"})]
        failure = self.failure(self.provider.run, self.job)
        self.assertEqual((failure.record["text"], failure.record["billing"]), ("too dark", "billed"))

    def test_an_id_that_is_no_id_is_never_asked_for(self):
        self.server.script["POST /v1/videos"] = [(201, {"id": "../admin"})]
        self.assertEqual(self.failure(self.provider.run, self.job).status, reelgate.AMBIGUOUS)
        self.assertEqual(self.calls(), ["POST /v1/videos"])

    def test_an_address_that_is_none_is_refused_at_once(self):
        self.assertEqual(self.failure(self.with_url, "ftp://example.com").status, reelgate.REJECTED)


if __name__ == "__main__":
    unittest.main()
