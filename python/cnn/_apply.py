"""Calling an operation of C with Tensors, on the tape that they are on."""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from . import _bindings as B
from ._library import lib
from ._tape import Tape, current, local

if TYPE_CHECKING:
    from ._tensor import Tensor
else:
    Tensor = None  # the class, once _tensor.py has made it: its methods are operations


def apply(
    name: str, *arguments: Any, outputs: int = 0, wanted: Optional[Sequence[bool]] = None, filled: Any = None
) -> Any:
    """Calls an operation: `arguments` are those of C, with tensors as Tensors and lists of them as lists. With
    `outputs` more results the result is a tuple, of which `wanted` says which of the further ones are asked for.
    Where C returns a status and fills an array, `filled` is that array, one of the arguments."""
    tensors: List[Tensor] = []
    for a in arguments:
        if isinstance(a, Tensor):
            tensors.append(a)
        elif type(a) is list:
            for b in a:
                if not isinstance(b, Tensor):
                    raise TypeError(f"{name[4:]}: expected tensors, given {type(b).__name__}")
                tensors.append(b)
        elif isinstance(a, ctypes.Structure) and a._kept:
            tensors += [b for _, b in among_options(a)]
    if not tensors:
        raise TypeError(f"{name[4:]}: expected a tensor")
    tape = tensors[0]._tape
    if tape is None or len(tensors) > 1:
        tape = _tape_of(tensors)
    with tape._lock:
        root = True
        for t in tensors:
            if t._tape is tape:
                root = False
        if root:
            tape._prepare()
        tape._record()
        entering = tensors[0] if root else None
        given: List[Any] = []
        for a in arguments:
            if isinstance(a, Tensor):
                if a is entering:
                    given.append(lib.cnn_input(tape._h, a._handle()))
                    entering = None
                else:
                    given.append(a._handle())
            elif type(a) is list:
                handles = [t._handle() for t in a]
                if root and entering is not None:
                    handles[0] = lib.cnn_input(tape._h, handles[0])
                    entering = None
                given.append((ctypes.c_void_p * len(handles))(*handles))
            else:
                if isinstance(a, ctypes.Structure):  # whose tensors may have left a tape since
                    for option, b in among_options(a):
                        setattr(a, option, b._handle())
                given.append(a)
        more = None
        if outputs:
            wanted = wanted or (True,) * outputs
            more = [ctypes.c_void_p() if w else None for w in wanted]
            given += [ctypes.byref(m) if m is not None else None for m in more]
        local.running.append(tape)
        try:
            result = getattr(lib, name)(*given)
        except ctypes.ArgumentError as problem:
            raise wrong_type(name[4:], name, given, problem) from None
        finally:
            local.running.pop()
        status = lib.cnn_tensor_status(result) if filled is None else result
        if status:
            tape._failed(status)
        cut = False
        for t in tensors:
            cut = cut or t._cut
        cut = cut and tape._recording
        if filled is not None:
            return tuple(Tensor._on(tape, h, cut) for h in filled)
        first = Tensor._on(tape, result, cut)
        if more is None:
            return first
        rest = [Tensor._on(tape, m.value, cut) for m in more if m is not None]
        return (first, *rest) if rest else first


EXPECTED: Dict[Any, str] = {ctypes.c_int: "an integer", ctypes.c_int64: "an integer", ctypes.c_double: "a number"}


def wrong_type(call: str, name: str, given: Sequence[Any], problem: Exception, hidden: int = 0) -> TypeError:
    """What to raise where ctypes takes one of the arguments of a C function for none of its type. The first `hidden`
    ones are not the caller's."""
    found = re.match(r"argument (\d+)", str(problem))
    if not found:
        return TypeError(f"{call}: {problem}")
    at = int(found[1])
    expected = EXPECTED.get(B.FUNCTIONS[name][1][at - 1], "another type")
    return TypeError(f"{call}: argument {at - hidden} is {given[at - 1]!r}, expected {expected}")


def among_options(struct: Any) -> List[Tuple[str, Tensor]]:
    return [(kept[0], kept[1]) for kept in struct._kept if isinstance(kept, tuple)]


def _tape_of(tensors: List[Tensor]) -> Tape:
    """The tape of the operands, or the current one. Operands on other tapes become plain."""
    found: List[Tape] = []
    for t in tensors:
        tape = t._tape
        if tape is not None and tape not in found:
            found.append(tape)
    if not found:
        return current(tensors[0]._context)
    if len(found) == 1:
        return found[0]
    now = current(tensors[0]._context)
    chosen = now if now in found else found[0]
    for t in tensors:
        other = t._tape
        if other is not None and other is not chosen:
            with other._lock:
                t._leave()
    return chosen
