"""Elements to and from NumPy, PyTorch and the buffer protocol: values, strides, sharing, and memory that
outlives whoever made it."""

import array
import gc
import sys
import unittest
import weakref

import cnn

try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


class Buffers(unittest.TestCase):
    def test_from_buffers(self):
        self.assertEqual(cnn.tensor(array.array("d", [1, 2])).tolist(), [1.0, 2.0])
        self.assertEqual(cnn.tensor(b"\x01\xff").tolist(), [1, 255])
        self.assertEqual(cnn.tensor(memoryview(bytes(6)).cast("B", (2, 3))).shape, (2, 3))
        with self.assertRaises(cnn.DTypeError):
            cnn.tensor(array.array("h", [1]))

    def test_memoryview(self):
        t = cnn.arange(6).reshape(2, 3).float().detach()
        t = cnn.tensor(t)
        view = t.memoryview()
        self.assertEqual((view.tolist(), view.shape, view.format), (t.tolist(), (2, 3), "f"))
        view[1, 2] = 9.0
        self.assertEqual(t.touch()[1, 2].item(), 9.0)
        del t
        gc.collect()
        self.assertEqual(view.tolist()[1], [3.0, 4.0, 9.0])
        self.assertEqual((cnn.ones(2) + 1).memoryview().tolist(), [2.0, 2.0])
        self.assertEqual(cnn.tensor([1, 2]).T.memoryview().tolist(), [1, 2])
        with self.assertRaises(cnn.DTypeError):
            cnn.ones(2, dtype="bfloat16").memoryview()

    @unittest.skipUnless(sys.version_info >= (3, 12), "Python opens the protocol to its own classes from 3.12 on")
    def test_protocol(self):
        self.assertEqual(memoryview(cnn.tensor([1.0, 2.0])).tolist(), [1.0, 2.0])


@unittest.skipUnless(numpy, "needs NumPy")
class NumPy(unittest.TestCase):
    def test_several_arrays_over_a_result(self):
        y = cnn.arange(100000).float() + 1
        first = numpy.asarray(y)
        before = first.copy()
        for _ in range(20):
            numpy.asarray(y)
            cnn.zeros(100000)
        self.assertTrue((first == before).all())

    def test_too_many_dimensions(self):
        with self.assertRaises(cnn.ShapeError):
            cnn.from_numpy(numpy.zeros([1] * 9, "f4"))

    def test_round_trip_of_every_dtype(self):
        for name in DTYPES:
            for shape in ((), (3,), (2, 3), (0, 2)):
                with self.subTest(dtype=name, shape=shape):
                    n = (numpy.arange(int(numpy.prod(shape))).reshape(shape) % 2).astype(name)
                    for t in (
                        cnn.tensor(n),
                        cnn.from_numpy(n),
                        cnn.from_dlpack(n) if hasattr(n, "__dlpack__") and name != "bool" else cnn.tensor(n),
                    ):
                        back = t.numpy()
                        self.assertEqual((back.dtype, back.shape, back.tolist()), (n.dtype, n.shape, n.tolist()))

    def test_memory_is_shared(self):
        n = numpy.zeros((2, 3), numpy.float32)
        t = cnn.from_numpy(n)
        n[0, 1] = 5
        self.assertEqual(t.touch()[0, 1].item(), 5.0)
        t.fill_(3)
        self.assertEqual(n.tolist(), [[3.0] * 3] * 2)
        back = t.numpy()
        self.assertTrue(numpy.shares_memory(n, back))
        back[:] = 4
        self.assertEqual(n[0, 0], 4)

    def test_strides(self):
        n = numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)
        for view in (n.T, n[:, ::2], n[:, 1], n[..., 1:3], n.transpose(1, 0, 2)):
            t = cnn.from_numpy(view)
            self.assertTrue(numpy.shares_memory(t.numpy(), n))
            self.assertEqual((t.tolist(), t.numpy().tolist()), (view.tolist(), view.tolist()))
        for view in (n[::-1], numpy.broadcast_to(n[0], (2, 3, 4))):  # nothing that a tensor can share
            self.assertEqual(cnn.from_numpy(view).tolist(), view.tolist())

    def test_read_only(self):
        n = numpy.zeros(2)
        n.flags.writeable = False
        t = cnn.from_numpy(n)
        with self.assertRaises(cnn.StateError):
            t.fill_(1)
        self.assertFalse(t.numpy().flags.writeable)
        layer = cnn.nn.Linear(2, 2)
        self.assertFalse(layer.weight.numpy().flags.writeable)

    def test_results_and_gradients_are_given(self):
        w = cnn.ones(2, requires_grad=True)
        y = w * 2
        n = numpy.asarray(y)
        y.sum().backward()
        g = w.grad.numpy()
        (w * 5).sum().backward()  # a new step on the same memory
        self.assertEqual((n.tolist(), y.numpy().tolist()), ([2.0, 2.0], [2.0, 2.0]))
        self.assertEqual(g.shape, (2,))
        del w, y
        gc.collect()
        self.assertEqual(n.tolist(), [2.0, 2.0])

    def test_arrays_outlive_tensors_and_the_other_way_round(self):
        n = cnn.full((1000,), 7.0).numpy()
        p = cnn.nn.Linear(100, 10).weight.numpy()
        total = float(numpy.abs(p).sum())
        gc.collect()
        cnn.full((1000,), 1.0), cnn.nn.Linear(100, 10)
        self.assertEqual((set(n.tolist()), float(numpy.abs(p).sum())), ({7.0}, total))
        source = numpy.full(1000, 3.0)
        gone = weakref.ref(source)
        t = cnn.from_numpy(source)
        del source
        gc.collect()
        self.assertEqual(t.sum().item(), 3000.0)
        del t
        cnn.zeros(1) + 1  # the step that used it is over
        gc.collect()
        self.assertIsNone(gone())

    def test_what_numpy_lacks(self):
        with self.assertRaises(cnn.DTypeError):
            cnn.ones(2, dtype="bfloat16").numpy()
        for dtype in ("float16", "int8", "complex64", ">f4"):
            with self.assertRaises(cnn.DTypeError):
                cnn.from_numpy(numpy.zeros(2, dtype))

    def test_operators_with_arrays(self):
        x = cnn.tensor([1.0, 2.0])
        n = numpy.array([10, 20], numpy.float32)
        self.assertEqual((x + n).tolist(), [11.0, 22.0])
        self.assertIsInstance(n + x, cnn.Tensor)
        self.assertEqual(x[numpy.array([1])].tolist(), [2.0])


class DLPack(unittest.TestCase):
    def test_own_round_trip_shares(self):
        for dtype in (*DTYPES, "bfloat16"):
            t = cnn.tensor([[0, 1], [1, 0]], dtype=dtype)
            back = cnn.from_dlpack(t)
            self.assertEqual((back.dtype, back.tolist(), back.data_ptr()), (t.dtype, t.tolist(), t.data_ptr()))
        t = cnn.tensor([[1.0, 2.0], [3.0, 4.0]])
        self.assertEqual(t.__dlpack_device__(), (1, 0))
        self.assertNotEqual(cnn.from_dlpack(t.__dlpack__(copy=True)).data_ptr(), t.data_ptr())
        self.assertEqual(cnn.from_dlpack((t + 0).T.detach()).tolist(), t.T.tolist())

    def test_a_capsule_is_taken_once(self):
        capsule = cnn.ones(2).__dlpack__()
        cnn.from_dlpack(capsule)
        with self.assertRaises(TypeError):
            cnn.from_dlpack(capsule)
        with self.assertRaises(TypeError):
            cnn.from_dlpack("no tensor")

    def test_memory_is_given_back(self):
        from cnn import _exchange

        before = len(_exchange._exported), len(_exchange._borrowed)
        for version in (None, (1, 0)):
            capsule = cnn.ones(4).__dlpack__(max_version=version)
            del capsule  # nobody took it
            t = cnn.from_dlpack(cnn.ones(4).__dlpack__(max_version=version))
            self.assertEqual(t.tolist(), [1.0] * 4)
            del t
        cnn.zeros(1) + 1
        gc.collect()
        self.assertEqual((len(_exchange._exported), len(_exchange._borrowed)), before)

    def test_what_cannot_be_given(self):
        w = cnn.ones(2, requires_grad=True)
        with self.assertRaises(BufferError):
            (w * 2).__dlpack__()
        with self.assertRaises(BufferError):
            w.__dlpack__(dl_device=(2, 0))
        with self.assertRaises(BufferError):
            (cnn.ones(2) + 1).__dlpack__(copy=False)

    @unittest.skipUnless(torch, "needs PyTorch")
    def test_pytorch_both_ways(self):
        for name in ("float32", "float64", "int64", "int32", "uint8", "bfloat16"):
            theirs = torch.arange(6).reshape(2, 3).to(getattr(torch, name))
            for t in (theirs, theirs.T, theirs[:, ::2]):
                ours = cnn.from_dlpack(t)
                self.assertEqual((ours.tolist(), ours.data_ptr()), (t.tolist(), t.data_ptr()))
                back = torch.from_dlpack(ours)
                self.assertEqual(
                    (back.tolist(), back.data_ptr(), back.stride()), (t.tolist(), t.data_ptr(), t.stride())
                )
        t = torch.from_dlpack(cnn.full((1000,), 2.0))
        gc.collect()
        cnn.full((1000,), 9.0)
        self.assertEqual(t.sum().item(), 2000.0)
        self.assertEqual(cnn.from_dlpack(torch.ones(1, 3).expand(2, 3)).tolist(), [[1.0] * 3] * 2)

    @unittest.skipUnless(torch, "needs PyTorch")
    def test_weights_of_pytorch(self):
        theirs = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(64, 5)
        ).eval()
        ours = cnn.nn.Sequential(
            cnn.nn.Conv2d(1, 4, 3), cnn.nn.BatchNorm2d(4), cnn.nn.Flatten(), cnn.nn.Linear(64, 5)
        ).eval()
        ours.load_state_dict(theirs.state_dict())
        x = torch.randn(2, 1, 6, 6)
        with torch.no_grad(), cnn.no_grad():
            difference = torch.from_dlpack(ours(cnn.from_dlpack(x)).detach()) - theirs(x)
        self.assertLess(difference.abs().max().item(), 1e-5)
        theirs.load_state_dict({name: torch.from_dlpack(t) for name, t in ours.state_dict().items()})

    @unittest.skipUnless(numpy and hasattr(numpy, "from_dlpack"), "needs NumPy with from_dlpack")
    def test_numpy(self):
        n = numpy.from_dlpack(cnn.full((3,), 2.0))
        gc.collect()
        self.assertEqual(n.tolist(), [2.0] * 3)


if __name__ == "__main__":
    unittest.main()
