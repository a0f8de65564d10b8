"""Samplers: which samples of a dataset an epoch has, and in which order, as torch.utils.data has them."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

from .. import _bindings as B
from .._context import Context, default_context
from .._convert import doubles, sizes
from .._errors import check, handle
from .._library import lib

_samplers: Dict[int, Any] = {}
_numbers = itertools.count(1)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _free_sampler(user: Any) -> None:
    _samplers.pop(user, None)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p)
def _order(seed: int, epoch: int, order: Any, user: Any) -> int:
    """The order of an epoch by a sampler of Python's; called in a thread of the loader's."""
    sampler = _samplers.get(user)
    if sampler is None:
        return int(B.Status.ERROR_STATE)
    try:
        count, given = len(sampler), list(sampler.order(seed, epoch))
        if len(given) != count:
            raise ValueError(f"order() gave {len(given)} samples, but the sampler's length is {count}")
        for i, sample in enumerate(given):
            order[i] = int(sample)
        return 0
    except BaseException as problem:
        sampler.problem = problem
        lib.cnn_context_set_error(None, B.Status.ERROR_CALLBACK, f"{type(problem).__name__}: {problem}".encode()[:400])
        return int(B.Status.ERROR_CALLBACK)


class Sampler:
    """Which samples an epoch has, and in which order: `DataLoader(dataset, 32, sampler=…)`.

    A class of your own has __len__(), the number of samples of an epoch, and order(seed, epoch), which gives their
    numbers, as a function of both alone: so every epoch can be resumed."""

    problem: Optional[BaseException] = None

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__()")

    def order(self, seed: int, epoch: int) -> Iterable[int]:
        """The numbers of the samples of an epoch; those of the library's samplers with the seed that a loader has."""
        context = default_context()
        h = self._create(context)
        try:
            found = (ctypes.c_int64 * max(lib.cnn_sampler_count(h), 1))()
            check(lib.cnn_sampler_order(h, seed, epoch, found), context._h)
            return list(found[: lib.cnn_sampler_count(h)])
        finally:
            lib.cnn_sampler_free(h)

    def _create(self, context: Context) -> int:
        """A sampler in C for one loader, which owns it."""
        if type(self).order is Sampler.order:
            raise NotImplementedError(f"{type(self).__name__} has no order(seed, epoch)")
        number = next(_numbers)
        struct = B.cnn_sampler_callbacks(
            struct_size=ctypes.sizeof(B.cnn_sampler_callbacks), count=len(self), user=number
        )
        struct.order = ctypes.cast(_order, type(struct.order))
        struct.free_user = ctypes.cast(_free_sampler, type(struct.free_user))
        _samplers[number] = self
        return handle(lib.cnn_sampler_from_callbacks(context._h, ctypes.byref(struct)), context._h)


class WeightedRandomSampler(Sampler):
    """Draws samples with probabilities in proportion to their weights."""

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True) -> None:
        self.weights, self.num_samples, self.replacement = list(weights), num_samples, replacement
        lib.cnn_sampler_free(self._create(default_context()))  # so that what is wrong is said here

    def __len__(self) -> int:
        return self.num_samples

    def _create(self, context: Context) -> int:
        count, array = doubles(self.weights)
        return handle(
            lib.cnn_weighted_random_sampler_create(context._h, array, count, self.num_samples, self.replacement),
            context._h,
        )


class SubsetRandomSampler(Sampler):
    """The samples that are listed, in a new order every epoch."""

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = list(indices)
        lib.cnn_sampler_free(self._create(default_context()))

    def __len__(self) -> int:
        return len(self.indices)

    def _create(self, context: Context) -> int:
        count, array = sizes(self.indices)
        return handle(lib.cnn_subset_random_sampler_create(context._h, array, count), context._h)


class DistributedSampler(Sampler):
    """The share of one of several processes: of the epoch's order, rank r gets the samples r, r + ranks, …"""

    def __init__(
        self, dataset: Union[Any, int], num_replicas: int, rank: int, shuffle: bool = True, drop_last: bool = False
    ) -> None:
        self.size = dataset if isinstance(dataset, int) else len(dataset)
        self.num_replicas, self.rank, self.shuffle, self.drop_last = num_replicas, rank, shuffle, drop_last
        h = self._create(default_context())
        self._count = int(lib.cnn_sampler_count(h))
        lib.cnn_sampler_free(h)

    def __len__(self) -> int:
        return self._count

    def _create(self, context: Context) -> int:
        return handle(
            lib.cnn_distributed_sampler_create(
                context._h, self.size, self.num_replicas, self.rank, self.shuffle, self.drop_last
            ),
            context._h,
        )


def hold(sampler: Any, context: Context) -> int:
    """The sampler in C for a loader."""
    if not isinstance(sampler, Sampler):
        raise TypeError(f"sampler is {type(sampler).__name__}, expected a cnn.data.Sampler")
    return sampler._create(context)


__all__: List[str] = ["DistributedSampler", "Sampler", "SubsetRandomSampler", "WeightedRandomSampler"]
