"""What all optimizers have in common."""

from __future__ import annotations

import ctypes
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Union

from .. import _bindings as B
from .._context import Context, default_context
from .._convert import options
from .._errors import ArgumentError, check, handle
from .._library import lib
from .._tensor import Tensor
from ..nn._module import Module
from ..nn._module import Parameters as ModuleParameters

Parameters = Union[Module, Iterable[Tensor], Iterable[Mapping[str, Any]]]


class Group:
    """A group of parameters: its options by PyTorch's names, as `optimizer.param_groups[0]["lr"] = 0.01`."""

    def __init__(self, optimizer: Optimizer, number: int) -> None:
        self._optimizer, self._number = optimizer, number

    @staticmethod
    def _option(name: str) -> int:
        try:
            return B.OptimizerOption[name.upper()]
        except KeyError:
            raise KeyError(name) from None

    def __getitem__(self, name: str) -> float:
        value = float(lib.cnn_optimizer_get(self._optimizer._h, self._number, self._option(name)))
        if value != value:
            check(lib.cnn_context_status(self._optimizer._context._h), self._optimizer._context._h)
        return value

    def __setitem__(self, name: str, value: float) -> None:
        check(
            lib.cnn_optimizer_set(self._optimizer._h, self._number, self._option(name), float(value)),
            self._optimizer._context._h,
        )


class Optimizer:
    """Updates parameters from their gradients. It keeps the tensors that it updates alive."""

    _prefix = ""
    _options: Any = None
    _h = 0
    _context: Context

    def _create(self, params: Parameters, **given: Any) -> None:
        if isinstance(params, ModuleParameters):
            params = params.module
        self._given = given
        if isinstance(params, Module):
            self._context = params._context
            self._h = handle(getattr(lib, self._prefix + "_create")(params._h, self._struct(given)), self._context._h)
            return
        entries: List[Any] = list(params)
        groups = entries if entries and isinstance(entries[0], Mapping) else [{"params": entries}]
        first = [t for group in groups for t in self._tensors(group["params"])]
        self._context = first[0]._context if first else default_context()
        create = getattr(lib, self._prefix + "_create_for")
        if groups is not entries:
            self._h = handle(
                create(self._context._h, *self._array(groups[0]["params"]), self._struct(given)), self._context._h
            )
            return
        self._h = handle(create(self._context._h, None, 0, self._struct(given)), self._context._h)
        for group in groups:
            self.add_param_group(group)

    def _struct(self, given: Mapping[str, Any]) -> Any:
        given = dict(given)
        betas = given.pop("betas", None)
        if betas is not None:
            given["beta1"], given["beta2"] = betas
        unknown = [name for name in given if name not in {field[0] for field in self._options._fields_}]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no option {unknown[0]!r}")
        return options(self._options, **given)

    def _tensors(self, params: Any) -> List[Tensor]:
        tensors = [params] if isinstance(params, Tensor) else list(params)
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"{type(self).__name__} takes tensors, given {type(t).__name__}")
            if t._tape is not None:
                raise ArgumentError(f"{type(self).__name__}: a parameter is the result of an operation")
        return tensors

    def _array(self, params: Any) -> Any:
        tensors = self._tensors(params)
        return (ctypes.c_void_p * max(len(tensors), 1))(*[t._handle() for t in tensors]), len(tensors)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds parameters with options of their own: {"params": …, "lr": …}."""
        given: Dict[str, Any] = {**self._given, **{k: v for k, v in group.items() if k != "params"}}
        check(
            getattr(lib, self._prefix + "_add_group")(self._h, *self._array(group["params"]), self._struct(given)),
            self._context._h,
        )

    def __del__(self, free: Any = lib.cnn_optimizer_free) -> None:
        if self._h:
            free(self._h)

    @property
    def param_groups(self) -> List[Group]:
        return [Group(self, i) for i in range(lib.cnn_optimizer_group_count(self._h))]

    def __iter__(self) -> Iterator[Group]:
        return iter(self.param_groups)

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of all."""
        return float(lib.cnn_optimizer_lr(self._h, 0))

    @lr.setter
    def lr(self, value: float) -> None:
        check(lib.cnn_optimizer_set_lr(self._h, -1, value), self._context._h)

    @property
    def step_count(self) -> int:
        return int(lib.cnn_optimizer_step_count(self._h))

    def zero_grad(self) -> None:
        """Sets the gradients of all parameters to zero."""
        check(lib.cnn_optimizer_zero_grad(self._h), self._context._h)

    def step(self) -> None:
        """Updates the parameters."""
        check(lib.cnn_optimizer_step(self._h), self._context._h)
