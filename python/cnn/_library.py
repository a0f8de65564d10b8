"""Finds and loads libcnn.

In this order: the file that the environment variable CNN_LIBRARY names; the library inside the package, where it came
as a wheel; the installed one, as the system's loader finds it, in /usr/local/lib, or where pkg-config says. Functions
get their prototypes when they are first used, so that an older library serves whatever does not need its newer
functions."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import pathlib
import subprocess
from typing import Any, Iterable, Iterator, Mapping

from . import _bindings as B

# The ABI that the bindings were made for: before 1.0 a minor version may break it, and is a part of the SONAME.
SOVERSION = "0.2"


def installed(name: str) -> Iterator[str]:
    """Where a library that `make install` has installed may be: "cnn", "cnn-onnx"."""
    file = f"lib{name}.so.{SOVERSION}"
    yield file
    found = ctypes.util.find_library(name)
    if found and found.startswith(file):
        yield found
    yield f"/usr/local/lib/{file}"
    folder = _pkg_config(name)
    if folder:
        yield os.path.join(folder, file)


def _pkg_config(name: str) -> str:
    """The folder of an installed library of this version by pkg-config, "" where it does not know one."""
    tool = os.environ.get("PKG_CONFIG", "pkg-config").split()
    try:
        version, folder = (
            subprocess.run([*tool, how, name], capture_output=True, text=True, check=True).stdout.strip()
            for how in ("--modversion", "--variable=libdir")
        )
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ""
    return folder if version.startswith(SOVERSION + ".") else ""


def _candidates() -> Iterator[str]:
    named = os.environ.get("CNN_LIBRARY")
    if named:
        yield named
        return
    yield from map(str, sorted(pathlib.Path(__file__).parent.joinpath("lib").glob(f"libcnn.so.{SOVERSION}*")))
    yield from installed("cnn")


def load(candidates: Iterable[str], needed: str) -> Any:
    """The first of the files that can be loaded; ImportError with `needed` and what is wrong with each of them."""
    problems = []
    for name in candidates:
        try:
            return ctypes.CDLL(name)
        except OSError as problem:
            problems.append(str(problem))
    raise ImportError(f"{needed}:\n    " + "\n    ".join(problems))


class Functions:
    """The C functions of a library as attributes: `lib.cnn_version()`."""

    _dll: Any

    def __init__(self, name: str, functions: Mapping[str, Any]) -> None:
        self._name, self._functions = name, functions

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._functions:
            raise AttributeError(f"{self._name} has no function {name}")
        function = getattr(self._dll, name, None)
        if function is None:
            raise AttributeError(f"{self._dll._name} has no function {name}: it is older than the package")
        function.restype, function.argtypes = self._functions[name]
        setattr(self, name, function)
        return function


class Library(Functions):
    """libcnn itself."""

    def __init__(self) -> None:
        super().__init__("libcnn", B.FUNCTIONS)
        self._dll = load(_candidates(), "libcnn could not be loaded; install it, or say where it is by CNN_LIBRARY")
        self._dll.cnn_version.restype = ctypes.c_char_p
        version = self._dll.cnn_version().decode()
        if not version.startswith(SOVERSION + "."):
            raise ImportError(f"{self._dll._name} is libcnn {version}, expected {SOVERSION}")


lib = Library()
