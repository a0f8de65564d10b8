"""libcnn: tensors, neural networks and their training, in C, with PyTorch's names."""
from ._bindings import DType
from ._context import Context, default_context, manual_seed, set_default_context
from ._errors import (ArgumentError, CallbackError, DeviceError, DTypeError, Error, FileError, FormatError, MismatchError,
                      NoMemoryError, NotFoundError, ShapeError, StateError, ThreadError, UnsupportedError)
from ._library import lib as _lib
from ._ops import *  # noqa: F401,F403
from ._tape import Tape, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from ._tensor import (Tensor, arange, as_tensor, chunk, empty, from_dlpack, from_numpy, full, grad, ones, rand, randn,
                      split, tensor, unbind, where, zeros)

float32, float64, bfloat16 = DType.F32, DType.F64, DType.BF16
int64, int32, uint8 = DType.I64, DType.I32, DType.U8
bool_ = DType.BOOL

__version__ = _lib.cnn_version().decode()
