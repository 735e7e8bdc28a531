"""Each lint must fail on its bad example and pass the good one beside it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
LAYERS = """
host/base    boost/asio
host/media   host/base libav
host/plugin  host/base sdk/abi
sdk          sdk nlohmann
sdk/http     sdk curl
"""

# lint, file, what stands in it, is it right
ROWS = [
    ("layers", "host/base/a.cpp", '#include "host/base/b.hpp"\n#include <vector>', True),
    ("layers", "host/base/a.cpp", '#include "host/media/b.hpp"', False),
    ("layers", "host/base/a.cpp", "#include <boost/asio/post.hpp>", True),
    ("layers", "host/base/a.cpp", "#include <boost/asio.hpp>", True),
    ("layers", "host/base/a.cpp", "#include <boost/beast.hpp>", False),
    ("layers", "host/base/a.cpp", '  #  include "host/basement/b.hpp"', False),
    ("layers", "host/base/a.c", '#include "host/media/b.h"', False),
    ("layers", "host/base/a.cpp", '#include "../media/b.hpp"', False),
    ("layers", "host/base/a.cpp", '#include "tests/fakes/clock.hpp"', False),
    ("layers", "host/base/a_test.cpp", '#include "tests/fakes/clock.hpp"\n#include <gtest/gtest.h>', True),
    ("layers", "host/base/a.cpp", "#include <gtest/gtest.h>", False),
    ("layers", "host/base/a_fixture.hpp", "#include <gmock/gmock.h>", True),
    ("layers", "sdk/include/reelgate/testing.hpp", "#include <gmock/gmock.h>", True),
    ("layers", "host/media/a.cpp", "#include <libavformat/avformat.h>\n#include <libswscale/swscale.h>", True),
    ("layers", "host/base/a.cpp", "#include <libswscale/swscale.h>", False),
    ("layers", "host/base/a.cpp", "#include <ATen/ATen.h>", False),
    ("layers", "host/plugin/a.cpp", "#include <reelgate/abi/host.h>\n#include <reelgate/ext/cost.h>", True),
    ("layers", "host/plugin/a.cpp", "#include <reelgate/plugin.hpp>", False),
    ("layers", "sdk/include/reelgate/ext/a.h", '#include "../abi/host.h"', True),
    ("layers", "sdk/http/a.cpp", "#include <reelgate/plugin.hpp>\n#include <curl/curl.h>", True),
    ("layers", "sdk/a.cpp", "#include <curl/curl.h>", False),
    ("layers", "sdk/include/reelgate/a.hpp", '#include "host/base/b.hpp"', False),
    ("layers", "host/unlisted/a.cpp", "#include <vector>", False),
    ("one_definition", "a.cpp", "namespace a {\nstruct S {\n};\n} // namespace a\nnamespace b {\nstruct S {\n};\n}", True),
    ("one_definition", "a.cpp", "namespace a {\nstruct S {\n};\nclass S final : T {\n};\n} // namespace a", False),
    ("one_definition", "a.cpp", "namespace a {\nnamespace {\nstruct S {\n};\n} // namespace\nstruct S;\nstruct S {\n};\n}", True),
    ("co_await", "a.cpp", "auto x = co_await f(y);", True),
    ("co_await", "a.cpp", "auto x = co_await f(Job{1});", False),
    ("co_await", "a.cpp", "auto x = co_await f({.id = 1});", False),
    ("co_await", "a.cpp", "co_await on_pool([&] { g(); });", False),
    ("co_await", "a.cpp", "co_await on_pool(\n  [x = 1]() { g(); });", False),
    ("co_await", "a.cpp", "co_await f(names[i](y));", True),
    ("co_await", "a.cpp", "if (co_await f()) { Job j{1}; }", True),
    ("co_await", "a.cpp", "co_return a && co_await f();", False),
    ("co_await", "a.cpp", "while (a ||\n    !co_await f()) {}", False),
    ("co_await", "a.cpp", "if (a) co_await f();", True),
    ("co_await", "a.cpp", "// co_await f(Job{1});", True),
    ("co_await", "a.cpp", 'co_await f("Job{1}");', True),
    ("docs", "README.md", "`tests/lint/layers.txt`, `build/x.txt`, `LICENSE`, [a](tests/lint), [b](https://example.org)", True),
    ("docs", "README.md", "```\n`host/base/a.cpp`\n```", True),
    ("docs", "README.md", "`host/base/a.cpp`", False),
    ("docs", "README.md", "`tests/lint/layers.{txt,json}`", False),
    ("docs", "README.md", "`GLOSSARY.md`", False),
    ("docs", "docs/a.md", "`run_attempt()`", False),
    ("docs", "docs/a.md", "[a](../tests/lint/layers.txt) and [b](b.md)", False),
    ("paths", "a.md", "see docs/GLOSSARY.md and build/release/bin", True),
    ("paths", "a.md", "cd /wo" + "rk/tree", False),
    ("paths", "a.sh", 'DIR="/ho' + 'me/somebody/reelgate"', False),
    ("paths", "a.md", "$HOME/x, @/wo" + "rk/x, ./wo" + "rk/x and .../ho" + "me/x", True),
    ("paths", "a.json", '"https://reg' + 'istry.example/x.tgz"', False),
    ("paths", "a.json", '"https://example.org/x.tgz"', True),
]


def run(lint, file, text):
    with tempfile.TemporaryDirectory() as top:
        root = pathlib.Path(top)
        (root / "tests/lint").mkdir(parents=True)
        (root / "tests/lint/layers.txt").write_text(LAYERS)
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text + "\n")
        return subprocess.run([sys.executable, "-B", HERE / f"check_{lint}.py", top], capture_output=True, text=True, check=False)


class Lint(unittest.TestCase):
    def test_rows(self):
        for lint, file, text, right in ROWS:
            with self.subTest(lint=lint, file=file, text=text):
                done = run(lint, file, text)
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, 0 if right else 1, done.stdout)
                self.assertEqual(file in done.stdout, not right, done.stdout)


if __name__ == "__main__":
    unittest.main()
