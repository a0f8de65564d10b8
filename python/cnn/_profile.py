"""Profiles: where the time of a context goes, by operations and by modules (<cnn/profile.h>)."""

from __future__ import annotations

import ctypes
import os
from typing import Any, List, NamedTuple, Optional, Union

from . import _bindings as B
from ._context import Context, default_context
from ._convert import enumerator, options
from ._errors import ArgumentError, StateError, check, fail_last, handle
from ._library import lib


class ProfileEvent(NamedTuple):
    """A launch of a kernel, or a forward of a module with all that happened in it.

    `start` and the times are in seconds, `start` since the profile began; `self_seconds` leaves out the modules inside.
    FLOPs and bytes are those of a launch. `path` names the module, such as "l1.0", or the one whose forward or backward
    a launch is in. `queued`: the time is that of handing over to a device."""

    kind: B.ProfileKind
    name: str
    kernel: str
    path: str
    thread: int
    backward: bool
    queued: bool
    start: float
    seconds: float
    self_seconds: float
    flops: float
    bytes: float


class profile:
    """Records what a context does inside a `with` block, and tells where the time went.

        with cnn.profile() as p:
            F.cross_entropy(model(images), labels).backward()
        print(p.table())
        p.save("trace.json")

    No other thread computes in the context where the block begins and ends. `limit` is how many events are kept (a
    million), `synchronize` waits for each launch on a device that is not the CPU, `context` is the default one."""

    _h = 0
    _ended = False

    def __init__(
        self, context: Optional[Context] = None, limit: Optional[int] = None, synchronize: Optional[bool] = None
    ) -> None:
        self.context = context or default_context()
        if limit is not None and limit < 1:
            raise ArgumentError(f"profile: limit is {limit}, expected at least 1")
        self._options = options(B.cnn_profile_options, limit=limit, synchronize=synchronize)

    def __enter__(self) -> profile:
        if self._h:
            raise StateError("profile: a profile records one block; make another one")
        self._h = handle(lib.cnn_profile_begin(self.context._h, ctypes.byref(self._options)), self.context._h)
        return self

    def __exit__(self, *_: Any) -> None:
        check(lib.cnn_profile_end(self._h), self.context._h)
        self._ended = True

    def __del__(self, free: Any = lib.cnn_profile_free) -> None:
        if self._h:
            free(self._h)

    def _recorded(self) -> int:
        """The handle of a profile whose block has ended."""
        if not self._h:
            raise StateError("profile: nothing is recorded: use it in a with block")
        if not self._ended:
            raise StateError("profile: the with block has not ended")
        return self._h

    def table(self, by: Union[B.ProfileTable, str] = "operations") -> str:
        """A table of "operations", the slowest first, or of "modules", in the order in which they ran."""
        h, kind = self._recorded(), enumerator(B.ProfileTable, by)
        size = lib.cnn_profile_format(h, kind, None, 0)
        if not size:
            fail_last(self.context._h)
        text = ctypes.create_string_buffer(size + 1)
        lib.cnn_profile_format(h, kind, text, size + 1)
        return text.value.decode("utf-8", "replace")

    def save(self, path: Any) -> None:
        """Writes all events in the JSON format of Chrome's trace viewer, which ui.perfetto.dev opens."""
        check(lib.cnn_profile_save(self._recorded(), os.fsencode(path)), self.context._h)

    @property
    def dropped(self) -> int:
        """How many events there was no room for."""
        return int(lib.cnn_profile_dropped(self._recorded()))

    @property
    def events(self) -> List[ProfileEvent]:
        """All events in the order in which they ended."""
        h = self._recorded()
        found: List[ProfileEvent] = []
        while True:
            event = lib.cnn_profile_get_event(h, len(found))
            if not event:
                return found
            found.append(_event(event.contents))


def _event(e: Any) -> ProfileEvent:
    name, kernel, path = (text.decode("utf-8", "replace") for text in (e.name, e.kernel, e.path))
    return ProfileEvent(
        B.ProfileKind(e.kind), name, kernel, path, e.thread, e.backward, e.queued, e.start, e.seconds, e.self_seconds,
        e.flops, e.bytes,
    )
