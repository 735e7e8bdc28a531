"""A directory of its own for each test, plugins to put there, and `reelgate` run in it."""
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["REELGATE_BIN_DIR"])
FIXTURES = pathlib.Path(os.environ["REELGATE_FIXTURES"])


class Ran:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


class CliTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="reelgate-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.plugins = self.dir / "plugins"
        self.data = self.dir / "data"
        self.plugins.mkdir()

    def reelgate(self, *arguments, plugins=True):
        """Runs it on this test's directories; nothing of the user's own is seen."""
        where = ["--data-dir", self.data] + (["--plugins-dir", self.plugins] if plugins else [])
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REELGATE_", "XDG_"))}
        env["HOME"] = str(self.dir)
        done = subprocess.run([BIN / "reelgate", *map(str, arguments), *map(str, where)], env=env, cwd=self.dir,
                              capture_output=True, text=True, timeout=60)
        return Ran(done)

    def put(self, plugin, name, text):
        file = self.plugins / plugin / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def program(self, plugin, **members):
        """A plugin that is a script; `members` change its manifest."""
        manifest = {"schema": 1, "id": plugin, "version": "1.0", "runtime": "exec", "command": ["./main.sh"], **members}
        self.put(plugin, "plugin.json", json.dumps(manifest))
        self.put(plugin, "main.sh", "#!/bin/sh\nexit 0\n").chmod(0o755)

    def library(self, plugin, fixture="elf_v1", **members):
        manifest = {"schema": 1, "id": plugin, "version": "1.0", "entry": "plugin.so", "abi": {"major": 1},
                    "machine": platform.machine(), **members}
        self.put(plugin, "plugin.json", json.dumps(manifest))
        file = self.plugins / plugin / "plugin.so"
        shutil.copy(FIXTURES / f"{fixture}.so", file)
        return file
