"""Contexts: threads, random numbers, device and kernels of everything that is made from them."""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Optional, Tuple, Union

from . import _bindings as B
from ._convert import options
from ._errors import check, handle
from ._library import lib


class Context:
    """Threads, the random generator, the device and the kernels (<cnn/context.h>).

    Most programs need none: the default context is made when it is first used. One of your own is for another number
    of threads or other kernels, and is made the default by set_default_context()."""

    def __init__(
        self,
        seed: int = 0,
        threads: Optional[int] = None,
        device: Optional[str] = None,
        kernels: Optional[str] = None,
        math: Union[B.Math, str, None] = None,
    ) -> None:
        self._h = 0
        self._h = handle(
            lib.cnn_context_create(
                options(B.cnn_context_options, seed=seed, threads=threads, device=device, kernels=kernels, math=math)
            )
        )

    def __del__(self, free: Any = lib.cnn_context_free) -> None:
        if getattr(self, "_h", 0):
            free(self._h)

    @property
    def threads(self) -> int:
        """How many threads compute, the caller's included."""
        return int(lib.cnn_context_threads(self._h))

    @property
    def device(self) -> str:
        """Where tensors are, such as "cpu"."""
        return str(lib.cnn_context_device(self._h).decode())

    @property
    def kernels(self) -> str:
        """The name of the kernels in use, such as "avx2"."""
        return str(lib.cnn_context_kernels(self._h).decode())

    @property
    def random_state(self) -> Tuple[int, int]:
        """The seed and the next random stream: restoring them resumes a run bit for bit."""
        state = B.cnn_random_state()
        check(lib.cnn_context_random_state(self._h, ctypes.byref(state)), self._h)
        return state.seed, state.stream

    @random_state.setter
    def random_state(self, value: Tuple[int, int]) -> None:
        state = B.cnn_random_state(seed=value[0], stream=value[1])
        check(lib.cnn_context_set_random_state(self._h, ctypes.byref(state)), self._h)

    def synchronize(self) -> None:
        """Waits until the device has done everything that it was asked for."""
        check(lib.cnn_context_synchronize(self._h), self._h)

    def __repr__(self) -> str:
        return f"cnn.Context(device={self.device!r}, threads={self.threads}, kernels={self.kernels!r})"


_lock = threading.Lock()
_default: Optional[Context] = None


def default_context() -> Context:
    """The context of everything that names none."""
    global _default
    if _default is None:
        with _lock:
            if _default is None:
                _default = Context()
    return _default


def set_default_context(context: Context) -> None:
    """Makes a context the default from now on; what exists stays where it is."""
    global _default
    _default = context


def manual_seed(seed: int) -> None:
    """Begins the random numbers of the default context anew, as those of a program with that seed."""
    default_context().random_state = (seed, 0)
