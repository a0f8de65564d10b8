"""docs/python.md, and the Python of docs/profiling.md: each block runs by itself, what is typed at the prompt gives what
stands there, and quotations are what they quote."""

import doctest
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import cnn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "python.md"
PAGES = PAGE, ROOT / "docs" / "profiling.md"


def blocks():
    """(page:line, language, what it quotes, text)"""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        for m in re.finditer(r"(?:<!-- quotes (\S+) -->\n)?^```(\w*)\n(.*?)^```", text, re.S | re.M):
            found.append((f"docs/{page.name}:{text[: m.start()].count(chr(10)) + 1}", m[2], m[1], m[3]))
    return found


@unittest.skipUnless(PAGE.exists(), "needs docs/python.md")
class Docs(unittest.TestCase):
    def test_blocks(self):
        ran = 0
        for line, language, quotes, text in blocks():
            if language != "python":
                continue
            with self.subTest(line=line):
                if quotes:
                    self.assertIn(text, (ROOT / quotes).read_text(encoding="utf-8"))
                    continue
                names = [name for name in ("numpy", "torch", "cnn.onnx", "cnn.image") if f"import {name}" in text]
                missing = [name for name in names if not importable(name)]
                if missing:
                    print(f"skipped: {line} (no {missing[0]} here)")
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    done = subprocess.run(
                        [sys.executable, "-c", text],
                        cwd=folder,
                        capture_output=True,
                        text=True,
                        env={**os.environ, "PYTHONPATH": str(pathlib.Path(cnn.__file__).parent.parent)},
                    )
                self.assertEqual(done.returncode, 0, done.stderr)
                ran += 1
        self.assertGreater(ran, 2)

    def test_prompts(self):
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        parser = doctest.DocTestParser()
        for line, language, _, text in blocks():
            if language == "pycon":
                found = []
                runner.run(parser.get_doctest(text, {}, line, str(PAGE), 0), out=found.append)
                self.assertEqual("".join(found), "")
        self.assertGreater(runner.tries, 10)


def importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
