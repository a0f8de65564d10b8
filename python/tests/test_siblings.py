"""cnn.onnx and cnn.image, where the libraries beside libcnn are built; and what is said where they are not."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cnn
from cnn.data import DataLoader

try:
    import cnn.onnx
except ImportError as missing:
    ONNX = str(missing)
    print("skipped: cnn.onnx (no libcnn-onnx here)")
else:
    ONNX = ""
try:
    import cnn.image
except ImportError as missing:
    IMAGE = str(missing)
    print("skipped: cnn.image (no libcnn-image here)")
else:
    IMAGE = ""


class Missing(unittest.TestCase):
    def test_message(self):
        for name in ("onnx", "image"):
            done = subprocess.run(
                [sys.executable, "-c", f"import cnn.{name}"],
                capture_output=True,
                text=True,
                env={
                    **os.environ,
                    f"CNN_{name.upper()}_LIBRARY": "/nowhere.so",
                    "PYTHONPATH": str(pathlib.Path(cnn.__file__).parent.parent),
                },
            )
            last = done.stderr.strip().splitlines()[-2:]
            self.assertIn(f"ImportError: cnn.{name} needs libcnn-{name}", last[0])
            self.assertIn(f"CNN_{name.upper()}_LIBRARY", last[0])
            self.assertIn("/nowhere.so", last[1])


@unittest.skipIf(ONNX, "needs libcnn-onnx")
class Onnx(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "net.onnx")

    def test_round_trip(self):
        nn = cnn.nn
        layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        net = nn.Sequential(*layers)
        cnn.onnx.save(net, self.path, cnn.zeros(1, 3, 8, 8), input_names=["pixels"], symbolic_sizes=True)
        self.assertTrue(net.training)
        model = cnn.onnx.load(self.path)
        self.assertEqual(model.inputs, [("pixels", cnn.float32, ("batch", 3, "height", "width"))])
        self.assertEqual(model.outputs[0][::2], ("output", ("batch", 2)))
        self.assertEqual([n for n in net.state_dict() if "num_batches" not in n], list(model.state_dict()))
        x = cnn.randn(2, 3, 9, 11)
        net.eval()
        model.eval()
        self.assertLess((model(x) - net(x)).abs().max().item(), 1e-5)
        sgd = cnn.optim.SGD(model.parameters(), lr=0.1)
        model.train()
        first = None
        for _ in range(5):
            loss = (model(x) * model(x)).sum()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            first = first or loss.item()
        self.assertLess(loss.item(), first)
        again = os.path.join(self.folder.name, "again.onnx")
        cnn.onnx.save(model, again, cnn.zeros(1, 3, 8, 8))
        self.assertEqual(cnn.onnx.load(again).inputs[0].name, "pixels")
        predict = cnn.Predictor(model, x)
        model.eval()
        self.assertLess((predict(x) - model(x)).abs().max().item(), 1e-5)

    def test_names_of_other_encodings(self):
        cnn.onnx.save(cnn.nn.ReLU(), self.path, cnn.zeros(2, 3), input_names=["pixels"])
        data = pathlib.Path(self.path).read_bytes()
        pathlib.Path(self.path).write_bytes(data.replace(b"pixels", b"pixel\xff").replace(b"batch", b"bat\xffh"))
        self.assertEqual(cnn.onnx.load(self.path).inputs[0][::2], ("pixel\ufffd", ("bat\ufffdh", 3)))

    def test_failures(self):
        with self.assertRaisesRegex(FileNotFoundError, "onnx_load: .*none.onnx: cannot be opened: No such file"):
            cnn.onnx.load(os.path.join(self.folder.name, "none.onnx"))
        with open(self.path, "wb") as f:
            f.write(b"no model")
        with self.assertRaisesRegex(cnn.FormatError, "onnx_load: .*net.onnx: byte "):
            cnn.onnx.load(self.path)
        with self.assertRaisesRegex(cnn.ArgumentError, "onnx_save: opset is 3, expected 17 to 23"):
            cnn.onnx.save(cnn.nn.Linear(2, 2), self.path, cnn.zeros(1, 2), opset=3)
        with self.assertRaisesRegex(ValueError, "2 input_names for 1 inputs"):
            cnn.onnx.save(cnn.nn.Linear(2, 2), self.path, cnn.zeros(1, 2), input_names=["a", "b"])
        cnn.onnx.save(cnn.nn.Linear(2, 2), self.path, cnn.zeros(1, 2))
        with self.assertRaisesRegex(TypeError, "takes 1 inputs, given 2"):
            cnn.onnx.load(self.path)(cnn.zeros(1, 2), cnn.zeros(1, 2))
        with self.assertRaisesRegex(cnn.Error, r'input "input" is \[1,3\], expected \[batch,2\]'):
            cnn.onnx.load(self.path)(cnn.zeros(1, 3))
        self.assertIn("Conv", cnn.onnx.operators())


@unittest.skipIf(IMAGE, "needs libcnn-image")
class Image(unittest.TestCase):
    def test_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.png")
            picture = cnn.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]], dtype="uint8")
            cnn.image.write_png(picture, path)
            self.assertEqual(cnn.image.read(path).tolist(), picture.tolist())
            self.assertEqual(cnn.image.size(path, "gray"), (1, 2, 2))
            with open(path, "rb") as f:
                data = f.read()
            self.assertEqual(cnn.image.decode(data, "rgb").tolist(), picture.tolist())
            with self.assertRaisesRegex(cnn.FormatError, "image_decode: the bytes: "):
                cnn.image.decode(data[:50])
            with self.assertRaisesRegex(FileNotFoundError, "image_read: .*none.png"):
                cnn.image.read(os.path.join(folder, "none.png"))
            with self.assertRaises(ValueError):
                cnn.image.read(path, "colour")
            with self.assertRaises(cnn.DTypeError):
                cnn.image.write_jpeg(cnn.zeros(3, 2, 2), path)

    def test_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("cat", "dog"):
                os.mkdir(os.path.join(folder, name))
                cnn.image.write_jpeg(cnn.zeros(3, 8, 8, dtype="uint8"), os.path.join(folder, name, "1.jpg"))
            data = cnn.image.ImageFolder(folder, 4, mean=[0.5] * 3, std=[0.5] * 3)
            self.assertEqual(data.classes, ["cat", "dog"])
            self.assertEqual(data.samples[1], (os.path.join(folder, "dog", "1.jpg"), 1))
            images, labels = next(iter(DataLoader(data, 2)))
            self.assertEqual((images.shape, labels.tolist()), ((2, 3, 4, 4), [0, 1]))
            self.assertAlmostEqual(images[0, 0, 0, 0].item(), -1.0)
            self.assertEqual(data.skipped, 0)
            with self.assertRaisesRegex(ValueError, "mean has 1 numbers, expected 3"):
                cnn.image.ImageFolder(folder, 4, mean=[0.5], std=[0.5])
            with self.assertRaises(FileNotFoundError):
                cnn.image.ImageFolder(os.path.join(folder, "none"), 4)


if __name__ == "__main__":
    unittest.main()
