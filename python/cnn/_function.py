"""Operations of one's own with a gradient of one's own: torch.autograd.Function over the library's cnn_custom_many()."""

from __future__ import annotations

import ctypes
import itertools
import threading
import weakref
from typing import Any, Dict, List, Optional, Tuple, Type

from . import _bindings as B
from ._apply import apply
from ._context import Context
from ._errors import ArgumentError, DTypeError, ShapeError, StateError, callback_failed
from ._library import lib
from ._tape import Tape, local, no_grad
from ._tensor import Tensor


class FunctionContext:
    """What forward() hands to backward(): `save_for_backward()`, and attributes of your own."""

    _results: Tuple[Tensor, ...]
    _library_context: Context

    def __init__(self, function: Type[Function], positions: List[int], count: int) -> None:
        self._function, self._positions, self._count = function, positions, count
        self._results, self._zeros = (), True
        self.saved_tensors: Tuple[Any, ...] = ()
        self.needs_input_grad: Tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps copies of tensors, which are in `saved_tensors` in backward; None stays None."""
        self.saved_tensors = tuple(
            Tensor._make(t._read(lib.cnn_tensor_detach), t._context) if isinstance(t, Tensor) else t for t in tensors
        )


    def set_materialize_grads(self, value: bool) -> None:
        """False: backward() gets None instead of zeros for a result that the loss does not depend on."""
        self._zeros = bool(value)


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


@_fields["infer_many"]
def _infer(_inputs: Any, _count: int, outputs: int, _output_count: int, user: Any) -> int:
    try:
        described = ctypes.cast(outputs, ctypes.POINTER(B.cnn_custom_output))
        for j, result in enumerate(_context_of(user)._results):
            described[j].dtype, described[j].ndim = int(result.dtype), result.ndim
            for d, size in enumerate(result.shape):
                described[j].shape[d] = size
        return 0
    except BaseException as problem:
        return _failed(problem)


@_fields["forward_many"]
def _forward(_inputs: Any, _count: int, outputs: Any, _output_count: int, user: Any) -> int:
    try:
        for j, result in enumerate(_context_of(user)._results):
            status = int(lib.cnn_tensor_copy_from(outputs[j], result._handle()))
            if status:
                return status
        return 0
    except BaseException as problem:
        return _failed(problem)


def _gradient(context: FunctionContext, grad: Any, output: Any) -> Optional[Tensor]:
    """The gradient of a result, or zeros like it where the loss does not depend on it."""
    if not grad and not context._zeros:
        return None
    copy = Tensor._make(lib.cnn_tensor_detach(grad or output), context._library_context)
    if not grad and lib.cnn_tensor_fill(copy._h, 0.0):
        raise ArgumentError((lib.cnn_last_error(None) or b"").decode("utf-8", "replace"))
    return copy


@_fields["backward_many"]
def _backward(
    inputs: Any, count: int, outputs: Any, grads_given: Any, output_count: int, grad_inputs: Any, user: Any
) -> int:
    """The gradients of a function's inputs, computed in a step of their own: the function's is being passed."""
    running, local.running = local.running, []
    try:
        context = _context_of(user)
        library_context = context._library_context
        gradients = [_gradient(context, grads_given[j], outputs[j]) for j in range(output_count)]
        context.needs_input_grad = _spread(context, [bool(grad_inputs[i]) for i in range(count)], False)
        tape = _local.tapes.get(id(library_context))
        if tape is None or tape._depth or tape in local.entered:  # a function within this one's backward
            tape = Tape(grad=False, context=library_context)
            _local.tapes[id(library_context)] = tape
        with no_grad(), tape:
            given = context._function.backward(context, *gradients)
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

    - `forward(ctx, *inputs)` computes the result, a tensor or a tuple of up to six, without being recorded;
    - `backward(ctx, *grads)` gets the gradient of each result, zeros where the loss does not depend on it, and returns
      that of each input, a tensor of its shape and dtype, or None for those that have none. Without it, the operation
      has no gradient.

    `MyFunction.apply(*inputs)` calls it. At least one input is a tensor; others are passed on as they are."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        raise NotImplementedError("a Function has a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("a Function has a static method backward(ctx, *grads)")

    @classmethod
    def _operation(cls) -> Any:
        """The struct of this class, which lasts as long as the process: steps and traces keep its address."""
        found = cls.__dict__.get("_struct")
        if found is None:
            found = B.cnn_custom_op(struct_size=ctypes.sizeof(B.cnn_custom_op), name=cls.__name__.encode())
            found.infer_many, found.forward_many = _infer, _forward
            if cls.backward is not Function.backward:
                found.backward_many = _backward
            _structs.append(found)
            cls._struct = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Runs forward() and puts what it returns on the tape of the inputs."""
        positions = [i for i, x in enumerate(inputs) if isinstance(x, Tensor)]
        if not positions:
            raise TypeError(f"{cls.__name__}.apply: expected a tensor among the inputs")
        context = FunctionContext(cls, positions, len(inputs))
        with no_grad():
            returned = cls.forward(context, *inputs)
        several = isinstance(returned, tuple)
        results = returned if several else (returned,)
        if not results or not all(isinstance(result, Tensor) for result in results):
            given = f"({', '.join(type(result).__name__ for result in results)})" if several else type(returned).__name__
            raise TypeError(f"forward of {cls.__name__} returned {given}, expected a Tensor or a tuple of them")
        context._results, context._library_context = results, results[0]._context
        number = next(_numbers)
        _contexts[number] = context
        tensors = [inputs[i] for i in positions]
        handles = (ctypes.c_void_p * len(results))()
        operation = ctypes.pointer(cls._operation())
        made = apply(
            "cnn_custom_many", operation, tensors, len(tensors), handles, len(results), number, filled=handles
        )
        context._results = ()  # their elements are in the operation's results
        tape = made[0]._tape
        assert tape is not None
        tape._kept.append(context)
        return made if several else made[0]


_structs: List[Any] = []  # they outlive every tape
