"""The libraries beside libcnn, libcnn-onnx and libcnn-image, which are installed on their own.

Each is looked for in this order: the file that an environment variable names (CNN_ONNX_LIBRARY, CNN_IMAGE_LIBRARY); the
folder of libcnn; the installed one."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, List, Tuple

from ._library import SOVERSION, lib


def _candidates(name: str) -> List[str]:
    named = os.environ.get(f"CNN_{name.upper()}_LIBRARY")
    if named:
        return [named]
    file = f"libcnn-{name}.so.{SOVERSION}"
    folder = os.path.dirname(os.path.realpath(lib._dll._name)) if os.path.isabs(lib._dll._name) else ""
    beside = [os.path.join(folder, file)] if folder else []
    return [*beside, file, f"/usr/local/lib/{file}"]


class Sibling:
    """The C functions of a library as attributes, with the prototypes that are given by hand."""

    def __init__(self, name: str, needs: str, prototypes: Dict[str, Tuple[Any, List[Any]]]) -> None:
        problems = []
        self._prototypes = prototypes
        for candidate in _candidates(name):
            try:
                self._dll = ctypes.CDLL(candidate)
                break
            except OSError as problem:
                problems.append(str(problem))
        else:
            raise ImportError(
                f"cnn.{name} needs libcnn-{name}, which {needs}; install it, or say where it is by "
                f"CNN_{name.upper()}_LIBRARY:\n    " + "\n    ".join(problems)
            )

    def __getattr__(self, name: str) -> Any:
        if name not in self._prototypes:
            raise AttributeError(f"{self._dll._name} has no function {name}")
        function = getattr(self._dll, name)
        function.restype, function.argtypes = self._prototypes[name]
        setattr(self, name, function)
        return function
