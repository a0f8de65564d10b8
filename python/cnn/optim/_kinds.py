"""The optimizers of libcnn as classes, with PyTorch's names.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from .. import _bindings as B
from ._optimizer import Optimizer, Parameters

__all__ = [
    "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LAMB", "LARS", "Lion", "Muon", "NAdam", "RAdam", "RMSprop",
    "SGD",
]


class Adadelta(Optimizer):
    """torch.optim.Adadelta (Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method").

    lr: factor of the step, at least 0; default 1
    rho: decay of both averages of squares, at least 0 and below 1; default 0.9
    eps: added below the roots, at least 0; default 1e-6
    weight_decay: L2 penalty, at least 0; default 0
    maximize: ascend instead of descend"""

    _prefix = "cnn_adadelta"
    _options = B.cnn_adadelta_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, rho: Optional[float] = None,
            eps: Optional[float] = None, weight_decay: Optional[float] = None, maximize: Optional[bool] = None) -> None:
        self._create(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)


class Adagrad(Optimizer):
    """torch.optim.Adagrad (Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization").

    lr: learning rate, at least 0; default 1e-2
    lr_decay: step t divides lr by 1 + (t − 1) · lr_decay; at least 0; default 0
    weight_decay: L2 penalty, at least 0; default 0
    initial_accumulator_value: first value of the sum of squares, at least 0; default 0
    eps: added to the root, at least 0; default 1e-10
    maximize: ascend instead of descend"""

    _prefix = "cnn_adagrad"
    _options = B.cnn_adagrad_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, lr_decay: Optional[float] = None,
            weight_decay: Optional[float] = None, initial_accumulator_value: Optional[float] = None,
            eps: Optional[float] = None, maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize)


class Adam(Optimizer):
    """torch.optim.Adam (Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization").

    lr: learning rate, at least 0; default 1e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the second moment, at least 0 and below 1; default 0.999
    eps: added to the root, at least 0; default 1e-8
    weight_decay: at least 0. Adam: L2 penalty, default 0. AdamW: decoupled, default 1e-2
    amsgrad: use the largest second moment so far
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_adam"
    _options = B.cnn_adam_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, amsgrad: Optional[bool] = None, maximize: Optional[bool] = None
    ) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
                maximize=maximize, betas=betas)


class AdamW(Optimizer):
    """torch.optim.AdamW (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization").

    lr: learning rate, at least 0; default 1e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the second moment, at least 0 and below 1; default 0.999
    eps: added to the root, at least 0; default 1e-8
    weight_decay: at least 0. Adam: L2 penalty, default 0. AdamW: decoupled, default 1e-2
    amsgrad: use the largest second moment so far
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_adamw"
    _options = B.cnn_adam_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, amsgrad: Optional[bool] = None, maximize: Optional[bool] = None
    ) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
                maximize=maximize, betas=betas)


class Adamax(Optimizer):
    """torch.optim.Adamax (Kingma & Ba 2015, section 7.1).

    lr: learning rate, at least 0; default 2e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the infinity norm, at least 0 and below 1; default 0.999
    eps: added to the size of the gradient, at least 0; default 1e-8
    weight_decay: L2 penalty, at least 0; default 0
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_adamax"
    _options = B.cnn_adamax_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, maximize=maximize,
                betas=betas)


class LAMB(Optimizer):
    """LAMB (You et al. 2020, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
    algorithm 2): Adam's direction u with decoupled weight decay, scaled for each parameter by the ratio of
    norms ‖p‖ / ‖u‖, or by 1 where one of the norms is 0. Gradients are not clipped: cnn_clip_grad_norm() does
    it.

    lr: learning rate, at least 0; default 1e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the second moment, at least 0 and below 1; default 0.999
    eps: added to the root, at least 0; default 1e-6
    weight_decay: decoupled, at least 0; default 1e-2
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_lamb"
    _options = B.cnn_lamb_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, maximize=maximize,
                betas=betas)


class LARS(Optimizer):
    """LARS (You, Gitman & Ginsburg 2017, "Large Batch Training of Convolutional Networks", algorithm 1): SGD
    with momentum and a rate of its own for each parameter p with gradient g, lr · trust_coefficient · ‖p‖ /
    (‖g‖ + weight_decay · ‖p‖), or lr where one of the norms is 0. `options` must give `lr`.

    lr: learning rate, at least 0; required
    momentum: at least 0; default 0.9
    weight_decay: L2 penalty, at least 0; default 0
    trust_coefficient: at least 0; default 1e-3
    maximize: ascend instead of descend"""

    _prefix = "cnn_lars"
    _options = B.cnn_lars_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, momentum: Optional[float] = None,
            weight_decay: Optional[float] = None, trust_coefficient: Optional[float] = None,
            maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, momentum=momentum, weight_decay=weight_decay, trust_coefficient=trust_coefficient,
                maximize=maximize)


class Lion(Optimizer):
    """Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): each element moves
    by lr in the direction of the sign of an average of its gradients. Its learning rate is usually a third to a
    tenth of AdamW's.

    lr: learning rate, at least 0; default 1e-4
    beta1: the decay of the average whose sign is taken, at least 0 and below 1; default 0.9
    beta2: decay of the average that is kept, at least 0 and below 1; default 0.99
    weight_decay: decoupled, at least 0; default 0
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_lion"
    _options = B.cnn_lion_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, weight_decay: Optional[float] = None,
            maximize: Optional[bool] = None) -> None:
        self._create(params, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, maximize=maximize, betas=betas)


class Muon(Optimizer):
    """torch.optim.Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), for
    matrices: the momentum, made nearly orthogonal. Parameters have two dimensions or more, of which all but the
    first count as columns, such as the filters of a convolution; others are CNN_ERROR_SHAPE. Biases, norms,
    embeddings and the last layer are usually left to AdamW, by cnn_muon_create_for() or
    cnn_muon_add_group_where() with the matrices alone. It computes in the dtype of the parameter, where PyTorch
    rounds to bfloat16.

    lr: learning rate, at least 0; default 1e-3
    weight_decay: decoupled, at least 0; default 0.1
    momentum: at least 0; default 0.95
    ns_a: first coefficient of the iteration, any finite number; default 3.4445
    ns_b: second coefficient, any finite number; default −4.775
    ns_c: third coefficient, any finite number; default 2.0315
    eps: the least norm that the update is divided by, at least 0; default 1e-7
    ns_steps: iterations, a whole number, at least 0 and at most 99; default 5
    nesterov: PyTorch's nesterov=False: the update is the average itself where it is False; default True
    match_rms_adamw: multiply lr by 0.2 · √max(rows, columns)
    spectral_unclamped: multiply lr by √(rows / columns); default: by that, but at least 1"""

    _prefix = "cnn_muon"
    _options = B.cnn_muon_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, weight_decay: Optional[float] = None,
            momentum: Optional[float] = None, ns_a: Optional[float] = None, ns_b: Optional[float] = None,
            ns_c: Optional[float] = None, eps: Optional[float] = None, ns_steps: Optional[float] = None,
            nesterov: Optional[bool] = None, match_rms_adamw: Optional[bool] = None,
            spectral_unclamped: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, weight_decay=weight_decay, momentum=momentum, ns_a=ns_a, ns_b=ns_b, ns_c=ns_c, eps=eps,
                ns_steps=ns_steps, no_nesterov=nesterov, match_rms_adamw=match_rms_adamw,
                spectral_unclamped=spectral_unclamped)


class NAdam(Optimizer):
    """torch.optim.NAdam (Dozat 2016, "Incorporating Nesterov Momentum into Adam").

    lr: learning rate, at least 0; default 2e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the second moment, at least 0 and below 1; default 0.999
    eps: added to the root, at least 0; default 1e-8
    weight_decay: at least 0; default 0
    momentum_decay: how fast the momentum approaches beta1, at least 0; default 4e-3
    decoupled_weight_decay: decay weights as AdamW does instead of by an L2 penalty
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_nadam"
    _options = B.cnn_nadam_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, momentum_decay: Optional[float] = None,
            decoupled_weight_decay: Optional[bool] = None, maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay,
                momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
                betas=betas)


class RAdam(Optimizer):
    """torch.optim.RAdam (Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond").

    lr: learning rate, at least 0; default 1e-3
    beta1: decay of the first moment, at least 0 and below 1; default 0.9
    beta2: decay of the second moment, at least 0 and below 1; default 0.999
    eps: added to the root, at least 0; default 1e-8
    weight_decay: at least 0; default 0
    decoupled_weight_decay: decay weights as AdamW does instead of by an L2 penalty
    maximize: ascend instead of descend
    betas: beta1 and beta2 together"""

    _prefix = "cnn_radam"
    _options = B.cnn_radam_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, betas: Optional[Sequence[float]] = None,
            beta1: Optional[float] = None, beta2: Optional[float] = None, eps: Optional[float] = None,
            weight_decay: Optional[float] = None, decoupled_weight_decay: Optional[bool] = None,
            maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay,
                decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, betas=betas)


class RMSprop(Optimizer):
    """torch.optim.RMSprop (Hinton 2012, "Neural Networks for Machine Learning", lecture 6e; centered: Graves
    2013, "Generating Sequences With Recurrent Neural Networks").

    lr: learning rate, at least 0; default 1e-2
    alpha: decay of the mean square, at least 0 and below 1; default 0.99
    eps: added to the root, at least 0; default 1e-8
    weight_decay: L2 penalty, at least 0; default 0
    momentum: at least 0; default 0
    centered: divide by the root of the variance instead of the mean square
    maximize: ascend instead of descend"""

    _prefix = "cnn_rmsprop"
    _options = B.cnn_rmsprop_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, alpha: Optional[float] = None,
            eps: Optional[float] = None, weight_decay: Optional[float] = None, momentum: Optional[float] = None,
            centered: Optional[bool] = None, maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
                maximize=maximize)


class SGD(Optimizer):
    """torch.optim.SGD, with momentum as in Sutskever et al. 2013 ("On the importance of initialization and
    momentum in deep learning"). `options` must give `lr`.

    lr: learning rate, at least 0; required, as in PyTorch 1.13
    momentum: at least 0; default 0
    dampening: the part of the gradient that is left out of the momentum; any finite number; default 0
    weight_decay: L2 penalty, at least 0; default 0
    nesterov: needs momentum > 0 and dampening 0
    maximize: ascend instead of descend"""

    _prefix = "cnn_sgd"
    _options = B.cnn_sgd_options

    def __init__(
            self, params: Parameters, lr: Optional[float] = None, *, momentum: Optional[float] = None,
            dampening: Optional[float] = None, weight_decay: Optional[float] = None, nesterov: Optional[bool] = None,
            maximize: Optional[bool] = None) -> None:
        self._create(
                params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
                maximize=maximize)
