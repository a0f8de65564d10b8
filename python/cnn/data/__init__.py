"""Datasets and loaders: torch.utils.data, and torchvision's MNIST and CIFAR."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import weakref
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .. import _bindings as B
from .._context import Context, default_context
from .._convert import doubles, options, sizes
from .._errors import check, fail, handle
from .._library import lib
from .._tape import next_batch
from .._tensor import Tensor, as_tensor
from ._samplers import DistributedSampler, Sampler, SubsetRandomSampler, WeightedRandomSampler, hold
from ._transforms import Transforms


class Dataset:
    """Samples of an image, or of other numbers, and a label. A class of your own has __len__() and __getitem__(), whose
    samples have one shape and dtype; it need not derive from this one."""

    _h = 0
    _context: Context

    _source: Optional[_Source] = None

    def _adopt(self, h: Optional[int], context: Context, source: Optional[_Source] = None) -> Dataset:
        self._context, self._source = context, source
        self._h = handle(h, context._h)
        return self

    def __del__(self, free: Any = lib.cnn_dataset_free) -> None:
        if self._h:
            free(self._h)

    def _hold(self) -> int:
        """Another hold, to be given away."""
        return handle(lib.cnn_dataset_share(self._h), self._context._h)

    def _failed(self, status: int) -> None:
        """Raises what a dataset of Python's raised, or the library's message."""
        if self._source is not None and self._source.problem is not None:
            problem, self._source.problem = self._source.problem, None
            raise problem
        fail(status, lib.cnn_last_error(self._context._h))

    def __len__(self) -> int:
        return int(lib.cnn_dataset_size(self._h))

    def __getitem__(self, i: Any) -> Any:
        """A sample as (image, label); a slice and a list give a dataset of those samples."""
        if isinstance(i, slice):
            start, end, step = i.indices(len(self))
            if step == 1:
                return Dataset()._adopt(
                    lib.cnn_dataset_slice(self._hold(), start, max(start, end)), self._context, self._source
                )
            i = list(range(start, end, step))
        if isinstance(i, (list, tuple, range)):
            count, array = sizes(list(i))
            return Dataset()._adopt(lib.cnn_dataset_subset(self._hold(), array, count), self._context, self._source)
        size = len(self)
        if not -size <= i < size:
            raise IndexError(f"sample {i} of {size}")
        image, label = ctypes.c_void_p(), ctypes.c_void_p()
        status = lib.cnn_dataset_get(self._h, i % size, ctypes.byref(image), ctypes.byref(label))
        if status:
            self._failed(status)
        return (
            Tensor._make(image.value, self._context),
            Tensor._make(label.value, self._context) if label.value else None,
        )

    def normalize(self, mean: Union[float, Sequence[float]], std: Union[float, Sequence[float]]) -> Dataset:
        """Images come out as (x - mean) / std, per channel."""
        count, array = doubles(mean)
        check(lib.cnn_dataset_normalize(self._h, count, array, doubles(std)[1]), self._context._h)
        return self

    @property
    def classes(self) -> List[str]:
        """The names of the classes, where they came with the data."""
        return [lib.cnn_dataset_class_name(self._h, i).decode() for i in range(lib.cnn_dataset_class_count(self._h))]


class MNIST(Dataset):
    """The four files of MNIST, or of any dataset in its form, in a folder."""

    def __init__(self, root: Any, train: bool = True) -> None:
        context = default_context()
        self._adopt(lib.cnn_mnist_open(context._h, os.fsencode(root), 0 if train else 1), context)


class CIFAR10(Dataset):
    """CIFAR-10 in its binary form."""

    def __init__(self, root: Any, train: bool = True) -> None:
        context = default_context()
        self._adopt(lib.cnn_cifar10_open(context._h, os.fsencode(root), 0 if train else 1), context)


class CIFAR100(Dataset):
    """CIFAR-100 in its binary form, with its 100 classes or the 20 coarse ones."""

    def __init__(self, root: Any, train: bool = True, coarse: bool = False) -> None:
        context = default_context()
        self._adopt(lib.cnn_cifar100_open(context._h, os.fsencode(root), 0 if train else 1, coarse), context)


class TensorDataset(Dataset):
    """Sample i is images[i] and labels[i] of two tensors, or arrays, which are used where they lie."""

    def __init__(self, images: Any, labels: Any = None) -> None:
        images = as_tensor(images)
        labels = as_tensor(labels) if labels is not None else None
        images = _plain(images)
        labels = _plain(labels) if labels is not None else None
        context = images._context
        self._adopt(
            lib.cnn_dataset_from_tensors(images._handle(), labels._handle() if labels is not None else None), context
        )


def _plain(t: Tensor) -> Tensor:
    """What a tape, a module or a loader owns is copied."""
    if t._tape is None and t._owner is None and t.is_contiguous():
        return t
    return Tensor._make(t._read(lib.cnn_tensor_detach), t._context)


_sources: Dict[int, Any] = {}
_numbers = itertools.count(1)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _free_source(user: Any) -> None:
    _sources.pop(user, None)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
def _get(index: int, image: int, label: Optional[int], user: int) -> int:
    """Writes a sample of Python's; called in a thread of the loader's."""
    source = _sources.get(user)
    if source is None:
        return int(B.Status.ERROR_STATE)
    try:
        sample = source.data[index]
        first, second = sample if isinstance(sample, tuple) else (sample, None)
        source.write(first, image, source.image)
        if source.label is not None:
            source.write(second, label, source.label)
        return 0
    except BaseException as problem:
        source.problem = problem
        lib.cnn_context_set_error(None, B.Status.ERROR_CALLBACK, f"{type(problem).__name__}: {problem}".encode()[:400])
        return int(B.Status.ERROR_CALLBACK)


class _Source:
    """A dataset of Python's: what has __len__() and __getitem__()."""

    def __init__(self, data: Any, context: Context) -> None:
        self.data, self.context = data, context
        self.problem: Optional[BaseException] = None
        sample = data[0]
        first, second = sample if isinstance(sample, tuple) else (sample, None)
        self.image = self.form(first)
        self.label = self.form(second) if second is not None else None

    def form(self, value: Any) -> Tuple[Tuple[int, ...], B.DType]:
        t = as_tensor(value, context=self.context)
        kind = t.dtype
        if kind == B.DType.I32 or kind == B.DType.U8 or kind == B.DType.BOOL:
            kind = B.DType.I64
        return t.shape, kind

    def write(self, value: Any, address: Any, form: Tuple[Tuple[int, ...], B.DType]) -> None:
        t = as_tensor(value, context=self.context)
        if t.shape != form[0]:
            raise ValueError(f"a sample of shape {list(t.shape)}, expected {list(form[0])} as of the first")
        t = t.to(form[1])
        size = t.numel() * t.itemsize
        check(t._read(lambda h: lib.cnn_tensor_read(h, address, size)), self.context._h)


class _Callbacks(Dataset):
    def __init__(self, data: Any) -> None:
        context = default_context()
        source = _Source(data, context)
        number = next(_numbers)
        image_shape, image_kind = source.image
        label_shape, label_kind = source.label or ((), B.DType.I64)
        _sources[number] = source
        kept = (sizes(list(image_shape))[1], sizes(list(label_shape))[1])
        struct = B.cnn_dataset_callbacks(
            struct_size=ctypes.sizeof(B.cnn_dataset_callbacks),
            size=len(data),
            image_shape=kept[0],
            label_shape=kept[1],
            image_ndim=len(image_shape),
            label_ndim=len(label_shape),
            image_dtype=image_kind,
            label_dtype=label_kind,
            user=number,
        )
        struct.get = ctypes.cast(_get, type(struct.get))
        struct.free_user = ctypes.cast(_free_source, type(struct.free_user))
        self._adopt(lib.cnn_dataset_from_callbacks(context._h, ctypes.byref(struct)), context, source)


def random_split(dataset: Dataset, lengths: Sequence[float], seed: int = 0) -> List[Dataset]:
    """Splits a dataset at random, into so many samples or such parts of it."""
    count, array = doubles(list(lengths))
    pieces = (ctypes.c_void_p * max(count, 1))()
    check(lib.cnn_dataset_random_split(dataset._hold(), array, count, seed, pieces), dataset._context._h)
    return [Dataset()._adopt(pieces[i], dataset._context, dataset._source) for i in range(count)]


class Augmentation(Transforms):
    """A chain of transforms: `Augmentation().random_crop(32, 32, padding=4).horizontal_flip(0.5)`."""

    def __init__(self) -> None:
        self._context = default_context()
        self._h = handle(lib.cnn_augmentation_new(self._context._h), self._context._h)

    def __del__(self, free: Any = lib.cnn_augmentation_free) -> None:
        if getattr(self, "_h", 0):
            free(self._h)

    def _add(self, name: str, *arguments: Any) -> Augmentation:
        check(getattr(lib, name)(self._h, *arguments), self._context._h)
        return self

    def __call__(self, dataset: Dataset) -> Dataset:
        """The dataset with the transforms applied to its images."""
        return Dataset()._adopt(lib.cnn_dataset_augment(dataset._hold(), self._h), dataset._context, dataset._source)


_loaders: weakref.WeakSet[DataLoader] = weakref.WeakSet()


class DataLoader:
    """Batches of a dataset, the next one prepared by threads while this one is used. A loop over it is an epoch.

    A batch is (images, labels), or images alone where there are no labels. Its tensors are the loader's memory for as
    long as it needs no new memory; those that are still held then become copies."""

    _h = 0
    _lends = True  # its tensors' memory is written over

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        seed: Optional[int] = None,
        threads: Optional[int] = None,
        background: bool = True,
        sampler: Optional[Sampler] = None,
    ) -> None:
        if not isinstance(dataset, Dataset) or not dataset._h:
            dataset = _Callbacks(dataset)
        self.dataset: Dataset = dataset
        self._context = dataset._context
        self._given: List[List[Any]] = []
        self.sampler = sampler
        chosen = hold(sampler, self._context) if sampler is not None else None
        self._h = handle(
            lib.cnn_loader_create(
                dataset._hold(),
                batch_size,
                options(
                    B.cnn_loader_options,
                    seed=seed,
                    sampler=chosen,
                    threads=threads,
                    shuffle=shuffle,
                    drop_last=drop_last,
                    no_background=background,
                ),
            ),
            self._context._h,
        )
        _loaders.add(self)

    def close(self) -> None:
        """Ends the loader's threads; batches that are still held become copies."""
        h, self._h = self._h, 0
        if h:
            self._let_go(0)
            lib.cnn_loader_free(h)

    __del__ = close

    def _let_go(self, batches: int) -> None:
        """Batches but the last ones are about to be written over."""
        while len(self._given) > batches:
            for reference in self._given.pop(0):
                t = reference()
                if t is not None:
                    h = lib.cnn_tensor_detach(t._h)
                    t._h, t._owner = h or 0, None

    def __len__(self) -> int:
        return int(lib.cnn_loader_batch_count(self._h))

    @property
    def epoch(self) -> int:
        """The number of the epoch that the next batch belongs to; setting it resumes there."""
        return int(lib.cnn_loader_epoch(self._h))

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._let_go(0)
        check(lib.cnn_loader_set_epoch(self._h, value), self._context._h)

    def __iter__(self) -> Iterator[Any]:
        batch = B.cnn_batch()
        while True:
            self._let_go(1)
            next_batch()
            if not lib.cnn_loader_next(self._h, ctypes.byref(batch)):
                status = lib.cnn_loader_status(self._h)
                if not status:
                    return
                if self.sampler is not None and self.sampler.problem is not None:
                    problem, self.sampler.problem = self.sampler.problem, None
                    raise problem
                self.dataset._failed(status)
            tensors = [
                Tensor._make(h, self._context, self) if h else None
                for h in (batch.images, batch.labels, batch.lengths, batch.label_lengths)
            ]
            self._given.append([weakref.ref(t) for t in tensors if t is not None])
            while len(tensors) > 2 and tensors[-1] is None:
                tensors.pop()
            labelled = tensors[1] is not None and (
                self.dataset._source is None or self.dataset._source.label is not None
            )
            given = tuple(tensors) if labelled else tensors[0]
            del tensors
            yield given
            del given


@atexit.register
def _close_loaders() -> None:
    """Before Python ends: threads of loaders may be calling datasets of Python's."""
    for loader in list(_loaders):
        loader.close()


def idx_read(path: Any) -> Tensor:
    """Reads an IDX file, plain or gzipped."""
    context = default_context()
    return Tensor._make(lib.cnn_idx_read(context._h, os.fsencode(path)), context)


__all__ = [
    "Augmentation",
    "CIFAR10",
    "CIFAR100",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "MNIST",
    "Sampler",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "idx_read",
    "random_split",
]
