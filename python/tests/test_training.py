"""Training is the C program's, to the bit: the same seed gives the weights of examples/mnist_cnn. And the example."""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cnn
from cnn import nn
from cnn.nn import functional as F

from .test_data import write_idx

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("CNN_EXAMPLE", str(ROOT / "build" / "examples" / "mnist_cnn"))
SEED, LIMIT, BATCH = 7, 1000, 100


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Sequential(nn.Conv2d(1, 32, 5, stride=1, padding=2), nn.ReLU(), nn.MaxPool2d(2, stride=2))
        self.l2 = nn.Sequential(nn.Conv2d(32, 64, 5, stride=1, padding=2), nn.ReLU(), nn.MaxPool2d(2, stride=2))
        self.drop_out = nn.Dropout(0.5)
        self.fc1 = nn.Linear(7 * 7 * 64, 1000)
        self.fc2 = nn.Linear(1000, 10)

    def forward(self, x):
        x = self.l2(self.l1(x)).flatten(1)
        return self.fc2(self.fc1(self.drop_out(x)))


def train(root, explicit):
    cnn.manual_seed(SEED)
    model = ConvNet()
    adam = cnn.optim.Adam(model.parameters(), lr=1e-3)
    loader = cnn.data.DataLoader(cnn.data.MNIST(root)[:LIMIT], BATCH, shuffle=True)
    tape = cnn.Tape()
    for images, labels in loader:
        if explicit:
            with tape:
                F.cross_entropy(model(images), labels).backward()
        else:
            output = model(images)
            loss = F.cross_entropy(output, labels)
            adam.zero_grad()
            loss.backward()
        adam.step()
        if explicit:
            adam.zero_grad()
    return model


def digest(model):
    return hashlib.sha256(b"".join(bytes(t.memoryview()) for t in model.state_dict().values())).hexdigest()


class Training(unittest.TestCase):
    def test_weights_are_the_c_programs(self):
        if not os.access(PROGRAM, os.X_OK):
            self.skipTest("no examples/mnist_cnn here")
        with tempfile.TemporaryDirectory() as folder:
            root = os.environ.get("CNN_MNIST_DIR")
            if root is None:
                root = os.path.join(folder, "synthetic")
                done = subprocess.run(
                    [PROGRAM, "--data", folder, "--synthetic", "--limit", "1", "--epochs", "1", "--quiet"],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
            done = subprocess.run(
                [
                    PROGRAM,
                    "--data",
                    root,
                    "--limit",
                    str(LIMIT),
                    "--batch-size",
                    str(BATCH),
                    "--epochs",
                    "1",
                    "--device",
                    "cpu",
                    "--seed",
                    str(SEED),
                    "--quiet",
                    "--digest",
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            expected = done.stdout.split("sha256 ")[1].split()[0]
            for explicit in (False, True):
                self.assertEqual(digest(train(root, explicit)), expected, "explicit" if explicit else "eager")

    def test_example(self):
        example = ROOT / "python" / "examples" / "mnist.py"
        lines = [line for line in example.read_text(encoding="utf-8").splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 26)  # 25 and the docstring
        with tempfile.TemporaryDirectory() as folder:
            write_idx(folder, "train", 400)
            write_idx(folder, "t10k", 100)
            done = subprocess.run(
                [sys.executable, str(example), folder, "1"],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PYTHONPATH": str(pathlib.Path(cnn.__file__).parent.parent)},
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"^epoch 1: last loss \d+\.\d{4}, test accuracy \d+\.\d{2}%\n$")


if __name__ == "__main__":
    unittest.main()
