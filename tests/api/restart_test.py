"""The daemon is killed, and no job is lost, made twice or left half."""
import http.client
import json
import unittest

from daemon import DaemonTest


class Restart(DaemonTest):
    def test_a_job_survives_the_death_of_the_daemon_in_its_middle(self):
        reelgate = self.daemon(self.providers("pattern"))
        go = self.dir / "go"
        video = reelgate.create(run=[{"progress": 1}, {"wait_for": str(go)}, "deliver"])
        reelgate.until(video, "running")
        reelgate.kill()
        go.write_text("go")
        reelgate.start()
        ended = reelgate.ended(video)
        self.assertEqual(ended["status"], "completed", ended)
        self.assertEqual(reelgate.ask("GET", f"/v1/videos/{video}/content").body[4:8], b"ftyp")

    def test_what_was_finished_is_there_after_a_restart(self):
        reelgate = self.daemon(self.providers("pattern"))
        video = reelgate.create()
        before = reelgate.ended(video)
        self.assertEqual(reelgate.stop(), 0)
        reelgate.start()
        after = reelgate.video(video)
        self.assertEqual({**after, "url": None}, {**before, "url": None})

    def test_a_paid_job_whose_identity_is_known_is_followed_and_not_sent_again(self):
        reelgate = self.daemon(self.providers("cloud", plugin="scripted-paid"))
        go = self.dir / "go"
        video = reelgate.create(run=["accept", {"progress": 1}, {"wait_for": str(go)}, "deliver"])
        reelgate.until(video, "running")
        reelgate.kill()
        go.write_text("go")
        reelgate.start()
        ended = reelgate.ended(video)
        self.assertEqual(ended["status"], "completed", "".join(reelgate.log))
        submits = [entry for entry in self.ledger("cloud") if entry["event"] == "submit"]
        self.assertEqual(len(submits), 1, submits)

    def test_a_job_that_was_at_work_at_three_deaths_is_quarantined_and_the_next_is_made(self):
        reelgate = self.daemon(self.providers("pattern"))
        never = [{"progress": 1}, {"wait_for": str(self.dir / "never")}, "deliver"]
        suspect = reelgate.create(run=never)
        for _ in range(3):
            reelgate.line("attempt.started")
            reelgate.kill()
            reelgate.start()
        ended = reelgate.ended(suspect)
        self.assertEqual((ended["state"], ended["error"]["code"]), ("quarantined", "plugin_crashed"), ended)
        self.assertIn("died 3 times", ended["error"]["message"])
        self.assertEqual(reelgate.ended(reelgate.create())["status"], "completed")
        self.assertEqual(reelgate.ask("POST", f"/v1/jobs/{suspect}/retry").json["state"], "queued")
        reelgate.line(f"attempt.started .*{suspect}.4")

    def test_an_orderly_end_is_nobodys_fault(self):
        reelgate = self.daemon(self.providers("pattern"), "--drain", "0")
        go = self.dir / "go"
        video = reelgate.create(run=[{"progress": 1}, {"wait_for": str(go)}, "deliver"])
        for _ in range(2): # a third start would use up the attempts that a job may have
            reelgate.line("attempt.started")
            self.assertEqual(reelgate.stop(), 0)
            reelgate.start()
        go.write_text("go")
        self.assertEqual(reelgate.ended(video)["status"], "completed", "".join(reelgate.log[-20:]))
        self.assertFalse([line for line in reelgate.log if "job.suspected" in line])

    def test_a_film_that_was_being_looked_at_waits_for_its_provider_to_come_back(self):
        """The daemon dies with a paid film in its hands, and finds another plugin in the provider's place."""
        config = self.providers("cloud", plugin="scripted-paid")
        reelgate = self.daemon(config)
        reelgate.stop()
        reelgate.start(kill_at="verified")
        reelgate.until_ready()
        try:
            reelgate.create(run=["accept", "deliver"])
        except (http.client.HTTPException, OSError):
            pass # it was that quick
        self.assertEqual(reelgate.process.wait(60), -9)
        (self.dir / "reelgate.yaml").write_text(json.dumps(self.providers("cloud")))
        reelgate.start()
        video = reelgate.ask("GET", "/v1/videos").json["data"][0]["id"]
        self.assertEqual(reelgate.until(video, "ambiguous")["state"], "ambiguous")
        self.assertEqual(reelgate.stop(), 0)
        (self.dir / "reelgate.yaml").write_text(json.dumps(config))
        reelgate.start()
        self.assertEqual(reelgate.ended(video)["status"], "completed", "".join(reelgate.log[-20:]))
        submits = [entry for entry in self.ledger("cloud") if entry["event"] == "submit"]
        self.assertEqual(len(submits), 1, submits)

    def test_a_cancelled_job_whose_film_is_no_good_goes_to_nobody_else(self):
        config = self.providers("cloud", plugin="scripted-paid")
        config["providers"]["cloud"]["script"] = {"cancel": "impossible"}
        config["providers"]["free"] = {"plugin": "scripted"}
        reelgate = self.daemon(config).until_ready()
        go = self.dir / "go"
        deaf = ["accept", {"progress": 1}, {"wait_for": str(go)}, {"lie": "html"}]
        video = reelgate.create(run=[deaf, ["accept", "deliver"]], provider="cloud", allow_fallback=True)
        reelgate.line("attempt.started")
        reelgate.until(video, "running")
        reelgate.ask("POST", f"/v1/videos/{video}/cancel")
        go.write_text("go")
        ended = reelgate.ended(video)
        self.assertEqual(ended["state"], "cancelled", "".join(reelgate.log[-20:]))

    def test_a_provider_that_rests_goes_on_resting_after_a_restart(self):
        refuse = {"refuse": {"category": "rate_limited", "retry_after_s": 3000}}
        reelgate = self.daemon(self.providers("first", "second")).until_ready()
        video = reelgate.create(run=[[refuse], ["accept", "deliver"]])
        self.assertEqual(reelgate.ended(video)["backend"], "second")
        for end in (reelgate.kill, reelgate.stop):
            end()
            reelgate.start()
            reelgate.until_ready()
            told = reelgate.ask("POST", "/v1/routes/explain", {"prompt": "x", "num_frames": 5, "size": "64x64"}).json
            first = [c for c in told["candidates"] if c["provider"] == "first"]
            resting = [c["model"] for c in first if "breaker_open" in c["reasons"]]
            self.assertEqual(resting, ["pattern", "pattern-any"], told)
            self.assertEqual(told["chosen"]["provider"], "second", told)


if __name__ == "__main__":
    unittest.main()
