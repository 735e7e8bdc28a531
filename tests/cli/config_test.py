"""reelgate config check | show | diff | schema | example | init | reference."""
import json
import unittest

from cli import CliTest

GOOD = """version: 1
providers:
  near: { plugin: one }
routes:
  chains:
    clips: { steps: [{ use: near }] }
"""


class Config(CliTest):
    def file(self, text, name="reelgate.yaml"):
        file = self.dir / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    def config(self, *arguments):
        return self.reelgate("config", *arguments)


class Check(Config):
    def test_the_built_in_one_is_sound(self):
        ran = self.config("check")
        self.assertEqual(ran.code, 0, ran.out)
        self.assertIn("the built-in configuration: ok, ", ran.out)
        self.assertIn("GEMINI_API_KEY is not set", ran.out)
        self.assertEqual(self.config("check", "--strict").code, 2)

    def test_a_mistake_is_shown_with_its_line_and_a_mark(self):
        file = self.file("server:\n  lisen: \"127.0.0.1:1\"\n")
        for arguments in (["check"], ["check", file], ["check", "--config", file], ["--config", file, "check"]):
            ran = self.config(*arguments)
            self.assertEqual(ran.code, 1, arguments)
            self.assertIn(f"reelgate.yaml:2:3: error: server.lisen: is not a setting (unknown_key); did you mean `listen`?\n"
                          "  2 |   lisen: \"127.0.0.1:1\"\n"
                          "    |   ^\n", ran.out)
            self.assertIn("reelgate.yaml: 1 error", ran.out)

    def test_json(self):
        self.file("jobs: { max_wait: 10 }\n")
        ran = self.config("check", "--format", "json")
        self.assertEqual(ran.code, 1)
        self.assertFalse(ran.json["ok"])
        finding = next(f for f in ran.json["findings"] if f["severity"] == "error")
        self.assertEqual((finding["line"], finding["column"], finding["code"], finding["key"]),
                         (1, 19, "bad_duration", "jobs.max_wait"))

    def test_a_file_that_is_not_there(self):
        ran = self.config("check", "--config", self.dir / "none.yaml")
        self.assertEqual(ran.code, 1)
        self.assertIn("file_missing", ran.out)

    def test_plugins_are_known_by_their_manifests(self):
        self.file(GOOD + "x-note: 1\n")
        self.assertIn("`one` is not installed (plugin_missing)", self.config("check").out)
        self.program("one", egress="cloud")
        self.assertNotIn("plugin_missing", self.config("check").out)
        self.file(GOOD.replace("{ plugin: one }", "{ plugin: one, egress: local }"))
        ran = self.config("check")
        self.assertEqual(ran.code, 1)
        self.assertIn("reelgate.yaml:3:32: error: providers.near.egress: the plugin says cloud", ran.out)

    def test_it_says_what_waits_for_the_next_start(self):
        self.file(GOOD)
        self.data.mkdir()
        values = self.config("show", "--format", "json").json
        for value in values["values"]:
            if value["key"] == "server.listen":
                value["value"] = '"127.0.0.1:1"'
        (self.data / "config-running.json").write_text(json.dumps(values))
        self.assertIn("note: server.listen changes with the next start of the daemon", self.config("check").out)


class Show(Config):
    def test_it_is_a_file_that_means_the_same(self):
        self.file(GOOD + "jobs: { max_submits: 5 }\n")
        shown = self.config("show")
        self.assertEqual(shown.code, 0, shown.err)
        self.assertIn("  max_submits: 5\n", shown.out)
        again = self.file(shown.out, "again.yaml")
        self.assertEqual(self.config("diff", "--against", again).out, "no difference\n")

    def test_origins(self):
        self.file(GOOD + "jobs: { max_submits: 5 }\n")
        out = self.config("show", "--origins").out
        self.assertRegex(out, r"max_submits: 5  # .*reelgate\.yaml:7:22\n")
        self.assertRegex(out, r"data_dir: .*  # --data-dir\n")
        self.assertIn("max_wait: 10m  # default\n", out)

    def test_a_broken_one_is_not_shown(self):
        self.file("jobs: 1\n")
        ran = self.config("show")
        self.assertEqual((ran.code, ran.out), (1, ""))
        self.assertIn("reelgate.yaml:1:7: error: jobs: a map is wanted", ran.err)


class Diff(Config):
    def test_against_a_file(self):
        self.file(GOOD.replace("plugin: one", "plugin: two") + "jobs: { max_submits: 5 }\nlog: { level: debug }\n")
        ran = self.config("diff", "--against", self.file(GOOD, "old.yaml"))
        self.assertEqual(ran.code, 0, ran.err)
        self.assertEqual([line.split(None, 1)[0] for line in ran.out.splitlines()], ["TAKES", "none", "provider", "daemon"])
        self.assertIn("none              jobs.max_submits: 3 -> 5\n", ran.out)
        changes = self.config("diff", "--against", self.dir / "old.yaml", "--format", "json").json["changes"]
        self.assertEqual({c["key"]: c["effect"] for c in changes},
                         {"jobs.max_submits": "none", "providers.near.plugin": "provider restart",
                          "log.level": "daemon restart"})

    def test_without_a_daemon_it_says_so(self):
        self.file(GOOD)
        ran = self.config("diff")
        self.assertEqual(ran.code, 1)
        self.assertIn("what a daemon runs with", ran.err)
        self.assertIn("--against FILE", ran.err)


class Texts(Config):
    def test_init_writes_a_sound_file_and_keeps_what_is_there(self):
        ran = self.config("init")
        self.assertEqual((ran.code, ran.out), (0, "wrote reelgate.yaml\n"))
        text = (self.dir / "reelgate.yaml").read_text()
        self.assertEqual(text, self.config("example").out)
        self.assertEqual(self.config("check").code, 0)
        self.assertEqual(self.config("init").code, 1)
        self.file("version: 1\n")
        self.assertEqual(self.config("init", "--force").code, 0)
        self.assertEqual((self.dir / "reelgate.yaml").read_text(), text)
        self.assertEqual(self.config("init", self.dir / "more" / "a.yaml").code, 0)

    def test_the_schema_is_json(self):
        schema = self.config("schema").json
        self.assertEqual(schema["properties"]["server"]["properties"]["metrics"]["x-standard"], "true")

    def test_the_reference_names_the_settings(self):
        self.assertIn("| `max_submits` | integer | `3` | 1 to 100 | none |", self.config("reference").out)

    def test_what_is_not_understood_exits_2(self):
        for arguments in ([], ["chek"], ["show", "--format", "xml"]):
            self.assertEqual(self.config(*arguments).code, 2, arguments)


if __name__ == "__main__":
    unittest.main()
