"""The daemon is killed, and no job is lost, made twice or left half."""
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


if __name__ == "__main__":
    unittest.main()
