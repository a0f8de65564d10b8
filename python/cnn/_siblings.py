"""The libraries beside libcnn, libcnn-onnx and libcnn-image, which are built where what they need is there.

Each is looked for in this order: the file that an environment variable names (CNN_ONNX_LIBRARY, CNN_IMAGE_LIBRARY); the
folder of libcnn, which inside a wheel is that of the package; where libcnn is looked for."""

from __future__ import annotations

import os
from typing import Any, Iterator

from ._library import SOVERSION, Functions, installed, lib, load


def _candidates(name: str) -> Iterator[str]:
    named = os.environ.get(f"CNN_{name.upper()}_LIBRARY")
    if named:
        yield named
        return
    if os.path.dirname(lib._dll._name):
        yield os.path.join(os.path.dirname(os.path.realpath(lib._dll._name)), f"libcnn-{name}.so.{SOVERSION}")
    yield from installed(f"cnn-{name}")


class Sibling(Functions):
    """The C functions of a library as attributes."""

    def __init__(self, name: str, needs: str, functions: Any) -> None:
        super().__init__(f"libcnn-{name}", functions)
        self._dll = load(
            _candidates(name),
            f"cnn.{name} needs libcnn-{name}, which {needs}; install it, or say where it is by "
            f"CNN_{name.upper()}_LIBRARY",
        )
