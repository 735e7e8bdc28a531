"""python3 -B -m unittest: the provider without a host."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "plugin"))
import main
import reelgate_worker as reelgate

REQUEST = {"width": 64, "height": 48, "frames": 5, "fps": 24, "seed": 1, "prompt": "a lighthouse", "params": {}}


class ProviderTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.job = reelgate.RecordingJob(REQUEST, self.directory)
        self.provider = main.@CLASS@({"brightness": 200})

    def said(self, kind):
        return [what for what in self.job.said if what["type"] == kind]

    def test_it_writes_the_film_that_was_asked_for(self):
        self.provider.run(self.job)
        header, frames = (self.directory / "clip.y4m").read_bytes().split(b"\n", 1)
        self.assertEqual(header, b"YUV4MPEG2 W64 H48 F24:1 C420jpeg")
        self.assertEqual(len(frames), 5 * (len(b"FRAME\n") + 64 * 48 * 3 // 2))
        self.assertEqual(self.said("artifact")[0]["path"], "clip.y4m")

    def test_it_tells_every_step(self):
        self.provider.run(self.job)
        self.assertEqual([told["step"] for told in self.said("progress")], [1, 2, 3, 4, 5])

    def test_a_cancelled_job_hands_over_nothing(self):
        self.job.cancel()
        with self.assertRaises(reelgate.Failure) as raised:
            self.provider.run(self.job)
        self.assertEqual(raised.exception.record["category"], "cancelled")
        self.assertEqual(self.said("artifact"), [])

    def test_there_is_no_film_without_a_size(self):
        self.job.request = {**REQUEST, "width": 0}
        with self.assertRaises(reelgate.Failure) as raised:
            self.provider.run(self.job)
        self.assertEqual(raised.exception.status, reelgate.REJECTED)

    def test_a_still_film_does_not_move(self):
        self.job.request = {**REQUEST, "params": {"still": True}}
        self.provider.run(self.job)
        frames = (self.directory / "clip.y4m").read_bytes().split(b"FRAME\n")[1:]
        self.assertEqual(len(set(frames)), 1)


if __name__ == "__main__":
    unittest.main()
