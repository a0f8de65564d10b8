"""Networks in ONNX files: cnn.onnx.load() and cnn.onnx.save(), by libcnn-onnx, a library beside libcnn."""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int64, c_void_p
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _bindings as B
from . import _onnx_bindings as O
from ._apply import _tape_of
from ._context import default_context
from ._errors import check, handle
from ._library import lib
from ._siblings import Sibling
from ._tape import current, local
from ._tensor import Tensor, as_tensor
from .nn._module import Module, run


_onnx = Sibling("onnx", "is built and installed with libcnn", O.FUNCTIONS)

Size = Union[int, str]


class Value(NamedTuple):
    """An input or output of a model: sizes that are open are their names, or -1; the shape is None if the file does not
    say it."""

    name: str
    dtype: B.DType
    shape: Optional[Tuple[Size, ...]]


class Model(Module):
    """A network of an ONNX file: called with its inputs it gives its output, or a tuple of them."""

    def __init__(self, path: Any, *, running_statistics: bool = False) -> None:
        context = default_context()
        how = O.cnn_onnx_options(ctypes.sizeof(O.cnn_onnx_options), running_statistics)
        h = _onnx.cnn_onnx_load(context._h, os.fsencode(path), ctypes.byref(how))
        self._adopt(handle(h, context._h), context)

    def _value(self, function: Any, i: int) -> Value:
        value = O.cnn_onnx_value(struct_size=ctypes.sizeof(O.cnn_onnx_value))
        check(function(self._h, i, ctypes.byref(value)), self._context._h)
        shape = tuple(
            size if size >= 0 else (symbol or b"").decode("utf-8", "replace") or -1
            for size, symbol in zip(value.shape[: max(value.ndim, 0)], value.symbols)
        )
        return Value(value.name.decode("utf-8", "replace"), B.DType(value.dtype), shape if value.ndim >= 0 else None)

    @property
    def inputs(self) -> List[Value]:
        """What the model takes, in the order of a call."""
        return [self._value(_onnx.cnn_onnx_input, i) for i in range(_onnx.cnn_onnx_input_count(self._h))]

    @property
    def outputs(self) -> List[Value]:
        """What the model gives."""
        return [self._value(_onnx.cnn_onnx_output, i) for i in range(_onnx.cnn_onnx_output_count(self._h))]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        count, results = _onnx.cnn_onnx_input_count(self._h), _onnx.cnn_onnx_output_count(self._h)
        if len(inputs) != count or options:
            raise TypeError(f"the model takes {count} inputs, given {len(inputs) + len(options)}")
        given = [x if isinstance(x, Tensor) else as_tensor(x, context=self._context) for x in inputs]
        if count == 1 and results == 1:
            return run("cnn_forward", self, given[0])
        return _forward_many(self, given, results)


def _forward_many(module: Module, inputs: List[Tensor], results: int) -> Any:
    """A forward of several inputs and outputs on the tape of its inputs, or a step that begins here."""
    tape = _tape_of(inputs) if inputs else current(module._context)
    with tape._lock:
        if not any(t._tape is tape for t in inputs):
            tape._prepare()
        tape._record()
        handles = (c_void_p * max(len(inputs), 1))(*[t._handle() for t in inputs])
        made = (c_void_p * results)()
        local.running.append(tape)
        try:
            status = lib.cnn_forward_many(tape._h, module._h, handles, len(inputs), made, results)
        finally:
            local.running.pop()
        if status:
            tape._failed(status)
        cut = tape._recording and any(t._cut for t in inputs)
        found = tuple(Tensor._on(tape, h, cut) for h in made)
    return found[0] if results == 1 else found


def load(path: Any, *, running_statistics: bool = False) -> Model:
    """Reads a model. Its weights are parameters, so that it trains on. With `running_statistics` batch normalisation in
    evaluation uses the file's running statistics, also where the file says otherwise (training_mode)."""
    return Model(path, running_statistics=running_statistics)


def save(
    module: Module,
    path: Any,
    *inputs: Any,
    input_names: Optional[Sequence[str]] = None,
    output_names: Optional[Sequence[str]] = None,
    outputs: int = 1,
    opset: int = 0,
    batch_dim: int = 0,
    fixed_batch: bool = False,
    fold_batch_norm: bool = False,
    external_data: bool = False,
    symbolic_sizes: bool = False,
) -> None:
    """Writes what a module computes in evaluation as an ONNX model. `inputs` are examples, of which the shapes and
    dtypes count; their dimension `batch_dim` is the batch, which is symbolic where the module allows that."""
    given = [as_tensor(x, context=module._context) for x in inputs]
    if input_names is not None and len(input_names) != len(given):
        raise ValueError(f"{len(input_names)} input_names for {len(given)} inputs")
    if output_names is not None and len(output_names) != outputs:
        raise ValueError(f"{len(output_names)} output_names for {outputs} outputs")
    like = (B.cnn_trace_input * max(len(given), 1))()
    for x, t in zip(like, given):
        x.shape = (c_int64 * max(t.ndim, 1))(*t.shape)
        x.ndim, x.dtype = t.ndim, t.dtype
    options = O.cnn_onnx_save_options(
        struct_size=ctypes.sizeof(O.cnn_onnx_save_options),
        inputs=like,
        input_names=_names(input_names),
        output_names=_names(output_names),
        input_count=len(given),
        output_count=outputs,
        opset=opset,
        batch_dim=batch_dim,
        fixed_batch=fixed_batch,
        fold_batch_norm=fold_batch_norm,
        external_data=external_data,
        symbolic_sizes=symbolic_sizes,
    )
    frozen = module.clone().eval()  # whatever mode the module is in
    check(_onnx.cnn_onnx_save(frozen._h, os.fsencode(path), ctypes.byref(options)), module._context._h)


def _names(names: Optional[Sequence[str]]) -> Any:
    return None if names is None else (c_char_p * max(len(names), 1))(*[name.encode() for name in names])


def operators() -> List[str]:
    """The names of the operators that can be run."""
    found: List[str] = []
    while True:
        name = _onnx.cnn_onnx_operator(len(found))
        if name is None:
            return found
        found.append(name.decode())


__all__ = ["Model", "Value", "load", "operators", "save"]
