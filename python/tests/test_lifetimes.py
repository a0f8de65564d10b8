"""Objects of every kind, made from each other and dropped in any order: what is left works. The library is best built
with a sanitizer for this one."""

import copy
import gc
import os
import random
import threading
import unittest

import cnn
from cnn import nn

try:
    import numpy
except ImportError:
    numpy = None

STEPS = int(os.environ.get("CNN_TEST_STEPS", "1500"))


class Keeps(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        self.seen = self.inner(x)
        return self.seen.relu() + x


class World:
    """A pool of objects, and moves that make new ones of them or drop some."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tensors, self.modules, self.others = [cnn.ones(2, 4)], [nn.Linear(4, 4)], []
        self.tapes = [cnn.Tape(), cnn.Tape(grad=False)]

    def tensor(self):
        return self.random.choice(self.tensors)

    def module(self):
        return self.random.choice(self.modules)

    def make(self):
        self.tensors.append(cnn.randn(2, 4, requires_grad=self.random.random() < 0.5))

    def operate(self):
        a, b = self.tensor(), self.tensor()
        self.tensors.append(
            self.random.choice(
                (
                    lambda: a + b,
                    lambda: a * 0.5,
                    lambda: a.tanh(),
                    lambda: a[:, :2].repeat(1, 2),
                    lambda: cnn.cat([a, b])[:2],
                    lambda: a.detach(),
                    lambda: a.sort()[0],
                    lambda: a.split(2, 1)[1].repeat(1, 2),
                )
            )()
        )

    def forward(self):
        self.tensors.append(self.module()(self.tensor()))

    def without_gradients(self):
        with cnn.no_grad():
            self.forward()

    def on_a_tape(self):
        with self.random.choice(self.tapes):
            self.operate()
            self.forward()

    def backward(self):
        t = self.tensor()
        try:
            t.sum().backward()
        except cnn.StateError:
            pass
        g = t.grad
        if g is not None:
            self.tensors.append(g)

    def fail(self):
        try:
            self.tensor() @ cnn.ones(3, 3)
        except cnn.ShapeError:
            pass

    def new_module(self):
        kind = self.random.choice(
            (
                lambda: nn.Linear(4, 4),
                Keeps,
                lambda: nn.Sequential(Keeps(), nn.ReLU()),
                lambda: nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), Keeps())),
            )
        )
        self.modules.append(kind())

    def parts(self):
        m = self.module()
        self.modules.extend(m for m in list(m.modules())[:2] if not isinstance(m, nn.Identity))
        self.tensors.extend(t for t in m.parameters() if t.shape == (2, 4))
        self.others.append(list(m.parameters()))

    def copies(self):
        m = self.module()
        self.modules.append(copy.deepcopy(m))
        self.others.append(cnn.EMA(m))
        if self.random.random() < 0.5:
            self.modules.append(self.others[-1].module)
        predict = cnn.Predictor(m, cnn.zeros(2, 4))
        self.tensors.append(predict(self.tensor().detach()))
        self.others.append(predict)

    def hook(self):
        y = self.tensor() * 2
        if y.requires_grad:
            try:
                y.register_hook(self.tensors.append)
                y.sum().backward()
            except cnn.StateError:  # y is made of something whose step is over
                pass

    def optimize(self):
        sgd = cnn.optim.SGD(self.module(), lr=1e-3)
        self.others.append(sgd)
        try:
            sgd.step()
        except cnn.Error:
            sgd.zero_grad()

    def load(self):
        loader = cnn.data.DataLoader(
            cnn.data.TensorDataset(cnn.rand(6, 4)), 2, shuffle=True, background=self.random.random() < 0.5
        )
        self.others.append(loader)
        for i, x in enumerate(loader):
            self.tensors.append(x)
            if i == self.random.randrange(4):
                self.others.append(iter(loader))
                break

    def export(self):
        t = self.tensor()
        self.others.append(t.memoryview())
        if numpy:
            self.others.append(t.numpy())
            self.others.append(numpy.asarray(t))
        try:
            self.others.append(t.__dlpack__(max_version=self.random.choice((None, (1, 0)))))
            self.tensors.append(cnn.from_dlpack(t))
        except BufferError:
            pass

    def look(self):
        self.tensor().tolist()
        if self.others:
            other = self.random.choice(self.others)
            if isinstance(other, memoryview):
                other.tolist()
            elif isinstance(other, list):
                [t.tolist() for t in other]
            elif numpy and isinstance(other, numpy.ndarray):
                float(other.sum())

    def drop(self):
        for pool in (self.tensors, self.modules, self.others):
            while len(pool) > 1 and (len(pool) > 30 or self.random.random() < 0.4):
                pool.pop(self.random.randrange(len(pool)))
        if self.random.random() < 0.2:
            self.tapes[self.random.randrange(2)] = cnn.Tape(grad=self.random.random() < 0.5)
        if self.random.random() < 0.1:
            gc.collect()

    def run(self, steps):
        moves = (
            self.make,
            self.operate,
            self.operate,
            self.forward,
            self.without_gradients,
            self.on_a_tape,
            self.backward,
            self.fail,
            self.new_module,
            self.parts,
            self.copies,
            self.hook,
            self.optimize,
            self.load,
            self.export,
            self.look,
            self.drop,
            self.drop,
        )
        for _ in range(steps):
            self.random.choice(moves)()


class Lifetimes(unittest.TestCase):
    def test_any_order(self):
        for seed in range(4):
            World(seed).run(STEPS // 4)

    def test_several_threads(self):
        problems = []

        def work(seed):
            try:
                World(seed).run(STEPS // 4)
            except Exception as problem:  # told to the thread that counts
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(10, 13)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main()
