#!/usr/bin/env -S python3 -B
"""Colour bars as Y4M: a whole provider in Python. (-B: a plugin's directory stays as it was summed.)"""
import os

import reelgate_worker as reelgate


class Bars:
    def __init__(self, config):
        self.bars = config["bars"]

    def run(self, job):
        width, height, frames, fps = (job.request[name] for name in ("width", "height", "frames", "fps"))
        row = bytes(235 - 219 // self.bars * (x * self.bars // width) for x in range(width))
        with open(os.path.join(job.work_dir, "clip.y4m"), "wb") as clip:
            clip.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 C420jpeg\n".encode())
            for i in range(1, frames + 1):
                clip.write(b"FRAME\n" + row * height)
                clip.write(bytes([96 + i % 64]) * (width * height // 2))  # both colour planes
                job.progress("render", i, frames)  # a cancel lands here
        job.artifact("clip.y4m", mime="video/x-yuv4mpeg")


DESCRIPTION = {
    "id": "org.example.pybars", "name": "Colour bars in Python", "version": "1.0.0", "license": "Apache-2.0",
    "max_concurrency": 2, "silent_for_s": 120, "cancel_within_s": 10,
    "resources": {"gpu": "none"}, "billing": "free", "egress": "none",
    "models": [{"id": "pybars", "tasks": ["t2v"], "fps": [16, 24], "seed": True,
                "sizes": {"multiple_of": 16, "max_pixels": 921600},
                "frames": {"min": 5, "max": 121, "step": 4, "offset": 1},
                "default": {"size": "640x368", "frames": 49, "fps": 24}}],
    "config_schema": {"type": "object", "additionalProperties": False, "properties": {
        "bars": {"type": "integer", "title": "Number of bars", "minimum": 1, "maximum": 16, "default": 8}}},
    "params_schema": {"type": "object", "additionalProperties": False, "properties": {}},
}

if __name__ == "__main__":
    reelgate.serve(DESCRIPTION, Bars)
