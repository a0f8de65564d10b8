"""Pictures in PNG and JPEG files, and folders of them, by libcnn-image, a library beside libcnn.

Pictures are uint8 tensors [channels, height, width], as torchvision.io has them."""

from __future__ import annotations

import ctypes
import os
from ctypes import c_int64, c_void_p
from typing import Any, List, Optional, Sequence, Tuple, Union

from . import _image_bindings as I
from ._context import default_context
from ._convert import options
from ._errors import check
from ._image_bindings import ImageFit, ImageMode
from ._siblings import Sibling
from ._tensor import Tensor, as_tensor
from .data import Dataset

_image = Sibling("image", "is built with libcnn where libpng and libjpeg are, and needs them to run", I.FUNCTIONS)


def _how(mode: Any, apply_exif_orientation: bool, max_pixels: int) -> Any:
    return ctypes.byref(
        options(
            I.cnn_image_options,
            mode=mode,
            apply_exif_orientation=apply_exif_orientation,
            max_pixels=max_pixels,
        )
    )


def read(path: Any, mode: Any = "unchanged", *, apply_exif_orientation: bool = False, max_pixels: int = 0) -> Tensor:
    """Reads a PNG or JPEG file: [channels, height, width] of uint8. `mode` is "unchanged", "gray", "gray_alpha", "rgb"
    or "rgb_alpha"."""
    context = default_context()
    how = _how(mode, apply_exif_orientation, max_pixels)
    return Tensor._make(_image.cnn_image_read(context._h, os.fsencode(path), how), context)


def decode(
    data: bytes, mode: Any = "unchanged", *, apply_exif_orientation: bool = False, max_pixels: int = 0
) -> Tensor:
    """The same of a file's bytes."""
    context = default_context()
    how = _how(mode, apply_exif_orientation, max_pixels)
    return Tensor._make(_image.cnn_image_decode(context._h, bytes(data), len(data), how), context)


def size(path: Any, mode: Any = "unchanged", *, apply_exif_orientation: bool = False) -> Tuple[int, int, int]:
    """The shape that read() would give, from the file's header alone."""
    context = default_context()
    shape = (c_int64 * 3)()
    check(
        _image.cnn_image_size(context._h, os.fsencode(path), _how(mode, apply_exif_orientation, 0), shape), context._h
    )
    return shape[0], shape[1], shape[2]


def write_png(image: Any, path: Any, compression_level: int = 6) -> None:
    """Writes uint8 [channels, height, width] as a PNG file."""
    t = as_tensor(image)
    check(t._read(_image.cnn_image_write_png, os.fsencode(path), compression_level), t._context._h)


def write_jpeg(image: Any, path: Any, quality: int = 75) -> None:
    """Writes uint8 [channels, height, width] as a JPEG file."""
    t = as_tensor(image)
    check(t._read(_image.cnn_image_write_jpeg, os.fsencode(path), quality), t._context._h)


class ImageFolder(Dataset):
    """A folder of pictures by class, as torchvision.datasets.ImageFolder with Resize, CenterCrop and Normalize."""

    _folder = 0

    def __init__(
        self,
        root: Any,
        height: int,
        width: int = 0,
        *,
        shorter_side: int = 0,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        channels: int = 3,
        fit: Union[ImageFit, str] = "crop",
        cache_bytes: int = 0,
        max_pixels: int = 0,
        apply_exif_orientation: bool = False,
        skip_unreadable: bool = False,
        allow_empty: bool = False,
        dct_scaling: bool = False,
    ) -> None:
        for name, numbers in (("mean", mean), ("std", std)):
            if numbers is not None and len(numbers) != channels:
                raise ValueError(f"{name} has {len(numbers)} numbers, expected {channels}")
        context = default_context()
        folder = c_void_p()
        how = options(
            I.cnn_image_folder_options,
            height=height,
            width=width,
            shorter_side=shorter_side,
            max_pixels=max_pixels,
            cache_bytes=cache_bytes,
            mean=None if mean is None else list(mean),
            std=None if std is None else list(std),
            channels=channels,
            fit=fit,
            apply_exif_orientation=apply_exif_orientation,
            skip_unreadable=skip_unreadable,
            allow_empty=allow_empty,
            dct_scaling=dct_scaling,
        )
        how.folder = ctypes.pointer(folder)
        self._adopt(_image.cnn_image_folder_open(context._h, os.fsencode(root), ctypes.byref(how)), context)
        self._folder = folder.value or 0

    def __del__(self, *arguments: Any) -> None:
        if self._folder:
            _image.cnn_image_folder_free(self._folder)
        super().__del__(*arguments)

    @property
    def classes(self) -> List[str]:
        """The names of the classes: those of the folders."""
        count = _image.cnn_image_folder_class_count(self._folder)
        return [os.fsdecode(_image.cnn_image_folder_class_name(self._folder, i)) for i in range(count)]

    @property
    def samples(self) -> List[Tuple[str, int]]:
        """The path and the class of each sample."""
        return [
            (
                os.fsdecode(_image.cnn_image_folder_path(self._folder, i)),
                int(_image.cnn_image_folder_label(self._folder, i)),
            )
            for i in range(_image.cnn_image_folder_size(self._folder))
        ]

    @property
    def skipped(self) -> int:
        """How many pictures were left out because they cannot be read."""
        return int(_image.cnn_image_folder_skipped(self._folder))


__all__ = ["ImageFit", "ImageFolder", "ImageMode", "decode", "read", "size", "write_jpeg", "write_png"]
