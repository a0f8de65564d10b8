"""Steps. Results of operations belong to a tape, which stands for one step of work (<cnn/tape.h>).

Every thread has a tape that begins its steps by itself, so that code reads as PyTorch's. When a new step begins,
results of the old one that Python still holds become plain tensors with the same elements: they are copied off the
tape. What is lost is their history, and backward through one of them says so. The tape of a thread begins a new step
with an operation none of whose operands is a result of the current step, if

- backward() has passed the current step, or
- a loader has given a new batch since, or
- no result that Python holds requires a gradient.

A tape made by Tape() begins a step where its `with` block begins, and after an operation that failed.

Everything that touches a tape holds its lock, so that a tensor may be handed to another thread."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from . import _bindings as B
from ._context import Context, default_context
from ._errors import StateError, check, fail, handle
from ._library import lib

if TYPE_CHECKING:
    from ._tensor import Tensor


class _Local(threading.local):
    def __init__(self) -> None:
        self.grad = True
        self.entered: List[Tape] = []
        self.running: List[Tape] = []
        self.own: Dict[int, Tape] = {}


local = _Local()


class Tape:
    """One step of work: `with cnn.Tape(): …`, or again and again with one tape, which then uses its memory again.

    `grad=False` records nothing: for evaluation. Results stay valid after the block; when the tape begins its next step
    they become plain tensors, without a history."""

    def __init__(self, grad: bool = True, context: Optional[Context] = None) -> None:
        self._h = 0
        self.context = context or default_context()
        self.grad = grad
        self._h = handle(lib.cnn_tape_new(self.context._h), self.context._h)
        self._lock = threading.RLock()
        self._live: Dict[int, Any] = {}
        self._own = False
        self._depth = 0
        self._begun = False
        self._done = False
        self._recording = False
        self._kept: List[Any] = []  # functions that the library calls back in this step

    def __del__(self, free: Any = lib.cnn_tape_free) -> None:
        if getattr(self, "_h", 0):
            free(self._h)

    def begin(self, grad: Optional[bool] = None) -> None:
        """Begins a step: results of the last one that are still held become plain tensors."""
        with self._lock:
            if self._depth:
                raise StateError("begin: a module's forward may not begin a step on the tape of its input")
            self._leave()
            grad = self.grad if grad is None else grad
            check(lib.cnn_tape_begin(self._h, B.Mode.TRAIN if grad else B.Mode.EVAL), self.context._h)
            self._begun, self._done, self._recording = True, False, grad
            self._kept.clear()

    def _leave(self) -> None:
        for reference in list(self._live.values()):
            tensor = reference()
            if tensor is not None:
                tensor._leave()
        self._live.clear()

    def _leave_since(self, known: Dict[int, Any], kept: List[Any]) -> None:
        """What a forward has made and Python still holds, which the library drops when the forward returns."""
        for key, reference in list(self._live.items()):
            tensor = reference()
            if tensor is not None and known.get(key) is not reference and not any(tensor is k for k in kept):
                tensor._leave()

    def _needs_grad(self) -> bool:
        for reference in list(self._live.values()):
            tensor = reference()
            if tensor is not None and lib.cnn_tensor_requires_grad(tensor._h):
                return True
        return False

    def _prepare(self) -> None:
        """Before an operation none of whose operands is a result of this step."""
        if self._own and not self._depth:
            if not self._begun or self._done or not self._needs_grad():
                self.begin(local.grad)
        elif not self._begun:
            self.begin()

    def _record(self) -> None:
        recording = local.grad and (self._own or self.grad)
        if recording != self._recording:
            lib.cnn_tape_set_recording(self._h, recording)
            self._recording = recording

    def _failed(self, status: int) -> None:
        """Raises the step's error, and goes on with a new step: the library's fails as a whole."""
        message = lib.cnn_tape_error(self._h) or lib.cnn_last_error(self.context._h)
        if not self._depth:
            self.begin(local.grad if self._own else None)
        fail(status, message)

    @property
    def memory(self) -> int:
        """Bytes that the tape holds for elements (cnn_tape_memory())."""
        return int(lib.cnn_tape_memory(self._h))

    def __enter__(self) -> Tape:
        self.begin()
        local.entered.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        local.entered.remove(self)


class Foreign(Tape):
    """A tape of the library's own, such as a predictor's, for as long as a forward of Python's runs on it."""

    def __init__(self, h: int, context: Context) -> None:
        self._h, self.context, self.grad = h, context, False
        self._lock, self._live, self._kept = threading.RLock(), {}, []
        self._own, self._depth, self._begun, self._done, self._recording = False, 0, True, False, False

    def __del__(self, free: Any = None) -> None:
        pass

    def _record(self) -> None:
        pass


def current(context: Context) -> Tape:
    """The tape that an operation joins none of whose operands is on a tape."""
    if local.running and local.running[-1].context is context:
        return local.running[-1]
    for entered in reversed(local.entered):
        if entered.context is context:
            return entered
    tape = local.own.get(id(context))
    if tape is None:
        tape = local.own[id(context)] = Tape(context=context)
        tape._own = True
    return tape


def next_batch() -> None:
    """A loader gives a new batch: the step of this thread is over."""
    for tape in local.own.values():
        tape._done = True


class set_grad_enabled(contextlib.ContextDecorator):
    """Whether operations of this thread are recorded for backward, inside a `with` block or a decorated function."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before: List[bool] = []

    def __enter__(self) -> None:
        self._before.append(local.grad)
        local.grad = self.mode

    def __exit__(self, *_: Any) -> None:
        local.grad = self._before.pop()


class no_grad(set_grad_enabled):
    """Records nothing: `with cnn.no_grad(): …` or `@cnn.no_grad()`."""

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(set_grad_enabled):
    """Records again inside of no_grad()."""

    def __init__(self) -> None:
        super().__init__(True)


def is_grad_enabled() -> bool:
    """Are operations of this thread recorded?"""
    return local.grad


def watch(tape: Tape, tensor: Tensor) -> None:
    tape._live[id(tensor)] = weakref.ref(tensor)
