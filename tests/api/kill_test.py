"""kill -9 of the daemon, at each milestone of a job and at any moment: no job is lost, none is sent twice."""
import http.client
import random
import unittest

from daemon import DaemonTest

MILESTONES = ["job_stored", "decided", "intent_stored", "request_sent", "id_received", "accepted_stored", "running",
              "download_half", "verified", "renamed"]
LOST_VERDICT = {"intent_stored", "request_sent", "id_received"} # between the intent and the stored identity
# Progress that is overtaken within a few milliseconds is not told: each step takes its time.
FREE = [{"progress": 1}, {"progress": {"steps": 2, "every_ms": 100, "stage": "download"}}, "deliver"]
PAID = ["intend", "submit", "accepted", *FREE]
RANDOM_KILLS = 180


class Kill(DaemonTest):
    def begin(self, reelgate, run):
        """A create call whose answer may be lost with the daemon."""
        try:
            return reelgate.create(run=run)
        except (http.client.HTTPException, ConnectionError, OSError):
            return None

    def submits(self, provider):
        return [entry["key"] for entry in self.ledger(provider) if entry["event"] == "submit"]

    def died_at(self, milestone, plugin, run):
        """A daemon that has died so, started again; and the one job that it had."""
        config = self.providers("one", plugin=plugin)
        config["providers"]["one"]["script"] = {"reconcile": [{"answer": {"value": {"found": None}}}]}
        reelgate = self.daemon(config)
        reelgate.stop()
        reelgate.start(kill_at=milestone)
        reelgate.until_ready()
        self.begin(reelgate, run)
        self.assertEqual(reelgate.process.wait(60), -9)
        reelgate.start()
        jobs = reelgate.ask("GET", "/v1/videos").json["data"]
        self.assertEqual(len(jobs), 1, "exactly the job that was stored")
        return reelgate, jobs[0]["id"]

    def test_free_work_is_done_again_and_comes_to_its_end(self):
        for milestone in (m for m in MILESTONES if m not in {"intent_stored", "request_sent", "id_received",
                                                             "accepted_stored"}):
            with self.subTest(milestone):
                self.fresh_directory()
                reelgate, video = self.died_at(milestone, "scripted", FREE)
                ended = reelgate.ended(video)
                self.assertEqual(ended["status"], "completed", "".join(reelgate.log[-30:]))
                self.assertEqual(reelgate.ask("GET", f"/v1/videos/{video}/content").body[4:8], b"ftyp")
                reelgate.kill()

    def test_paid_work_is_never_sent_twice(self):
        for milestone in MILESTONES:
            with self.subTest(milestone):
                self.fresh_directory()
                reelgate, video = self.died_at(milestone, "scripted-paid", PAID)
                if milestone in LOST_VERDICT:
                    reelgate.until(video, "ambiguous")
                    self.assertLessEqual(len(self.submits("one")), 1, "nobody can tell, and it is not sent again")
                    reelgate.ask("POST", f"/v1/jobs/{video}/resolve", {"verdict": "charged"})
                    self.assertEqual(reelgate.ended(video)["status"], "failed")
                else:
                    ended = reelgate.ended(video)
                    self.assertEqual(ended["status"], "completed", "".join(reelgate.log[-30:]))
                    self.assertEqual(len(self.submits("one")), 1)
                reelgate.kill()

    def test_at_any_moment(self):
        chance = random.Random(20261121)
        config = self.providers("free")
        config["providers"]["paid"] = {"plugin": "scripted-paid"}
        reelgate = self.daemon(config)
        mine = set()
        for _ in range(RANDOM_KILLS):
            provider, run = chance.choice([("free", FREE), ("paid", PAID)])
            for _ in range(chance.randrange(3)):
                if video := self.begin(reelgate, run) if chance.random() < 0.5 else self.begin_at(reelgate, provider, run):
                    mine.add(video)
            try:
                reelgate.process.wait(chance.random() * 0.12)
            except Exception: # still there, as it should be
                pass
            reelgate.kill()
            reelgate.start()
        self.settle(reelgate, mine)

    def begin_at(self, reelgate, provider, run):
        try:
            return reelgate.create(run=run, provider=provider)
        except (http.client.HTTPException, ConnectionError, OSError):
            return None

    def settle(self, reelgate, mine):
        known = self.everything(reelgate)
        self.assertEqual(mine - known.keys(), set(), "a job that was answered is lost")
        for video in known:
            seen = reelgate.until(video, "completed", "failed", "cancelled", "quarantined", "ambiguous")
            self.assertNotIn(seen["state"], ("cancelled",))
            if seen["state"] == "completed":
                self.assertEqual(reelgate.ask("GET", f"/v1/videos/{video}/content").body[4:8], b"ftyp")
        for provider in ("free", "paid"):
            keys = self.submits(provider)
            self.assertEqual(len(keys), len(set(keys)), "an attempt was sent twice")

    def everything(self, reelgate):
        known, after = {}, ""
        while True:
            page = reelgate.ask("GET", f"/v1/videos?limit=100{after}").json
            known.update({video["id"]: video for video in page["data"]})
            if not page["has_more"]:
                return known
            after = f"&after={page['last_id']}"


if __name__ == "__main__":
    unittest.main()
