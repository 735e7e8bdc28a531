"""`reelgate plugin check`, run as a user runs it."""
import json
import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ["REELGATE_BINARY_DIR"])
REELGATE = BUILD / "bin/reelgate"


def check(directory, *arguments):
    done = subprocess.run([REELGATE, "plugin", "check", directory, *arguments],
                          capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout, done.stderr


def report(directory, *arguments):
    code, out, err = check(directory, "--format", "json", *arguments)
    return code, json.loads(out), err


def cases():
    done = subprocess.run([REELGATE, "plugin", "check", "--list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in done.stdout.splitlines()[1:]]


def failed(said):
    return {case["id"]: case["detail"] for case in said["cases"] if case["outcome"] == "failed"}
