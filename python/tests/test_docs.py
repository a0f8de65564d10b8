"""docs/python.md, and the Python of other pages: each block runs by itself, or with what stands around it in AROUND, what is
typed at the prompt gives what stands there, and quotations are what they quote."""

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
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("python", "profiling", "onnx", "onnx-export", "pytorch")]

TORCH = """
import torch
from torch import nn
torch.manual_seed(1)
theirs = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
theirs(torch.randn(8, 3, 8, 8))  # running statistics
"""
OURS = """
import cnn
def ours_new():
    nn = cnn.nn
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
ours = ours_new()
"""
SAME = """
def same(a, b):
    a, b = dict(a), dict(b)
    assert a.keys() == b.keys() and a
    assert all(torch.equal(torch.as_tensor(a[k].tolist()).double(), torch.as_tensor(b[k].tolist()).double()) for k in a)
"""
# A line of a block that no block shares, what it needs, what runs before it, and what must hold behind it.
AROUND = [
    (
        "torch.onnx.export(net,",
        ["torch", "cnn.onnx"],
        TORCH + "net, x = theirs, torch.randn(2, 3, 8, 8)\n",
        """
import cnn.onnx
model = cnn.onnx.load("net.onnx")
assert model.inputs[0].name == "images" and model.inputs[0].shape[0] == "batch", model.inputs
assert set(model.state_dict()) == {k for k in net.state_dict() if "num_batches" not in k}, model.state_dict().keys()
model.eval()
x = torch.randn(3, 3, 8, 8)
assert (torch.from_dlpack(model(cnn.from_dlpack(x)).detach()) - net(x)).abs().max() < 1e-5
""",
    ),
    (
        "torch.onnx.export(net.eval(),",
        ["torch", "cnn.onnx"],
        TORCH + "net, x = theirs, torch.randn(2, 3, 8, 8)\n",
        """
import cnn.onnx
model = cnn.onnx.load("resnet18.onnx")
model.eval()
assert set(model.state_dict()) == {k for k in net.state_dict() if "num_batches" not in k}, model.state_dict().keys()
assert (torch.from_dlpack(model(cnn.from_dlpack(x)).detach()) - net(x)).abs().max() < 1e-5
""",
    ),
    (
        "onnx.numpy_helper.to_array",
        ["torch", "onnx.numpy_helper", "cnn.onnx"],
        TORCH + OURS + SAME + """
import onnx, onnx.numpy_helper, cnn.onnx
cnn.onnx.save(ours, "net.onnx", cnn.zeros(1, 3, 8, 8))
net = theirs
""",
        'kept = [{k: t for k, t in m.state_dict().items() if "num_batches" not in k} for m in (ours, net)]\nsame(*kept)\n',
    ),
    (
        'onnxruntime.InferenceSession("net.onnx")',
        ["numpy", "onnxruntime", "cnn.onnx"],
        OURS + 'import numpy, onnxruntime, cnn.onnx\ncnn.onnx.save(ours, "net.onnx", cnn.zeros(1, 3, 32, 32))\n',
        "ours.eval()\nassert numpy.abs(scores - ours(cnn.zeros(8, 3, 32, 32)).detach().numpy()).max() < 1e-5\n",
    ),
    (
        "from safetensors.torch import load_file, save_file",
        ["torch", "safetensors"],
        TORCH + OURS + SAME + 'ours.save("model.safetensors")\nmodel = theirs\n',
        'same(ours.state_dict(), model.state_dict())\nours_new().load("model.safetensors")\n',
    ),
    (
        "ours.load_state_dict(theirs.state_dict())",
        ["torch"],
        TORCH + OURS + SAME + "ours.eval(), theirs.eval()\nx = torch.randn(2, 3, 8, 8)\nbefore = {k: t.clone() for k, t in theirs.state_dict().items()}\n",
        """
same(ours.state_dict(), theirs.state_dict())
same(before, theirs.state_dict())
assert (y - theirs(x)).abs().max() < 1e-5
assert (torch.from_dlpack(ours(cnn.from_dlpack(x)).detach()) - theirs(x)).abs().max() < 1e-5
""",
    ),
    (
        "import json, struct",
        ["torch", "numpy"],
        TORCH + OURS + SAME,
        """
ours.save("ours.safetensors")
same(load_file("ours.safetensors"), ours.state_dict())
save_file(theirs.state_dict(), "theirs.safetensors")
ours.load("theirs.safetensors")
same(ours.state_dict(), theirs.state_dict())
""",
    ),
]


def whole(text):
    """A block as it runs, and the modules that it needs."""
    for line, needs, before, after in AROUND:
        if line in text:
            if "dynamo=False" in text and importable("torch"):
                import torch

                if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 5):  # as the page says
                    text = text.replace(" dynamo=False,", "").replace(", dynamo=False)", ")")
            return needs, before + text + after
    names = ("numpy", "torch", "onnxruntime", "safetensors", "cnn.onnx", "cnn.image")
    return [name for name in names if f"import {name}" in text], text


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
                names, text = whole(text)
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

    def test_what_stands_around_blocks_is_used(self):
        texts = [text for _, language, _, text in blocks() if language == "python"]
        for line, *_ in AROUND:
            self.assertEqual(sum(line in text for text in texts), 1, line)

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
