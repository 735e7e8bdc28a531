"""reelgate plugin list | show | trust | logs, and what a file that does not fit gets."""
import hashlib
import json
import os
import subprocess
import unittest

from cli import BIN, CliTest


class Frame(CliTest):
    def test_version(self):
        ran = self.reelgate("--version")
        self.assertEqual(ran.code, 0)
        self.assertRegex(ran.out, r"^reelgate \d+\.\d+\.\d+\n$")

    def test_help_has_the_exit_codes(self):
        ran = self.reelgate("--help")
        self.assertEqual(ran.code, 0)
        for line in ("  0    done", "  1    what was asked about failed", "  2    the command line", "  3    could not"):
            self.assertIn(line, ran.out)

    def test_output_that_is_lost_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([BIN / "reelgate", "plugin", "list"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("could not be written", done.stderr)

    def test_what_is_not_understood_exits_2(self):
        for arguments in ([], ["plugin"], ["plugin", "lst"], ["plugin", "list", "--format", "xml"], ["plugin", "show"],
                          ["plugin", "list", "--trust", "everyone"], ["plugin", "logs", "x", "-n", "0"]):
            ran = self.reelgate(*arguments)
            self.assertEqual(ran.code, 2, arguments)
            self.assertEqual(ran.out, "", arguments)
            self.assertNotEqual(ran.err, "", arguments)


class List(CliTest):
    def rows(self):
        ran = self.reelgate("plugin", "list", "--format", "json")
        self.assertEqual(ran.code, 0, ran.err)
        return {row["directory"]: row for row in ran.json["plugins"] if row["directory"].startswith(str(self.dir))}

    def test_each_state_with_its_reason(self):
        self.program("good")
        self.program("strange", colour="red")
        self.put("bad", "plugin.json", '{\n"schema": 1,\n}')
        self.library("foreign", machine="s390x")
        (self.plugins / "not-a-plugin").mkdir()
        rows = {row["id"]: row for row in self.rows().values()}
        self.assertEqual({id: row["state"] for id, row in rows.items()},
                         {"good": "ok", "strange": "ok", "bad": "broken", "foreign": "unfit"})
        self.assertEqual(rows["bad"]["error"]["code"], "manifest_not_json")
        self.assertIn("plugin.json:3:", rows["bad"]["error"]["text"])
        self.assertEqual(rows["foreign"]["error"]["code"], "wrong_machine")
        self.assertEqual(len(rows["strange"]["warnings"]), 1)

        text = self.reelgate("plugin", "list")
        self.assertEqual(text.code, 0)
        self.assertRegex(text.out, r"good +1\.0 +exec +user +ok")
        self.assertIn("manifest_not_json", text.out)

    def test_the_earlier_directory_wins(self):
        self.program("twin")
        other = self.dir / "other"
        self.plugins.rename(other)
        self.program("twin", version="2.0")
        ran = self.reelgate("plugin", "list", "--format", "json", "--plugins-dir", other)
        rows = [row for row in ran.json["plugins"] if row["id"] == "twin"]
        self.assertEqual([(row["version"], row["state"]) for row in rows], [("1.0", "ok"), ("2.0", "shadowed")])
        self.assertEqual(os.path.realpath(other / "twin"), os.path.realpath(rows[1]["shadowed_by"]))

    def test_the_users_own_directory_is_searched(self):
        self.plugins = self.dir / ".local/share/reelgate/plugins"
        self.program("mine")
        ran = self.reelgate("plugin", "list", "--format", "json", plugins=False)
        self.assertIn("mine", [row["id"] for row in ran.json["plugins"]])

    def test_a_directory_that_is_not_there_is_noted(self):
        ran = self.reelgate("plugin", "list", "--plugins-dir", self.dir / "typo")
        self.assertEqual(ran.code, 0)
        self.assertIn("typo is not a directory", ran.err)

    def test_nothing_steers_the_terminal(self):
        self.put("evil", "plugin.json", '{"schema": 1, "id": "evil", "\\u001b[2J": 1, "version": "\\u001b[31m"}')
        self.put("evil2", "plugin.json", '{"schema": 1, "id": "evil2", "version": "1", "\\u001b[2J": 1, '
                                         '"runtime": "exec", "command": ["x"]}')
        for arguments in (["list"], ["show", "evil"], ["show", "evil2"]):
            ran = self.reelgate("plugin", *arguments)
            self.assertNotIn("\x1b", ran.out + ran.err)
            self.assertIn("evil", ran.out + ran.err)


class Show(CliTest):
    def misfits(self):
        """(name, directory, code, what is said), each put there."""
        def cut(file):
            file.write_bytes(file.read_bytes()[:3000])

        def foreign(file):
            data = bytearray(file.read_bytes())
            data[18:20] = (22).to_bytes(2, "little")  # e_machine of s390x
            file.write_bytes(data)

        rows = [
            ("missing", "elf_v1", lambda file: file.unlink(), {}, "plugin_missing", []),
            ("truncated", "elf_v1", cut, {}, "plugin_truncated", ["3000 bytes"]),
            ("text", "elf_v1", lambda file: file.write_text("hello"), {}, "not_a_plugin", ["not an ELF file"]),
            ("foreign", "elf_v1", foreign, {}, "wrong_machine", ["is for s390x, this is "]),
            ("entryless", "elf_none", None, {}, "entry_missing", ["reelgate_provider_v1"]),
            ("newer", "elf_v2", None, {}, "abi_too_new", ["_v1", "_v2", "update Reelgate"]),
            ("older", "elf_v0", None, {}, "abi_too_old", ["_v1", "_v0", "update the plugin"]),
            ("newer-manifest", "elf_v1", None, {"abi": {"major": 2}}, "abi_too_new", ["ABI 2", "has 1"]),
            ("needs-newer-host", "elf_v1", None, {"abi": {"major": 1, "min_host_minor": 99}}, "host_too_old", ["1.99"]),
            ("escaping", "elf_v1", lambda file: (file.unlink(), file.symlink_to("/bin/true")), {}, "plugin_outside", []),
        ]
        for name, fixture, spoil, members, code, says in rows:
            file = self.library(name, fixture, **members)
            if spoil:
                spoil(file)
            yield name, str(file.parent), code, says

    def judged(self, plugin):
        ran = self.reelgate("plugin", "show", plugin, "--format", "json")
        return ran.code, ran.json["fits"].get("error", {}), ran.json

    def test_each_misfit_has_its_own_code_and_exit_1(self):
        for name, _, code, says in self.misfits():
            with self.subTest(name):
                exit_code, error, _ = self.judged(name)
                self.assertEqual((exit_code, error.get("code")), (1, code))
                for part in says:
                    self.assertIn(part, error["text"] + "; " + error["hint"])
                people = self.reelgate("plugin", "show", name)
                self.assertEqual(people.code, 1)
                self.assertIn(code, people.out)

    def test_whoever_would_run_a_misfit_says_the_same(self):
        for name, directory, code, _ in self.misfits():
            for plugin in (name, directory):
                with self.subTest(name, plugin=plugin):
                    ran = self.reelgate("generate", "x", "--provider", plugin, "--trust", "any", "--format", "json")
                    self.assertNotEqual(ran.code, 0)
                    self.assertEqual(ran.json["error"]["code"], code)
            with self.subTest(name, command="check"):
                ran = self.reelgate("plugin", "check", directory, "--only", "binary", "--format", "json", plugins=False)
                self.assertEqual(ran.code, 1)
                cases = {case["id"]: case for case in ran.json["cases"]}
                self.assertEqual(cases["binary.fits"]["outcome"], "failed")
                self.assertIn(f"/{code})", cases["binary.fits"]["detail"])

    def test_a_daemon_refuses_each_misfit_and_starts_without_it(self):
        rows = list(self.misfits())
        config = self.dir / "reelgate.yaml"
        config.write_text(json.dumps({"version": 1, "providers": {name: {"plugin": name} for name, *_ in rows}}))
        with subprocess.Popen([BIN / "reelgate", "serve", "--log-format", "text", "--data-dir", self.data,
                               "--plugins-dir", self.plugins,
                               "--trust", "any", "--config", config, "--listen", "127.0.0.1:0"],
                              cwd=self.dir, stderr=subprocess.PIPE, text=True) as daemon:
            said = []
            for line in daemon.stderr:
                said.append(line)
                if "host.started" in line:
                    break
            daemon.terminate()
            said += list(daemon.stderr)
        self.assertEqual(daemon.returncode, 0)
        for name, _, code, _ in rows:
            with self.subTest(name):
                refused = [line for line in said if "plugin.refused" in line and f'plugin="{name}"' in line]
                self.assertEqual(len(refused), 1)
                self.assertIn(f"/{code})", refused[0])

    def test_nothing_is_loaded_by_looking(self):
        self.library("loud", "elf_loud", name="Loud", license="MIT")
        for arguments in (["list"], ["show", "loud"], ["trust", "loud"], ["show", "loud", "--trust", "any"]):
            self.reelgate("plugin", *arguments)
            self.assertEqual(list(self.dir.rglob("loaded")), [], arguments)
        self.reelgate("plugin", "show", "loud", "--live")
        self.assertEqual(list(self.dir.rglob("loaded")), [self.data / "providers/loud/loaded"], "in its worker")

    def test_a_good_library(self):
        self.library("fine")
        code, error, shown = self.judged("fine")
        self.assertEqual((code, error), (3, {}))  # fits, and nobody has trusted it yet
        self.assertEqual(shown["elf"]["exports"], ["reelgate_provider_v1"])
        self.assertEqual(shown["trust"]["error"]["code"], "not_trusted")
        self.assertEqual(self.reelgate("plugin", "show", "fine", "--trust", "any").code, 0)

    def test_a_directory_instead_of_an_id(self):
        self.program("elsewhere")
        ran = self.reelgate("plugin", "show", str(self.plugins / "elsewhere") + "/", "--trust", "any", plugins=False)
        self.assertEqual(ran.code, 0, ran.err)
        self.assertIn("elsewhere", ran.out)

    def test_what_is_not_there_or_broken(self):
        (self.dir / "somebody").mkdir()
        ran = self.reelgate("plugin", "show", "somebody", "--format", "json")
        self.assertEqual(ran.json["error"]["hint"], "if the directory is meant, say ./somebody")
        ran = self.reelgate("plugin", "show", "nobody", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "plugin_unknown"))
        self.put("bad", "plugin.json", "[]")
        ran = self.reelgate("plugin", "show", "bad", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "manifest_not_object"))
        self.assertIn("bad/plugin.json", ran.err)


class Trust(CliTest):
    def shown(self, *arguments):
        ran = self.reelgate("plugin", "show", "mine", "--format", "json", *arguments)
        return ran.code, ran.json["trust"].get("error", {}).get("code"), ran.json["trust"]

    def test_from_a_stranger_to_trusted_to_changed_and_back(self):
        self.program("mine")
        self.assertEqual(self.shown()[:2], (3, "not_trusted"))
        self.assertEqual(self.reelgate("plugin", "trust", "mine").code, 0)
        code, error, trust = self.shown()
        self.assertEqual((code, error), (0, None))
        before = trust["sha256"]
        self.assertEqual(trust["pin"]["sha256"], before)

        self.put("mine", "main.sh", "#!/bin/sh\nrm -rf /\n")
        code, error, trust = self.shown()
        self.assertEqual((code, error), (3, "changed_since_trusted"))
        self.assertIn(before, trust["error"]["text"])
        self.assertIn(trust["sha256"], trust["error"]["text"])
        self.assertNotEqual(before, trust["sha256"])

        self.assertEqual(self.reelgate("plugin", "trust", "mine").code, 0)
        self.assertEqual(self.shown()[:2], (0, None))
        self.assertEqual(self.reelgate("plugin", "trust", "mine", "--remove").code, 0)
        self.assertEqual(self.shown()[:2], (3, "not_trusted"))
        ran = self.reelgate("plugin", "trust", "mine", "--remove", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "not_pinned"))

        log = [json.loads(line) for line in (self.data / "audit.log").read_text().splitlines()]
        self.assertEqual([line["what"] for line in log], ["plugin.trusted", "plugin.trusted", "plugin.distrusted"])
        self.assertEqual(log[1]["before"], before)
        self.assertTrue(all(f"uid {os.getuid()}" in line["who"] and line["time"].endswith("Z") for line in log))

    def test_a_directory_instead_of_an_id(self):
        self.program("mine")
        where = str(self.plugins / "mine")
        self.assertEqual(self.reelgate("plugin", "trust", where, plugins=False).code, 0)
        self.assertEqual(self.reelgate("plugin", "show", where, plugins=False).code, 0)

    def test_promised_sums_must_be_there(self):
        self.program("mine", files="SHA256SUMS")
        ran = self.reelgate("plugin", "trust", "mine", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "sums_absent"))
        self.assertIn("promises SHA256SUMS", ran.err)

    def test_sums_name_each_file(self):
        self.program("mine", files="SHA256SUMS")
        self.put("mine", "lib/data", "x")
        files = ["plugin.json", "main.sh", "lib/data"]
        sums = "".join(f"{hashlib.sha256((self.plugins / 'mine' / f).read_bytes()).hexdigest()}  {f}\n" for f in files)
        self.put("mine", "SHA256SUMS", sums)
        self.assertEqual(self.reelgate("plugin", "trust", "mine").code, 0)
        self.assertEqual(self.shown()[:2], (0, None))

        self.put("mine", "main.sh", "#!/bin/sh\n:\n")
        (self.plugins / "mine/lib/data").unlink()
        self.put("mine", "new", "x")
        _, code, trust = self.shown()
        self.assertEqual(code, "sums_changed")
        for part in ("changed main.sh", "missing lib/data", "not listed new"):
            self.assertIn(part, trust["error"]["text"])
        self.assertEqual(self.reelgate("plugin", "trust", "mine").code, 1)

    def test_what_others_may_write_is_not_trusted(self):
        self.program("mine")
        (self.plugins / "mine").chmod(0o777)
        ran = self.reelgate("plugin", "trust", "mine", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "unsafe_writable"))
        self.assertFalse((self.data / "plugins/trusted.json").exists())

    def test_policies(self):
        self.program("mine")
        for policy, code in (("bundled", "not_bundled"), ("signed", "not_signed"), ("pinned", "not_trusted"), ("any", None)):
            self.assertEqual(self.shown("--trust", policy)[1], code, policy)


class Logs(CliTest):
    def log(self, name, *lines):
        file = self.data / "logs/mine" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(line + "\n" for line in lines))

    def test_the_last_lines_across_the_rotation(self):
        self.log("worker.log.1", "one", "two")
        self.log("worker.log", "three", "four\x1b[2J")
        self.assertEqual(self.reelgate("plugin", "logs", "mine", "-n", "3").out, "two\nthree\nfour?[2J\n")
        self.assertEqual(self.reelgate("plugin", "logs", "mine").out.count("\n"), 4)
        ran = self.reelgate("plugin", "logs", "mine", "-n", "1", "--format", "json")
        self.assertEqual(ran.json, {"lines": ["four\x1b[2J"]})

    def test_no_log_and_no_id(self):
        ran = self.reelgate("plugin", "logs", "mine", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "no_logs"))
        ran = self.reelgate("plugin", "logs", "../mine", "--format", "json")
        self.assertEqual((ran.code, ran.json["error"]["code"]), (1, "bad_id"))


if __name__ == "__main__":
    unittest.main()
