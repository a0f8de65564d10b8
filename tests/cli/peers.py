"""NumPy and PyTorch as peers of cnn's files and of libcnn's DLPack: peers.py PROGRAM LIBRARY FOLDER"""
import ctypes
import subprocess
import sys
import zipfile

import numpy as np
import torch

program, library, folder = sys.argv[1:]


def cnn(*arguments, status=0):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert done.returncode == status, (arguments, done)
    return done.stdout


def files():
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 3))
    adam = torch.optim.Adam(model.parameters())
    model(torch.randn(2, 1, 4, 4)).sum().backward()
    adam.step()
    state = model.state_dict()
    torch.save(state, f"{folder}/state.pt")
    torch.save({"epoch": 3, "rate": 0.1, "state_dict": state, "optimizer": adam.state_dict()}, f"{folder}/checkpoint.pth")
    np.savez(f"{folder}/state.npz", **{name: t.numpy() for name, t in state.items()})
    np.savez_compressed(f"{folder}/packed.npz", **{name: t.numpy() for name, t in state.items()})
    for source in ("state.pt", "state.npz", "packed.npz", "checkpoint.pth"):
        for options in ([], ["--compress"]):
            prefix = ["--prefix", "state_dict."] if source.endswith("pth") else []
            cnn("convert", *prefix, *options, f"{folder}/{source}", f"{folder}/out.npz")
            assert zipfile.ZipFile(f"{folder}/out.npz").testzip() is None
            with np.load(f"{folder}/out.npz") as out:
                assert sorted(out.files) == sorted(state)
                for name, t in state.items():
                    assert out[name].dtype == t.numpy().dtype and np.array_equal(out[name], t.numpy()), name
        assert cnn("diff", f"{folder}/out.npz", f"{folder}/state.npz") == ""
    state["0.weight"].view(-1)[5] += 0.25
    torch.save(state, f"{folder}/moved.pt")
    assert cnn("diff", f"{folder}/state.pt", f"{folder}/moved.pt", status=1).startswith("0.weight: 1 of 36 elements differ, by 0.")
    one = np.arange(6, dtype=">i2").reshape(2, 3, order="F")
    np.save(f"{folder}/one.npy", one)
    cnn("convert", f"{folder}/one.npy", f"{folder}/two.npy")
    two = np.load(f"{folder}/two.npy")
    assert two.dtype == np.int32 and two.flags.c_contiguous and np.array_equal(one, two)


class Library:
    def __init__(self):
        self.lib = ctypes.CDLL(library)
        pointer, status = ctypes.c_void_p, ctypes.c_int
        for name, result, *arguments in (
                ("cnn_context_create", pointer, pointer), ("cnn_last_error", ctypes.c_char_p, pointer),
                ("cnn_tensor_to_dlpack_legacy", pointer, pointer), ("cnn_tensor_to_dlpack", pointer, pointer),
                ("cnn_tensor_from_dlpack_legacy", pointer, pointer, pointer), ("cnn_tensor_from_dlpack", pointer, pointer, pointer),
                ("cnn_tensor_data", pointer, pointer), ("cnn_tensor_fill", status, pointer, ctypes.c_double),
                ("cnn_tensor_free", None, pointer)):
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments
        self.context = self.lib.cnn_context_create(None)
        api = ctypes.pythonapi
        api.PyCapsule_New.restype, api.PyCapsule_New.argtypes = ctypes.py_object, [pointer, ctypes.c_char_p, pointer]
        api.PyCapsule_GetPointer.restype, api.PyCapsule_GetPointer.argtypes = pointer, [ctypes.py_object, ctypes.c_char_p]
        api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]

    def error(self):
        return self.lib.cnn_last_error(self.context).decode()


# A capsule points at its name, which must therefore stay.
NAMES = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}


class Tensor:
    """What speaks __dlpack__ to the peers, as an array-like."""
    lib = None

    def __init__(self, handle):
        assert handle, self.lib.error()
        self.handle = handle

    def __del__(self):
        self.lib.lib.cnn_tensor_free(self.handle)

    def __dlpack__(self, stream=None, max_version=None, **_):
        current = max_version is not None and max_version >= (1, 0)
        name = b"dltensor_versioned" if current else b"dltensor"
        out = (self.lib.lib.cnn_tensor_to_dlpack if current else self.lib.lib.cnn_tensor_to_dlpack_legacy)(self.handle)
        assert out, self.lib.error()
        return ctypes.pythonapi.PyCapsule_New(out, name, None)

    def __dlpack_device__(self):
        return 1, 0

    @classmethod
    def take(cls, peer, **options):
        capsule = peer.__dlpack__(**options)
        current = "versioned" in repr(capsule)
        name = b"dltensor_versioned" if current else b"dltensor"
        managed = ctypes.pythonapi.PyCapsule_GetPointer(capsule, name)
        ctypes.pythonapi.PyCapsule_SetName(capsule, NAMES[name])
        take = cls.lib.lib.cnn_tensor_from_dlpack if current else cls.lib.lib.cnn_tensor_from_dlpack_legacy
        return cls(take(cls.lib.context, managed))


def dlpack():
    Tensor.lib = Library()
    fill, data = Tensor.lib.lib.cnn_tensor_fill, Tensor.lib.lib.cnn_tensor_data
    base = torch.arange(24.0).reshape(2, 3, 4)
    for peer in (base, base.transpose(0, 2), base[:, 1:, ::2], torch.arange(5), torch.arange(5, dtype=torch.int32),
                 torch.ones(3, dtype=torch.float64), torch.arange(4, dtype=torch.uint8), torch.arange(6, dtype=torch.bfloat16)[2:],
                 torch.ones(2, 0), torch.tensor(5.0)):
        taken = Tensor.take(peer)
        back = torch.from_dlpack(taken)
        assert back.shape == peer.shape and back.dtype == peer.dtype and torch.equal(back, peer)
        if peer.numel():
            assert data(taken.handle) == peer.data_ptr() == back.data_ptr() and back.stride() == peer.stride()
            assert fill(taken.handle, 3) == 0
        del taken
        assert torch.equal(back, torch.full_like(peer, 3))
    rows = np.arange(12.0).reshape(3, 4)
    for peer, shared in ((rows, True), (rows.T, True), (rows[1:, ::2], True), (rows[::-1], False), (rows[:, ::-1], False)):
        taken = Tensor.take(peer)
        assert (data(taken.handle) == peer.ctypes.data) == shared
        assert np.array_equal(np.from_dlpack(taken), peer)
    if tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1):
        fixed = np.arange(6.0)
        fixed.flags.writeable = False
        taken = Tensor.take(fixed, max_version=(1, 0))
        assert data(taken.handle) == fixed.ctypes.data and fill(taken.handle, 1) != 0 and "read-only" in Tensor.lib.error()
        assert not np.from_dlpack(taken).flags.writeable


files()
dlpack()
print(f"peers: NumPy {np.__version__}, PyTorch {torch.__version__}")
