"""Exceptions: one class per status of the library, with its message and the built-in exception that fits."""

from __future__ import annotations

import threading
from typing import Any, Dict, NoReturn, Optional, Type

from . import _bindings as B
from ._library import lib


class Error(Exception):
    """A call of the library failed. `status` says why; the text is the library's message."""

    status = B.Status.ERROR_INVALID_ARGUMENT

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ArgumentError(Error, ValueError):
    """A number or an option out of its range, or something missing."""


class NoMemoryError(Error, MemoryError):
    """An allocation failed."""

    status = B.Status.ERROR_NO_MEMORY


class ShapeError(Error, ValueError):
    """Ranks or sizes do not fit."""

    status = B.Status.ERROR_SHAPE


class DTypeError(Error, TypeError):
    """An operation is not defined for a dtype, or two dtypes differ."""

    status = B.Status.ERROR_DTYPE


class DeviceError(Error, RuntimeError):
    """No such device, or tensors on different ones."""

    status = B.Status.ERROR_DEVICE


class StateError(Error, RuntimeError):
    """A call out of order, such as a second backward through a graph that is gone."""

    status = B.Status.ERROR_STATE


class FileError(Error, OSError):
    """Opening, reading or writing failed."""

    status = B.Status.ERROR_IO


class NotFoundError(Error, FileNotFoundError, KeyError):
    """A file, or a name in a file or a module, does not exist."""

    status = B.Status.ERROR_NOT_FOUND


class FormatError(Error, ValueError):
    """A malformed file."""

    status = B.Status.ERROR_FORMAT


class MismatchError(Error, ValueError):
    """A file, or a dictionary, that does not fit the module."""

    status = B.Status.ERROR_MISMATCH


class ThreadError(Error, RuntimeError):
    """A thread could not be made."""

    status = B.Status.ERROR_THREAD


class UnsupportedError(Error, NotImplementedError):
    """Valid, but not in this library."""

    status = B.Status.ERROR_UNSUPPORTED


class CallbackError(Error, RuntimeError):
    """A function of the user's, which the library called, reported a failure."""

    status = B.Status.ERROR_CALLBACK


CLASSES: Dict[int, Type[Error]] = {
    kind.status: kind
    for kind in (
        ArgumentError,
        NoMemoryError,
        ShapeError,
        DTypeError,
        DeviceError,
        StateError,
        FileError,
        NotFoundError,
        FormatError,
        MismatchError,
        ThreadError,
        UnsupportedError,
        CallbackError,
    )
}

# An exception that a function of the user's raised while the library was calling it, by thread. It cannot pass through
# the library, which is told of a failure instead; whoever reports that raises it.
pending = threading.local()


def callback_failed(problem: BaseException) -> None:
    if getattr(pending, "problem", None) is None:
        pending.problem = problem


def take_pending() -> Optional[BaseException]:
    problem = getattr(pending, "problem", None)
    pending.problem = None
    return problem


def fail(status: int, message: Optional[bytes]) -> NoReturn:
    problem = take_pending()
    if problem is not None:
        raise problem
    raise CLASSES.get(status, Error)(
        (message or b"").decode("utf-8", "replace") or lib.cnn_status_name(status).decode()
    )


def fail_last(context: Any = None) -> NoReturn:
    """Raises this thread's newest failure on a context's handle."""
    fail(lib.cnn_context_status(context), lib.cnn_last_error(context))


def check(status: int, context: Any = None) -> None:
    if status:
        fail(status, lib.cnn_last_error(context))


def handle(result: Optional[int], context: Any = None) -> int:
    """A handle that a call made; raises where it made none."""
    if not result:
        fail_last(context)
    return result
