#!/usr/bin/env -S python3 -B
"""@NAME@: a film that is computed here. (-B: the directory of a plugin stays as it was summed.)"""
import json
import os
import pathlib

import reelgate_worker as reelgate  # claims the wire to the host: print() is log from here on

MANIFEST = json.loads(pathlib.Path(__file__).with_name("plugin.json").read_text(encoding="utf-8"))
DESCRIPTION = {
    **{member: MANIFEST[member] for member in ("id", "name", "version", "license", "egress")},
    "max_concurrency": 2,  # run() overlaps itself up to this
    "silent_for_s": 60,  # a healthy run() says something at least this often
    "cancel_within_s": 10,  # and ends this soon after a cancel
    "resources": {"gpu": "none"},
    "billing": "free",
    "models": [{
        "id": "gradient", "tasks": ["t2v"], "seed": True, "fps": [16, 24],
        "sizes": {"multiple_of": 16, "max_pixels": 921600},
        "frames": {"min": 1, "max": 240},
        "default": {"size": "640x368", "frames": 48, "fps": 24},
    }],
    # What the operator sets; it has been checked and completed when it reaches __init__.
    "config_schema": {"type": "object", "additionalProperties": False, "properties": {
        "brightness": {"type": "integer", "title": "Brightness", "minimum": 16, "maximum": 235,
                       "default": 200}}},
    # What a request may say beyond the common words; it arrives as job.request["params"].
    "params_schema": {"type": "object", "additionalProperties": False, "properties": {
        "still": {"type": "boolean", "title": "Do not move", "default": False}}},
}


class @CLASS@:
    def __init__(self, config):  # no network and no device memory here
        self.brightness = config["brightness"]

    def probe(self):  # could it take a job now? Within 2 s and free of charge
        return {"state": "ready"}

    def run(self, job):
        request = job.request
        width, height, frames = request["width"], request["height"], request["frames"]
        if width < 16 or height < 16 or frames < 1:  # never from a host that reads the description
            raise reelgate.rejected("there is no such film")
        still = request["params"].get("still", False)
        row = bytes(16 + x * (self.brightness - 16) // width for x in range(width))
        grey = bytes([128]) * (width * height // 2)  # both colour planes
        with open(os.path.join(job.work_dir, "clip.y4m"), "wb") as clip:
            clip.write(f"YUV4MPEG2 W{width} H{height} F{request['fps']}:1 C420jpeg\n".encode())
            for i in range(frames):
                shift = 0 if still else i * 4 % width
                clip.write(b"FRAME\n" + (row[shift:] + row[:shift]) * height + grey)
                job.progress("render", i + 1, frames)  # a cancel ends the loop here
        job.artifact("clip.y4m", mime="video/x-yuv4mpeg")


if __name__ == "__main__":
    reelgate.serve(DESCRIPTION, @CLASS@)
