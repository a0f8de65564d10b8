"""Tensors: plain ones, which Python owns; those of a module or a loader, which keep their owner alive; and
results of operations, which a tape owns and which become plain when its next step begins (_tape.py)."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

from . import _bindings as B
from . import _apply, _exchange, _indexing, _ops
from ._apply import _tape_of, apply
from ._context import Context, default_context
from ._convert import DTYPES, enumerator, sizes, varargs
from ._errors import ArgumentError, StateError, check, fail_last, take_pending
from ._library import lib
from ._ops import TensorMethods
from ._tape import Tape, current, local, no_grad, watch

Number = Union[bool, int, float]
DType = B.DType
FLOATS = (DType.F32, DType.F64, DType.BF16)
FLOAT_NUMBERS = tuple(int(kind) for kind in FLOATS)


class Tensor(TensorMethods):
    """A tensor of libcnn. It is made by cnn.tensor(), cnn.zeros() and the like, or is the result of an operation."""

    __slots__ = ("_h", "_tape", "_owner", "_context", "_cut", "_note", "_kept", "_grad", "_fixed", "__weakref__")
    __array_priority__ = 1000
    __hash__ = object.__hash__

    _h: int
    _tape: Optional[Tape]
    _owner: Any
    _context: Context
    _cut: bool
    _note: str
    _kept: Any
    _grad: Optional[Tensor]
    _fixed: bool

    def __new__(cls, *_: Any) -> Tensor:
        raise TypeError("a tensor is made by cnn.tensor(), cnn.zeros(), cnn.from_numpy() and the like")

    @classmethod
    def _make(cls, h: Optional[int], context: Context, owner: Any = None) -> Tensor:
        self: Tensor = object.__new__(cls)
        self._h, self._tape, self._owner, self._context = h or 0, None, owner, context
        self._cut, self._note, self._kept, self._grad, self._fixed = False, "", None, None, False
        if not h:
            self._owner = True  # nothing to free
            fail_last(context._h)
        return self

    @classmethod
    def _on(cls, tape: Tape, h: Any, cut: bool = False) -> Tensor:
        self: Tensor = object.__new__(cls)
        self._h, self._tape, self._owner, self._context = h, tape, None, tape.context
        self._cut, self._note, self._kept, self._grad, self._fixed = cut, "", None, None, False
        watch(tape, self)
        return self

    def __del__(self, free: Callable[[int], None] = lib.cnn_tensor_free) -> None:
        if self._tape is not None:
            self._tape._live.pop(id(self), None)
        elif self._owner is None and self._h:
            free(self._h)

    def _leave(self) -> None:
        """Becomes a plain tensor with the same elements. The caller holds the tape's lock."""
        if self._tape is None:
            return
        cut = self._cut or bool(lib.cnn_tensor_requires_grad(self._h))
        grad = lib.cnn_tensor_grad(self._h) if cut else None
        if grad:
            self._grad = Tensor._make(lib.cnn_tensor_detach(grad), self._context)
        h = lib.cnn_tensor_detach(self._h)
        if not h:
            self._note = (lib.cnn_last_error(self._context._h) or b"").decode("utf-8", "replace")
        self._h, self._tape, self._cut = h or 0, None, cut

    def _handle(self) -> int:
        if not self._h:
            raise StateError(f"the tensor was lost with its step: {self._note}")
        return self._h

    _tensor_handle = _handle

    def _read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        tape = self._tape
        if tape is None:
            return function(self._handle(), *arguments)
        with tape._lock:
            return function(self._handle(), *arguments)

    # ---- what it is ----

    @property
    def shape(self) -> Tuple[int, ...]:
        return self._read(lambda h: tuple(lib.cnn_tensor_shape(h)[: lib.cnn_tensor_ndim(h)]))

    @property
    def strides(self) -> Tuple[int, ...]:
        """In elements."""
        return self._read(lambda h: tuple(lib.cnn_tensor_strides(h)[: lib.cnn_tensor_ndim(h)]))

    def stride(self, dim: Optional[int] = None) -> Any:
        return self.strides if dim is None else self.strides[dim]

    def size(self, dim: Optional[int] = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    @property
    def ndim(self) -> int:
        return int(self._read(lib.cnn_tensor_ndim))

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return int(self._read(lib.cnn_tensor_numel))

    @property
    def dtype(self) -> DType:
        return DType(self._read(lib.cnn_tensor_dtype))

    @property
    def device(self) -> str:
        return str(self._context.device)

    @property
    def context(self) -> Context:
        return self._context

    @property
    def itemsize(self) -> int:
        return int(lib.cnn_dtype_size(self.dtype))

    @property
    def is_leaf(self) -> bool:
        return self._tape is None

    def is_contiguous(self) -> bool:
        return bool(self._read(lib.cnn_tensor_is_contiguous))

    def is_floating_point(self) -> bool:
        return self.dtype in FLOATS

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("a tensor of rank 0 has no length")
        return shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        def write(h: int) -> str:
            size = lib.cnn_tensor_format(h, None, 0) + 1
            buffer = ctypes.create_string_buffer(size)
            lib.cnn_tensor_format(h, buffer, size)
            return buffer.value.decode("utf-8")

        return self._read(write)

    # ---- elements ----

    def item(self) -> Number:
        """The one element of a tensor with one element, as a Python number."""
        if self.numel() != 1:
            raise ArgumentError(f"item: the tensor has shape {list(self.shape)}, expected one element")
        if self.dtype in FLOATS:
            return float(self._read(lib.cnn_tensor_item))
        value = int(self._read(lib.cnn_tensor_item_i64))
        return bool(value) if self.dtype == DType.BOOL else value

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype in FLOATS:
            raise TypeError("only a tensor of integers with one element is an index")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ValueError("the truth of a tensor of several elements is ambiguous; use any() or all()")
        return bool(self.item())

    def tolist(self) -> Any:
        return _exchange.to_list(self)

    def numpy(self) -> Any:
        """A NumPy array over the same elements; of a result of an operation it is a copy. An array over a module's
        parameter is read-only: write by copy_()."""
        return _exchange.to_numpy(self)

    @property
    def __array_interface__(self) -> Any:
        return _exchange.array_interface(self)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Optional[bool] = None
    ) -> Any:
        return _exchange.to_dlpack(self, max_version, dl_device, copy)

    def __dlpack_device__(self) -> Tuple[int, int]:
        return _exchange.dlpack_device(self)

    def memoryview(self) -> Any:
        """The elements through the buffer protocol: a copy where they are not contiguous or belong to a tape. From
        Python 3.12 on `memoryview(tensor)` is the same; before, the protocol is open to compiled code alone."""
        return _exchange.to_memoryview(self)

    def __buffer__(self, _flags: Any) -> Any:
        return self.memoryview()

    def data_ptr(self) -> int:
        return int(self._read(lib.cnn_tensor_data) or 0)

    def touch(self) -> Tensor:
        """Says that the elements were written by other means than this library's calls, such as through numpy()."""
        check(lib.cnn_tensor_touch(self._handle()), self._context._h)
        return self

    # ---- writing ----

    def _writable(self, what: str) -> int:
        tape = self._tape
        if tape is not None:
            if self.requires_grad:
                raise StateError(
                    f"{what}: the tensor is the result of an operation that backward passes; write a detach()"
                )
            with tape._lock:
                self._leave()
        if self._fixed:
            raise StateError(f"{what}: the tensor's memory is read-only")
        if local.grad and self.requires_grad and what not in ("copy_", "fill_", "zero_"):
            raise StateError(f"{what}: the tensor requires a gradient; write it under no_grad()")
        return self._handle()

    def copy_(self, source: Any) -> Tensor:
        """Copies elements into this tensor, converting the dtype and broadcasting the shape."""
        h = self._writable("copy_")
        source = as_tensor(source, context=self._context)
        check(source._read(lambda s: lib.cnn_tensor_copy_from(h, s)), self._context._h)
        return self

    def fill_(self, value: Number) -> Tensor:
        check(lib.cnn_tensor_fill(self._writable("fill_"), float(value)), self._context._h)
        return self

    def zero_(self) -> Tensor:
        return self.fill_(0)

    def _in_place(self, what: str, other: Any, operation: Callable[..., Tensor]) -> Tensor:
        if self._tape is not None:
            return operation(self, other)
        self._writable(what)
        with no_grad():
            return self.copy_(operation(self, other))

    def __iadd__(self, other: Any) -> Tensor:
        return self._in_place("+=", other, Tensor.__add__)

    def __isub__(self, other: Any) -> Tensor:
        return self._in_place("-=", other, Tensor.__sub__)

    def __imul__(self, other: Any) -> Tensor:
        return self._in_place("*=", other, Tensor.__mul__)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._in_place("/=", other, Tensor.__truediv__)

    # ---- gradients ----

    @property
    def requires_grad(self) -> bool:
        return self._cut or bool(self._read(lib.cnn_tensor_requires_grad))

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Asks for a gradient, or no longer."""
        if self._cut and not requires_grad:
            self._cut = False
        check(self._read(lambda h: lib.cnn_tensor_set_requires_grad(h, requires_grad)), self._context._h)
        return self

    @property
    def grad(self) -> Optional[Tensor]:
        """The gradient so far; None if there is none. It is this tensor's own memory, which backward adds to."""
        if self._grad is not None:
            return self._grad
        tape = self._tape
        h = self._read(lib.cnn_tensor_grad)
        if not h:
            return None
        return Tensor._make(h, self._context, self) if tape is None else Tensor._on(tape, h)

    def zero_grad(self) -> None:
        check(self._read(lib.cnn_tensor_zero_grad), self._context._h)

    def retain_grad(self) -> None:
        """Keeps the gradient of a result for `grad`."""
        check(self._read(lib.cnn_retain_grad), self._context._h)

    def _with_history(self, what: str) -> None:
        if self._cut:
            raise StateError(
                f"{what}: the step that made this tensor is over: backward had passed it, a loader gave a "
                "new batch, or an operation failed. Keep steps apart by `with cnn.Tape():`"
            )
        if self._tape is None:
            raise StateError(f"{what}: the tensor is not the result of an operation")

    def backward(self, gradient: Optional[Tensor] = None, retain_graph: bool = False) -> None:
        """Adds the gradients of this result to the `grad` of all that requires one."""
        tape = self._tape
        self._with_history("backward")
        assert tape is not None
        with tape._lock:
            h = self._handle()
            local.running.append(tape)
            try:
                if gradient is None and not retain_graph:
                    status = lib.cnn_backward(h)
                else:
                    status = lib.cnn_backward_with(
                        h, gradient._handle() if gradient is not None else None, retain_graph
                    )
            finally:
                local.running.pop()
            if status:
                tape._failed(status)
            problem = take_pending()
            if problem is not None:  # a hook's
                raise problem
            tape._done = not retain_graph

    def register_hook(self, hook: Callable[[Tensor], Optional[Tensor]]) -> None:
        """Has backward call a function with the gradient of this result, and go on with what that returns."""
        from ._training import register_hook

        register_hook(self, hook)

    def detach(self) -> Tensor:
        """The same elements without a history."""
        if self._tape is None:
            return Tensor._make(lib.cnn_tensor_detach(self._handle()), self._context)
        return apply("cnn_detach", self)

    def clone(self) -> Tensor:
        """A copy of the elements; gradients pass it."""
        return apply("cnn_clone", self)

    def __copy__(self) -> Tensor:
        return Tensor._make(self._read(lib.cnn_tensor_detach), self._context)

    def __deepcopy__(self, _memo: Any) -> Tensor:
        """A plain copy, which requires a gradient if this one does."""
        made = self.__copy__()
        return made.requires_grad_() if self._tape is None and self.requires_grad else made

    def cpu(self) -> Tensor:
        return self

    # ---- operators ----

    def _pair(self, other: Any, what: str) -> Tuple[Tensor, Tensor]:
        """Both operands as tensors of one dtype, which is PyTorch's."""
        if isinstance(other, Tensor):
            kind = promoted(self, other)
        elif isinstance(other, (bool, int, float)):
            kind = with_number(self.dtype, other)
            other = full((), other, dtype=kind, context=self._context)
        else:
            other = as_tensor(other, context=self._context)
            kind = promoted(self, other)
        return self.to(kind), other.to(kind)

    def _operator(self, name: str, other: Any, swapped: bool = False) -> Any:
        if not isinstance(other, (Tensor, bool, int, float)) and not hasattr(other, "__array_interface__"):
            return NotImplemented
        if isinstance(other, Tensor):
            kind = self._read(lib.cnn_tensor_dtype)
            if kind == other._read(lib.cnn_tensor_dtype) and (kind in FLOAT_NUMBERS or name not in ARITHMETIC):
                return apply(name, other, self) if swapped else apply(name, self, other)
        a, b = self._pair(other, name)
        if swapped:
            a, b = b, a
        if name in ARITHMETIC and a.dtype not in FLOATS:
            return whole(apply(name, a.to(DType.F64), b.to(DType.F64)), a.dtype)
        return apply(name, a, b)

    def _with_number(self, name: str, number: Number) -> Tensor:
        if self._read(lib.cnn_tensor_dtype) in FLOAT_NUMBERS:
            return apply(name, self, float(number))
        x = self.to(with_number(self.dtype, number))
        if x.dtype not in FLOATS:
            return whole(apply(name, x.to(DType.F64), float(number)), x.dtype)
        return apply(name, x, float(number))

    def __add__(self, other: Any) -> Tensor:
        if isinstance(other, (bool, int, float)):
            return self._with_number("cnn_add_scalar", other)
        return self._operator("cnn_add", other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Tensor:
        if isinstance(other, (bool, int, float)):
            return self._with_number("cnn_add_scalar", -other)
        return self._operator("cnn_sub", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self._operator("cnn_sub", other, True)

    def __mul__(self, other: Any) -> Tensor:
        if isinstance(other, (bool, int, float)):
            return self._with_number("cnn_mul_scalar", other)
        return self._operator("cnn_mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tensor:
        return self._real()._operator("cnn_div", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self._real()._operator("cnn_div", other, True)

    def _real(self) -> Tensor:
        return self if self.dtype in FLOATS else self.to(DType.F32)

    def _whole(self, other: Any, swapped: bool) -> Any:
        """self // other and what is left, exact for integers below 2^53."""
        if not isinstance(other, (Tensor, bool, int, float)):
            return NotImplemented
        a, b = self._pair(other, "//")
        if swapped:
            a, b = b, a
        kind = a.dtype
        if kind not in FLOATS:
            a, b = a.to(DType.F64), b.to(DType.F64)
        quotient = (a / b).floor()
        return quotient.to(kind), (a - quotient * b).to(kind)

    def __floordiv__(self, other: Any) -> Tensor:
        result = self._whole(other, False)
        return result if result is NotImplemented else result[0]

    def __rfloordiv__(self, other: Any) -> Tensor:
        result = self._whole(other, True)
        return result if result is NotImplemented else result[0]

    def __mod__(self, other: Any) -> Tensor:
        result = self._whole(other, False)
        return result if result is NotImplemented else result[1]

    def __pow__(self, other: Any) -> Tensor:
        if isinstance(other, (bool, int, float)):
            return self._with_number("cnn_pow_scalar", other)
        return self._operator("cnn_pow", other)

    def __rpow__(self, other: Any) -> Tensor:
        return self._operator("cnn_pow", other, True)

    def __matmul__(self, other: Any) -> Tensor:
        return apply("cnn_matmul", self, other) if isinstance(other, Tensor) else NotImplemented

    def __neg__(self) -> Tensor:
        return apply("cnn_neg", self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return apply("cnn_abs", self)

    def __invert__(self) -> Tensor:
        return apply("cnn_logical_not" if self.dtype == DType.BOOL else "cnn_bitwise_not", self)

    def __and__(self, other: Any) -> Tensor:
        return self._operator("cnn_bitwise_and", other)

    def __or__(self, other: Any) -> Tensor:
        return self._operator("cnn_bitwise_or", other)

    def __xor__(self, other: Any) -> Tensor:
        return self._operator("cnn_bitwise_xor", other)

    def __lshift__(self, other: Any) -> Tensor:
        return self._operator("cnn_bitwise_left_shift", other)

    def __rshift__(self, other: Any) -> Tensor:
        return self._operator("cnn_bitwise_right_shift", other)

    def __eq__(self, other: Any) -> Any:
        return self._operator("cnn_eq", other)

    def __ne__(self, other: Any) -> Any:
        return self._operator("cnn_ne", other)

    def __lt__(self, other: Any) -> Tensor:
        return self._operator("cnn_lt", other)

    def __le__(self, other: Any) -> Tensor:
        return self._operator("cnn_le", other)

    def __gt__(self, other: Any) -> Tensor:
        return self._operator("cnn_gt", other)

    def __ge__(self, other: Any) -> Tensor:
        return self._operator("cnn_ge", other)

    def __getitem__(self, index: Any) -> Tensor:
        return _indexing.get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        _indexing.put(self, index, value)

    # ---- PyTorch's other names and forms ----

    def to(self, dtype: Any) -> Tensor:
        """Converted to a dtype, or copied to another context."""
        if isinstance(dtype, Context):
            return Tensor._make(self._read(lambda h: lib.cnn_tensor_to(h, dtype._h)), dtype)
        kind = enumerator(DType, dtype)
        return self if self.dtype == kind else apply("cnn_cast", self, int(kind))

    def float(self) -> Tensor:
        return self.to(DType.F32)

    def double(self) -> Tensor:
        return self.to(DType.F64)

    def bfloat16(self) -> Tensor:
        return self.to(DType.BF16)

    def long(self) -> Tensor:
        return self.to(DType.I64)

    def int(self) -> Tensor:
        return self.to(DType.I32)

    def bool(self) -> Tensor:
        return self.to(DType.BOOL)

    @property
    def T(self) -> Tensor:
        """The dimensions in the opposite order."""
        return self.permute(*range(self.ndim - 1, -1, -1)) if self.ndim else self

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        return self.transpose(-2, -1)

    def t(self) -> Tensor:
        return self.T

    def max(self, dim: Optional[Any] = None, keepdim: Any = False) -> Any:
        """The largest element; along one dimension the largest ones and their indices."""
        return maximum_of(self, "cnn_max", dim, keepdim)

    def min(self, dim: Optional[Any] = None, keepdim: Any = False) -> Any:
        """The smallest element; along one dimension the smallest ones and their indices."""
        return maximum_of(self, "cnn_min", dim, keepdim)

    def amax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return _ops.max(self, dim, keepdim)

    def amin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        return _ops.min(self, dim, keepdim)

    def split(self, split_size: Any, dim: Any = 0) -> Tuple[Tensor, ...]:
        """Parts of `split_size` along a dimension, the last one smaller; of the sizes in a list."""
        return split(self, split_size, dim)

    def chunk(self, chunks: Any, dim: Any = 0) -> Tuple[Tensor, ...]:
        """At most `chunks` parts of one size."""
        return chunk(self, chunks, dim)

    def unbind(self, dim: Any = 0) -> Tuple[Tensor, ...]:
        """The slices along a dimension, without it."""
        return unbind(self, dim)

    def squeeze(self, dim: Optional[Any] = None) -> Tensor:
        """Without a dimension of size 1; without all of them."""
        if dim is not None:
            return apply("cnn_squeeze", self, dim)
        return self.reshape([n for n in self.shape if n != 1])

    def softmax(self, dim: Any = -1) -> Tensor:
        return apply("cnn_softmax", self, dim)


_apply.Tensor = Tensor  # type: ignore[attr-defined]


def maximum_of(x: Tensor, name: str, dim: Any, keepdim: Any) -> Any:
    from ._convert import ints

    if dim is None:
        return apply(name, x, *ints(None), keepdim)
    return apply(name + "_along", x, dim, keepdim, outputs=1)


def _parts(name: str, x: Tensor, room: int, before: Tuple[Any, ...], after: Tuple[Any, ...]) -> Tuple[Tensor, ...]:
    """An operation that writes an array of results."""
    tape = _tape_of([x])
    with tape._lock:
        root = x._tape is not tape
        if root:
            tape._prepare()
        tape._record()
        h = lib.cnn_input(tape._h, x._handle()) if root else x._handle()
        array = (ctypes.c_void_p * max(room, 1))()
        count = getattr(lib, name)(h, *before, array, *after)
        status = lib.cnn_tensor_status(array[0]) if array[0] else 0
        if status or (not count and room):
            tape._failed(status or lib.cnn_context_status(x._context._h))
        return tuple(Tensor._on(tape, array[i], tape._recording and x._cut) for i in range(count))


def split(x: Tensor, split_size: Union[int, Sequence[int]], dim: int = 0) -> Tuple[Tensor, ...]:
    """torch.split: parts of `split_size` along a dimension, the last one smaller; of the sizes in a list."""
    if isinstance(split_size, int):
        room = -(-x.shape[dim] // split_size) if split_size > 0 else 1
        return _parts("cnn_split", x, room, (split_size, dim), (max(room, 1),))
    count, array = sizes(split_size)
    return _parts("cnn_split_with_sizes", x, count, (count, array, dim), ())


def chunk(x: Tensor, chunks: int, dim: int = 0) -> Tuple[Tensor, ...]:
    """torch.chunk: at most `chunks` parts of one size."""
    return _parts("cnn_chunk", x, chunks, (chunks, dim), ())


def unbind(x: Tensor, dim: int = 0) -> Tuple[Tensor, ...]:
    """torch.unbind: the slices along a dimension, without it."""
    return _parts("cnn_unbind", x, x.shape[dim], (dim,), (x.shape[dim],))


# ---- dtypes ----

ORDER = (DType.BOOL, DType.U8, DType.I32, DType.I64, DType.BF16, DType.F32, DType.F64)


def category(dtype: DType) -> int:
    return 0 if dtype == DType.BOOL else 2 if dtype in FLOATS else 1


def promoted(a: Tensor, b: Tensor) -> DType:
    """The dtype that both become, as in PyTorch: a scalar tensor counts only where it is of a higher kind."""
    x, y = a.dtype, b.dtype
    if x == y:
        return x
    if (a.ndim == 0) != (b.ndim == 0):
        scalar, other = (x, y) if a.ndim == 0 else (y, x)
        if category(scalar) <= category(other):
            return other
        return scalar
    return max(x, y, key=ORDER.index)


def with_number(dtype: DType, number: Number) -> DType:
    """The dtype of an operation with a number of Python's."""
    if isinstance(number, bool):
        return dtype
    if isinstance(number, int):
        return DType.I64 if dtype == DType.BOOL else dtype
    return dtype if dtype in FLOATS else DType.F32


ARITHMETIC = ("cnn_add", "cnn_sub", "cnn_mul", "cnn_pow", "cnn_minimum", "cnn_maximum")
# Beyond it an f64 skips integers.
LARGEST = {DType.I64: 2.0**53, DType.I32: 2.0**31 - 1}


def whole(result: Tensor, kind: DType) -> Tensor:
    """What f64 has computed for integers, which the library's arithmetic does not take; bytes wrap around."""
    if kind == DType.BOOL:
        return result != 0
    if kind == DType.U8:
        result = result - (result / 256.0).floor() * 256.0
    elif result.numel() and float(result.abs().amax()) > LARGEST[kind]:
        raise OverflowError(
            f"a result of {dtype_name(kind)} is beyond ±{LARGEST[kind]:.0f}, which is as far as arithmetic "
            "of integers goes here"
        )
    return result.to(kind)


# ---- making tensors ----


def _shape(shape: Sequence[Any]) -> Tuple[int, Any]:
    return sizes(varargs(shape))


def _creation(
    name: str, shape: Sequence[Any], dtype: Any, requires_grad: bool, context: Optional[Context], *value: float
) -> Tensor:
    context = context or default_context()
    kind = int(enumerator(DType, dtype if dtype is not None else DType.F32))
    t = Tensor._make(getattr(lib, name)(context._h, kind, *value, *_shape(shape)), context)
    return t.requires_grad_() if requires_grad else t


def empty(*shape: Any, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """Elements undefined."""
    return _creation("cnn_tensor_empty", shape, dtype, requires_grad, context)


def zeros(*shape: Any, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """All 0."""
    return _creation("cnn_tensor_zeros", shape, dtype, requires_grad, context)


def ones(*shape: Any, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """All 1."""
    return _creation("cnn_tensor_ones", shape, dtype, requires_grad, context)


def rand(*shape: Any, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """Uniform in [0, 1)."""
    return _creation("cnn_tensor_rand", shape, dtype, requires_grad, context)


def randn(*shape: Any, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """Standard normal."""
    return _creation("cnn_tensor_randn", shape, dtype, requires_grad, context)


def full(
    shape: Any, value: Number, *, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None
) -> Tensor:
    """All `value`; without a dtype float32 for a float, int64 for an integer, bool for a bool."""
    kind = dtype if dtype is not None else enumerator(DType, type(value))
    if not isinstance(value, float) and abs(int(value)) > 2**53:
        return tensor(value, dtype=kind, context=context).expand(shape).detach()
    return _creation(
        "cnn_tensor_full",
        [shape] if isinstance(shape, int) else [tuple(shape)],
        kind,
        requires_grad,
        context,
        float(value),
    )


def arange(
    start: Number,
    end: Optional[Number] = None,
    step: Number = 1,
    *,
    dtype: Any = None,
    context: Optional[Context] = None,
) -> Tensor:
    """start, start + step, … up to but not including end."""
    if end is None:
        start, end = 0, start
    kind = (
        dtype
        if dtype is not None
        else DType.F32 if any(isinstance(v, float) for v in (start, end, step)) else DType.I64
    )
    context = context or default_context()
    return Tensor._make(
        lib.cnn_tensor_arange(context._h, int(enumerator(DType, kind)), float(start), float(end), float(step)), context
    )


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False, context: Optional[Context] = None) -> Tensor:
    """A copy of numbers, nested lists, an array or another tensor."""
    context = context or default_context()
    kind = None if dtype is None else DType(enumerator(DType, dtype))
    if isinstance(data, Tensor):
        made = data.to(kind) if kind is not None else data
        made = Tensor._make(made._read(lib.cnn_tensor_detach), data._context)
    else:
        made = _exchange.copied(data, kind, context)
    return made.requires_grad_() if requires_grad else made


def as_tensor(data: Any, dtype: Any = None, context: Optional[Context] = None) -> Tensor:
    """A tensor as it is; an array without a copy where that is possible; anything else as by tensor()."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if hasattr(data, "__array_interface__") and dtype is None:
        return _exchange.from_array(data, context or default_context())
    return tensor(data, dtype=dtype, context=context)


def from_numpy(array: Any, context: Optional[Context] = None) -> Tensor:
    """A tensor over the memory of an array, which stays in use as long as the tensor."""
    return _exchange.from_array(array, context or default_context())


def from_dlpack(source: Any, context: Optional[Context] = None) -> Tensor:
    """A tensor over the memory of another library's tensor, without a copy."""
    return _exchange.from_dlpack(source, context or default_context())


def dtype_name(dtype: DType) -> str:
    """PyTorch's name of a dtype."""
    return DTYPES[dtype]


def written(name: str, target: Tensor, *arguments: Any) -> Tensor:
    """Calls a function that writes a tensor, and returns the tensor."""
    check(getattr(lib, name)(target._writable("fill_"), *arguments), target._context._h)
    return target


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool = False, allow_unused: bool = False
) -> Tuple[Optional[Tensor], ...]:
    """torch.autograd.grad: the gradients of the sum of `outputs` by `inputs`, without touching any `grad`."""
    outs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    tape = outs[0]._tape
    if tape is None:
        raise StateError("grad: the outputs are not results of a step")
    with tape._lock:
        struct = B.cnn_grad_options(
            struct_size=ctypes.sizeof(B.cnn_grad_options), retain_graph=retain_graph, allow_unused=allow_unused
        )
        if grad_outputs is not None:
            given = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
            array = (ctypes.c_void_p * len(given))(*[g._handle() if g is not None else None for g in given])
            struct.grad_outputs = ctypes.cast(array, ctypes.POINTER(ctypes.c_void_p))
        results = (ctypes.c_void_p * len(ins))()
        status = lib.cnn_grad(
            (ctypes.c_void_p * len(outs))(*[t._handle() for t in outs]),
            len(outs),
            (ctypes.c_void_p * len(ins))(*[t._handle() for t in ins]),
            len(ins),
            results,
            ctypes.byref(struct),
        )
        if status:
            tape._failed(status)
        return tuple(Tensor._on(tape, h) if h else None for h in results)


def where(condition: Tensor, a: Any, b: Any) -> Tensor:
    """a where the condition holds, else b; both may be numbers."""
    if not isinstance(a, Tensor):
        a = full((), a, dtype=with_number(b.dtype, a) if isinstance(b, Tensor) else None, context=condition._context)
    if not isinstance(b, Tensor):
        b = full((), b, dtype=with_number(a.dtype, b), context=condition._context)
    kind = promoted(a, b)
    return apply("cnn_where", condition, a.to(kind), b.to(kind))
