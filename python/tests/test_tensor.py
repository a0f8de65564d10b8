"""Tensors: making, printing, operators, indexing and writing, compared with NumPy where it is there."""

import unittest

import cnn

try:
    import numpy
except ImportError:
    numpy = None


class Making(unittest.TestCase):
    def test_numbers_and_lists(self):
        for data, dtype, shape in (
            (3, cnn.int64, ()),
            (2.5, cnn.float32, ()),
            (True, cnn.bool_, ()),
            ([], cnn.float32, (0,)),
            ([[1, 2], [3, 4]], cnn.int64, (2, 2)),
            ([[1, 2.5]], cnn.float32, (1, 2)),
            ([True, False], cnn.bool_, (2,)),
            ([[], []], cnn.float32, (2, 0)),
        ):
            with self.subTest(data=data):
                t = cnn.tensor(data)
                self.assertEqual((t.dtype, t.shape, t.tolist()), (dtype, shape, data))

    def test_dtypes(self):
        for name, dtype in (
            ("float64", cnn.float64),
            ("bfloat16", cnn.bfloat16),
            (float, cnn.float32),
            ("u8", cnn.uint8),
        ):
            self.assertEqual(cnn.tensor([1, 2], dtype=name).dtype, dtype)
        self.assertEqual(cnn.tensor([1.5, 2], dtype="bfloat16").tolist(), [1.5, 2.0])
        with self.assertRaisesRegex(ValueError, "'float8' is none of float32"):
            cnn.zeros(2, dtype="float8")

    def test_ragged_lists_and_strangers(self):
        with self.assertRaises(cnn.ShapeError):
            cnn.tensor([[1, 2], [3]])
        with self.assertRaises((TypeError, cnn.ShapeError)):
            cnn.tensor([[1, 2], 3])
        with self.assertRaises(TypeError):
            cnn.tensor(["a"])
        with self.assertRaises(TypeError):
            cnn.Tensor([1])

    def test_creation(self):
        self.assertEqual(cnn.zeros(2, 3).tolist(), [[0.0] * 3] * 2)
        self.assertEqual(cnn.ones((2,), dtype=int).tolist(), [1, 1])
        self.assertEqual(cnn.full((2,), 7).tolist(), [7, 7])
        self.assertEqual(cnn.arange(1, 2, 0.25).tolist(), [1.0, 1.25, 1.5, 1.75])
        self.assertEqual(cnn.arange(3).tolist(), [0, 1, 2])
        cnn.manual_seed(5)
        first = cnn.randn(4).tolist()
        cnn.manual_seed(5)
        self.assertEqual(first, cnn.randn(4).tolist())

    def test_integers_beyond_doubles(self):
        big = 2**62 + 1
        self.assertEqual(cnn.tensor(big).item(), big)
        self.assertEqual(cnn.full((2,), big).tolist(), [big, big])

    def test_printing(self):
        self.assertEqual(
            repr(cnn.tensor([[1.0, 2.5], [3.0, -4.0]])), "tensor([[ 1.0000,  2.5000],\n        [ 3.0000, -4.0000]])"
        )
        self.assertEqual(str(cnn.tensor([1, 2])), "tensor([1, 2])")

    def test_numbers_of_python(self):
        t = cnn.tensor([3])
        self.assertEqual((int(t), float(t), bool(t), list(range(5))[t]), (3, 3.0, True, 3))
        with self.assertRaises(ValueError):
            bool(cnn.ones(2))
        with self.assertRaises(cnn.ArgumentError):
            cnn.ones(2).item()
        with self.assertRaises(TypeError):
            len(cnn.tensor(1.0))
        self.assertEqual([t.item() for t in cnn.arange(3)], [0, 1, 2])


class Operators(unittest.TestCase):
    def test_numbers(self):
        x = cnn.tensor([1.0, -2.0, 4.0])
        for got, expected in (
            (x + 1, [2, -1, 5]),
            (1 + x, [2, -1, 5]),
            (x - 1, [0, -3, 3]),
            (1 - x, [0, 3, -3]),
            (x * 2, [2, -4, 8]),
            (x / 2, [0.5, -1, 2]),
            (4 / x, [4, -2, 1]),
            (x**2, [1, 4, 16]),
            (2**x, [2, 0.25, 16]),
            (-x, [-1, 2, -4]),
            (abs(x), [1, 2, 4]),
            (x // 3, [0, -1, 1]),
            (x % 3, [1, 1, 1]),
            (x > 0, [True, False, True]),
            (x == 4, [False, False, True]),
            (x != 4, [True, True, False]),
            (0 < x, [True, False, True]),
        ):
            self.assertEqual(got.tolist(), expected)

    def test_integers_stay_integers(self):
        x = cnn.tensor([7, -7])
        for got, expected in (
            (x + 1, [8, -6]),
            (x * x, [49, 49]),
            (x - x, [0, 0]),
            (x // 2, [3, -4]),
            (x % 2, [1, 1]),
            (x & 3, [3, 1]),
            (x | 8, [15, -7]),
            (x ^ 1, [6, -8]),
            (x << 1, [14, -14]),
            (x >> 1, [3, -4]),
            (~x, [-8, 6]),
        ):
            self.assertEqual((got.dtype, got.tolist()), (cnn.int64, expected))
        self.assertEqual((x / 2).tolist(), [3.5, -3.5])
        self.assertEqual((x + 0.5).dtype, cnn.float32)
        self.assertEqual((cnn.tensor([250], dtype="uint8") + 10).tolist(), [4])
        with self.assertRaises(OverflowError):
            cnn.tensor([2**60]) * 2

    def test_broadcasting_and_promotion(self):
        a, b = cnn.ones(2, 1), cnn.arange(3)
        self.assertEqual((a * b).tolist(), [[0.0, 1.0, 2.0]] * 2)
        self.assertEqual((a + cnn.ones(1, dtype="float64")).dtype, cnn.float64)
        self.assertEqual((a + cnn.tensor(1.0, dtype="float64")).dtype, cnn.float32)
        self.assertEqual((cnn.arange(3) + cnn.tensor(1.0)).dtype, cnn.float32)

    def test_matmul(self):
        a = cnn.arange(6).float().reshape(2, 3)
        self.assertEqual((a @ a.T).tolist(), [[5.0, 14.0], [14.0, 50.0]])
        with self.assertRaises(TypeError):
            a @ 3

    def test_in_place(self):
        x = cnn.ones(3)
        same = x
        x += 1
        x *= 3
        self.assertIs(x, same)
        self.assertEqual(x.tolist(), [6.0] * 3)
        w = cnn.ones(2, requires_grad=True)
        with self.assertRaises(cnn.StateError):
            w -= 1
        with cnn.no_grad():
            w -= 0.5
        self.assertEqual(w.tolist(), [0.5, 0.5])

    def test_others_are_left_to_them(self):
        self.assertEqual(cnn.ones(1).__add__("a"), NotImplemented)
        with self.assertRaises(TypeError):
            cnn.ones(1) + "a"


class Methods(unittest.TestCase):
    def test_shapes(self):
        x = cnn.arange(24).reshape(2, 3, 4)
        self.assertEqual(x.permute(2, 0, 1).shape, (4, 2, 3))
        self.assertEqual(x.view((6, 4)).shape, (6, 4))
        self.assertEqual(x.T.shape, (4, 3, 2))
        self.assertEqual(x[:1].squeeze().shape, (3, 4))
        self.assertEqual([p.shape for p in x.split(2, 1)], [(2, 2, 4), (2, 1, 4)])
        self.assertEqual([p.shape for p in x.split([1, 3], -1)], [(2, 3, 1), (2, 3, 3)])
        self.assertEqual(len(x.chunk(2, 2)), 2)
        self.assertEqual([p.tolist() for p in cnn.ones(2, 2).unbind()], [[1.0, 1.0]] * 2)
        self.assertEqual(cnn.cat([x, x]).shape, (4, 3, 4))
        self.assertEqual(cnn.stack([x, x], 1).shape, (2, 2, 3, 4))

    def test_reductions(self):
        x = cnn.tensor([[1.0, 5.0], [7.0, 2.0]])
        self.assertEqual(
            (x.sum().item(), x.mean(0).tolist(), x.sum(dim=(0, 1), keepdim=True).tolist()), (15.0, [4.0, 3.5], [[15.0]])
        )
        values, indices = x.max(1)
        self.assertEqual((values.tolist(), indices.tolist(), x.max().item()), ([5.0, 7.0], [1, 0], 7.0))
        self.assertEqual(x.var(0).tolist(), [18.0, 4.5])
        self.assertEqual(x.argmax().item(), 2)

    def test_every_operation_is_a_method_too(self):
        from cnn import _ops

        missing = [
            name for name in _ops.__all__ if not hasattr(cnn.Tensor, name) and name not in ("concat", "stack", "einsum")
        ]
        self.assertEqual(missing, [])


def indices():
    s = slice
    return [
        0,
        -1,
        s(None),
        s(1, None),
        s(None, -1),
        s(None, None, 2),
        s(None, None, -1),
        s(3, 0, -2),
        s(5, 5),
        Ellipsis,
        None,
        (0, 1),
        (s(None), 1),
        (Ellipsis, 0),
        (0, Ellipsis, s(1, 3)),
        (None, s(1), None),
        (s(None), s(None), 2),
        (s(None, None, -2), Ellipsis, s(None, None, -1)),
        [0, 1, 1],
        (s(None), [2, 0]),
        ([1, 0], [0, 2]),
        ([0, 1], s(None), [3, -1]),
        (s(None), [[0, 1], [2, -1]]),
        (1, [0, 2]),
        ([[0], [1]], [0, 2]),
        (),
    ]


class Indexing(unittest.TestCase):
    @unittest.skipUnless(numpy, "needs NumPy")
    def test_as_numpy(self):
        n = numpy.arange(24.0).reshape(2, 3, 4)
        x = cnn.from_numpy(n)
        for index in indices():
            with self.subTest(index=index):
                got, expected = x[index], n[index]
                self.assertEqual(got.shape, expected.shape)
                self.assertEqual(got.tolist(), expected.tolist())

    @unittest.skipUnless(numpy, "needs NumPy")
    def test_masks(self):
        n = numpy.arange(12.0).reshape(3, 4)
        x = cnn.from_numpy(n)
        self.assertEqual(x[x > 5].tolist(), n[n > 5].tolist())
        self.assertEqual(x[cnn.tensor([True, False, True])].tolist(), n[[True, False, True]].tolist())
        self.assertEqual(x[x > 99].shape, (0,))

    def test_out_of_range(self):
        x = cnn.zeros(2, 3)
        for index in (2, -3, (0, 3), (0, 0, 0), [2], (slice(None), [0, -4]), (Ellipsis, Ellipsis)):
            with self.subTest(index=index), self.assertRaises(IndexError):
                x[index]
        with self.assertRaises(TypeError):
            x["a"]

    def test_gradient_through_indexing(self):
        x = cnn.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        (x[1] * x[:, 0] + x[[0, 0], 1]).sum().backward()
        # x[1] · x[:, 0] is x10 · x00 + x11 · x10, and x01 counts twice
        self.assertEqual(x.grad.tolist(), [[3.0, 2.0], [5.0, 3.0]])

    @unittest.skipUnless(numpy, "needs NumPy")
    def test_writing(self):
        for index, value in (
            (0, 5.0),
            ((slice(None), 1), [7.0, 8.0]),
            (Ellipsis, 1.0),
            ((1, slice(0, 4, 2)), 9.0),
            (-1, 3.0),
        ):
            with self.subTest(index=index):
                n = numpy.arange(8.0).reshape(2, 4)
                x = cnn.tensor(n)
                x[index] = value
                n[index] = value
                self.assertEqual(x.tolist(), n.tolist())
        x = cnn.arange(4).float()
        x[x > 1] = -1.0
        self.assertEqual(x.tolist(), [0.0, 1.0, -1.0, -1.0])
        y = x + 1  # a result without a history is written like any other
        y[0] = 2.5
        self.assertEqual((y.tolist(), x[0].item()), ([2.5, 2.0, 0.0, 0.0], 0.0))
        with self.assertRaises(cnn.StateError):
            (cnn.ones(2, requires_grad=True) * 2)[0] = 2.0


if __name__ == "__main__":
    unittest.main()
