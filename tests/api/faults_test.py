"""Every way in which a plugin can harm its host, while other jobs are in flight: the daemon stays the process that it
was, the others come to their end, the attempt ends as what it is, and the next provider makes the film."""
import json
import os
import pathlib
import re
import unittest

from daemon import DaemonTest

FAULTS = [
    # name, what the run does, category of the attempt, its code where it is one of ours
    ("a segmentation fault", [{"crash": "segv"}], "plugin_crashed", "crashed"),
    ("a segmentation fault on another thread", [{"crash": {"by": "segv", "thread": True}}], "plugin_crashed", "crashed"),
    ("a stack that overflows", [{"crash": "stack"}], "plugin_crashed", "crashed"),
    ("a bus error", [{"crash": "bus"}], "plugin_crashed", "crashed"),
    ("abort", [{"crash": "abort"}], "plugin_crashed", "crashed"),
    ("terminate", [{"crash": "terminate"}], "plugin_crashed", "crashed"),
    ("exit", [{"crash": "exit"}], "plugin_crashed", "exited"),
    ("_exit", [{"crash": "_exit"}], "plugin_crashed", "exited"),
    ("SIGKILL", [{"crash": "kill"}], "plugin_crashed", "killed"),
    ("a throw through the C table", ["throw"], "plugin_crashed", None),
    ("an exception that the C++ face holds", ["exception"], None, None),
    ("a result that is none", [{"garbage": "unknown_status"}], None, None),
    ("noise on the wire", ["accept", {"scribble": {"fd": 3, "text": "\u00ff" * 64}}, "stall"], "plugin_crashed",
     "protocol_violation"),
    ("a frame that is too long", ["accept", {"scribble": {"fd": 3, "text": "\x7f\x7f\x7f\x7f{}"}}, "stall"],
     "plugin_crashed", "protocol_violation"),
    ("JSON without an end", [{"nest": {"in": "artifact", "levels": 5000}}], None, None),
    ("memory that runs out on the device", ["oom"], "insufficient_vram", None),
    ("a file that does not exist", [{"lie": "missing"}], "output_invalid", None),
    ("a file outside", [{"lie": "symlink_out"}], "output_invalid", None),
    ("a page for a film", [{"lie": "html"}], "output_invalid", None),
    ("half a film", [{"lie": "truncated"}], "output_invalid", None),
    ("another film", [{"lie": "fewer_frames"}], "output_invalid", None),
    ("a process left behind, and a death", [{"grandchild": {"leave": True}}, {"crash": "segv"}], "plugin_crashed",
     "crashed"),
    ("a film without an end to its frozen worker", ["freeze"], "plugin_crashed", "unresponsive"),
]
# What does no harm to the film itself: it is made at the first place.
HARMLESS = [
    ("a flood on stdout", [{"flood": {"bytes": 20_000_000}}, "deliver"]),
    ("a flood on stderr", [{"flood": {"bytes": 20_000_000, "to": "stderr"}}, "deliver"]),
    ("calls after the end", ["deliver", "late_calls"]),
    ("descriptors that leak", [{"open_files": 200}, "deliver"]),
    ("a log without measure", [{"log": {"count": 20_000}}, "deliver"]),
    ("previews without measure", [{"preview": 200}, "deliver"]),
    ("progress that falls and leaves its range", [{"progress": {"steps": 50, "from": 2.5, "to": -1}}, "deliver"]),
]


class Faults(DaemonTest):
    def setUp(self):
        super().setUp()
        self.reelgate = self.daemon(self.providers("faulty", "well")).until_ready()
        self.gate = self.dir / "gate"

    def in_flight(self, count=2):
        """Jobs at work on the provider that is well, until the gate opens."""
        run = [{"progress": 1}, {"wait_for": str(self.gate)}, "deliver"]
        videos = [self.reelgate.create(run=run, provider="well") for _ in range(count)]
        for video in videos:
            self.reelgate.until(video, "running")
        return videos

    def let_go(self, videos, where="well"):
        self.gate.write_text("open")
        for video in videos:
            ended = self.reelgate.ended(video)
            self.assertEqual((ended["status"], ended["backend"]), ("completed", where), ended)
        self.gate.unlink()

    def fresh(self):
        """The providers as if nothing had happened: no rest, no open breaker."""
        self.reelgate.process.send_signal(1)
        self.reelgate.until_ready()

    def first_failure(self, video):
        """Category and code with which the first attempt ended, as the log has them."""
        lines = [line for line in self.reelgate.log if "attempt.failed" in line and video in line]
        self.assertTrue(lines, "no attempt has failed:\n" + "".join(self.reelgate.log[-20:]))
        found = re.search(r'category="?(\w+)"? code="?(\w*)"?', lines[0])
        self.assertTrue(found, lines[0])
        return found[1], found[2]

    def test_it_falls_to_the_next_and_nobody_else_notices(self):
        pid = self.reelgate.process.pid
        for name, run, category, code in FAULTS:
            with self.subTest(name):
                others = self.in_flight()
                # The second attempt of the job, wherever it is, does no harm.
                video = self.reelgate.create(run=[run, ["accept", "deliver"]])
                ended = self.reelgate.ended(video)
                self.assertEqual(ended["status"], "completed", "".join(self.reelgate.log[-30:]))
                seen = self.first_failure(video)
                if category:
                    self.assertEqual(seen[0], category, seen)
                if code:
                    self.assertEqual(seen[1], code)
                self.let_go(others)
                self.assertIsNone(self.reelgate.process.poll(), "the daemon has died")
                self.assertEqual(self.reelgate.process.pid, pid)
                self.fresh()

    def test_what_is_only_loud_harms_nothing(self):
        for name, run in HARMLESS:
            with self.subTest(name):
                others = self.in_flight()
                ended = self.reelgate.ended(self.reelgate.create(run=run, provider="faulty"))
                self.assertEqual((ended["status"], ended["backend"]), ("completed", "faulty"),
                                 "".join(self.reelgate.log[-30:]))
                self.let_go(others)
                self.assertIsNone(self.reelgate.process.poll(), "the daemon has died")

    def test_a_job_that_kills_its_workers_is_quarantined_after_two(self):
        others = self.in_flight()
        video = self.reelgate.create(run=[{"crash": "abort"}])
        ended = self.reelgate.ended(video)
        self.assertEqual((ended["state"], ended["error"]["code"]), ("quarantined", "plugin_crashed"))
        runs = [entry for name in ("faulty", "well") for entry in self.ledger(name)
                if entry["event"] == "run" and video in json.dumps(entry)]
        self.assertLessEqual(len(runs), 2)
        self.gate.write_text("open")
        for other in others: # its second death may have been that of their worker, too: then they begin again
            self.assertEqual(self.reelgate.ended(other)["status"], "completed")

    def test_a_grandchild_does_not_outlive_its_worker(self):
        video = self.reelgate.create(run=[[{"grandchild": {"leave": True}}, {"crash": "segv"}], ["accept", "deliver"]])
        self.assertEqual(self.reelgate.ended(video)["status"], "completed")
        children = [entry["child"] for entry in self.ledger("faulty") if entry["event"] == "grandchild"]
        self.assertTrue(children)
        self.assertEqual(self.reelgate.stop(), 0)
        for child in children:
            self.assertFalse(pathlib.Path(f"/proc/{child}").exists() and os.path.exists(f"/proc/{child}/exe"), child)


if __name__ == "__main__":
    unittest.main()
