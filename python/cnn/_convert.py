"""What Python gives, as C takes it: lists of numbers, options by keyword, enumerators by name."""

from __future__ import annotations

import ctypes
import enum
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Type, Union

from . import _bindings as B

Dims = Union[int, Sequence[int]]
Sizes = Union[int, Sequence[int]]

# Really zero where 0 in an option means the default (CNN_ZERO).
ZERO = 2.2250738585072014e-308

# The members of a struct that a pair, a triple and four numbers stand for.
SIDES = {2: ("_h", "_w"), 3: ("_d", "_h", "_w"), 4: ("_left", "_right", "_top", "_bottom")}

DTYPES = {
    B.DType.F32: "float32",
    B.DType.F64: "float64",
    B.DType.I64: "int64",
    B.DType.I32: "int32",
    B.DType.U8: "uint8",
    B.DType.BOOL: "bool",
    B.DType.BF16: "bfloat16",
}
DTYPE_NAMES = {name: dtype for dtype, name in DTYPES.items()}
PYTHON_TYPES = {float: B.DType.F32, int: B.DType.I64, bool: B.DType.BOOL}


def numbers(value: Any) -> List[int]:
    """One number, or a sequence of them, as a list."""
    return [int(v) for v in value] if isinstance(value, (list, tuple, range)) else [_index(value)]


def _index(value: Any) -> int:
    if hasattr(value, "__index__"):
        return int(value.__index__())
    try:
        return [int(v) for v in value][0] if len(value) == 1 else int(value)
    except TypeError:
        raise TypeError(f"expected an integer or a sequence of integers, given {type(value).__name__}") from None


def ints(value: Optional[Dims]) -> Tuple[int, Any]:
    given = [] if value is None else numbers(value)
    return len(given), (ctypes.c_int * len(given))(*given)


def sizes(value: Sizes) -> Tuple[int, Any]:
    given = numbers(value)
    return len(given), (ctypes.c_int64 * len(given))(*given)


def doubles(value: Union[float, Iterable[float]]) -> Tuple[int, Any]:
    given = [float(value)] if isinstance(value, (int, float)) else [float(v) for v in value]
    return len(given), (ctypes.c_double * len(given))(*given)


def pair(value: Union[int, Sequence[int]]) -> Tuple[int, int]:
    if isinstance(value, int):
        return value, value
    first, second = value
    return first, second


def varargs(given: Sequence[Any]) -> Any:
    """`x.reshape(2, 3)` and `x.reshape((2, 3))` are the same."""
    return given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else list(given)


def enumerator(kind: Type[enum.IntEnum], value: Any) -> int:
    """An enumerator, its number, or its name in lower case; a dtype also by PyTorch's name and Python's type."""
    if isinstance(value, str):
        if kind is B.DType and value in DTYPE_NAMES:
            return DTYPE_NAMES[value]
        try:
            return kind[value.upper()]
        except KeyError:
            names = DTYPE_NAMES if kind is B.DType else [member.name.lower() for member in kind]
            raise ValueError(f"{value!r} is none of {', '.join(names)}") from None
    if kind is B.DType and isinstance(value, type):
        return PYTHON_TYPES[value]
    return int(value)


def _set(struct: Any, name: str, value: Any, kept: List[Any]) -> None:
    kind = type(struct)
    fields: Dict[str, Any] = kind._names_
    if name not in fields:
        raise TypeError(f"{kind.__name__} has no option {name!r}")
    if name in kind._enums_:
        value = enumerator(kind._enums_[name], value)
    elif hasattr(value, "_tensor_handle"):
        kept.append((name, value))
        value = value._tensor_handle()
    elif isinstance(value, str) and fields[name] is ctypes.c_char_p:
        value = value.encode()
    elif fields[name] is ctypes.c_double:
        value = float(value) or ZERO
    elif isinstance(value, (list, tuple)) or (
        hasattr(fields[name], "contents") and not isinstance(value, ctypes.Array)
    ):
        item = fields[name]._type_
        value = (item * len(value))(*value)
        if name[:-1] + "_count" in fields:  # milestones, milestone_count
            setattr(struct, name[:-1] + "_count", len(value))
        kept.append(value)
        value = ctypes.cast(value, fields[name])
    if value == 0 and name in getattr(kind, "_nonzero_", ()) and not isinstance(value, bool):
        raise ValueError(f"{name} is 0, which {kind.__name__} takes for its default")
    setattr(struct, name, value)
    if "no_" + name in fields and value == 0:  # really 0, where 0 means the default
        setattr(struct, "no_" + name, True)
    if "has_" + name in fields:
        setattr(struct, "has_" + name, True)


def options(kind: Any, **given: Any) -> Any:
    """A struct of options in which None means the default."""
    struct = kind(struct_size=ctypes.sizeof(kind))
    if "_names_" not in kind.__dict__:
        kind._names_ = {field[0]: field[1] for field in kind._fields_}
    kept: List[Any] = []
    for name, value in given.items():
        if value is None:
            continue
        if name.startswith("no_"):
            value = not value
        if isinstance(value, str) and name == "padding" and "padding_mode" in kind._names_:
            if value != "valid":
                struct.padding_mode = enumerator(kind._enums_["padding_mode"], value)
            continue
        if isinstance(value, (list, tuple)) and not hasattr(kind._names_.get(name), "contents"):
            sides = SIDES.get(len(value), ())
            if not sides or not all(name + side in kind._names_ for side in sides):
                raise TypeError(
                    f"{name} is {value!r}, expected a number"
                    f"{' or one per direction' if name + '_h' in kind._names_ else ''}"
                )
            for side, part in zip(sides, value):
                _set(struct, name + side, part, kept)
            continue
        _set(struct, name, value, kept)
    struct._kept = kept
    return struct
