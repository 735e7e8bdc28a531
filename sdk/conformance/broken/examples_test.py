"""What is shipped or shown passes the suite, and the suite says so in each of its forms."""
import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

import checked

EXAMPLES = checked.BUILD / "examples"
BARS = EXAMPLES / "org.example.cbars"


class Examples(unittest.TestCase):
    def test_they_pass(self):
        plugins = [EXAMPLES / f"org.example.{name}" for name in ("bars", "cbars", "pybars")]
        plugins += [checked.BUILD / "plugins" / name for name in ("scripted", "scripted-paid")]
        for plugin in plugins:
            with self.subTest(plugin.name):
                code, said, _ = checked.report(plugin)
                self.assertEqual((code, checked.failed(said)), (0, {}))
                self.assertGreater(said["passed"], 20)
                print(f"{plugin.name}: {sum(case['ms'] for case in said['cases']) / 1000:.1f} s")

    def test_what_may_not_use_the_network_is_not_run(self):
        _, said, _ = checked.report(checked.BUILD / "plugins/scripted-paid", "--only", "run.smallest")
        first, last = said["cases"][-2:]
        self.assertEqual((first["id"], first["outcome"]), ("run.survives", "skipped"))
        self.assertIn("--online", first["detail"])
        self.assertEqual((last["id"], last["outcome"]), ("run.smallest", "skipped"))

    def test_a_stand_in_without_a_network_is_judged_by_its_ledger(self):
        rows = ((["accept", "deliver"], {}),
                (["submit", "intend", "accepted", "deliver"], {"money.intent": "a submit, by its own ledger"}))
        for steps, wanted in rows:
            with self.subTest(steps), tempfile.TemporaryDirectory() as directory:
                config = pathlib.Path(directory) / "config.json"
                config.write_text(json.dumps({"script": {"run": steps}}))
                _, said, _ = checked.report(checked.BUILD / "plugins/scripted-paid", "--online",
                                            "--config", config, "--only", "money")
                found = checked.failed(said)
                self.assertEqual(set(wanted), set(found), found)
                for case, words in wanted.items():
                    self.assertIn(words, found[case])

    def test_only_runs_what_was_asked_for_and_what_it_stands_on(self):
        code, said, _ = checked.report(BARS, "--only", "binary", "--seed", "7")
        self.assertEqual(code, 0)
        self.assertEqual([case["id"] for case in said["cases"]],
                         ["manifest.readable", "binary.fits", "binary.exports", "binary.rpath"])
        self.assertEqual(said["seed"], 7)

    def test_junit_names_each_case(self):
        code, out, _ = checked.check(BARS, "--only", "manifest", "--format", "junit")
        suite = xml.etree.ElementTree.fromstring(out)
        self.assertEqual((code, suite.get("failures")), (0, "0"))
        self.assertEqual(len(suite.findall("testcase")), 5)

    def test_a_directory_that_is_not_there_is_a_wrong_command_line(self):
        code, out, err = checked.check(EXAMPLES / "nobody")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("nobody", err)


if __name__ == "__main__":
    unittest.main()
