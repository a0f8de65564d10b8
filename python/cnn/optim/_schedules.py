"""The learning-rate schedulers of libcnn as classes, with PyTorch's names.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import Optional, Sequence, Union

from .. import _bindings as B
from ._optimizer import Optimizer
from ._scheduler import Scheduler

__all__ = [
    "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts", "OneCycleLR", "ReduceLROnPlateau",
]


class StepLR(Scheduler):
    """StepLR: lr · gamma at every `step_size`-th epoch.

    step_size: epochs between two decays, at least 1; required
    gamma: factor of each decay, at least 0; default 0.1"""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: Optional[float] = None) -> None:
        self._create("cnn_step_lr_create", optimizer, B.cnn_step_lr_options, step_size=step_size, gamma=gamma)


class MultiStepLR(Scheduler):
    """MultiStepLR: lr · gamma at each milestone.

    milestones: epochs at which the rate decays, at least 0 each, in any order; one that is there twice counts
        twice. May be NULL where there are none
    gamma: factor of each decay, at least 0; default 0.1"""

    def __init__(
            self, optimizer: Optimizer, milestones: Optional[Sequence[int]] = None, gamma: Optional[float] = None
    ) -> None:
        self._create(
                "cnn_multi_step_lr_create", optimizer, B.cnn_multi_step_lr_options, milestones=milestones, gamma=gamma)


class ConstantLR(Scheduler):
    """ConstantLR: lr · factor until epoch `total_iters`. (With a factor of 0, where PyTorch divides by it, the
    base rate follows.)

    factor: what the rate is multiplied by until epoch `total_iters`, 0 to 1; default 1/3
    total_iters: at least 1; default 5"""

    def __init__(self, optimizer: Optimizer, factor: Optional[float] = None, total_iters: Optional[int] = None) -> None:
        self._create(
                "cnn_constant_lr_create", optimizer, B.cnn_constant_lr_options, factor=factor, total_iters=total_iters)


class LinearLR(Scheduler):
    """LinearLR: a factor that goes from `start_factor` to `end_factor` in `total_iters` epochs.

    start_factor: what the rate is multiplied by at epoch 0, above 0 and at most 1; default 1/3
    end_factor: what the rate is multiplied by from epoch `total_iters` on, 0 to 1; default 1
    total_iters: at least 1; default 5"""

    def __init__(
            self, optimizer: Optimizer, start_factor: Optional[float] = None, end_factor: Optional[float] = None,
            total_iters: Optional[int] = None) -> None:
        self._create(
                "cnn_linear_lr_create", optimizer, B.cnn_linear_lr_options, start_factor=start_factor,
                end_factor=end_factor, total_iters=total_iters)


class ExponentialLR(Scheduler):
    """ExponentialLR: lr · gamma at every epoch.

    gamma: factor per epoch, at least 0; required"""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self._create("cnn_exponential_lr_create", optimizer, B.cnn_exponential_lr_options, gamma=gamma)


class PolynomialLR(Scheduler):
    """PolynomialLR: base · (1 − epoch / total_iters) ^ power, then 0.

    total_iters: the epoch from which on the rate is 0, at least 1; default 5
    power: at least 0; default 1"""

    def __init__(self, optimizer: Optimizer, total_iters: Optional[int] = None, power: Optional[float] = None) -> None:
        self._create(
                "cnn_polynomial_lr_create", optimizer, B.cnn_polynomial_lr_options, total_iters=total_iters,
                power=power)


class CosineAnnealingLR(Scheduler):
    """CosineAnnealingLR: eta_min + (base − eta_min) · (1 + cos(π · epoch / T_max)) / 2.

    T_max: epochs from the highest rate to the lowest, at least 1; required
    eta_min: the lowest rate, at least 0; default 0"""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: Optional[float] = None) -> None:
        self._create(
                "cnn_cosine_annealing_lr_create", optimizer, B.cnn_cosine_annealing_lr_options, T_max=T_max,
                eta_min=eta_min)


class CosineAnnealingWarmRestarts(Scheduler):
    """CosineAnnealingWarmRestarts: the same with the epochs since the last restart, which comes after T_0, T_0
    · T_mult, … epochs more.

    T_0: epochs until the first restart, at least 1; required
    T_mult: factor of that number after each restart, at least 1; default 1
    eta_min: the lowest rate, at least 0; default 0"""

    def __init__(
            self, optimizer: Optimizer, T_0: int, T_mult: Optional[int] = None, eta_min: Optional[float] = None
    ) -> None:
        self._create(
                "cnn_cosine_annealing_warm_restarts_create", optimizer, B.cnn_cosine_annealing_warm_restarts_options,
                T_0=T_0, T_mult=T_mult, eta_min=eta_min)


class OneCycleLR(Scheduler):
    """OneCycleLR: the rate rises to `max_lr` and falls far below where it began, and the momentum (or beta1)
    falls and rises. CNN_ERROR_INVALID_ARGUMENT where the optimizer has neither and `no_cycle_momentum` is not
    set; CNN_ERROR_STATE where it was made without momentum. The last of `total_steps` rates is set by step
    `total_steps` − 1 after the create call. One more step is allowed, so that a loop may step after every
    batch, and keeps the last rates, where PyTorch goes beyond them; another is CNN_ERROR_STATE.

    max_lr: the highest rate, above 0; required unless `max_lrs` is given
    max_lrs: one for each group, in place of `max_lr`; may be NULL
    total_steps: length of the cycle, at least 1; default `epochs` times `steps_per_epoch`
    epochs: at least 1; required unless `total_steps` is given
    steps_per_epoch: at least 1; required unless `total_steps` is given
    pct_start: the part of the cycle in which the rate rises, 0 to 1; default 0.3
    base_momentum: at the highest rate, at least 0 and below 1; default 0.85
    max_momentum: at the lowest rate, at least 0 and below 1; default 0.95
    div_factor: the first rate is max_lr / div_factor; above 0; default 25
    final_div_factor: the last one is the first / final_div_factor; above 0; default 1e4
    anneal_strategy: default CNN_ANNEAL_COS
    cycle_momentum: leave the momentum alone: cycle_momentum=False where it is False; default True
    three_phase: fall to the first rate as fast as it rose, and then to the last one"""

    def __init__(
            self, optimizer: Optimizer, max_lr: float, epochs: int, steps_per_epoch: int,
            max_lrs: Optional[Sequence[float]] = None, total_steps: Optional[int] = None,
            pct_start: Optional[float] = None, base_momentum: Optional[float] = None,
            max_momentum: Optional[float] = None, div_factor: Optional[float] = None,
            final_div_factor: Optional[float] = None,
            anneal_strategy: Optional[Union[B.AnnealStrategy, str, int]] = None,
            cycle_momentum: Optional[bool] = None, three_phase: Optional[bool] = None) -> None:
        self._create(
                "cnn_one_cycle_lr_create", optimizer, B.cnn_one_cycle_lr_options, max_lr=max_lr, max_lrs=max_lrs,
                total_steps=total_steps, epochs=epochs, steps_per_epoch=steps_per_epoch, pct_start=pct_start,
                base_momentum=base_momentum, max_momentum=max_momentum, div_factor=div_factor,
                final_div_factor=final_div_factor, anneal_strategy=anneal_strategy, no_cycle_momentum=cycle_momentum,
                three_phase=three_phase)


class ReduceLROnPlateau(Scheduler):
    """ReduceLROnPlateau: lr · factor once a metric has not become better for `patience` epochs; it is stepped
    by cnn_scheduler_step_metric().

    factor: what the rate is multiplied by when it is reduced, at least 0 and below 1; default 0.1
    patience: epochs without improvement that are let pass, at least 0; default 10
    threshold: by how much a metric must be better to count, at least 0; default 1e-4
    cooldown: epochs after a reduction in which none is counted, at least 0; default 0
    min_lr: the lowest rate, at least 0; default 0
    min_lrs: one for each group, in place of `min_lr`; may be NULL
    eps: a reduction by no more than this is left out, at least 0; default 1e-8
    mode: default CNN_PLATEAU_MIN
    threshold_mode: default CNN_THRESHOLD_REL"""

    def __init__(
            self, optimizer: Optimizer, factor: Optional[float] = None, patience: Optional[int] = None,
            threshold: Optional[float] = None, cooldown: Optional[int] = None, min_lr: Optional[float] = None,
            min_lrs: Optional[Sequence[float]] = None, eps: Optional[float] = None,
            mode: Optional[Union[B.PlateauMode, str, int]] = None,
            threshold_mode: Optional[Union[B.ThresholdMode, str, int]] = None) -> None:
        self._create(
                "cnn_reduce_lr_on_plateau_create", optimizer, B.cnn_reduce_lr_on_plateau_options, factor=factor,
                patience=patience, threshold=threshold, cooldown=cooldown, min_lr=min_lr, min_lrs=min_lrs, eps=eps,
                mode=mode, threshold_mode=threshold_mode)
