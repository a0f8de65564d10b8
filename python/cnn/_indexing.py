"""Indexing as NumPy and PyTorch have it: integers, slices, None, Ellipsis, tensors of integers and of truth values."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, List, Tuple

from . import _bindings as B
from ._errors import check
from ._library import lib

if TYPE_CHECKING:
    from ._tensor import Tensor

DType = B.DType


def _parts(x: Tensor, index: Any) -> List[Any]:
    """One entry per dimension of x, and None where a dimension is added; lists as tensors."""
    from ._tensor import Tensor, tensor

    given = list(index) if isinstance(index, tuple) else [index]
    entries: List[Any] = []
    for entry in given:
        if isinstance(entry, (list, range)) or hasattr(entry, "__array_interface__") and not isinstance(entry, Tensor):
            entry = tensor(list(entry) if isinstance(entry, range) else entry, context=x._context)
        if isinstance(entry, Tensor) and entry.ndim == 0 and entry.dtype != DType.BOOL:
            entry = int(entry.item())
        if not (
            entry is None or entry is Ellipsis or isinstance(entry, (slice, Tensor)) or hasattr(entry, "__index__")
        ):
            raise TypeError(
                f"a tensor is indexed by integers, slices, None, Ellipsis and tensors, not by "
                f"{type(entry).__name__}"
            )
        entries.append(entry)
    used = sum(
        e.ndim if isinstance(e, Tensor) and e.dtype == DType.BOOL else e is not None and e is not Ellipsis
        for e in entries
    )
    if used > x.ndim:
        raise IndexError(f"{used} indices for a tensor of shape {list(x.shape)}")
    if sum(e is Ellipsis for e in entries) > 1:
        raise IndexError("an index has one Ellipsis at most")
    if not any(e is Ellipsis for e in entries):
        entries.append(Ellipsis)
    at = next(i for i, e in enumerate(entries) if e is Ellipsis)
    return entries[:at] + [slice(None)] * (x.ndim - used) + entries[at + 1 :]


def _position(i: int, size: int, dim: int) -> int:
    if not -size <= i < size:
        raise IndexError(f"index {i} of dimension {dim}, which has {size}")
    return i + size if i < 0 else i


def _mask_positions(mask: Tensor, shape: Tuple[int, ...]) -> List[Tensor]:
    """Where a mask is true, as one tensor of positions per dimension."""
    from ._exchange import _read
    from ._tensor import tensor

    if mask.shape != shape:
        raise IndexError(f"a mask of shape {list(mask.shape)} for dimensions {list(shape)}")
    found = [i for i, value in enumerate(_read(mask)) if value]
    positions: List[Tensor] = []
    for size in reversed(shape):
        positions.insert(0, tensor([i % size for i in found], dtype=DType.I64, context=mask._context))
        found = [i // size for i in found]
    return positions


def get(x: Tensor, index: Any) -> Tensor:
    from ._apply import apply
    from ._tensor import Tensor

    entries = _parts(x, index)
    dim, places = 0, []  # where tensors index, and by which
    for entry in entries:
        if entry is None:
            x = apply("cnn_unsqueeze", x, dim)
            dim += 1
        elif isinstance(entry, slice):
            if entry != slice(None):
                x = _sliced(x, dim, entry)
            dim += 1
        elif isinstance(entry, Tensor):
            many = _mask_positions(entry, x.shape[dim : dim + entry.ndim]) if entry.dtype == DType.BOOL else [entry]
            for one in many:
                places.append((dim, one))
                dim += 1
        else:
            i = _position(int(entry.__index__()), x.shape[dim], dim)
            x = apply("cnn_slice", x, dim, i, i + 1, 1)
            x = apply("cnn_squeeze", x, dim)
    return _picked(x, places) if places else x


def _sliced(x: Tensor, dim: int, entry: slice) -> Tensor:
    from ._apply import apply
    from ._convert import ints

    start, end, step = entry.indices(x.shape[dim])
    if step > 0:
        return apply("cnn_slice", x, dim, start, max(start, end), step)
    count = max(0, (start - end - step - 1) // -step)
    size = x.shape[dim]
    flipped = apply("cnn_flip", x, *ints(dim))
    first = size - 1 - start if count else 0
    return apply("cnn_slice", flipped, dim, first, first + (count - 1) * -step + 1 if count else first, -step)


def _picked(x: Tensor, places: List[Tuple[int, Tensor]]) -> Tensor:
    """Dimensions that tensors index become one, of which index_select takes; the result's stand where the first of them
    stood, or in front where others lie between them."""
    from ._apply import apply
    from ._tensor import where

    dims = [dim for dim, _ in places]
    together = dims == list(range(dims[0], dims[0] + len(dims)))
    target = dims[0] if together else 0
    if not together:
        x = x.permute(dims + [d for d in range(x.ndim) if d not in dims])
    sizes = x.shape[target : target + len(dims)]
    flat: Any = None
    for size, (dim, index) in zip(sizes, places):
        index = index.to(DType.I64)
        if index.numel() and (int(index.amin().item()) < -size or int(index.amax().item()) >= size):
            raise IndexError(f"an index of dimension {dim}, which has {size}, is out of its range")
        index = where(index < 0, index + size, index)
        flat = index if flat is None else flat * size + index
    total = 1
    for size in sizes:
        total *= size
    before, after = x.shape[:target], x.shape[target + len(dims) :]
    if len(dims) > 1:
        x = x.reshape(before + (total,) + after)
    picked = apply("cnn_index_select", x, target, flat.reshape(-1))
    return picked.reshape(before + flat.shape + after)


def put(x: Tensor, index: Any, value: Any) -> None:
    """Writes a part of a tensor: integers and slices with positive steps, or a mask of x's shape."""
    from ._tape import no_grad
    from ._tensor import Tensor, as_tensor, where

    x._writable("copy_")
    if isinstance(index, Tensor) and index.dtype == DType.BOOL and index.shape == x.shape:
        with no_grad():
            x.copy_(where(index, as_tensor(value, context=x._context).to(x.dtype), x))
        return
    entries = _parts(x, index)
    shape, strides, offset, dim = [], [], 0, 0
    for entry in entries:
        if entry is None:
            continue
        size, stride = x.shape[dim], x.strides[dim]
        if isinstance(entry, slice) and entry.indices(size)[2] > 0:
            start, end, step = entry.indices(size)
            shape.append(len(range(start, end, step)))
            strides.append(stride * step)
            offset += start * stride
        elif not isinstance(entry, (slice, Tensor)):
            offset += _position(int(entry.__index__()), size, dim) * stride
        else:
            raise TypeError(
                "elements are written by integers, slices with positive steps, or a mask of the tensor's shape"
            )
        dim += 1
    base = lib.cnn_tensor_data(x._handle())
    if not base:
        return
    n = len(shape)
    part = Tensor._make(
        lib.cnn_tensor_from_borrowed(
            x._context._h,
            int(x.dtype),
            n,
            (ctypes.c_int64 * n)(*shape),
            (ctypes.c_int64 * n)(*strides),
            base + offset * x.itemsize,
            ctypes.cast(0, B.cnn_deleter_fn),
            None,
        ),
        x._context,
    )
    part.copy_(value)
    check(lib.cnn_tensor_touch(x._handle()), x._context._h)
