"""reelgate-media at its worst: it hangs, it makes nothing, it finds no room. A script is in its place."""
import pathlib
import shutil
import time
import unittest

import daemon
from daemon import PATIENCE, DaemonTest
from media_test import data_url, png

SCRIPT = """#!/bin/sh
here='{here}'
if [ -e "$here/stuck" ]; then echo $$ >> "$here/pids"; exec sleep 3600; fi
if [ "$1" = convert ] && [ -e "$here/broken" ]; then
  echo '{{"ok":false,"error":{{"category":"'"$(cat "$here/broken")"'","code":"making_failed","text":"it went wrong"}}}}'
  exit
fi
exec '{real}' "$@"
"""


class StuckMedia(DaemonTest):
    def setUp(self):
        super().setUp()
        programs = self.dir / "programs" / "bin"
        programs.mkdir(parents=True)
        shutil.copy2(daemon.BIN / "reelgate", programs) # it looks for the others beside itself
        (programs / "reelgate-worker").symlink_to(daemon.BIN / "reelgate-worker")
        (programs.parent / "plugins").symlink_to((daemon.BIN / ".." / "plugins").resolve())
        media = programs / "reelgate-media"
        media.write_text(SCRIPT.format(here=self.dir, real=daemon.BIN / "reelgate-media"))
        media.chmod(0o755)
        self.addCleanup(setattr, daemon, "BIN", daemon.BIN)
        daemon.BIN = programs

    def eventually(self, reached):
        deadline = time.monotonic() + PATIENCE
        while not reached():
            self.assertLess(time.monotonic(), deadline, "".join(self.reelgate.log[-30:]))
            time.sleep(0.02)

    def children(self):
        file = self.dir / "pids"
        return file.read_text().split() if file.exists() else []

    def stick(self, stuck):
        if stuck:
            (self.dir / "stuck").touch()
        else:
            (self.dir / "stuck").unlink()

    def started(self):
        self.reelgate = self.daemon(self.providers("pattern")).until_ready()
        return self.reelgate

    def stuck_job(self):
        before = len(self.children())
        video = self.reelgate.create()
        self.eventually(lambda: len(self.children()) > before)
        return video

    def assert_gone(self, pid):
        self.assertFalse(pathlib.Path("/proc", pid).exists(), f"{pid} lives")

    def test_a_cancel_reaches_the_child_at_once(self):
        reelgate = self.started()
        self.stick(True)
        video = self.stuck_job()
        self.assertEqual(reelgate.ask("POST", f"/v1/videos/{video}/cancel").status, 200)
        self.assertEqual(reelgate.ended(video)["state"], "cancelled")
        self.assert_gone(self.children()[0])

    def test_sigterm_reaches_the_child_and_the_next_daemon_has_the_job(self):
        reelgate = self.started()
        self.stick(True)
        video = self.stuck_job()
        self.assertEqual(reelgate.stop(), 0)
        self.assert_gone(self.children()[0])
        self.stick(False)
        reelgate.start()
        self.assertEqual(reelgate.ended(video)["status"], "completed", "".join(reelgate.log[-30:]))

    def test_nobody_else_waits_for_four_that_are_stuck(self):
        reelgate = self.started()
        done = reelgate.create()
        reelgate.ended(done)
        self.stick(True)
        stuck = [reelgate.create() for _ in range(4)]
        self.eventually(lambda: len(self.children()) == 2)
        for path in (f"/v1/videos/{done}/content", f"/v1/videos/{done}", "/v1/videos", "/health"):
            self.assertEqual(reelgate.ask("GET", path).status, 200, path)
        self.stick(False) # for pictures, which do not wait for films either
        picture = reelgate.ask("POST", "/v1/videos", {"prompt": "x", "input_reference": data_url(png()),
                                                      "size": "64x64", "num_frames": 5})
        self.assertEqual(picture.status, 200, picture.body)
        for video in reversed(stuck): # those that wait first
            reelgate.ask("POST", f"/v1/videos/{video}/cancel")
        for video in stuck:
            self.assertEqual(reelgate.ended(video)["state"], "cancelled")
        self.assertEqual(reelgate.ended(picture.json["id"])["status"], "completed")

    def test_a_film_of_which_no_mp4_can_be_made_is_delivered_as_it_is(self):
        reelgate = self.started()
        (self.dir / "broken").write_text("internal")
        video = reelgate.create(num_frames=9, fps=12, run=[{"raw": "y4m"}])
        ended = reelgate.ended(video)
        said = "it stays as it was delivered as yuv4mpegpipe with rawvideo, because no MP4 could be made of it: " \
               "it went wrong"
        self.assertEqual((ended["status"], ended["warnings"]), ("completed", [said]), ended)
        self.assertNotEqual(ended["media_type"], "video/mp4")
        self.assertEqual(ended["file_name"], f"{video}.bin") # a type without an extension of its own
        self.assertEqual(reelgate.ask("GET", f"/v1/videos/{video}/content").body[:9], b"YUV4MPEG2")
        summary = reelgate.ask("GET", f"/v1/videos/{video}/content?variant=summary").json
        self.assertEqual((summary["warnings"], summary["output"]["container"]), ([said], "yuv4mpegpipe"))

    def test_a_disk_without_room_is_waited_for(self):
        reelgate = self.started()
        (self.dir / "broken").write_text("storage_full")
        video = reelgate.create(num_frames=9, fps=12, run=[{"raw": "y4m"}])
        reelgate.line(r"store\.low")
        self.assertNotIn(reelgate.video(video)["status"], ("completed", "failed"))
        self.assertEqual(reelgate.ask("POST", f"/v1/videos/{video}/cancel").status, 200)
        self.assertEqual(reelgate.ended(video)["state"], "cancelled")


if __name__ == "__main__":
    unittest.main()
