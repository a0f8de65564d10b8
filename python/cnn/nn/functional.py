"""Operations by the names of torch.nn.functional; whatever is not here is as in cnn."""

from __future__ import annotations

from typing import Any

from .._ops import *  # noqa: F401,F403
from .._ops import adaptive_maxpool2d, cross_entropy_with, dropout as _dropout, maxpool1d, maxpool2d
from .._tensor import Tensor


def cross_entropy(input: Tensor, target: Tensor, **options: Any) -> Tensor:  # type: ignore[no-redef]
    """torch.nn.functional.cross_entropy; its options are those of cross_entropy_with()."""
    return cross_entropy_with(input, target, **options)


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:  # type: ignore[no-redef]
    """Drops elements where `training` is true and the step records (`self.training` in a module)."""
    return _dropout(x, p) if training else x


max_pool1d, max_pool2d, adaptive_max_pool2d = maxpool1d, maxpool2d, adaptive_maxpool2d
