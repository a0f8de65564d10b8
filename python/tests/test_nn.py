"""Modules, optimizers and schedulers."""

import copy
import gc
import math
import os
import tempfile
import threading
import unittest
import weakref

import cnn
from cnn import nn
from cnn.nn import functional as F

try:
    import torch
except ImportError:
    torch = None


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.linear = nn.Linear(size, size)
        self.scale = nn.Parameter(cnn.ones(size))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x + F.relu(self.linear(x)) * self.scale


class Modules(unittest.TestCase):
    def test_layers_are_pytorchs(self):
        layer = nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), groups=2, bias=False)
        self.assertEqual(
            repr(layer), "Conv2d(4, 6, kernel_size=(3, 5), stride=(2, 2), padding=(1, 2), groups=2, bias=False)"
        )
        self.assertEqual([n for n, _ in layer.named_parameters()], ["weight"])
        self.assertEqual(layer.weight.shape, (6, 2, 3, 5))
        self.assertEqual(repr(nn.MaxPool2d(3, 2, 1)), repr(nn.MaxPool2d(kernel_size=3, stride=2, padding=1)))
        self.assertEqual(repr(nn.Conv2d(4, 6, 3, 2, 1)), repr(nn.Conv2d(4, 6, kernel_size=3, stride=2, padding=1)))
        self.assertEqual(nn.LeakyReLU(0.5)(cnn.tensor([-2.0])).item(), -1.0)
        self.assertIn(
            "affine=False, track_running_stats=False",
            repr(nn.BatchNorm2d(num_features=3, affine=False, track_running_stats=False)),
        )
        self.assertEqual(list(nn.LayerNorm(normalized_shape=4, elementwise_affine=False).parameters()), [])
        self.assertEqual(nn.GroupNorm(num_groups=2, num_channels=4).weight.shape, (4,))
        self.assertEqual(nn.Flatten(start_dim=0)(cnn.ones(2, 3)).shape, (6,))
        self.assertEqual(nn.AdaptiveAvgPool2d(1)(cnn.ones(1, 2, 5, 5)).shape, (1, 2, 1, 1))
        self.assertEqual(nn.ZeroPad2d((1, 2, 0, 0))(cnn.ones(1, 1, 2, 2)).shape, (1, 1, 2, 5))
        self.assertEqual(nn.LayerNorm((3, 4))(cnn.ones(2, 3, 4)).shape, (2, 3, 4))
        with self.assertRaises(cnn.ArgumentError):
            nn.Linear(0, 1)
        with self.assertRaises(TypeError):
            nn.Conv2d(1, 1, 3, strides=2)
        with self.assertRaisesRegex(TypeError, "^Linear: argument 2 is 'two', expected an integer$"):
            nn.Linear(1, "two")
        with self.assertRaisesRegex(TypeError, r"^Linear: argument 1 is 2\.5, expected an integer$"):
            nn.Linear(2.5, 1)
        with self.assertRaisesRegex(TypeError, "^leaky_relu: argument 2 is 'x', expected a number$"):
            cnn.leaky_relu(cnn.ones(2), "x")
        with self.assertRaisesRegex(ValueError, "stride is 0"):
            nn.Conv2d(1, 1, 3, stride=0)
        with self.assertRaisesRegex(ValueError, "'valid_same' is none of"):
            nn.Conv2d(1, 1, 3, padding="valid_same")

    @unittest.skipUnless(torch, "needs PyTorch")
    def test_constructors_have_pytorchs_names(self):
        others = {"Lamb", "Unflatten"}
        for name in nn._layers.__all__:
            if name not in others:
                self.assertTrue(hasattr(torch.nn, name) or name in ("RMSNorm",), name)

    def test_a_class_of_ones_own(self):
        block = Block(3)
        self.assertEqual(list(block.state_dict()), ["scale", "linear.weight", "linear.bias"])
        self.assertEqual(repr(block), "Block(\n  (linear): Linear(in_features=3, out_features=3, bias=True)\n)")
        x = cnn.randn(2, 3)
        inside = nn.Sequential(block, nn.Linear(3, 1))
        expected = inside[1](block(x))
        self.assertEqual(inside(x).tolist(), expected.tolist())
        inside(x).sum().backward()
        self.assertIsNotNone(block.scale.grad)
        self.assertEqual(block.calls, 3)
        self.assertIs(inside[0], block)
        self.assertEqual([n for n, _ in inside.named_modules()], ["", "0", "0.linear", "1"])

    def test_exceptions_pass_through_the_library(self):
        class Bad(nn.Module):
            def forward(self, x):
                raise KeyError("of one's own")

        class Wrong(nn.Module):
            def forward(self, x):
                return 3

        x = cnn.ones(1, 2)
        with self.assertRaisesRegex(KeyError, "of one's own"):
            nn.Sequential(nn.ReLU(), Bad())(x)
        with self.assertRaisesRegex(TypeError, "expected a Tensor"):
            nn.Sequential(Wrong())(x)
        self.assertEqual(nn.Sequential(nn.ReLU())(x).tolist(), [[1.0, 1.0]])
        with self.assertRaisesRegex(cnn.ShapeError, "^1: linear: "):
            nn.Sequential(nn.ReLU(), nn.Linear(3, 1))(x)
        with self.assertRaises(NotImplementedError):
            nn.Module().forward(x)

    def test_what_a_forward_keeps(self):
        class Keeps(nn.Module):
            def forward(self, x):
                self.seen = x * 2
                return self.seen + 1

        keeps = Keeps()
        y = nn.Sequential(keeps, nn.ReLU())(cnn.ones(2, 2))
        self.assertEqual((keeps.seen.tolist(), y.tolist()), ([[2.0, 2.0]] * 2, [[3.0, 3.0]] * 2))

        class KeepsAll(nn.Module):
            def forward(self, x):
                self.given, self.made = x, x * 2
                return self.made

        keeps = KeepsAll()
        model = nn.Sequential(nn.Identity(), keeps, nn.ReLU())
        model(cnn.ones(2, 2))
        self.assertEqual((keeps.given.tolist(), keeps.made.tolist()), ([[1.0, 1.0]] * 2, [[2.0, 2.0]] * 2))
        cnn.Predictor(model, cnn.ones(2, 2))
        self.assertEqual(keeps.made.tolist(), [[2.0, 2.0]] * 2)

    def test_no_grad_in_a_forward(self):
        class Half(nn.Module):
            def forward(self, x):
                y = x * 2
                with cnn.no_grad():
                    factor = y + 1
                    factor = factor * 1
                return y * factor if self.training else factor

        half = Half()
        x = cnn.ones(2, requires_grad=True)
        nn.Sequential(half, nn.ReLU())(x).sum().backward()
        self.assertEqual(x.grad.tolist(), [6.0, 6.0])
        half.eval()
        y = nn.Sequential(Half().eval(), nn.Identity())(x)
        self.assertFalse(y.requires_grad)
        self.assertTrue((x * 2).requires_grad)

    def test_many_tensors_come_and_go_in_a_forward(self):
        class Keeps(nn.Module):
            def forward(self, x):
                for _ in range(50):
                    x = x + 1.0
                    self.last = x * 1.0
                return x

        keeps = Keeps()
        model = nn.Sequential(keeps, nn.ReLU())
        for _ in range(20):
            y = model(cnn.zeros(3))
            self.assertEqual((y.tolist(), keeps.last.tolist()), ([50.0] * 3, [50.0] * 3))

    def test_modes(self):
        model = nn.Sequential(nn.Dropout(0.5), Block(4))
        x = cnn.ones(64, 4)
        with cnn.no_grad():
            self.assertIn(0.0, model[0](x).reshape(-1).tolist())  # as in PyTorch, no_grad is not eval
            model.eval()
            self.assertFalse(model.training or model[1].training or model[1].linear.training)
            self.assertEqual(model[0](x).tolist(), x.tolist())
        model[1].train()
        self.assertFalse(model.training)
        self.assertTrue(model[1].linear.training)
        self.assertTrue(model.train().training)

    def test_running_statistics(self):
        norm = nn.BatchNorm2d(2)
        x = cnn.randn(8, 2, 3, 3) + 5
        norm(x).sum().backward()
        self.assertEqual(norm.num_batches_tracked.item(), 1)
        self.assertAlmostEqual(norm.running_mean.mean().item(), 0.5, delta=0.1)
        norm.eval()
        with cnn.no_grad():
            norm(x)
        self.assertEqual(norm.num_batches_tracked.item(), 1)

    def test_trees(self):
        a = nn.Linear(1, 1)
        nn.Sequential(a)
        with self.assertRaises(cnn.StateError):
            nn.Sequential(a)
        block = Block(2)
        with self.assertRaises(cnn.StateError):
            block.again = block
        with self.assertRaises(cnn.Error):
            block.linear = nn.Linear(2, 2)
        with self.assertRaises(cnn.StateError):

            class Early(nn.Module):
                def __init__(self):
                    self.a = nn.Linear(1, 1)

            Early()
        with self.assertRaises(AttributeError):
            block.nothing
        models = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 3)])
        self.assertEqual((len(models), models[1].weight.shape), (2, (3, 2)))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.safetensors")
            a, b = Block(3), Block(3)
            a.save(path)
            b.load(path)
            self.assertEqual(
                {n: t.tolist() for n, t in a.state_dict().items()}, {n: t.tolist() for n, t in b.state_dict().items()}
            )
            with self.assertRaises(cnn.MismatchError):
                Block(4).load(path)
            with self.assertRaises(FileNotFoundError):
                a.load(os.path.join(folder, "none"))
            cnn.save({"x": cnn.ones(2) + 1, "i": cnn.arange(3)}, path)
            self.assertEqual({n: t.tolist() for n, t in cnn.load(path).items()}, {"x": [2.0, 2.0], "i": [0, 1, 2]})

    def test_state_dict(self):
        a, b = nn.Linear(2, 3), nn.Linear(2, 3)
        b.load_state_dict(a.state_dict())
        self.assertEqual(a.weight.tolist(), b.weight.tolist())
        with self.assertRaisesRegex(cnn.MismatchError, "missing bias; unexpected more"):
            b.load_state_dict({"weight": a.weight, "more": a.bias})
        with self.assertRaisesRegex(cnn.MismatchError, "weight has shape"):
            b.load_state_dict({"weight": cnn.ones(3, 3), "bias": a.bias})
        b.load_state_dict({"bias": [1.0, 2.0, 3.0]}, strict=False)
        self.assertEqual(b.bias.tolist(), [1.0, 2.0, 3.0])

    def test_recurrent_and_attention(self):
        x = cnn.randn(5, 2, 3)
        y, (h, c) = nn.LSTM(3, 4, num_layers=2)(x)
        self.assertEqual((y.shape, h.shape, c.shape), ((5, 2, 4), (2, 2, 4), (2, 2, 4)))
        self.assertEqual(nn.GRU(3, 4)(x, cnn.zeros(1, 2, 4))[1].shape, (1, 2, 4))
        attention = nn.MultiheadAttention(4, 2, batch_first=True)
        q = cnn.randn(2, 5, 4)
        y, weights = attention(q, q, q)
        self.assertEqual((y.shape, weights.shape), ((2, 5, 4), (2, 5, 5)))
        self.assertIsNone(attention(q, need_weights=False)[1])
        encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, dim_feedforward=8), 2)
        self.assertEqual(encoder(cnn.randn(3, 1, 4)).shape, (3, 1, 4))

    def test_copies(self):
        class Uses(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.block = nn.Linear(3, 3), Block(3)
                self.order = [self.a, self.block]
                self.factor = 2

            def forward(self, x):
                for part in self.order:
                    x = part(x)
                return x * self.factor

        for model in (Uses(), nn.Sequential(Uses(), nn.ReLU()), nn.Sequential(nn.Linear(3, 3), nn.GRU(3, 3))):
            x = cnn.randn(2, 1, 3)
            copied = copy.deepcopy(model)
            first = list(model.state_dict().values())[0]
            expected = [v.tolist() if isinstance(v, cnn.Tensor) else v for v in [model(x)] if isinstance(v, cnn.Tensor)]
            first.fill_(9)
            self.assertIs(type(copied), type(model))
            self.assertEqual([t.shape for t in copied.parameters()], [t.shape for t in model.parameters()])
            if expected:
                self.assertEqual([copied(x).tolist()], expected)
                inside = nn.Sequential(copied, nn.Identity())
                self.assertEqual([inside(x).tolist()], expected)
            del model
            gc.collect()
        narrow = Uses().to("bfloat16")
        self.assertEqual({t.dtype for t in narrow.parameters()}, {cnn.bfloat16})
        self.assertEqual(narrow(cnn.ones(1, 3, dtype="bfloat16")).dtype, cnn.bfloat16)
        other = cnn.Context(threads=1)
        there = Uses().to(other)
        self.assertIs(there(cnn.ones(1, 3, context=other)).context, other)
        self.assertEqual(copy.deepcopy(cnn.ones(2, requires_grad=True)).requires_grad, True)

    def test_predictors(self):
        for model in (nn.Sequential(Block(4), nn.Dropout(0.5), nn.Linear(4, 2)), Block(4)):
            x = cnn.randn(3, 4)
            predict = cnn.Predictor(model, cnn.zeros(3, 4))
            with cnn.no_grad():
                expected = model.eval()(x).tolist()
            model.requires_grad_(False)
            list(model.parameters())[0].fill_(0)
            del model
            gc.collect()
            self.assertEqual(predict(x).tolist(), expected)
            results = []
            threads = [threading.Thread(target=lambda: results.append(predict(x).tolist())) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(results, [expected] * 4)
            with self.assertRaises(cnn.ShapeError):
                predict(cnn.ones(2, 4))
            with self.assertRaises(TypeError):
                predict(x, x)
            self.assertGreater(predict.memory, 0)

    def test_first_values(self):
        layer = nn.Linear(50, 40)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.assertAlmostEqual(layer.weight.std().item(), math.sqrt(2 / 50), delta=0.02)
        self.assertEqual(nn.init.constant_(layer.bias, 0.25).tolist(), [0.25] * 40)

    def test_parents_and_children_go_in_any_order(self):
        model = nn.Sequential(Block(2), nn.Linear(2, 1))
        block, weight, linear = model[0], model[1].weight, model[0].linear
        gone = weakref.ref(model)
        del model
        gc.collect()
        self.assertIsNone(gone())
        self.assertEqual((block(cnn.ones(1, 2)).shape, weight.shape), ((1, 2), (1, 2)))
        del block
        self.assertEqual(linear(cnn.ones(1, 2)).shape, (1, 2))
        child, parent = nn.Linear(2, 2), Block(2)
        weight, before = child.weight, child.weight.tolist()
        for name in ("", "a.b", "linear"):  # which C would refuse, and free the child
            with self.assertRaises(cnn.ArgumentError):
                parent.add_module(name, child)
        self.assertEqual((child(cnn.ones(1, 2)).shape, weight.tolist()), ((1, 2), before))


class Training(unittest.TestCase):
    def fit(self, make, steps=60):
        cnn.manual_seed(2)
        model = nn.Linear(3, 1)
        optimizer = make(model)
        x = cnn.randn(32, 3)
        target = x @ cnn.tensor([[1.0], [-2.0], [0.5]])
        target = cnn.tensor(target)
        first = None
        for _ in range(steps):
            loss = F.mse_loss(model(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            first = first or loss.item()
        return first, loss.item()

    def test_optimizers(self):
        for name in cnn.optim.__all__:
            kind = getattr(cnn.optim, name)
            if name in ("Group", "Optimizer", "lr_scheduler", "Muon", "Adadelta", "LARS"):
                continue
            with self.subTest(optimizer=name):
                first, last = self.fit(lambda m: kind(m.parameters(), lr=0.05))
                self.assertLess(last, first * 0.5)
        first, last = self.fit(lambda m: cnn.optim.SGD(m, lr=0.05, momentum=0.9, nesterov=True))
        self.assertLess(last, first * 0.1)

    def test_groups(self):
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        adam = cnn.optim.Adam(
            [{"params": model[0].parameters(), "lr": 0.5}, {"params": [model[1].weight]}], lr=0.1, betas=(0.8, 0.9)
        )
        self.assertEqual([g["lr"] for g in adam.param_groups], [0.5, 0.1])
        self.assertEqual(adam.param_groups[1]["beta1"], 0.8)
        adam.param_groups[0]["lr"] = 0.25
        self.assertEqual(adam.lr, 0.25)
        with self.assertRaises(KeyError):
            adam.param_groups[0]["rho2"]
        with self.assertRaises(cnn.ArgumentError):
            adam.param_groups[0]["rho"]
        with self.assertRaises(cnn.ArgumentError):
            cnn.optim.Adam(model, lr=-1.0)
        with self.assertRaises(TypeError):
            cnn.optim.Adam([1, 2])
        self.assertEqual(cnn.optim.SGD(model, lr=0.1, momentum=0.0).param_groups[0]["momentum"], 0.0)

    def test_optimizer_keeps_parameters(self):
        model = nn.Linear(2, 1)
        weight = model.weight
        sgd = cnn.optim.SGD([weight], lr=1.0)
        weight.copy_([[1.0, 1.0]])
        (weight * 2).sum().backward()
        del model, weight
        gc.collect()
        sgd.step()
        self.assertEqual(sgd.step_count, 1)

    def test_schedulers(self):
        sgd = cnn.optim.SGD(nn.Linear(1, 1), lr=1.0)
        schedule = cnn.optim.lr_scheduler.StepLR(sgd, 2, gamma=0.5)
        rates = []
        for _ in range(5):
            rates.append(sgd.lr)
            sgd.step()
            schedule.step()
        self.assertEqual((rates, schedule.last_epoch), ([1.0, 1.0, 0.5, 0.5, 0.25], 5))
        S = cnn.optim.lr_scheduler
        other = cnn.optim.SGD(nn.Linear(1, 1), lr=1.0)
        both = S.SequentialLR(
            other, [S.LambdaLR(other, lambda e: 0.1 * (e + 1)), S.ExponentialLR(other, gamma=0.5)], [2]
        )
        rates = []
        for _ in range(4):
            rates.append(round(other.lr, 6))
            both.step()
        self.assertEqual(rates, [0.1, 0.2, 1.0, 0.5])
        bad = cnn.optim.SGD(nn.Linear(1, 1), lr=1.0)
        schedule = S.LambdaLR(bad, lambda e: 1 if e == 0 else {}["none"])
        with self.assertRaises(KeyError):
            schedule.step()
        plateau = S.ReduceLROnPlateau(bad, patience=0, factor=0.5)
        plateau.step(1.0)
        plateau.step(2.0)
        self.assertEqual(bad.lr, 0.5)

    def test_averages(self):
        model = nn.Linear(2, 1)
        ema = cnn.EMA(model, decay=0.5)
        ema.update(model)
        before = model.weight.tolist()
        model.weight.copy_([[9.0, 9.0]])
        ema.update(model)
        expected = [[(v + 9) / 2 for v in before[0]]]
        weight, inside = ema.module.weight, ema.module
        self.assertEqual(len(ema), 2)
        del ema
        gc.collect()
        for got, value in zip(weight.tolist()[0], expected[0]):
            self.assertAlmostEqual(got, value, places=5)
        self.assertEqual(inside(cnn.zeros(1, 2)).shape, (1, 1))

    def test_checkpoints_resume_bit_for_bit(self):
        def make():
            model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Linear(3, 1))
            adam = cnn.optim.Adam(model, lr=0.1)
            return model, adam, cnn.optim.lr_scheduler.ExponentialLR(adam, gamma=0.9)

        def run(model, adam, schedule, steps):
            for _ in range(steps):
                loss = model(cnn.ones(4, 3)).sum()
                adam.zero_grad()
                loss.backward()
                adam.step()
                schedule.step()
            return {name: t.tolist() for name, t in model.state_dict().items()}

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "c.safetensors")
            first = make()
            run(*first, 3)
            cnn.save_checkpoint(path, *first, epoch=3)
            expected = run(*first, 3)
            second = make()
            self.assertEqual(cnn.load_checkpoint(path, *second), 3)
            self.assertEqual(run(*second, 3), expected)

    def test_clipping(self):
        w = cnn.ones(4, requires_grad=True)
        (w * 3).sum().backward()
        self.assertAlmostEqual(nn.utils.clip_grad_norm_([w], 1.0), 6.0, places=5)
        self.assertAlmostEqual(w.grad.norm().item(), 1.0, places=4)
        nn.utils.clip_grad_value_(w, 0.25)
        self.assertEqual(w.grad.tolist(), [0.25] * 4)


if __name__ == "__main__":
    unittest.main()
