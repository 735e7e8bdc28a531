"""A submit whose answer was lost is never sent again: it is looked up, or it waits for a person or its deadline."""
import unittest

from daemon import DaemonTest

LOST = {"drop": {"arrived": True}}
NEVER_ARRIVED = [[{"drop": {"arrived": False}}], ["accept", "deliver"]] # the second attempt goes well


class Ambiguous(DaemonTest):
    def paid(self, **script):
        config = self.providers("cloud", "other", plugin="scripted-paid")
        if script:
            config["providers"]["cloud"]["script"] = script
        return self.daemon(config).until_ready()

    def submits(self):
        return {name: sum(entry["event"] == "submit" for entry in self.ledger(name)) for name in ("cloud", "other")}

    def test_what_the_other_side_has_is_followed(self):
        reelgate = self.paid()
        ended = reelgate.ended(reelgate.create(run=[LOST]))
        self.assertEqual((ended["status"], ended["backend"]), ("completed", "cloud"), "".join(reelgate.log[-20:]))
        self.assertEqual(self.submits(), {"cloud": 1, "other": 0})

    def test_what_the_other_side_never_got_is_sent_again(self):
        reelgate = self.paid()
        ended = reelgate.ended(reelgate.create(run=NEVER_ARRIVED))
        self.assertEqual(ended["status"], "completed", "".join(reelgate.log[-20:]))
        self.assertEqual(sum(self.submits().values()), 1)

    def test_what_nobody_can_tell_ends_with_its_deadline(self):
        reelgate = self.paid(reconcile=[{"answer": {"value": {"found": None}}}])
        video = reelgate.create(run=[LOST], deadline=2)
        self.assertEqual(reelgate.until(video, "ambiguous", "failed")["status"], "in_progress")
        ended = reelgate.ended(video)
        self.assertEqual((ended["state"], ended["error"]["code"]), ("failed", "submit_ambiguous"))
        self.assertEqual(self.submits(), {"cloud": 1, "other": 0})

    def test_a_person_decides(self):
        for verdict, state, submits in [("lost", "completed", 2), ("charged", "failed", 1)]:
            with self.subTest(verdict):
                self.fresh_directory()
                reelgate = self.paid(reconcile=[{"answer": {"value": {"found": None}}}])
                video = reelgate.create(run=[[LOST], ["accept", "deliver"]])
                reelgate.until(video, "ambiguous")
                kept = reelgate.ask("POST", f"/v1/jobs/{video}/resolve", {"verdict": "wait"})
                self.assertEqual(kept.json["state"], "ambiguous")
                reelgate.ask("POST", f"/v1/jobs/{video}/resolve", {"verdict": verdict})
                self.assertEqual(reelgate.ended(video)["state"], state, "".join(reelgate.log[-20:]))
                self.assertEqual(sum(self.submits().values()), submits)
                again = reelgate.ask("POST", f"/v1/jobs/{video}/resolve", {"verdict": "lost"})
                self.assertEqual((again.status, again.code), (400, "unsupported_operation"))
                reelgate.kill()

    def test_one_that_is_cancelled_ends_and_says_what_it_may_have_cost(self):
        reelgate = self.paid(reconcile=[{"answer": {"value": {"found": None}}}])
        video = reelgate.create(run=[LOST])
        reelgate.until(video, "ambiguous")
        told = reelgate.ask("POST", f"/v1/videos/{video}/cancel").json
        self.assertEqual((told["compute_stopped"], told["billing"]), (False, "maybe_billed"))
        self.assertEqual(reelgate.ended(video)["state"], "cancelled")
        self.assertEqual(self.submits(), {"cloud": 1, "other": 0})

    def test_a_refusal_before_it_left_goes_to_the_next_and_costs_nothing(self):
        reelgate = self.paid(run=["intend", {"refuse": {"category": "auth_failed"}}])
        video = reelgate.create()
        ended = reelgate.ended(video)
        self.assertEqual(ended["status"], "completed", "".join(reelgate.log[-20:]))
        self.assertEqual(ended["backend"], "other")
        self.assertEqual(self.submits(), {"cloud": 0, "other": 1})


if __name__ == "__main__":
    unittest.main()
