"""Averages of weights, predictors, checkpoints, and results that call back: what stands beside the loop."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any, Callable, List, Optional, Tuple

from . import _bindings as B
from ._convert import DTYPES, options
from ._errors import DTypeError, ShapeError, callback_failed, check, handle
from ._library import lib
from ._exchange import _address, _plain
from ._tensor import Tensor, as_tensor, empty
from .nn._module import Module, shell
from .optim._optimizer import Optimizer
from .optim._scheduler import Scheduler


class EMA:
    """The moving average of a module's parameters, or with equal_weights their mean (SWA); `module` has them."""

    _h = 0

    def __init__(self, module: Module, decay: Optional[float] = None, equal_weights: Optional[bool] = None) -> None:
        self._context = module._context
        self._h = handle(
            lib.cnn_ema_create(module._h, options(B.cnn_ema_options, decay=decay, equal_weights=equal_weights)),
            self._context._h,
        )
        self.module = shell(module, lib.cnn_ema_module(self._h), self._context, _Kept(self._h))
        self.module.eval()

    def update(self, module: Module) -> None:
        """Takes the parameters in; call it after the optimizer's step."""
        check(lib.cnn_ema_update(self._h, module._h), self._context._h)

    def __len__(self) -> int:
        return int(lib.cnn_ema_count(self._h))


class _Kept:
    """Owns an average, as an owner of modules does its tree: tensors of its module outlive the average's object."""

    above: Any = True
    handle = 0

    def __init__(self, h: int) -> None:
        self._h = h

    def __del__(self, free: Any = lib.cnn_ema_free) -> None:
        free(self._h)


class Predictor:
    """A module frozen for inference: made for inputs of the shapes and dtypes of the examples, with the weights of now.
    Any number of threads may call one at once; a call has no tape and allocates nothing but its results.

    The module's forward runs once here, on shapes without elements: it may not read elements."""

    _h = 0

    def __init__(self, module: Module, *inputs: Any, outputs: int = 1, calls: Optional[int] = None) -> None:
        self._context = module._context
        given = [_plain(as_tensor(x, context=self._context)) for x in inputs]
        frozen = module.clone().eval()  # whatever mode the module is in
        like = (B.cnn_trace_input * len(given))()
        for x, t in zip(like, given):
            x.shape = (ctypes.c_int64 * max(t.ndim, 1))(*t.shape)
            x.ndim = t.ndim
            x.dtype = t.dtype
        self._h = handle(
            lib.cnn_predictor_create(
                frozen._h, like, len(given), options(B.cnn_predictor_options, output_count=outputs, calls=calls)
            ),
            self._context._h,
        )
        self._inputs = [self._value(lib.cnn_predictor_input, i) for i in range(len(given))]
        self._outputs = [self._value(lib.cnn_predictor_output, i) for i in range(outputs)]

    def _value(self, function: Any, i: int) -> Tuple[Tuple[int, ...], B.DType]:
        value = B.cnn_predictor_value(struct_size=ctypes.sizeof(B.cnn_predictor_value))
        check(function(self._h, i, ctypes.byref(value)), self._context._h)
        return tuple(value.shape[: value.ndim]), B.DType(value.dtype)

    def __del__(self, free: Any = lib.cnn_predictor_free) -> None:
        if self._h:
            free(self._h)

    @property
    def memory(self) -> int:
        """Bytes of the weights, of their packed forms, and of the memory of all calls."""
        return int(lib.cnn_predictor_memory(self._h))

    def __call__(self, *inputs: Any) -> Any:
        """The results, as new tensors."""
        if len(inputs) != len(self._inputs):
            raise TypeError(f"the predictor takes {len(self._inputs)} inputs, given {len(inputs)}")
        given = []
        for i, (x, (shape, dtype)) in enumerate(zip(inputs, self._inputs)):
            t = _plain(as_tensor(x, context=self._context))
            if t.shape != shape or t.dtype != dtype:
                raise (DTypeError if t.dtype != dtype else ShapeError)(
                    f"the predictor's input {i} is {list(t.shape)} of {DTYPES[t.dtype]}, expected {list(shape)} "
                    f"of {DTYPES[dtype]}"
                )
            given.append(t if t.is_contiguous() else Tensor._make(lib.cnn_tensor_detach(t._handle()), t._context))
        made = [empty(*shape, dtype=dtype, context=self._context) for shape, dtype in self._outputs]
        check(
            lib.cnn_predictor_run(
                self._h,
                (ctypes.c_void_p * len(given))(*[_address(t)[0] for t in given]),
                (ctypes.c_void_p * len(made))(*[_address(t)[0] for t in made]),
            ),
            self._context._h,
        )
        return made[0] if len(made) == 1 else tuple(made)


def _checkpoint(module: Module, optimizer: Optional[Optimizer], scheduler: Optional[Scheduler], epoch: int) -> Any:
    return B.cnn_checkpoint(
        struct_size=ctypes.sizeof(B.cnn_checkpoint),
        module=module._h,
        optimizer=optimizer._h if optimizer else None,
        scheduler=scheduler._h if scheduler else None,
        epoch=epoch,
    )


def save_checkpoint(
    path: Any,
    module: Module,
    optimizer: Optional[Optimizer] = None,
    scheduler: Optional[Scheduler] = None,
    epoch: int = 0,
) -> None:
    """Saves module, optimizer, scheduler, epoch and random state in one safetensors file."""
    check(
        lib.cnn_checkpoint_save(ctypes.byref(_checkpoint(module, optimizer, scheduler, epoch)), os.fsencode(path)),
        module._context._h,
    )


def load_checkpoint(
    path: Any, module: Module, optimizer: Optional[Optimizer] = None, scheduler: Optional[Scheduler] = None
) -> int:
    """Loads what save_checkpoint() saved, so that the run goes on bit for bit. Returns the epoch."""
    struct = _checkpoint(module, optimizer, scheduler, 0)
    check(lib.cnn_checkpoint_load(ctypes.byref(struct), os.fsencode(path)), module._context._h)
    return int(struct.epoch)


def register_hook(result: Tensor, hook: Callable[[Tensor], Optional[Tensor]]) -> None:
    """Has backward call a function with the gradient of a result, and go on with what it returns, if that is a tensor.
    It lasts as long as the step."""
    result._with_history("register_hook")
    tape = result._tape

    def call(h: int, _user: Any) -> Optional[int]:
        assert tape is not None
        tape._depth += 1
        try:
            gradient = Tensor._on(tape, h)
            given = hook(gradient)
            if given is not gradient:  # which the library takes back; whoever has kept it has a copy from now on
                reference = weakref.ref(gradient)
                del gradient
                held = reference()
                if held is not None:
                    held._leave()
            if given is None:
                return None
            kept.append(given)
            return given._handle()
        except BaseException as problem:
            callback_failed(problem)
            return None
        finally:
            tape._depth -= 1

    kept: List[Any] = []
    function = B.cnn_hook_fn(call)
    assert tape is not None
    with tape._lock:
        check(lib.cnn_register_hook(result._handle(), function, None), result._context._h)
        tape._kept.append((function, kept))
