"""What clients send and what providers leave, as files: pictures that are refused, films that are
converted, pictures of films, the summary, and what is removed."""
import base64
import json
import os
import resource
import shutil
import sqlite3
import struct
import time
import unittest
import zlib

from daemon import PATIENCE, DaemonTest


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width=2, height=2, rows=None, extra=b""):
    """A grey PNG; with `rows`, what its data unpacks to instead."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(rows if rows is not None else (b"\0" + b"\x80" * width) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noise(size):
    """A PNG of about `size` bytes."""
    width = 1024
    return png(width, size // width, b"".join(b"\0" + os.urandom(width) for _ in range(size // width)))


def bmp(width=2, height=2):
    rows = (b"\x10\x20\x30" * width + b"\0" * (-3 * width % 4)) * height
    return (b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + rows)


def data_url(content, kind="image/png"):
    return f"data:{kind};base64," + base64.b64encode(content).decode()


class InputPictures(DaemonTest):
    def setUp(self):
        super().setUp()
        self.reelgate = self.daemon(self.providers("pattern")).until_ready()

    def test_what_is_no_picture_is_refused_by_name_and_nothing_is_stored(self):
        good = png()
        rows = [
            ("60000 x 60000", png(60000, 60000, b"")),
            ("as many pixels as 32 bits say", png(0x7fffffff, 0x7fffffff, b"")),
            ("no pixels", png(0, 0, b"")),
            ("cut", good[:-8]),
            ("cut in the middle", good[:40]),
            ("data that unpacks to too little", png(64, 64, b"\0")),
            ("data that is none", good.replace(zlib.compress(b"\0\x80\x80" * 2, 9), b"x" * 12)),
            ("text called png", b"\x89PNG\r\n\x1a\n" + b"hello" * 20),
            ("truncated JPEG", b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"\0" * 20),
            ("JPEG of nothing", b"\xff\xd8\xff\xd9\xff\xd9"),
            ("GIF of nothing", b"GIF89a\xff\xff\xff\xff\0\0\0;"),
            ("BMP of 40000 x 40000", bmp()[:18] + struct.pack("<ii", 40000, 40000) + bmp()[26:]),
            ("cut BMP", bmp()[:-4]),
            ("WebP of nothing", b"RIFF\x08\0\0\0WEBPVP8 "),
            ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
            ("HTML", b"<!doctype html>"),
            ("playlist", b"#EXTM3U\n/etc/passwd\n"),
            ("MP4", b"\0\0\0\x18ftypisom" + b"\0" * 100),
            ("empty", b""),
        ]
        for name, content in rows:
            for field in ("input_reference", "end_image"):
                with self.subTest(name, field=field):
                    answer = self.reelgate.ask("POST", "/v1/videos", {"prompt": "x", field: data_url(content)})
                    if not content:  # an empty text is no picture at all
                        answer = self.reelgate.ask("POST", "/v1/videos", {"prompt": "x", field: "data:,"})
                    self.assertEqual((answer.status, answer.code, answer.json["error"]["param"]),
                                     (400, "reference_fetch_failed", field), answer.body)
        self.assertEqual(self.reelgate.ask("GET", "/v1/videos").json["data"], [])
        self.assertFalse(list((self.dir / "data" / "inputs").glob("*")))

    def test_what_it_is_decides_and_not_what_it_is_called(self):
        for content, kind in [(png(), "image/jpeg"), (bmp(), "image/png"), (png(extra=chunk(b"tEXt", b"a\0b")), "text/html"),
                              # more data than the picture needs does no harm
                              (png(rows=b"\0" * 10_000_000), "image/png")]:
            video = self.reelgate.create(input_reference=data_url(content, kind))
            self.assertEqual(self.reelgate.ended(video)["status"], "completed")

    def test_the_second_picture_is_looked_at_too(self):
        answer = self.reelgate.ask("POST", "/v1/videos", {"prompt": "x", "input_reference": data_url(png()),
                                                          "end_image": data_url(png()[:-8])})
        self.assertEqual((answer.status, answer.json["error"]["param"]), (400, "end_image"))


class Films(DaemonTest):
    def setUp(self):
        super().setUp()
        self.reelgate = self.daemon(self.providers("pattern")).until_ready()

    def content(self, video, variant, method="GET", **headers):
        return self.reelgate.ask(method, f"/v1/videos/{video}/content?variant={variant}", **headers)

    def test_each_film_has_its_pictures(self):
        video = self.reelgate.create(num_frames=9)
        self.assertEqual(self.reelgate.ended(video)["warnings"], [])
        for variant, kind, magic, extension in [("thumbnail", "image/webp", b"RIFF", ".webp"),
                                                ("spritesheet", "image/jpeg", b"\xff\xd8\xff\xdb", ".jpg")]:
            with self.subTest(variant):
                whole = self.content(video, variant)
                self.assertEqual((whole.status, whole.headers["content-type"], whole.body[:4]), (200, kind, magic))
                self.assertEqual(whole.headers["content-disposition"], f'inline; filename="{video}{extension}"')
                self.assertEqual(whole.headers["accept-ranges"], "bytes")
                head = self.content(video, variant, "HEAD")
                self.assertEqual((head.status, head.body, head.headers["content-length"]),
                                 (200, b"", str(len(whole.body))))
                part = self.content(video, variant, range="bytes=0-3")
                self.assertEqual((part.status, part.body), (206, magic))
                same = self.content(video, variant, if_none_match=whole.headers["etag"])
                self.assertEqual((same.status, same.body), (304, b""))
        for variant in ("poster", "", "../video"):
            answer = self.content(video, variant)
            self.assertEqual((answer.status, answer.code), (400, "unsupported_operation"))

    def test_what_is_no_mp4_becomes_one(self):
        for kind, note in [("y4m", ["made an MP4 of what was delivered as yuv4mpegpipe with rawvideo"]),
                           ("pictures", [])]:
            with self.subTest(kind):
                video = self.reelgate.create(num_frames=9, fps=12, run=[{"raw": kind}])
                ended = self.reelgate.ended(video)
                self.assertEqual((ended["status"], ended["num_frames"], ended["fps"], ended["size"], ended["warnings"]),
                                 ("completed", 9, 12, "64x64", note), ended)
                film = self.content(video, "video")
                self.assertEqual((film.headers["content-type"], film.body[4:8]), ("video/mp4", b"ftyp"))
                self.assertLess(film.body.index(b"moov"), film.body.index(b"mdat"))
                output = self.content(video, "summary").json["output"]
                self.assertEqual((output["container"], output["frames"], output["fps"]), ("mp4", 9, 12))
                self.assertEqual(self.content(video, "thumbnail").status, 200)

    def test_the_summary_says_where_the_time_went(self):
        video = self.reelgate.create(seed=7)
        ended = self.reelgate.ended(video)
        summary = self.content(video, "summary").json
        timings = summary["timings_s"]
        self.assertEqual({"queued", "submit", "work", "stages", "verify", "pictures", "adopt", "total"}, set(timings))
        self.assertIn("render", timings["stages"])
        self.assertTrue(all(seconds >= 0 for seconds in timings.values() if not isinstance(seconds, dict)), timings)
        parts = sum(timings[name] for name in ("queued", "submit", "work", "verify", "pictures"))
        self.assertLessEqual(parts, timings["total"] + 0.01)
        self.assertEqual(ended["stage_durations"], timings["stages"])
        roles = {file["role"]: file for file in summary["output"]["files"]}
        self.assertEqual(list(roles), ["video", "thumbnail", "spritesheet"])
        self.assertEqual([len(file["sha256"]) for file in roles.values()], [64] * 3)
        self.assertEqual((summary["output"]["size"], summary["output"]["frames"], summary["output"]["video_codec"]),
                         ("64x64", 5, "h264"))
        self.assertEqual((summary["attempts"][0]["provider"], summary["attempts"][0]["error"]), ("pattern", None))
        self.assertEqual((summary["cost_usd"], summary["billing"], summary["warnings"]), ("0.00", "free", []))


class Removal(DaemonTest):
    def setUp(self):
        super().setUp()
        self.config = self.providers("pattern")
        self.reelgate = self.daemon(self.config).until_ready()

    def eventually(self, reached):
        deadline = time.monotonic() + PATIENCE
        while not reached():
            self.assertLess(time.monotonic(), deadline, "".join(self.reelgate.log[-30:]))
            time.sleep(0.02)

    def files_of(self, video):
        return self.dir / "data" / "artifacts" / video[-2:] / video

    def test_files_that_nobody_knows_of_are_gone_after_a_start(self):
        kept = self.reelgate.create(input_reference=data_url(png()))
        self.reelgate.ended(kept)
        self.assertEqual(self.reelgate.stop(), 0)
        orphan = "video_" + "0" * 30 + "ab"
        inputs = self.dir / "data" / "inputs"
        for directory in (self.files_of(orphan), inputs / orphan):
            directory.mkdir(parents=True)
            (directory / "file").write_text("x")
        self.reelgate.start()
        self.eventually(lambda: not self.files_of(orphan).exists() and not (inputs / orphan).exists())
        self.assertTrue(self.files_of(kept).exists())
        self.assertTrue((inputs / kept).exists())
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{kept}/content").status, 200)

    def test_what_has_expired_is_gone_with_all_its_files(self):
        old, young = (self.reelgate.create(input_reference=data_url(png())) for _ in range(2))
        for video in (old, young):
            self.reelgate.ended(video)
        self.assertEqual(self.reelgate.stop(), 0)
        database = sqlite3.connect(next((self.dir / "data" / "jobs").glob("*.db")))
        with database:
            changed = database.execute("UPDATE jobs SET expires = created WHERE id = ?", (old,)).rowcount
        database.close()
        self.assertEqual(changed, 1)
        self.reelgate.start()
        self.eventually(lambda: self.reelgate.ask("GET", f"/v1/videos/{old}").status == 404)
        self.assertFalse(self.files_of(old).exists())
        self.assertFalse((self.dir / "data" / "inputs" / old).exists())
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{young}/content").status, 200)

    def test_of_pictures_that_cannot_all_be_written_none_stays(self):
        small, large = data_url(png()), data_url(noise(2 << 20))
        resource.prlimit(self.reelgate.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        answer = self.reelgate.ask("POST", "/v1/videos", {
            "prompt": "x", "size": "64x64", "num_frames": 5, "input_reference": small, "end_image": large})
        self.assertGreaterEqual(answer.status, 500, answer.body)
        self.assertEqual(list((self.dir / "data" / "inputs").iterdir()), [])
        self.assertEqual(self.reelgate.ended(self.reelgate.create(input_reference=small))["status"], "completed")

    def test_a_job_whose_files_went_first_can_still_be_deleted(self):
        video = self.reelgate.create()
        self.reelgate.ended(video)
        shutil.rmtree(self.files_of(video))  # as when the daemon ends between files and row
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{video}/content").code, "video_expired")
        self.assertEqual(self.reelgate.ask("DELETE", f"/v1/videos/{video}").status, 200)
        self.assertEqual(self.reelgate.ask("GET", f"/v1/videos/{video}").code, "video_not_found")


if __name__ == "__main__":
    unittest.main()
