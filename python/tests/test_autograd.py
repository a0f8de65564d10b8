"""Steps: what the tape of a thread does by itself, tapes as context managers, and gradients like PyTorch's."""

import threading
import unittest

import cnn
from cnn.nn import functional as F

try:
    import torch
except ImportError:
    torch = None


class Steps(unittest.TestCase):
    def test_results_outlive_their_step(self):
        w = cnn.ones(2, requires_grad=True)
        kept = []
        for i in range(5):
            loss = (w * float(i)).sum()
            kept.append(loss)
            loss.backward()
        self.assertEqual([t.item() for t in kept], [0.0, 2.0, 4.0, 6.0, 8.0])
        self.assertEqual(w.grad.tolist(), [10.0, 10.0])

    def test_two_branches_are_one_step(self):
        a, b = cnn.ones(2, requires_grad=True), cnn.ones(2, requires_grad=True)
        first, second = (a * 2).sum(), (b * 3).sum()
        (first + second).backward()
        self.assertEqual((a.grad.tolist(), b.grad.tolist()), ([2.0, 2.0], [3.0, 3.0]))

    def test_a_lost_history_is_an_error(self):
        w = cnn.ones(2, requires_grad=True)
        first, second = (w * 2).sum(), (w * 3).sum()
        first.backward()
        third = (w * 4).sum()  # a new step
        with self.assertRaisesRegex(cnn.StateError, "with cnn.Tape"):
            (second + third).backward()
        self.assertTrue(second.requires_grad)
        self.assertEqual(second.item(), 6.0)

    def test_running_sums_need_no_history(self):
        w, total = cnn.ones(2, requires_grad=True), 0
        for i in range(4):
            loss = (w * float(i)).sum()
            loss.backward()
            total = total + loss
        self.assertEqual(total.item(), 12.0)

    def test_tape_keeps_a_step_together(self):
        w = cnn.ones(2, requires_grad=True)
        tape = cnn.Tape()
        for _ in range(2):
            with tape:
                first, second = (w * 2).sum(), (w * 3).sum()
                first.backward()
                third = (w * 4).sum()
                (second + third).backward()
        self.assertEqual(w.grad.tolist(), [18.0, 18.0])
        self.assertEqual(third.item(), 8.0)
        with cnn.Tape(grad=False):
            self.assertFalse((w * 2).requires_grad)

    def test_equal_steps_need_no_more_memory(self):
        w = cnn.ones(64, 64, requires_grad=True)
        tape = cnn.Tape()
        sizes = set()
        for _ in range(6):
            with tape:
                (w @ w).relu().sum().backward()
            sizes.add(tape.memory)
        self.assertLessEqual(len(sizes), 2)

    def test_no_grad(self):
        w = cnn.ones(2, requires_grad=True)
        with cnn.no_grad():
            y = w * 2
            self.assertFalse(y.requires_grad)
            with cnn.enable_grad():
                self.assertTrue((w * 2).requires_grad)
            self.assertFalse(cnn.is_grad_enabled())
        (w * y).sum().backward()
        self.assertEqual(w.grad.tolist(), [2.0, 2.0])

        @cnn.no_grad()
        def double(t):
            return t * 2

        self.assertFalse(double(w).requires_grad)

    def test_no_grad_within_a_step(self):
        w = cnn.ones(2, requires_grad=True)
        y = w * 3
        with cnn.no_grad():
            factor = y + 1
        (y * factor).sum().backward()
        self.assertEqual(w.grad.tolist(), [12.0, 12.0])

    def test_after_an_error_work_goes_on(self):
        w = cnn.ones(2, requires_grad=True)
        kept = w * 2
        with self.assertRaises(cnn.ShapeError):
            kept + cnn.ones(3)
        self.assertEqual(kept.tolist(), [2.0, 2.0])
        (w * 2).sum().backward()
        self.assertEqual(w.grad.tolist(), [2.0, 2.0])

    def test_backward_with_a_gradient_and_twice(self):
        w = cnn.ones(2, requires_grad=True)
        y = w * w
        y.backward(cnn.tensor([1.0, 2.0]), retain_graph=True)
        y.backward(cnn.tensor([1.0, 0.0]))
        self.assertEqual(w.grad.tolist(), [4.0, 4.0])
        with self.assertRaises(cnn.StateError):
            y.backward(cnn.tensor([1.0, 0.0]))
        with self.assertRaisesRegex(cnn.StateError, "not the result"):
            w.backward()

    def test_gradients_of_results_and_of_chosen_tensors(self):
        w = cnn.tensor([1.0, 2.0], requires_grad=True)
        y = w * 3
        y.retain_grad()
        loss = (y * y).sum()
        self.assertEqual(cnn.grad(loss, [w], retain_graph=True)[0].tolist(), [18.0, 36.0])
        self.assertIsNone(w.grad)
        loss.backward()
        self.assertEqual(y.grad.tolist(), [6.0, 12.0])
        (w * 1).sum().backward()  # a new step: what was kept of y stays
        self.assertEqual(y.grad.tolist(), [6.0, 12.0])
        w.zero_grad()
        self.assertEqual(w.grad.tolist(), [0.0, 0.0])

    def test_tensors_among_options(self):
        x, labels = cnn.randn(3, 4), cnn.tensor([0, 1, 2])
        weight = cnn.tensor([1.0, 2.0, 3.0, 4.0])
        expected = F.cross_entropy(x, labels, weight=weight).item()
        for _ in range(3):
            half = weight * 0.5  # a result of the step that is current
            self.assertEqual(F.cross_entropy(x, labels, weight=half * 2).item(), expected)
            with cnn.Tape():
                self.assertEqual(F.cross_entropy(x, labels, weight=half * 2).item(), expected)

    def test_two_contexts(self):
        other = cnn.Context(threads=1)
        with cnn.Tape():
            y = cnn.ones(2, context=other) + 1
            self.assertIs(y.context, other)
            with self.assertRaises(cnn.StateError):
                y + cnn.ones(2)
        self.assertEqual(y.tolist(), [2.0, 2.0])

    def test_hooks(self):
        w = cnn.ones(2, requires_grad=True)
        y = w * 2
        seen = []
        y.register_hook(seen.append)
        y.register_hook(lambda g: g * 10)
        (y * 3).sum().backward()
        (cnn.ones(2) + 1).tolist()
        self.assertEqual((seen[0].tolist(), w.grad.tolist()), ([3.0, 3.0], [60.0, 60.0]))

        def bad(_):
            raise KeyError("a hook's")

        z = w * 2
        z.register_hook(bad)
        with self.assertRaisesRegex(KeyError, "a hook's"):
            z.sum().backward()
        with self.assertRaises(cnn.StateError):
            w.register_hook(bad)

    def test_threads(self):
        w = cnn.randn(32, 32)
        expected = (w @ w).sum().item()
        results, problems = [], []

        def work():
            try:
                for _ in range(30):
                    x = cnn.tensor(w, requires_grad=True)
                    y = (x @ w).sum()
                    y.backward()
                    results.append(y)
            except Exception as problem:  # told to the thread that counts
                problems.append(problem)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(problems, [])
        self.assertEqual({r.item() for r in results}, {expected})
        self.assertEqual(sum(results[1:], results[0]).shape, ())  # of four threads' tapes

    def test_a_result_is_used_while_its_thread_goes_on(self):
        box, stop = [None], threading.Event()

        def work():
            i = 0
            while not stop.is_set():
                with cnn.no_grad():
                    box[0] = cnn.full((100,), float(i)) + 1.0
                i += 1

        thread = threading.Thread(target=work)
        thread.start()
        try:
            for _ in range(300):
                t = box[0]
                if t is not None:
                    values = (t * 2.0).tolist()
                    self.assertEqual(len(set(values)), 1)
        finally:
            stop.set()
            thread.join()


@unittest.skipUnless(torch, "needs PyTorch")
class LikePyTorch(unittest.TestCase):
    def compare(self, function, reference, *shapes, tolerance=1e-5):
        torch.manual_seed(3)
        theirs = [torch.randn(*shape, requires_grad=True) for shape in shapes]
        ours = [cnn.tensor(t.detach().numpy(), requires_grad=True) for t in theirs]
        y, expected = function(*ours), reference(*theirs)
        weight = torch.randn(expected.shape)
        (expected * weight).sum().backward()
        (y * cnn.from_dlpack(weight)).sum().backward()
        self.assertEqual(y.shape, tuple(expected.shape))
        self.assertLess((cnn.from_dlpack(expected.detach()) - y.detach()).abs().max().item(), tolerance)
        for a, b in zip(ours, theirs):
            self.assertLess((a.grad - cnn.from_dlpack(b.grad)).abs().max().item(), tolerance)

    def test_operations(self):
        T = torch.nn.functional
        cases = (
            (lambda x, y: x * y + x / (y.abs() + 1), lambda x, y: x * y + x / (y.abs() + 1), (3, 4), (4,)),
            (lambda x, y: x @ y, lambda x, y: x @ y, (2, 3, 4), (4, 5)),
            (lambda x: x.softmax(1), lambda x: x.softmax(1), (3, 5)),
            (lambda x: x[:, None, 1:].exp().mean(-1), lambda x: x[:, None, 1:].exp().mean(-1), (3, 5)),
            (lambda x: x.max(1)[0], lambda x: x.max(1)[0], (3, 5)),
            (lambda x: x.std(0), lambda x: x.std(0), (6, 3)),
            (
                lambda x: x.permute(2, 0, 1).reshape(4, -1).tanh(),
                lambda x: x.permute(2, 0, 1).reshape(4, -1).tanh(),
                (2, 3, 4),
            ),
            (lambda x: F.gelu(x), lambda x: T.gelu(x), (3, 4)),
            (
                lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=(1, 2)),
                lambda x, w, b: T.conv2d(x, w, b, stride=2, padding=(1, 2)),
                (2, 3, 9, 8),
                (4, 3, 3, 3),
                (4,),
            ),
            (
                lambda x, w: F.conv2d(x, w, padding="same", dilation=2),
                lambda x, w: T.conv2d(x, w, padding="same", dilation=2),
                (1, 2, 7, 7),
                (3, 2, 3, 3),
            ),
            (lambda x: F.max_pool2d(x, kernel_size=2), lambda x: T.max_pool2d(x, 2), (1, 2, 6, 6)),
            (
                lambda x, w, b: F.layer_norm(x, (4,), w, b),
                lambda x, w, b: T.layer_norm(x, (4,), w, b),
                (3, 4),
                (4,),
                (4,),
            ),
            (
                lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"),
                lambda x: T.interpolate(x, scale_factor=2.0, mode="bilinear"),
                (1, 2, 4, 5),
            ),
            (
                lambda x: F.pad(x, (1, 2, 0, 1), mode="reflect"),
                lambda x: T.pad(x, (1, 2, 0, 1), mode="reflect"),
                (1, 2, 4, 5),
            ),
            (
                lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                lambda q, k, v: torch.softmax(
                    (q @ k.transpose(-2, -1) / 2.0).masked_fill(torch.ones(3, 3).triu(1).bool(), float("-inf")), -1
                )
                @ v,
                (2, 3, 4),
                (2, 3, 4),
                (2, 3, 4),
            ),
        )
        for i, (ours, theirs, *shapes) in enumerate(cases):
            with self.subTest(case=i):
                self.compare(ours, theirs, *shapes)

    def test_losses(self):
        target = torch.tensor([1, 0, 3])
        labels = cnn.from_dlpack(target)
        self.compare(
            lambda x: F.cross_entropy(x, labels, label_smoothing=0.1),
            lambda x: torch.nn.functional.cross_entropy(x, target, label_smoothing=0.1),
            (3, 4),
        )
        self.compare(
            lambda x: cnn.nn.CrossEntropyLoss(reduction="none")(x, labels),
            lambda x: torch.nn.functional.cross_entropy(x, target, reduction="none"),
            (3, 4),
        )
        self.compare(
            lambda x, y: cnn.nn.HuberLoss(delta=0.5, reduction="sum")(x, y.detach()) + y.sum() * 0,
            lambda x, y: torch.nn.functional.huber_loss(x, y.detach(), delta=0.5, reduction="sum") + y.sum() * 0,
            (3, 4),
            (3, 4),
        )


if __name__ == "__main__":
    unittest.main()
