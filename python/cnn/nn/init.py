"""First values of tensors: torch.nn.init. Each writes all elements of its tensor and returns it.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import Optional, Union

from .. import _bindings as B
from .._convert import options
from .._tensor import Tensor, written


def uniform_(tensor: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform in [low, high), rounded to the dtype; `low` is not above `high`."""
    return written("cnn_init_uniform", tensor, low, high)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with that mean and standard deviation, `std` at least 0."""
    return written("cnn_init_normal", tensor, mean, std)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, low: float = -2.0, high: float = 2.0) -> Tensor:
    """Normal, with values outside of [low, high] drawn anew; `low` is below `high`, `std` above 0. Far from the
    mean, where that would take forever, the same distribution is drawn in another way (Robert 1995, "Simulation
    of truncated normal variables")."""
    return written("cnn_init_trunc_normal", tensor, mean, std, low, high)


def constant_(tensor: Tensor, value: float) -> Tensor:
    """All `value`."""
    return written("cnn_init_constant", tensor, value)


def ones_(tensor: Tensor) -> Tensor:
    """All 1."""
    return written("cnn_init_ones", tensor)


def zeros_(tensor: Tensor) -> Tensor:
    """All 0."""
    return written("cnn_init_zeros", tensor)


def eye_(tensor: Tensor) -> Tensor:
    """1 on the diagonal of a matrix, else 0."""
    return written("cnn_init_eye", tensor)


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Identity of as many channels as there are: 1 in the middle of kernel [i, i, …] of each of `groups`
    groups, else 0; rank 3 to 5, and `groups` divides the output channels."""
    return written("cnn_init_dirac", tensor, groups)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform in ±gain · √(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); rank 2 or more."""
    return written("cnn_init_xavier_uniform", tensor, gain)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out))."""
    return written("cnn_init_xavier_normal", tensor, gain)


def kaiming_uniform_(
        tensor: Tensor, *, a: Optional[float] = None, mode: Optional[Union[B.FanMode, str, int]] = None,
        nonlinearity: Optional[Union[B.Nonlinearity, str, int]] = None) -> Tensor:
    """Uniform in ±gain · √(3 / fan) (He et al. 2015), with the gain of the nonlinearity; rank 2 or more.
    @param options  NULL for the defaults.

    a: negative slope of a leaky ReLU; default 0
    mode: default CNN_FAN_IN
    nonlinearity: default CNN_NONLINEARITY_LEAKY_RELU"""
    return written(
            "cnn_init_kaiming_uniform", tensor,
            options(B.cnn_kaiming_options, a=a, mode=mode, nonlinearity=nonlinearity))


def kaiming_normal_(
        tensor: Tensor, *, a: Optional[float] = None, mode: Optional[Union[B.FanMode, str, int]] = None,
        nonlinearity: Optional[Union[B.Nonlinearity, str, int]] = None) -> Tensor:
    """Normal with standard deviation gain / √fan. @param options  NULL for the defaults.

    a: negative slope of a leaky ReLU; default 0
    mode: default CNN_FAN_IN
    nonlinearity: default CNN_NONLINEARITY_LEAKY_RELU"""
    return written(
            "cnn_init_kaiming_normal", tensor,
            options(B.cnn_kaiming_options, a=a, mode=mode, nonlinearity=nonlinearity))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """`gain` times a matrix [size 0, product of the others] whose rows, or columns where there are fewer, are
    orthonormal (Saxe et al. 2014): the Q of a normal matrix's QR decomposition with a positive diagonal of R."""
    return written("cnn_init_orthogonal", tensor, gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01) -> Tensor:
    """A matrix of normal numbers with standard deviation `std` in which ceil(sparsity · rows) of each column
    are 0 (Martens 2010); `sparsity` from 0 to 1."""
    return written("cnn_init_sparse", tensor, sparsity, std)
