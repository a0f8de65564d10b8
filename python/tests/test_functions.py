"""Operations of one's own, metrics and samplers."""

import gc
import threading
import unittest

import cnn
from cnn.data import (
    DataLoader,
    DistributedSampler,
    Sampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)


class Cube(cnn.Function):
    @staticmethod
    def forward(ctx, x, factor=1.0):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * x * factor

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x * x * 3 * ctx.factor, *([None] if len(ctx.needs_input_grad) > 1 else [])


class Product(cnn.Function):
    """Of two matrices, as x.matmul(y)."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x @ y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return grad @ y.T if ctx.needs_input_grad[0] else None, x.T @ grad if ctx.needs_input_grad[1] else None


class Both(cnn.Function):
    """The product, the sum, and the places of the larger numbers."""

    zeros = True

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.set_materialize_grads(Both.zeros)
        return x * y, x + y, cnn.tensor([1, 0], dtype="int64")

    @staticmethod
    def backward(ctx, product, total, places):
        x, y = ctx.saved_tensors
        ctx.__class__.seen = [None if g is None else g.tolist() for g in (product, total, places)]
        if product is None:
            return total, total
        return product * y + total, product * x + total


def broken(result):
    class Broken(cnn.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            if isinstance(result, Exception):
                raise result
            return result

    return Broken


class Functions(unittest.TestCase):
    def test_gradient(self):
        w = cnn.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = Cube.apply(w * 2, 2.0)
        self.assertEqual(y.tolist(), [16.0, 128.0, 432.0])
        y.sum().backward()
        self.assertEqual(w.grad.tolist(), [48.0, 192.0, 432.0])

    def test_several_inputs(self):
        a, b = cnn.randn(3, 4, requires_grad=True), cnn.randn(4, 2, requires_grad=True)
        weights = cnn.randn(3, 2)
        (Product.apply(a, b) * weights).sum().backward()
        ours = a.grad.tolist(), b.grad.tolist()
        for x in (a, b):
            x.grad.fill_(0)
        (a.matmul(b) * weights).sum().backward()
        for mine, theirs in zip(ours, (a.grad.tolist(), b.grad.tolist())):
            for row, other in zip(mine, theirs):
                for x, y in zip(row, other):
                    self.assertAlmostEqual(x, y, places=5)
        frozen = cnn.randn(4, 2)
        Product.apply(a, frozen).sum().backward()  # one input without a gradient

    def test_in_a_module_and_in_a_loop(self):
        class Net(cnn.nn.Module):
            def __init__(self):
                super().__init__()
                self.first = cnn.nn.Linear(3, 3)

            def forward(self, x):
                return Cube.apply(self.first(x))

        net = Net()
        sgd = cnn.optim.SGD(net.parameters(), lr=0.001)
        x = cnn.randn(8, 3)
        losses = []
        for _ in range(30):
            loss = (net(x) * net(x)).mean()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
        self.assertLess(losses[-1], losses[0])

    def test_nested_and_recorded_nowhere(self):
        class Outer(cnn.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return Cube.apply(x)

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                inner = cnn.tensor(x.tolist(), requires_grad=True)
                with cnn.enable_grad(), cnn.Tape():
                    Cube.apply(inner).sum().backward()
                return grad * inner.grad

        w = cnn.tensor([2.0], requires_grad=True)
        (Outer.apply(w * 1) * 5).sum().backward()
        self.assertEqual(w.grad.tolist(), [60.0])
        with cnn.no_grad():
            y = Cube.apply(w * 1)
        self.assertEqual(y.tolist(), [8.0])

    def test_none_is_zero_and_other_threads(self):
        w = cnn.tensor([1.0], requires_grad=True)
        (broken(None).apply(w * 1) + w).sum().backward()
        self.assertEqual(w.grad.tolist(), [1.0])
        found = []

        def work():
            v = cnn.tensor([3.0], requires_grad=True)
            Cube.apply(v * 1).sum().backward()
            found.append(v.grad.tolist())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(found, [[27.0]] * 4)
        gc.collect()

    def test_several_results(self):
        w = cnn.tensor([2.0, 3.0], requires_grad=True)
        v = cnn.tensor([5.0, 7.0], requires_grad=True)
        product, total, places = Both.apply(w * 1, v)
        self.assertEqual((product.tolist(), total.tolist(), places.tolist()), ([10.0, 21.0], [7.0, 10.0], [1, 0]))
        self.assertEqual((product.requires_grad, places.requires_grad), (True, False))
        (product * total).sum().backward()
        self.assertEqual((w.grad.tolist(), v.grad.tolist()), ([45.0, 91.0], [24.0, 51.0]))
        product, _, _ = Both.apply(w * 1, v)
        product.sum().backward()
        self.assertEqual((w.grad.tolist(), v.grad.tolist()), ([50.0, 98.0], [26.0, 54.0]))
        self.assertEqual(cnn._function.FunctionContext.seen, [[1.0, 1.0], [0.0, 0.0], [0, 0]])
        Both.zeros = False
        try:
            _, total, _ = Both.apply(w * 1, v)
            total.sum().backward()
            self.assertEqual(cnn._function.FunctionContext.seen, [None, [1.0, 1.0], None])
        finally:
            Both.zeros = True
        self.assertEqual((w.grad.tolist(), v.grad.tolist()), ([51.0, 99.0], [27.0, 55.0]))

    def test_too_many_results(self):
        class Many(cnn.Function):
            @staticmethod
            def forward(ctx, x, n):
                return (x,) * n if n else (x, 1)

        w = cnn.tensor([2.0])
        self.assertEqual([len(Many.apply(w, n)) for n in (1, 6)], [1, 6])
        with self.assertRaisesRegex(cnn.ArgumentError, "7 outputs, expected 1 to 6"):
            Many.apply(w, 7)
        with self.assertRaisesRegex(TypeError, r"returned \(Tensor, int\), expected a Tensor or a tuple of them"):
            Many.apply(w, 0)

    def test_failures(self):
        w = cnn.tensor([1.0, 2.0], requires_grad=True)
        with self.assertRaisesRegex(KeyError, "mine"):
            broken(KeyError("mine")).apply(w * 1).sum().backward()
        with self.assertRaisesRegex(cnn.ShapeError, r"gradient 0 is \[7\], but the input is \[2\]"):
            broken(cnn.ones(7)).apply(w * 1).sum().backward()
        with self.assertRaisesRegex(cnn.DTypeError, "gradient 0 has another dtype"):
            broken(cnn.ones(2, dtype="float64")).apply(w * 1).sum().backward()
        with self.assertRaisesRegex(TypeError, "gradient 0 is str, expected a Tensor"):
            broken(("a",)).apply(w * 1).sum().backward()
        with self.assertRaisesRegex(cnn.ArgumentError, "returned 2 gradients, expected 1"):
            broken((None, None)).apply(w * 1).sum().backward()
        with self.assertRaisesRegex(TypeError, "expected a tensor among the inputs"):
            Cube.apply(1.0)
        Cube.apply(w * 1).sum().backward()  # and all goes on
        self.assertEqual(w.grad.tolist(), [3.0, 12.0])

    def test_without_a_gradient(self):
        class Sign(cnn.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

        w = cnn.tensor([1.0], requires_grad=True)
        with self.assertRaises(cnn.Error):
            Sign.apply(w * 1).sum().backward()


class Metrics(unittest.TestCase):
    def test_accuracy(self):
        scores = cnn.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
        labels = cnn.tensor([1, 1, 2])
        self.assertAlmostEqual(cnn.metrics.accuracy(scores, labels), 2 / 3)
        self.assertEqual(cnn.metrics.top_k_correct(scores, labels, 2), 3)
        with self.assertRaisesRegex(cnn.ArgumentError, "top_k_correct: "):
            cnn.metrics.accuracy(scores, labels, k=4)

    def test_confusion(self):
        m = cnn.metrics.ConfusionMatrix(3)
        m.update(cnn.tensor([0, 1, 1]), cnn.tensor([0, 0, 1])).update([2, 2], [2, 1])
        self.assertEqual(m.tolist(), [[1, 1, 0], [0, 1, 1], [0, 0, 1]])
        self.assertAlmostEqual(m.accuracy, 0.6)
        self.assertEqual(m.scores()[0], (1.0, 0.5, 2 / 3, 2))
        self.assertAlmostEqual(m.average("micro").f1, 0.6)
        self.assertEqual(list(m.report(["a", "b", "c"])), ["a", "b", "c", "macro", "micro", "weighted"])
        with self.assertRaises(ValueError):
            m.average("mean")
        with self.assertRaises(ValueError):
            cnn.metrics.ConfusionMatrix(0)

    def test_roc_auc(self):
        self.assertEqual(cnn.metrics.roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.75)


class Samplers(unittest.TestCase):
    data = TensorDataset(cnn.arange(10, dtype="float32").reshape(10, 1), cnn.arange(10))

    def labels(self, sampler, epochs=1):
        loader = DataLoader(self.data, 4, sampler=sampler, seed=7)
        return [[i for _, y in loader for i in y.tolist()] for _ in range(epochs)]

    def test_weighted(self):
        (drawn,) = self.labels(WeightedRandomSampler([1] * 5 + [0] * 5, 40))
        self.assertEqual(len(drawn), 40)
        self.assertEqual(set(drawn), {0, 1, 2, 3, 4})
        with self.assertRaisesRegex(cnn.ArgumentError, "weighted_random_sampler"):
            WeightedRandomSampler([-1.0], 1)

    def test_subset(self):
        sampler = SubsetRandomSampler([2, 4, 6, 8])
        first, second = self.labels(sampler, 2)
        self.assertEqual(sorted(first), [2, 4, 6, 8])
        self.assertEqual(first, sampler.order(7, 0))
        self.assertEqual(second, sampler.order(7, 1))

    def test_distributed(self):
        shares = [DistributedSampler(self.data, 3, rank, shuffle=False).order(1, 0) for rank in range(3)]
        self.assertEqual(shares, [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]])
        self.assertEqual(len(DistributedSampler(10, 3, 0, drop_last=True)), 3)

    def test_own(self):
        class Backwards(Sampler):
            def __len__(self):
                return 3

            def order(self, seed, epoch):
                return range(epoch + 2, epoch - 1, -1)

        self.assertEqual(self.labels(Backwards(), 2), [[2, 1, 0], [3, 2, 1]])

        class Wrong(Sampler):
            def __len__(self):
                return 3

            def order(self, seed, epoch):
                return [1]

        with self.assertRaisesRegex(ValueError, "gave 1 samples, but the sampler's length is 3"):
            self.labels(Wrong())
        with self.assertRaisesRegex(TypeError, "sampler is list"):
            self.labels([1, 2])
        with self.assertRaises(NotImplementedError):
            self.labels(Sampler())


if __name__ == "__main__":
    unittest.main()
