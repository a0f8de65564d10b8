"""Finds and loads libcnn.

In this order: the file that the environment variable CNN_LIBRARY names; the library inside the package, where it came
as a wheel; the installed one. Functions get their prototypes when they are first used, so that an older library serves
whatever does not need its newer functions."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import pathlib
from typing import Any, List

from . import _bindings as B

# The ABI that the bindings were made for: before 1.0 a minor version may break it, and is a part of the SONAME.
SOVERSION = "0.2"


def candidates() -> List[str]:
    named = os.environ.get("CNN_LIBRARY")
    if named:
        return [named]
    inside = sorted(pathlib.Path(__file__).parent.joinpath("lib").glob(f"libcnn.so.{SOVERSION}*"))
    found = [str(path) for path in inside] + [f"libcnn.so.{SOVERSION}"]
    installed = ctypes.util.find_library("cnn")
    if installed and installed.startswith(f"libcnn.so.{SOVERSION}"):
        found.append(installed)
    return found + [f"/usr/local/lib/libcnn.so.{SOVERSION}"]


class Library:
    """The C functions as attributes: `lib.cnn_version()`."""

    def __init__(self) -> None:
        problems = []
        for name in candidates():
            try:
                self._dll = ctypes.CDLL(name)
                break
            except OSError as problem:
                problems.append(str(problem))
        else:
            raise ImportError(
                "libcnn could not be loaded; install it, or say where it is by CNN_LIBRARY:\n    "
                + "\n    ".join(problems)
            )
        self._dll.cnn_version.restype = ctypes.c_char_p
        version = self._dll.cnn_version().decode()
        if not version.startswith(SOVERSION + "."):
            raise ImportError(f"{self._dll._name} is libcnn {version}, expected {SOVERSION}")

    def __getattr__(self, name: str) -> Any:
        if name not in B.FUNCTIONS:
            raise AttributeError(f"libcnn has no function {name}")
        function = getattr(self._dll, name, None)
        if function is None:
            raise AttributeError(f"{self._dll._name} has no function {name}: it is older than the package")
        function.restype, function.argtypes = B.FUNCTIONS[name]
        setattr(self, name, function)
        return function


lib = Library()
