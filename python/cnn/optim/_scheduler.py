"""What all schedulers have in common, and the two that take functions and other schedulers."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, List, Sequence

from .. import _bindings as B
from .._convert import options, sizes
from .._errors import callback_failed, check, fail, handle, take_pending
from .._library import lib
from ._optimizer import Optimizer


class Scheduler:
    """Sets the learning rates of an optimizer's groups, epoch by epoch."""

    _h = 0
    _optimizer: Optimizer

    def _create(self, name: str, optimizer: Optimizer, kind: Any, **given: Any) -> None:
        self._optimizer = optimizer
        self._h = handle(getattr(lib, name)(optimizer._h, options(kind, **given)), optimizer._context._h)

    def __del__(self, free: Any = lib.cnn_scheduler_free) -> None:
        if self._h:
            free(self._h)

    def step(self, *metric: float) -> None:
        """Sets the rates of the next epoch; ReduceLROnPlateau takes the epoch's metric."""
        take_pending()
        status = lib.cnn_scheduler_step_metric(self._h, float(metric[0])) if metric else lib.cnn_scheduler_step(self._h)
        problem = take_pending()
        if problem is not None:
            raise problem
        check(status, self._optimizer._context._h)

    def get_last_lr(self) -> List[float]:
        """The rates that the scheduler has set last."""
        count = lib.cnn_optimizer_group_count(self._optimizer._h)
        return [float(lib.cnn_scheduler_get_lr(self._h, i)) for i in range(count)]

    @property
    def last_epoch(self) -> int:
        return int(lib.cnn_scheduler_last_epoch(self._h))


class LambdaLR(Scheduler):
    """base · lr_lambda(epoch)"""

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        def call(epoch: int, _group: int, _user: Any) -> float:
            try:
                return float(lr_lambda(epoch))
            except BaseException as problem:
                callback_failed(problem)
                return float("nan")

        self._call = B.cnn_lr_lambda_fn(call)
        self._optimizer = optimizer
        struct = B.cnn_lambda_lr_options(struct_size=ctypes.sizeof(B.cnn_lambda_lr_options), lr_lambda=self._call)
        h = lib.cnn_lambda_lr_create(optimizer._h, ctypes.byref(struct))
        if not h:
            fail(lib.cnn_context_status(optimizer._context._h), lib.cnn_last_error(optimizer._context._h))
        self._h = h


class SequentialLR(Scheduler):
    """One scheduler after the other, each beginning at its milestone. They belong to this one from now on."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[Scheduler], milestones: Sequence[int]) -> None:
        self._optimizer = optimizer
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers have {len(schedulers) - 1} milestones, "
                f"given {len(milestones)}"
            )
        array = (ctypes.c_void_p * len(schedulers))(*[s._h for s in schedulers])
        h = lib.cnn_sequential_lr_create(optimizer._h, array, sizes(list(milestones))[1], len(schedulers))
        self._parts = list(schedulers)  # whose functions are still called
        for s in schedulers:
            s._h = 0
        self._h = handle(h, optimizer._context._h)
