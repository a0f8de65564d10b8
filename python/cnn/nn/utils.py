"""Gradients clipped: torch.nn.utils."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, List, Tuple, Union

from .. import _bindings as B
from .._convert import options
from .._errors import check
from .._library import lib
from .._tensor import Tensor


def _array(parameters: Union[Tensor, Iterable[Tensor]]) -> Tuple[Any, List[Tensor]]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return (ctypes.c_void_p * max(len(given), 1))(*[t._handle() for t in given]), given


def clip_grad_norm_(
    parameters: Union[Tensor, Iterable[Tensor]],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scales gradients down so that their norm is at most `max_norm`. Returns the norm before."""
    array, given = _array(parameters)
    total = ctypes.c_double()
    check(
        lib.cnn_clip_grad_norm_for(
            array,
            len(given),
            max_norm,
            options(B.cnn_clip_grad_norm_options, norm_type=norm_type, error_if_nonfinite=error_if_nonfinite),
            ctypes.byref(total),
        ),
        given[0]._context._h if given else None,
    )
    return total.value


def clip_grad_value_(parameters: Union[Tensor, Iterable[Tensor]], clip_value: float) -> None:
    """Clamps gradients to ±clip_value."""
    array, given = _array(parameters)
    check(lib.cnn_clip_grad_value_for(array, len(given), clip_value), given[0]._context._h if given else None)
