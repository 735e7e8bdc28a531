"""A disk without room: what is there waits, nothing new is taken, and nothing is lost."""
import json
import unittest

from daemon import DaemonTest

FAR_TOO_MUCH = "900TiB" # no disk has this free


class Storage(DaemonTest):
    def keep_free(self, reelgate, size):
        """The same daemon, which now wants so much to be free."""
        config = self.providers("pattern", jobs={"keep_free": size})
        (self.dir / "reelgate.yaml").write_text(json.dumps(config))
        reelgate.start()
        return reelgate.until_ready()

    def refused(self, reelgate):
        answer = reelgate.ask("POST", "/v1/videos", {"prompt": "x", "size": "64x64", "num_frames": 5})
        self.assertEqual((answer.status, answer.code), (503, "storage_full"), answer.body)
        self.assertIn("retry-after", answer.headers)

    def test_a_job_at_work_waits_for_room_and_is_finished(self):
        reelgate = self.daemon(self.providers("pattern")).until_ready()
        go = self.dir / "go"
        done = reelgate.create()
        reelgate.ended(done)
        waiting = reelgate.create(run=[{"progress": 1}, {"wait_for": str(go)}, "deliver"])
        reelgate.until(waiting, "running")
        reelgate.kill()
        go.write_text("go")
        self.keep_free(reelgate, FAR_TOO_MUCH)
        self.refused(reelgate)
        self.refused(reelgate)
        self.assertNotIn(reelgate.video(waiting)["state"], ("failed", "completed", "cancelled"))
        self.assertEqual(reelgate.ask("GET", f"/v1/videos/{done}/content").body[4:8], b"ftyp")
        self.assertEqual(len(reelgate.ask("GET", "/v1/videos").json["data"]), 2)
        reelgate.kill()
        self.keep_free(reelgate, "1MiB")
        self.assertEqual(reelgate.ended(waiting)["status"], "completed", "".join(reelgate.log[-20:]))
        self.assertEqual(reelgate.ended(reelgate.create())["status"], "completed")

    def test_a_daemon_that_finds_no_room_ends_in_order(self):
        reelgate = self.daemon(self.providers("pattern")).until_ready()
        reelgate.stop()
        self.keep_free(reelgate, FAR_TOO_MUCH)
        self.refused(reelgate)
        self.assertEqual(reelgate.stop(), 0)


if __name__ == "__main__":
    unittest.main()
