"""libcnn: tensors, neural networks and their training, in C, with PyTorch's names."""

try:
    from ._bindings import DType, ProfileKind, ProfileTable
except ModuleNotFoundError as problem:
    if problem.name != __name__ + "._bindings":
        raise
    raise ImportError(f"{__path__[0]}: the part that follows from the headers is not made yet; run `make python`") from None
from ._context import Context, default_context, manual_seed, set_default_context
from ._errors import (
    ArgumentError,
    CallbackError,
    DeviceError,
    DTypeError,
    Error,
    FileError,
    FormatError,
    MismatchError,
    NoMemoryError,
    NotFoundError,
    ShapeError,
    StateError,
    ThreadError,
    UnsupportedError,
)
from ._files import load, save
from ._library import lib as _lib
from ._ops import *  # noqa: F401,F403
from ._ops import concat as cat, max as amax, min as amin
from ._tape import Tape, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from ._tensor import (
    Tensor,
    arange,
    as_tensor,
    chunk,
    empty,
    from_dlpack,
    from_numpy,
    full,
    grad,
    ones,
    rand,
    randn,
    split,
    tensor,
    unbind,
    where,
    zeros,
)

from . import _ops, data, metrics, nn, optim  # isort: skip
from ._function import Function, FunctionContext  # isort: skip
from ._profile import ProfileEvent, profile  # isort: skip
from ._training import EMA, Predictor, load_checkpoint, save_checkpoint  # isort: skip

float32, float64, bfloat16 = DType.F32, DType.F64, DType.BF16
int64, int32, uint8 = DType.I64, DType.I32, DType.U8
bool_ = DType.BOOL

__all__ = [
    "ArgumentError",
    "CallbackError",
    "Context",
    "DType",
    "DTypeError",
    "DeviceError",
    "EMA",
    "Error",
    "FileError",
    "FormatError",
    "Function",
    "FunctionContext",
    "MismatchError",
    "NoMemoryError",
    "NotFoundError",
    "Predictor",
    "ProfileEvent",
    "ProfileKind",
    "ProfileTable",
    "ShapeError",
    "StateError",
    "Tape",
    "Tensor",
    "ThreadError",
    "UnsupportedError",
    "amax",
    "amin",
    "arange",
    "as_tensor",
    "bfloat16",
    "bool_",
    "cat",
    "chunk",
    "data",
    "default_context",
    "empty",
    "enable_grad",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "grad",
    "int32",
    "int64",
    "is_grad_enabled",
    "load",
    "load_checkpoint",
    "manual_seed",
    "metrics",
    "nn",
    "no_grad",
    "ones",
    "optim",
    "profile",
    "rand",
    "randn",
    "save",
    "save_checkpoint",
    "set_default_context",
    "set_grad_enabled",
    "split",
    "tensor",
    "uint8",
    "unbind",
    "zeros",
]
__all__ += _ops.__all__

__version__ = _lib.cnn_version().decode()


def max(x: Tensor, dim: object = None, keepdim: bool = False) -> object:  # type: ignore[no-redef]
    """The largest element; along one dimension the largest ones and their indices."""
    return x.max(dim, keepdim)


def min(x: Tensor, dim: object = None, keepdim: bool = False) -> object:  # type: ignore[no-redef]
    """The smallest element; along one dimension the smallest ones and their indices."""
    return x.min(dim, keepdim)


def softmax(x: Tensor, dim: int = -1) -> Tensor:  # type: ignore[no-redef]
    """exp(x) divided by its sum along a dimension."""
    return x.softmax(dim)
