"""Elements to and from other libraries: lists, `__array_interface__`, DLPack and the buffer protocol."""

from __future__ import annotations

import ctypes
import itertools
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from . import _bindings as B
from ._context import Context
from ._convert import DTYPE_NAMES, DTYPES
from ._errors import DTypeError, ShapeError, check
from ._library import lib

if TYPE_CHECKING:
    from ._tensor import Tensor

DType = B.DType
ORDER = "<" if sys.byteorder == "little" else ">"
TYPESTR = {
    DType.F32: ORDER + "f4",
    DType.F64: ORDER + "f8",
    DType.I64: ORDER + "i8",
    DType.I32: ORDER + "i4",
    DType.U8: "|u1",
    DType.BOOL: "|b1",
}
FROM_TYPESTR = {text: dtype for dtype, text in TYPESTR.items()}
ELEMENT: Dict[DType, Any] = {
    DType.F32: ctypes.c_float,
    DType.F64: ctypes.c_double,
    DType.I64: ctypes.c_int64,
    DType.I32: ctypes.c_int32,
    DType.U8: ctypes.c_uint8,
    DType.BOOL: ctypes.c_bool,
}
FORMATS = {
    "f": DType.F32,
    "d": DType.F64,
    "q": DType.I64,
    "l": DType.I64,
    "i": DType.I32,
    "B": DType.U8,
    "?": DType.BOOL,
}
LETTERS: Dict[DType, Any] = {
    DType.F32: "f",
    DType.F64: "d",
    DType.I64: "q",
    DType.I32: "i",
    DType.U8: "B",
    DType.BOOL: "?",
}


# ---- what the library calls when it is done with memory that it borrowed ----

_borrowed: Dict[int, Any] = {}
_numbers = itertools.count(1)


@B.cnn_deleter_fn
def _release(_data: Any, user: Any) -> None:
    release = _borrowed.pop(user, None)
    if callable(release):
        release()


def _borrow(
    data: int, dtype: DType, shape: Tuple[int, ...], strides: Optional[Tuple[int, ...]], keep: Any, context: Context
) -> Tensor:
    from ._tensor import Tensor

    number = next(_numbers)
    _borrowed[number] = keep
    n = len(shape)
    t = Tensor._make(
        lib.cnn_tensor_from_borrowed(
            context._h,
            int(dtype),
            n,
            (ctypes.c_int64 * n)(*shape),
            (ctypes.c_int64 * n)(*strides) if strides is not None else None,
            data or None,
            _release,
            number,
        ),
        context,
    )
    return t


# Where a tensor without elements begins: NumPy takes no NULL.
NOTHING = ctypes.create_string_buffer(64)


# ---- lists ----


def to_list(t: Tensor) -> Any:
    flat = _read(t)
    for size in reversed(t.shape[1:]):
        flat = [flat[i : i + size] for i in range(0, len(flat), size)] if size else [[] for _ in range(_rows(t, size))]
    return flat if t.ndim else flat[0]


def _rows(t: Tensor, _size: int) -> int:
    rows = 1
    for size in t.shape[:-1]:
        rows *= size
    return rows


def _read(t: Tensor) -> List[Any]:
    if t.dtype == DType.BF16:
        t = t.to(DType.F32)
    array = (ELEMENT[t.dtype] * t.numel())()
    check(t._read(lambda h: lib.cnn_tensor_read(h, array, ctypes.sizeof(array))), t._context._h)
    return list(array)


def copied(data: Any, dtype: Optional[DType], context: Context) -> Tensor:
    """A new tensor with the elements of numbers, nested lists, or whatever gives its memory away."""
    from ._tensor import Tensor

    if hasattr(data, "__array_interface__"):
        t = from_array(data, context)
    elif hasattr(data, "__dlpack__"):
        t = from_dlpack(data, context)
    elif isinstance(data, (bytes, bytearray, memoryview)) or type(data).__module__ == "array":
        t = _from_buffer(data, context)
    else:
        shape, flat = _flattened(data)
        kind = dtype if dtype is not None else _kind(flat)
        element = ELEMENT.get(kind, ctypes.c_float)
        number: Any = float if kind in (DType.F32, DType.F64, DType.BF16) else bool if kind == DType.BOOL else int
        array = (element * len(flat))(*[number(v) for v in flat])
        made = DType.F32 if kind == DType.BF16 else kind
        n = len(shape)
        t = Tensor._make(
            lib.cnn_tensor_from_data(context._h, int(made), n, (ctypes.c_int64 * n)(*shape), array), context
        )
        return t if made == kind else Tensor._make(t.to(kind)._read(lib.cnn_tensor_detach), context)
    if dtype is not None:
        t = t.to(dtype)
    return Tensor._make(t._read(lib.cnn_tensor_detach), context)


def _kind(flat: List[Any]) -> DType:
    if not flat or any(isinstance(v, float) for v in flat):
        return DType.F32
    if all(isinstance(v, bool) for v in flat):
        return DType.BOOL
    return DType.I64 if all(hasattr(v, "__index__") for v in flat) else DType.F32


def _flattened(data: Any) -> Tuple[List[int], List[Any]]:
    shape: List[int] = []
    level: List[Any] = [data]
    while (
        level
        and isinstance(level[0], (list, tuple))
        or (level and hasattr(level[0], "tolist") and hasattr(level[0], "shape"))
    ):
        level = [v.tolist() if hasattr(v, "tolist") else v for v in level]
        if not isinstance(level[0], (list, tuple)):
            break
        sizes = {len(v) if isinstance(v, (list, tuple)) else -1 for v in level}
        if len(sizes) != 1 or -1 in sizes:
            raise ShapeError(f"tensor: the lists at depth {len(shape)} are not of one length")
        shape.append(sizes.pop())
        level = [item for v in level for item in v]
    for v in level:
        if isinstance(v, (list, tuple)) or not (isinstance(v, (bool, int, float)) or hasattr(v, "__float__")):
            raise TypeError(f"tensor: expected numbers in lists of one shape, given {type(v).__name__}")
    return shape, level


def _from_buffer(data: Any, context: Context) -> Tensor:
    view = memoryview(data)
    kind = FORMATS.get(str(view.format).lstrip("@=<")) if view.c_contiguous else None
    if kind is None:
        raise DTypeError(
            f"tensor: a buffer of format {view.format!r}, expected contiguous numbers of one of "
            f"{', '.join(FORMATS)}"
        )
    flat = bytes(view)
    keep = ctypes.create_string_buffer(flat, len(flat))
    return _borrow(ctypes.addressof(keep), kind, tuple(view.shape or ()), None, keep, context)


# ---- __array_interface__ ----


def _plain(t: Tensor) -> Tensor:
    """The tensor itself, or a copy that belongs to Python where a tape or a loader owns it."""
    from ._tensor import Tensor

    if t._tape is None and not getattr(t._owner, "_lends", False):
        return t
    return Tensor._make(t._read(lib.cnn_tensor_detach), t._context)


def _address(t: Tensor) -> Tuple[int, Any, Tuple[int, ...]]:
    """(address, what keeps it, strides in elements); a copy in the host's memory where the elements are on a device."""
    data = lib.cnn_tensor_data(t._handle())
    if data or not t.numel():
        return data or ctypes.addressof(NOTHING), t, t.strides
    buffer = ctypes.create_string_buffer(t.numel() * t.itemsize)
    check(lib.cnn_tensor_read(t._handle(), buffer, len(buffer)), t._context._h)
    step = 1
    strides: List[int] = []
    for size in reversed(t.shape):
        strides.insert(0, step)
        step *= size
    return ctypes.addressof(buffer), buffer, tuple(strides)


def _is_module(t: Tensor) -> bool:
    from ._tensor import Tensor

    return t._owner is not None and not isinstance(t._owner, Tensor)


def array_interface(t: Tensor) -> Dict[str, Any]:
    if t.dtype == DType.BF16:
        raise DTypeError("numpy: NumPy has no bfloat16; convert by .float()")
    kept = _plain(t)
    address, memory, strides = _address(kept)
    if kept is not t or memory is not kept:
        t._kept = (t._kept, kept, memory)  # as long as the tensor that arrays hold, of which there may be several
    size = t.itemsize
    return {
        "version": 3,
        "typestr": TYPESTR[t.dtype],
        "shape": t.shape,
        "strides": tuple(s * size for s in strides),
        "data": (address, t._fixed or _is_module(kept)),
    }


class _Holder:
    """What an array over a tensor's memory holds: another tensor over the same elements."""

    def __init__(self, t: Tensor) -> None:
        from ._tensor import Tensor

        plain = _plain(t)
        self.kept = plain if plain is not t else Tensor._make(lib.cnn_tensor_share(t._handle()), t._context)
        self.kept._fixed = t._fixed or _is_module(plain)
        self.__array_interface__ = array_interface(self.kept)


def to_numpy(t: Tensor) -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError("numpy() needs NumPy; tolist(), memoryview() and DLPack do not") from None
    if t.dtype == DType.BF16:
        raise DTypeError("numpy: NumPy has no bfloat16; convert by .float()")
    return numpy.asarray(_Holder(t))


def from_array(array: Any, context: Context, copied: bool = False) -> Tensor:
    """Over the memory of whatever has `__array_interface__`."""
    interface = array.__array_interface__
    kind = FROM_TYPESTR.get(interface["typestr"])
    if kind is None:
        raise DTypeError(
            f"from_numpy: an array of {interface['typestr']}, expected one of "
            f"{', '.join(TYPESTR.values())}; convert by astype()"
        )
    shape = tuple(interface["shape"])
    strides = interface.get("strides")
    address, fixed = interface["data"]
    size = ctypes.sizeof(ELEMENT[kind])
    steps = None
    if strides is not None:
        steps = tuple(s // size for s in strides)
        if any(s % size for s in strides) or address % size or any(s <= 0 and n > 1 for s, n in zip(steps, shape)):
            return from_array(array.copy(), context, True)  # misaligned, backwards or repeated: nothing to share
    keep = (array, interface)
    try:
        t = _borrow(address, kind, shape, steps, keep, context)
    except ShapeError:
        if copied:
            raise
        return from_array(array.copy(), context, True)
    t._fixed = bool(fixed)
    return t


# ---- the buffer protocol ----


def to_memoryview(t: Tensor) -> memoryview:
    if t.dtype == DType.BF16:
        raise DTypeError("memoryview: the buffer protocol has no bfloat16; convert by .float()")
    from ._tensor import Tensor

    plain = _plain(t)
    if not plain.is_contiguous() or plain._owner is not None:
        plain = Tensor._make(lib.cnn_tensor_detach(plain._handle()), t._context)
    address, memory, _ = _address(plain)
    count = t.numel() * t.itemsize
    array: Any = (ctypes.c_ubyte * count).from_address(address) if address else (ctypes.c_ubyte * 0)()
    array._kept = memory
    view = memoryview(array).cast("B")
    if count:
        view = view.cast(LETTERS[t.dtype], t.shape)
    return view.toreadonly() if t._fixed else view


# ---- DLPack ----


HOSTS = (1, 3)  # kDLCPU, kDLCUDAHost


class DLDevice(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class DLDataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", DLDevice),
        ("ndim", ctypes.c_int32),
        ("dtype", DLDataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class DLManagedTensor(ctypes.Structure):
    _fields_ = [("dl_tensor", DLTensor), ("manager_ctx", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class DLManagedTensorVersioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("dl_tensor", DLTensor),
    ]


READ_ONLY, COPIED = 1, 2
CPU = 1
DLPACK = {
    DType.F32: (2, 32),
    DType.F64: (2, 64),
    DType.I64: (0, 64),
    DType.I32: (0, 32),
    DType.U8: (1, 8),
    DType.BOOL: (6, 8),
    DType.BF16: (4, 16),
}
FROM_DLPACK = {code: dtype for dtype, code in DLPACK.items()}
FORMS: Dict[bytes, Any] = {b"dltensor": DLManagedTensor, b"dltensor_versioned": DLManagedTensorVersioned}
NAMES = {
    b"dltensor": (b"used_dltensor", DLManagedTensor),
    b"dltensor_versioned": (b"used_dltensor_versioned", DLManagedTensorVersioned),
}

_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_exported: Dict[int, Any] = {}


@_DELETER
def _delete(address: Any) -> None:
    _exported.pop(address, None)


def _python(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_capsule_new = _python("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_capsule_is = _python("PyCapsule_IsValid", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)
_capsule_get = _python("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
_capsule_rename = _python("PyCapsule_SetName", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)


@_DESTRUCTOR
def _destroy(capsule: Any) -> None:
    """A capsule goes that nobody has taken. It is an address here: the object has no references left to count."""
    for name in FORMS:
        if _capsule_is(capsule, name):
            _exported.pop(_capsule_get(capsule, name), None)


# The names of capsules must stay where they are.
_NAME_BUFFERS = {
    name: ctypes.create_string_buffer(name) for name in (*FORMS, b"used_dltensor", b"used_dltensor_versioned")
}


def _name(name: bytes) -> Any:
    return ctypes.cast(_NAME_BUFFERS[name], ctypes.c_char_p)


def dlpack_device(t: Tensor) -> Tuple[int, int]:
    return (CPU, 0)


def to_dlpack(t: Tensor, max_version: Any, dl_device: Any, copy: Optional[bool]) -> Any:
    if dl_device is not None and tuple(dl_device) != (CPU, 0):
        raise BufferError(f"dlpack: device {dl_device} was asked for, expected ({CPU}, 0)")
    if t.requires_grad and t._tape is not None:
        raise BufferError("dlpack: the tensor has a history that gradients follow; export detach()")
    from ._tensor import Tensor

    plain = _plain(t)
    made = plain is not t
    if copy or (plain._owner is not None and not _is_module(plain)):
        if copy is False:
            raise BufferError("dlpack: the tensor's memory belongs to another; only a copy can be given")
        plain, made = Tensor._make(lib.cnn_tensor_detach(plain._handle()), t._context), True
    elif not made:
        plain = Tensor._make(lib.cnn_tensor_share(plain._handle()), t._context)
    address, memory, steps = _address(plain)
    made = made or memory is not plain
    if made and copy is False:
        raise BufferError("dlpack: the tensor belongs to a step, or to a device; only a copy can be given")
    versioned = max_version is not None and tuple(max_version) >= (1, 0)
    if t._fixed and not made and not versioned:
        raise BufferError("dlpack: the tensor is read-only, which DLPack below 1.0 cannot say")
    name = b"dltensor_versioned" if versioned else b"dltensor"
    managed = FORMS[name]()
    n = t.ndim
    shape, strides = (ctypes.c_int64 * max(n, 1))(*t.shape), (ctypes.c_int64 * max(n, 1))(*steps)
    if versioned:
        managed.major, managed.minor = 1, 0
        managed.flags = (READ_ONLY if t._fixed and not made else 0) | (COPIED if made else 0)
    tensor = managed.dl_tensor
    tensor.data, tensor.device, tensor.ndim = address or None, DLDevice(CPU, 0), n
    tensor.dtype = DLDataType(*DLPACK[t.dtype], 1)
    tensor.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
    tensor.strides = ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64))
    managed.deleter = ctypes.cast(_delete, ctypes.c_void_p)
    key = ctypes.addressof(managed)
    _exported[key] = (managed, shape, strides, plain, memory)
    return _capsule_new(key, _name(name), ctypes.cast(_destroy, ctypes.c_void_p))


def from_dlpack(source: Any, context: Context) -> Tensor:
    if hasattr(source, "__dlpack_device__") and tuple(source.__dlpack_device__())[0] not in (CPU, 3):
        raise BufferError(f"from_dlpack: the tensor is on device {tuple(source.__dlpack_device__())}, expected the CPU")
    if hasattr(source, "__dlpack__"):
        try:
            capsule = source.__dlpack__(max_version=(1, 1))
        except TypeError:
            capsule = source.__dlpack__()
    else:
        capsule = source
    return _from_capsule(capsule, context)


def _from_capsule(capsule: Any, context: Context) -> Tensor:
    address = id(capsule)
    for name, (used, form) in NAMES.items():
        if _capsule_is(address, name):
            break
    else:
        raise TypeError("from_dlpack: expected an object with __dlpack__, or a capsule that nobody has taken yet")
    managed = form.from_address(_capsule_get(address, name))
    tensor = managed.dl_tensor
    if form is DLManagedTensorVersioned and managed.major != 1:
        raise BufferError(f"from_dlpack: the capsule is of DLPack {managed.major}, expected 1")
    if tensor.device.device_type not in HOSTS:
        raise BufferError(
            f"from_dlpack: the elements are on a device of type {tensor.device.device_type}, expected the host's memory"
        )
    code = (tensor.dtype.code, tensor.dtype.bits)
    if tensor.dtype.lanes != 1 or code not in FROM_DLPACK:
        raise DTypeError(
            f"from_dlpack: elements of code {code[0]} with {code[1]} bits are of no dtype of libcnn, which "
            f"has {', '.join(DTYPE_NAMES)}"
        )
    _capsule_rename(address, _name(used))
    pointer = ctypes.addressof(managed)

    def release() -> None:
        if managed.deleter:
            _DELETER(managed.deleter)(pointer)

    n = tensor.ndim
    shape = tuple(tensor.shape[:n])
    strides = tuple(tensor.strides[:n]) if tensor.strides and n else None
    fixed = form is DLManagedTensorVersioned and bool(managed.flags & READ_ONLY)
    start = (tensor.data or 0) + tensor.byte_offset
    if strides is not None and any(s == 0 and size > 1 for s, size in zip(strides, shape)):
        # repeated elements: once, and as often as they are wanted
        once = _borrow(
            start,
            FROM_DLPACK[code],
            tuple(1 if s == 0 else size for s, size in zip(strides, shape)),
            strides,
            release,
            context,
        )
        from ._tensor import Tensor

        return Tensor._make(once.expand(*shape)._read(lib.cnn_tensor_detach), context)
    t = _borrow(start, FROM_DLPACK[code], shape, strides, release, context)
    t._fixed = fixed
    return t


__all__ = ["DTYPES"]
