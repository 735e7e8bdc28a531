"""A request to a finished, verified video, over HTTP, through a real worker."""
import json
import struct
import time
import unittest

from daemon import PATIENCE, DaemonTest

PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Videos(DaemonTest):
    def setUp(self):
        super().setUp()
        self.reelgate = self.daemon(self.providers("pattern")).until_ready()

    def test_a_prompt_becomes_a_film_that_can_be_fetched(self):
        video = self.reelgate.create(num_frames=9)
        ended = self.reelgate.ended(video)
        self.assertEqual((ended["status"], ended["progress"], ended["num_frames"], ended["size"], ended["backend"]),
                         ("completed", 100, 9, "64x64", "pattern"))
        content = self.reelgate.ask("GET", f"/v1/videos/{video}/content")
        self.assertEqual((content.status, content.headers["content-type"]), (200, "video/mp4"))
        self.assertEqual(content.body[4:8], b"ftyp")
        self.assertEqual(int(content.headers["content-length"]), len(content.body))
        part = self.reelgate.ask("GET", f"/v1/videos/{video}/content", range="bytes=4-7")
        self.assertEqual((part.status, part.body), (206, b"ftyp"))
        self.assertEqual(part.headers["content-range"], f"bytes 4-7/{len(content.body)}")
        head = self.reelgate.ask("HEAD", f"/v1/videos/{video}/content")
        self.assertEqual((head.status, head.body, head.headers["content-length"]), (200, b"", str(len(content.body))))
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{video}/content", range="bytes=99999999-").status, 416)
        same = self.reelgate.ask("GET", f"/v1/videos/{video}/content", if_none_match=content.headers["etag"])
        self.assertEqual((same.status, same.body), (304, b""))

    def test_a_finished_job_leaves_its_summary_beside_its_film(self):
        video = self.reelgate.create(seed=7)
        self.reelgate.ended(video)
        summary = self.reelgate.ask("GET", f"/v1/videos/{video}/content?variant=summary").json
        self.assertEqual((summary["id"], summary["seed"], summary["provider"]), (video, 7, "pattern"))
        self.assertEqual(summary["request"]["frames"], 5)
        self.assertEqual(len(summary["output"]["files"][0]["sha256"]), 64)

    def test_what_is_deleted_is_gone(self):
        video = self.reelgate.create()
        self.reelgate.ended(video)
        gone = self.reelgate.ask("DELETE", f"/v1/videos/{video}").json
        self.assertEqual(gone, {"id": video, "object": "video.deleted", "deleted": True, "status": "deleted"})
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{video}").code, "video_not_found")
        self.assertEqual(list((self.dir / "data" / "artifacts").rglob("*.mp4")), [])

    def test_pages_miss_nothing_and_repeat_nothing(self):
        made = [self.reelgate.create() for _ in range(5)]
        for video in made:
            self.reelgate.ended(video)
        for order in ("asc", "desc"):
            seen, after = [], ""
            while True:
                page = self.reelgate.ask("GET", f"/v1/videos?limit=2&order={order}{after}").json
                seen += [video["id"] for video in page["data"]]
                if not page["has_more"]:
                    break
                after = f"&after={page['last_id']}"
            self.assertEqual(seen, made if order == "asc" else made[::-1])

    def test_the_same_key_is_the_same_job(self):
        body = json.dumps({"prompt": "once", "size": "64x64", "num_frames": 5})
        ask = lambda text: self.reelgate.ask("POST", "/v1/videos", text, idempotency_key="k")
        first, again = ask(body), ask(body)
        self.assertEqual(first.json["id"], again.json["id"])
        other = ask(json.dumps({"prompt": "twice"}))
        self.assertEqual((other.status, other.code), (400, "idempotency_key_reused"))

    def test_a_picture_reaches_the_provider(self):
        video = self.reelgate.create(input_reference="data:image/png;base64," + PIXEL)
        ended = self.reelgate.ended(video)
        self.assertEqual(ended["status"], "completed", ended)
        route = self.reelgate.ask("GET", f"/v1/videos/{video}/route").json
        self.assertEqual(route["decisions"][0]["outcome"]["action"], "dispatch")

    def test_bad_requests_are_told_which_field_and_leave_nothing(self):
        good = {"prompt": "x"}
        for name, body, status, code, param in [
                ("blank", {"prompt": "  "}, 400, "missing_required_parameter", "prompt"),
                ("size", {**good, "size": "big"}, 400, "invalid_value", "size"),
                ("frames", {**good, "num_frames": "many"}, 400, "invalid_value", "num_frames"),
                ("huge", {**good, "size": "16384x16384"}, 400, "unsupported_capability", "size"),
                ("model", {**good, "model": "nobody"}, 404, "model_not_found", None),
                ("route", {**good, "route": {"egress": "moon"}}, 400, "invalid_value", "route.egress"),
                ("picture", {**good, "input_reference": "AAAA"}, 400, "reference_fetch_failed", "input_reference"),
                ("list", [], 400, "invalid_json", None), ("text", "{", 400, "invalid_json", None)]:
            with self.subTest(name):
                answer = self.reelgate.ask("POST", "/v1/videos", body)
                self.assertEqual((answer.status, answer.code), (status, code), answer.body)
                self.assertEqual(answer.json["error"]["param"], param)
                self.assertEqual(answer.json["detail"], answer.json["error"]["message"])
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos").json["data"], [])
        self.assertFalse(list((self.dir / "data" / "inputs").glob("*")))

    def test_wrong_paths_and_verbs_are_told_apart(self):
        self.assertEqual(self.reelgate.ask("GET", "/nothing").code, "route_not_found")
        wrong = self.reelgate.ask("PATCH", "/v1/videos")
        self.assertEqual((wrong.status, wrong.code, wrong.headers["allow"]), (405, "method_not_allowed", "POST, GET"))
        self.assertEqual(self.reelgate.ask("GET", "//v1//videos/").status, 200)
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos/none").code, "video_not_found")
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos/%zz").status, 400)
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos?limit=0").json["error"]["param"], "limit")

    def test_explain_asks_nobody_and_stores_nothing(self):
        before = len(self.ledger("pattern"))
        told = self.reelgate.ask("POST", "/v1/routes/explain",
                                 {"prompt": "x", "num_frames": 5, "assume": {"pattern": "unhealthy"}}).json
        self.assertIsNone(told["chosen"])
        self.assertEqual([c["verdict"] for c in told["candidates"]], ["skipped"] * len(told["candidates"]))
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos").json["data"], [])
        self.assertEqual([e for e in self.ledger("pattern")[before:] if e.get("event") == "run"], [])


class Failures(DaemonTest):
    def test_what_fails_at_one_provider_is_made_by_the_next(self):
        config = self.providers("first", "second")
        config["providers"]["first"]["script"] = {"run": [{"crash": "segv"}]}
        reelgate = self.daemon(config).until_ready()
        video = reelgate.create()
        ended = reelgate.ended(video)
        self.assertEqual((ended["status"], ended["backend"]), ("completed", "second"), "".join(reelgate.log))
        decisions = reelgate.ask("GET", f"/v1/videos/{video}/route").json["decisions"]
        self.assertEqual([d["outcome"].get("provider") for d in decisions], ["first", "second"])

    def test_a_running_job_can_be_cancelled(self):
        reelgate = self.daemon(self.providers("pattern"))
        video = reelgate.create(run=[{"progress": 1}, "stall"])
        reelgate.until(video, "running")
        told = reelgate.ask("POST", f"/v1/videos/{video}/cancel").json
        self.assertEqual(told["billing"], "free")
        ended = reelgate.ended(video)
        self.assertEqual((ended["state"], ended["status"], ended["error"]["code"]), ("cancelled", "failed", "cancelled"))
        self.assertEqual(reelgate.ask("GET", f"/v1/videos/{video}/content").code, "video_failed")

    def test_what_it_does_is_told_while_it_does_it(self):
        reelgate = self.daemon(self.providers("pattern"))
        go = self.dir / "go"
        video = reelgate.create(run=[{"progress": {"stage": "denoise", "steps": 4}}, {"wait_for": str(go)}, "deliver"])
        deadline = time.monotonic() + PATIENCE
        while (told := reelgate.video(video)["progress_detail"]) is None or told["step"] < 4:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(told, {"stage": "denoise", "step": 4, "steps": 4, "source": "measured", "eta_s": None})
        go.touch()
        self.assertIsNone(reelgate.ended(video)["progress_detail"])

    def test_a_lie_about_the_film_is_no_film(self):
        reelgate = self.daemon(self.providers("pattern"))
        video = reelgate.create(run=[{"lie": "missing"}])
        ended = reelgate.ended(video)
        self.assertEqual((ended["status"], ended["error"]["code"]), ("failed", "output_invalid"))


if __name__ == "__main__":
    unittest.main()
