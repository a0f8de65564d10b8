"""safetensors files of tensors by name."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, Mapping

from ._context import default_context
from ._errors import check, handle
from ._exchange import _plain
from ._library import lib
from ._tensor import Tensor


def save(tensors: Mapping[str, Tensor], path: Any) -> None:
    """Writes tensors under their names as a safetensors file."""
    given = [_plain(t) for t in tensors.values()]
    names = [name.encode() for name in tensors]
    n = max(len(given), 1)
    context = given[0]._context if given else default_context()
    check(
        lib.cnn_tensors_save(
            (ctypes.c_char_p * n)(*names),
            (ctypes.c_void_p * n)(*[t._handle() for t in given]),
            len(given),
            os.fsencode(path),
        ),
        context._h,
    )


def load(path: Any) -> Dict[str, Tensor]:
    """The tensors of a safetensors file by name; f16 becomes f32."""
    context = default_context()
    file = handle(lib.cnn_file_open(context._h, os.fsencode(path)), context._h)
    try:
        return {
            lib.cnn_file_name(file, i).decode(): Tensor._make(lib.cnn_file_read(file, i), context)
            for i in range(lib.cnn_file_count(file))
        }
    finally:
        lib.cnn_file_free(file)
