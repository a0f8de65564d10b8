"""Averages of weights, checkpoints, and results that call back: what stands beside the loop."""
from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any, Callable, List, Optional

from . import _bindings as B
from ._convert import options
from ._errors import StateError, callback_failed, check, handle
from ._library import lib
from ._tensor import Tensor
from .nn._module import Module
from .optim._optimizer import Optimizer
from .optim._scheduler import Scheduler


class EMA:
    """The moving average of a module's parameters, or with equal_weights their mean (SWA); `module` has them."""

    _h = 0

    def __init__(self, module: Module, decay: Optional[float] = None, equal_weights: Optional[bool] = None) -> None:
        self._context = module._context
        self._h = handle(lib.cnn_ema_create(module._h, options(B.cnn_ema_options, decay=decay,
                                                               equal_weights=equal_weights)), self._context._h)
        self.module = Module.__new__(Module)
        self.module._adopt(lib.cnn_ema_module(self._h), self._context, _Kept(self._h))
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


def _checkpoint(module: Module, optimizer: Optional[Optimizer], scheduler: Optional[Scheduler], epoch: int) -> Any:
    return B.cnn_checkpoint(struct_size=ctypes.sizeof(B.cnn_checkpoint), module=module._h,
                            optimizer=optimizer._h if optimizer else None,
                            scheduler=scheduler._h if scheduler else None, epoch=epoch)


def save_checkpoint(path: Any, module: Module, optimizer: Optional[Optimizer] = None,
                    scheduler: Optional[Scheduler] = None, epoch: int = 0) -> None:
    """Saves module, optimizer, scheduler, epoch and random state in one safetensors file."""
    check(lib.cnn_checkpoint_save(ctypes.byref(_checkpoint(module, optimizer, scheduler, epoch)), os.fsencode(path)),
          module._context._h)


def load_checkpoint(path: Any, module: Module, optimizer: Optional[Optimizer] = None,
                    scheduler: Optional[Scheduler] = None) -> int:
    """Loads what save_checkpoint() saved, so that the run goes on bit for bit. Returns the epoch."""
    struct = _checkpoint(module, optimizer, scheduler, 0)
    check(lib.cnn_checkpoint_load(ctypes.byref(struct), os.fsencode(path)), module._context._h)
    return int(struct.epoch)


def register_hook(result: Tensor, hook: Callable[[Tensor], Optional[Tensor]]) -> None:
    """Has backward call a function with the gradient of a result, and go on with what it returns, if that is a tensor.
    It lasts as long as the step."""
    tape = result._tape
    if tape is None:
        raise StateError("register_hook: the tensor is not the result of an operation")

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
    with tape._lock:
        check(lib.cnn_register_hook(result._handle(), function, None), result._context._h)
        tape._kept.append((function, kept))
