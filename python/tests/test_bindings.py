"""The bindings: every exported function, the layout of every struct as the C compiler has it, errors, and whatever ends
before something else that it needs."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import cnn
from cnn import _bindings as B
from cnn import _image_bindings, _onnx_bindings
from cnn._library import lib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INCLUDE = ROOT / "include"


BINDINGS = {"cnn/cnn.h": B, "cnn/onnx.h": _onnx_bindings, "cnn/image.h": _image_bindings}


def libraries():
    """Those that are here, and what their headers declare."""
    yield lib, B.FUNCTIONS
    try:
        from cnn.onnx import _onnx

        yield _onnx, _onnx_bindings.FUNCTIONS
    except ImportError:
        pass
    try:
        from cnn.image import _image

        yield _image, _image_bindings.FUNCTIONS
    except ImportError:
        pass


class Bindings(unittest.TestCase):
    def test_every_function_is_there(self):
        for library, functions in libraries():
            for name in functions:
                self.assertIsNotNone(getattr(library, name), name)
            with self.assertRaisesRegex(AttributeError, "has no function cnn_fly"):
                library.cnn_fly()

    @unittest.skipUnless(shutil.which("nm"), "needs nm")
    def test_nothing_exported_is_missing(self):
        for library, functions in libraries():
            out = subprocess.run(["nm", "-D", "--defined-only", library._dll._name], capture_output=True, text=True)
            exported = {line.split()[-1].split("@")[0] for line in out.stdout.splitlines() if " T cnn_" in line}
            self.assertGreater(len(exported), 500 if library is lib else 5)
            # those of <cnn/backend.h> are for back ends
            self.assertEqual(
                {n for n in exported - set(functions) if not n.startswith(("cnn_backend_", "cnn_cpu_"))}, set()
            )

    @unittest.skipUnless(
        INCLUDE.is_dir() and shutil.which(os.environ.get("CC", "cc").split()[-1]), "needs the headers and a C compiler"
    )
    def test_layout(self):
        for header, bindings in BINDINGS.items():
            with self.subTest(header=header):
                self.layout(header, bindings)

    def layout(self, header, bindings):
        structs = {
            name: kind
            for name, kind in vars(bindings).items()
            if isinstance(kind, type)
            and issubclass(kind, ctypes.Structure)
            and name == kind.__name__
            and name != "Structure"
        }
        lines = []
        for name, kind in structs.items():
            lines.append(f'printf("{name} %zu", sizeof({name}));')
            lines += [f'printf(" %zu", offsetof({name}, {field[0]}));' for field in kind._fields_]
            lines.append('puts("");')
        for name, kind in vars(bindings).items():
            if isinstance(kind, type) and issubclass(kind, B.enum.IntEnum) and kind is not B.enum.IntEnum:
                self.assertEqual(sorted(set(kind)), sorted(kind), name)
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "layout.c"), os.path.join(folder, "layout")
            with open(source, "w", encoding="utf-8") as f:
                f.write(
                    f"#include <{header}>\n#include <stdio.h>\nint main(void)\n{{\n"
                    + "\n".join(lines)
                    + "\nreturn 0;\n}\n"
                )
            subprocess.run([*os.environ.get("CC", "cc").split(), f"-I{INCLUDE}", source, "-o", program], check=True)
            out = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        self.assertGreater(len(structs), 1)
        self.assertEqual(len(out.splitlines()), len(structs))
        for line in out.splitlines():
            name, *numbers = line.split()
            kind = structs[name]
            self.assertEqual(
                [int(n) for n in numbers],
                [ctypes.sizeof(kind)] + [getattr(kind, field[0]).offset for field in kind._fields_],
                name,
            )


class Errors(unittest.TestCase):
    def test_every_status_has_a_class(self):
        from cnn import _errors

        self.assertEqual(set(_errors.CLASSES), {s for s in B.Status if s})
        for kind in _errors.CLASSES.values():
            self.assertTrue(issubclass(kind, cnn.Error))

    def test_builtin_classes(self):
        for call, kind, builtin, message in (
            (lambda: cnn.zeros(2) + cnn.zeros(3), cnn.ShapeError, ValueError, r"add: .*\[2\].*\[3\]"),
            (lambda: cnn.matmul(cnn.arange(4).reshape(2, 2), cnn.ones(2, 2)), cnn.DTypeError, TypeError, "matmul"),
            (lambda: cnn.load("/nowhere"), cnn.NotFoundError, FileNotFoundError, "/nowhere"),
            (lambda: cnn.Context(kernels="none"), cnn.Error, cnn.Error, "none"),
            (lambda: cnn.zeros(2**40, 2**40), cnn.ShapeError, ValueError, ""),
            (lambda: cnn.zeros(2**50), cnn.NoMemoryError, MemoryError, ""),
        ):
            with self.assertRaisesRegex(kind, message) as caught:
                call()
            self.assertIsInstance(caught.exception, builtin)
            self.assertIsInstance(caught.exception.status, B.Status)
            self.assertTrue(str(caught.exception))

    def test_each_thread_has_its_own_message(self):
        found = []

        def work(n):
            for _ in range(50):
                try:
                    cnn.zeros(n) + cnn.zeros(n + 1)
                except cnn.ShapeError as problem:
                    found.append((n, str(problem)))

        threads = [threading.Thread(target=work, args=(n,)) for n in (10, 20, 30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(found), 150)
        for n, message in found:
            self.assertIn(f"[{n}]", message)

    def test_wrong_types(self):
        for call in (
            lambda: cnn.relu(3),
            lambda: cnn.relu("x"),
            lambda: cnn.cat([cnn.ones(1), 2]),
            lambda: cnn.ones(2).softmax("a"),
            lambda: cnn.ones(2).reshape("a"),
        ):
            with self.assertRaises((TypeError, ValueError)):
                call()


class Ends(unittest.TestCase):
    def run_python(self, text, **environment):
        return subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
        )

    def test_a_program_ends_with_everything_alive(self):
        done = self.run_python("""
import cnn, sys
from cnn import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)
    def forward(self, x):
        return self.a(x)
class Data:
    def __len__(self): return 1000
    def __getitem__(self, i): return [float(i), 1.0], 0
model = nn.Sequential(Net(), nn.ReLU())
adam = cnn.optim.Adam(model)
schedule = cnn.optim.lr_scheduler.LambdaLR(adam, lambda e: 1.0)
batches = iter(cnn.data.DataLoader(Data(), 2, shuffle=True))
x, y = next(batches)
loss = model(x).sum()
capsule = x.detach().__dlpack__()
me = sys.modules[__name__]
me.again = me
print("done")
""")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("done\n", "", 0))

    @unittest.skipUnless(os.path.exists("/proc/self/statm"), "needs /proc")
    def test_nothing_is_leaked(self):
        done = self.run_python("""
import cnn, gc
from cnn import nn
from cnn.data import DataLoader, TensorDataset
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(256, 256)
    def forward(self, x):
        return self.a(x).relu()
def cycle():
    model = nn.Sequential(Net(), nn.Linear(256, 256))
    adam = cnn.optim.Adam(model.parameters())
    kept = []
    for x, y in DataLoader(TensorDataset(cnn.rand(64, 256), cnn.arange(64)), 16, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        adam.zero_grad(); loss.backward(); adam.step()
        kept += [x, loss, x.memoryview(), x.detach().__dlpack__(), cnn.from_dlpack(x.detach())]
    try: x @ x
    except cnn.ShapeError: pass
    with cnn.Tape(): (x * 2).sum()
def pages():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1])
for _ in range(20): cycle()
before = pages()
for _ in range(60): cycle()
print((pages() - before) * 4096)
from cnn import _exchange
from cnn.nn import _module
from cnn.data import _sources
print(len(_exchange._borrowed), len(_exchange._exported), len(_module._modules), len(_sources))
""")
        self.assertEqual(done.stderr, "")
        grown, *left = done.stdout.split()
        self.assertLess(int(grown), 8 << 20)  # 60 cycles of 1.5 MB of weights and state
        self.assertEqual(left, ["0", "0", "0", "0"])

    def test_a_library_that_is_not_there(self):
        done = self.run_python("import cnn", CNN_LIBRARY="/nowhere/libcnn.so")
        self.assertIn("CNN_LIBRARY", done.stderr)
        self.assertIn("/nowhere/libcnn.so", done.stderr)
        done = self.run_python("import cnn", CNN_LIBRARY="libc.so.6")
        self.assertNotEqual(done.returncode, 0)

    def test_import_needs_nothing_else(self):
        done = self.run_python("""
import sys
for name in ("numpy", "torch"): sys.modules[name] = None
import cnn
print((cnn.ones(2) * 2).tolist(), cnn.tensor([1.0]).memoryview().tolist())
try: cnn.ones(1).numpy()
except ImportError as problem: print(problem)
""")
        self.assertEqual(
            done.stdout, "[2.0, 2.0] [1.0]\nnumpy() needs NumPy; tolist(), memoryview() and DLPack do not\n"
        )


if __name__ == "__main__":
    unittest.main()
