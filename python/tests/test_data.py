"""Datasets and loaders, and training on what they give."""

import gc
import os
import struct
import tempfile
import unittest

import cnn
from cnn.data import Augmentation, DataLoader, TensorDataset, random_split


class Squares:
    """A dataset of Python's."""

    def __init__(self, size=10, bad=None):
        self.size, self.bad = size, bad

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        if i == self.bad:
            raise RuntimeError(f"sample {i} is bad")
        return [float(i), float(i * i)], i % 3


def write_idx(folder, part, count, side=28):
    images = bytes((i * 7 + j) % 256 for i in range(count) for j in range(side * side))
    with open(os.path.join(folder, f"{part}-images-idx3-ubyte"), "wb") as f:
        f.write(struct.pack(">IIII", 0x803, count, side, side) + images)
    with open(os.path.join(folder, f"{part}-labels-idx1-ubyte"), "wb") as f:
        f.write(struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)))


class Datasets(unittest.TestCase):
    def test_mnist(self):
        with tempfile.TemporaryDirectory() as folder:
            write_idx(folder, "train", 30)
            data = cnn.data.MNIST(folder)
            self.assertEqual(len(data), 30)
            image, label = data[-1]
            self.assertEqual((image.shape, label.item()), ((1, 28, 28), 9))
            self.assertAlmostEqual(data[0][0][0, 0, 0].item(), (0 - 0.1307) / 0.3081, places=4)
            self.assertEqual(len(data[5:9]), 4)
            self.assertEqual([int(data[[3, 1]][i][1]) for i in range(2)], [3, 1])
            with self.assertRaises(IndexError):
                data[30]
            with self.assertRaises(FileNotFoundError):
                cnn.data.MNIST(folder, train=False)
            self.assertEqual(cnn.data.idx_read(os.path.join(folder, "train-labels-idx1-ubyte")).shape, (30,))

    def test_tensors(self):
        data = TensorDataset(cnn.arange(12).float().reshape(6, 2), cnn.arange(6))
        gc.collect()
        self.assertEqual((data[2][0].tolist(), data[2][1].item()), ([4.0, 5.0], 2))
        pieces = random_split(data, [0.5, 0.5], seed=1)
        self.assertEqual(sorted(int(p[i][1]) for p in pieces for i in range(3)), list(range(6)))
        with self.assertRaises(cnn.ArgumentError):
            random_split(data, [5, 5])

    def test_augmentation(self):
        images = cnn.rand(4, 3, 8, 8)
        chain = Augmentation().random_crop(6, 6, padding=1).horizontal_flip(0.5)
        augmented = chain(TensorDataset(images, cnn.arange(4)))
        self.assertEqual(augmented[0][0].shape, (3, 6, 6))
        with self.assertRaises(cnn.ArgumentError):
            Augmentation().horizontal_flip(2.0)


class Loaders(unittest.TestCase):
    def test_epochs(self):
        loader = DataLoader(TensorDataset(cnn.arange(10).float().reshape(10, 1), cnn.arange(10)), 4)
        self.assertEqual(len(loader), 3)
        for _ in range(2):
            self.assertEqual([y.tolist() for _, y in loader], [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
        self.assertEqual(len(DataLoader(loader.dataset, 4, drop_last=True)), 2)

    def test_order_is_a_function_of_the_seed(self):
        def order(**options):
            return [y.tolist() for _, y in DataLoader(Squares(20), 20, shuffle=True, **options)]

        self.assertEqual(order(seed=3), order(seed=3))
        self.assertNotEqual(order(seed=3), order(seed=4))

    def test_batches_that_are_kept(self):
        for background in (True, False):
            loader = DataLoader(
                TensorDataset(cnn.arange(4000).float().reshape(40, 100), cnn.arange(40)), 4, background=background
            )
            kept = list(loader)
            views = [x.numpy() if hasattr(x, "numpy") and _numpy() else x for x, _ in kept]
            list(loader)
            del loader
            gc.collect()
            for i, (x, y) in enumerate(kept):
                self.assertEqual(y.tolist(), list(range(4 * i, 4 * i + 4)))
                self.assertEqual(x[0, 0].item(), 400.0 * i)
                self.assertEqual(float(views[i][0, 0]), 400.0 * i)

    def test_datasets_of_python(self):
        batches = list(DataLoader(Squares(), 4))
        self.assertEqual(batches[1][0].tolist(), [[4.0, 16.0], [5.0, 25.0], [6.0, 36.0], [7.0, 49.0]])
        self.assertEqual(batches[2][1].tolist(), [2, 0])
        only = list(DataLoader([[1.0], [2.0]], 2))
        self.assertEqual(only[0].tolist(), [[1.0], [2.0]])

    def test_exceptions_of_datasets(self):
        for background in (True, False):
            with self.assertRaisesRegex(RuntimeError, "sample 5 is bad"):
                list(DataLoader(Squares(10, bad=5), 4, background=background))
        with self.assertRaisesRegex(ValueError, "expected"):
            list(DataLoader([[1.0], [2.0, 3.0]], 2))
        loader = DataLoader(Squares(10, bad=5), 2)
        with self.assertRaisesRegex(RuntimeError, "sample 5 is bad"):
            loader.dataset[5]
        with self.assertRaises(cnn.ShapeError):  # and not the exception that was told already
            cnn.ones(2) + cnn.ones(3)

    def test_a_loader_in_the_middle_is_freed(self):
        for _ in range(20):
            iterator = iter(DataLoader(Squares(100), 2, shuffle=True))
            next(iterator)
            del iterator
        gc.collect()

    def test_training_on_batches(self):
        cnn.manual_seed(1)
        model = cnn.nn.Linear(1, 1)
        sgd = cnn.optim.SGD(model, lr=0.1)
        x = cnn.rand(64, 1)
        loader = DataLoader(TensorDataset(x, cnn.tensor(x * 3 - 1)), 8, shuffle=True)
        for _ in range(60):
            for a, b in loader:
                loss = cnn.mse_loss(model(a), b)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
        self.assertAlmostEqual(model.weight.item(), 3.0, delta=0.05)


def _numpy():
    try:
        import numpy
    except ImportError:
        return None
    return numpy


if __name__ == "__main__":
    unittest.main()
