"""Operations of one's own with a gradient of one's own: torch.autograd.Function over the library's cnn_custom()."""

from __future__ import annotations

import ctypes
import itertools
import threading
import weakref
from typing import Any, Dict, List, Optional, Tuple, Type

from . import _bindings as B
from ._context import Context
from ._errors import ArgumentError, DTypeError, ShapeError, StateError, callback_failed
from ._library import lib
from ._tape import Tape, local, no_grad
from ._tensor import Tensor, apply


class FunctionContext:
    """What forward() hands to backward(): `save_for_backward()`, and attributes of your own."""

    _result: Optional[Tensor]
    _library_context: Context

    def __init__(self, function: Type[Function], positions: List[int], count: int) -> None:
        self._function, self._positions, self._count = function, positions, count
        self._result = None
        self.saved_tensors: Tuple[Any, ...] = ()
        self.needs_input_grad: Tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps copies of tensors, which are in `saved_tensors` in backward; None stays None."""
        self.saved_tensors = tuple(
            Tensor._make(t._read(lib.cnn_tensor_detach), t._context) if isinstance(t, Tensor) else t for t in tensors
        )


_contexts: weakref.WeakValueDictionary[int, FunctionContext] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


class _Local(threading.local):
    def __init__(self) -> None:
        self.tapes: Dict[int, Tape] = {}


_local = _Local()


def _context_of(user: Any) -> FunctionContext:
    context = _contexts.get(user)
    if context is None:
        raise StateError("the step of this function is over")
    return context


def _failed(problem: BaseException) -> int:
    callback_failed(problem)
    lib.cnn_context_set_error(None, B.Status.ERROR_CALLBACK, f"{type(problem).__name__}: {problem}".encode()[:400])
    return int(B.Status.ERROR_CALLBACK)


_fields: Dict[str, Any] = {field[0]: field[1] for field in B.cnn_custom_op._fields_}


@_fields["infer"]
def _infer(_inputs: Any, _count: int, dtype: Any, ndim: Any, shape: Any, user: Any) -> int:
    try:
        result = _context_of(user)._result
        assert result is not None
        dtype[0], ndim[0] = int(result.dtype), result.ndim
        for d, size in enumerate(result.shape):
            shape[d] = size
        return 0
    except BaseException as problem:
        return _failed(problem)


@_fields["forward"]
def _forward(_inputs: Any, _count: int, output: Any, user: Any) -> int:
    try:
        context = _context_of(user)
        assert context._result is not None
        return int(lib.cnn_tensor_copy_from(output, context._result._handle()))
    except BaseException as problem:
        return _failed(problem)


@_fields["backward"]
def _backward(inputs: Any, count: int, _output: Any, grad: Any, grad_inputs: Any, user: Any) -> int:
    """The gradients of a function's inputs, computed in a step of their own: the function's is being passed."""
    running, local.running = local.running, []
    try:
        context = _context_of(user)
        library_context = context._library_context
        gradient = Tensor._make(lib.cnn_tensor_detach(grad), library_context)
        context.needs_input_grad = _spread(context, [bool(grad_inputs[i]) for i in range(count)], False)
        tape = _local.tapes.get(id(library_context))
        if tape is None or tape._depth or tape in local.entered:  # a function within this one's backward
            tape = Tape(grad=False, context=library_context)
            _local.tapes[id(library_context)] = tape
        with no_grad(), tape:
            given = context._function.backward(context, gradient)
            grads = list(given) if isinstance(given, (tuple, list)) else [given]
            if len(grads) != context._count:
                raise ArgumentError(
                    f"backward of {context._function.__name__} returned {len(grads)} gradients, "
                    f"expected {context._count}: one per input, or None"
                )
            for i, position in enumerate(context._positions):
                if grad_inputs[i]:
                    _write(context, position, grads[position], grad_inputs[i], inputs[i])
        return 0
    except BaseException as problem:
        return _failed(problem)
    finally:
        local.running = running


def _spread(context: FunctionContext, values: List[bool], otherwise: bool) -> Tuple[bool, ...]:
    """By position among all inputs, what is known of the tensors among them."""
    spread = [otherwise] * context._count
    for position, value in zip(context._positions, values):
        spread[position] = value
    return tuple(spread)


def _write(context: FunctionContext, position: int, grad: Any, to: Any, like: Any) -> None:
    name = context._function.__name__
    if grad is None:
        status = lib.cnn_tensor_fill(to, 0.0)
    elif not isinstance(grad, Tensor):
        raise TypeError(f"backward of {name}: gradient {position} is {type(grad).__name__}, expected a Tensor")
    else:
        shape = tuple(lib.cnn_tensor_shape(like)[: lib.cnn_tensor_ndim(like)])
        if grad.shape != shape:
            raise ShapeError(
                f"backward of {name}: gradient {position} is {list(grad.shape)}, but the input is {list(shape)}"
            )
        if int(grad.dtype) != lib.cnn_tensor_dtype(like):
            raise DTypeError(f"backward of {name}: gradient {position} has another dtype than its input")
        status = grad._read(lambda h: lib.cnn_tensor_copy_from(to, h))
    if status:
        raise ArgumentError((lib.cnn_last_error(None) or b"").decode("utf-8", "replace"))


class Function:
    """An operation whose gradient you write yourself. A class of yours has two static methods:

    - `forward(ctx, *inputs)` computes the result, a tensor, without being recorded;
    - `backward(ctx, grad)` gets the gradient of the result, and returns that of each input, a tensor of its shape and
      dtype, or None for those that have none. Without it, the operation has no gradient.

    `MyFunction.apply(*inputs)` calls it. At least one input is a tensor; others are passed on as they are."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        raise NotImplementedError("a Function has a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        raise NotImplementedError("a Function has a static method backward(ctx, grad)")

    @classmethod
    def _operation(cls) -> Any:
        """The struct of this class, which lasts as long as the process: steps and traces keep its address."""
        found = cls.__dict__.get("_struct")
        if found is None:
            found = B.cnn_custom_op(struct_size=ctypes.sizeof(B.cnn_custom_op), name=cls.__name__.encode())
            found.infer, found.forward = _infer, _forward
            if cls.backward is not Function.backward:
                found.backward = _backward
            _structs.append(found)
            cls._struct = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Runs forward() and puts the result on the tape of the inputs."""
        positions = [i for i, x in enumerate(inputs) if isinstance(x, Tensor)]
        if not positions:
            raise TypeError(f"{cls.__name__}.apply: expected a tensor among the inputs")
        context = FunctionContext(cls, positions, len(inputs))
        with no_grad():
            result = cls.forward(context, *inputs)
        if not isinstance(result, Tensor):
            raise TypeError(
                f"forward of {cls.__name__} returned {type(result).__name__}, expected a Tensor"
            )
        context._result, context._library_context = result, result._context
        number = next(_numbers)
        _contexts[number] = context
        tensors = [inputs[i] for i in positions]
        made = apply("cnn_custom", ctypes.pointer(cls._operation()), tensors, len(tensors), number)
        context._result = None  # its elements are in the operation's result
        tape = made._tape
        assert tape is not None
        tape._kept.append(context)
        return made


_structs: List[Any] = []  # they outlive every tape
