"""Transforms of images: torchvision.transforms, as methods of a chain.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from .. import _bindings as B
from .._convert import doubles, enumerator, options


class Transforms:
    """What a chain can do; each method adds a transform and returns the chain."""

    def _add(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def random_crop(
            self, height: int, width: int, *, padding: Optional[Union[int, str, Sequence[int]]] = None,
            padding_left: Optional[int] = None, padding_top: Optional[int] = None,
            padding_right: Optional[int] = None, padding_bottom: Optional[int] = None, fill: Optional[float] = None,
            fills: Optional[Sequence[float]] = None, padding_mode: Optional[Union[B.PadMode, str, int]] = None,
            symmetric: Optional[bool] = None, pad_if_needed: Optional[bool] = None) -> Any:
        """RandomCrop: `height` × `width` pixels from a place that is drawn. Reflection needs less padding than
        the image has pixels, symmetric reflection not more.

        padding: pixels on each side before the crop; default 0
        padding_left: pixels more on the left; default 0
        padding_top: pixels more above; default 0
        padding_right: pixels more on the right; default 0
        padding_bottom: pixels more below; default 0
        fill: value of padding with CNN_PAD_CONSTANT; default 0
        fills: one value per channel in place of `fill`, copied; default NULL
        padding_mode: CNN_PAD_CONSTANT (the default), CNN_PAD_REFLECT or CNN_PAD_REPLICATE (edge)
        symmetric: reflect with the pixels at the edge (padding_mode="symmetric"), whatever `padding_mode` is
        pad_if_needed: pad an image that is smaller than the crop on both sides until it fits"""
        return self._add(
                "cnn_augment_random_crop_with", height, width, options(B.cnn_random_crop_options, padding=padding,
                padding_left=padding_left, padding_top=padding_top, padding_right=padding_right,
                padding_bottom=padding_bottom, fill=fill, fills=fills, padding_mode=padding_mode, symmetric=symmetric,
                pad_if_needed=pad_if_needed))

    def random_shift(self, pixels: int, padding_mode: Union[B.PadMode, str, int]) -> Any:
        """A random translation by up to `pixels` whole pixels in each direction: a random crop of the image's
        own size with this much padding, of zeros, reflected (CNN_PAD_REFLECT) or repeated from the edge
        (CNN_PAD_REPLICATE)."""
        return self._add("cnn_augment_random_shift", pixels, enumerator(B.PadMode, padding_mode))

    def center_crop(self, height: int, width: int) -> Any:
        """CenterCrop: the middle `height` × `width` pixels; an image that is smaller is padded with zeros."""
        return self._add("cnn_augment_center_crop", height, width)

    def resize(
            self, height: int, width: int, *, max_size: Optional[int] = None, nearest: Optional[bool] = None,
            antialias: Optional[bool] = None) -> Any:
        """Resize: bilinear, to `height` × `width` pixels. A `width` of 0 keeps the proportions, as
        torchvision's Resize(height) does: the shorter side becomes `height` pixels long, the longer one's
        length is rounded down. Where an image becomes smaller, the triangle filter is stretched by the same
        factor, as Pillow and torchvision 0.17 and later do (antialias=True).

        max_size: with a width of 0: the most pixels of the longer side, above `height`; default: any
        nearest: the nearest pixel, as cnn_interpolate() takes it; default: bilinear
        antialias: bilinear, of two pixels per direction, also where the image becomes smaller where it is
            False; default True"""
        return self._add(
                "cnn_augment_resize_with", height, width,
                options(B.cnn_resize_options, max_size=max_size, nearest=nearest, no_antialias=antialias))

    def random_resized_crop(
            self, height: int, width: int, *, scale_min: Optional[float] = None, scale_max: Optional[float] = None,
            ratio_min: Optional[float] = None, ratio_max: Optional[float] = None, nearest: Optional[bool] = None,
            antialias: Optional[bool] = None) -> Any:
        """RandomResizedCrop: a part with an area and a ratio of its sides that are drawn (the ratio's logarithm
        uniformly), in at most ten tries, resized as by cnn_augment_resize().

        scale_min: least part of the image's area, above 0; default 0.08
        scale_max: largest part, at most 1; default 1
        ratio_min: least width / height, above 0; default 3/4
        ratio_max: largest width / height; default 4/3
        nearest: as in cnn_resize_options
        antialias: as in cnn_resize_options where it is False; default True"""
        return self._add(
                "cnn_augment_random_resized_crop_with", height, width, options(B.cnn_random_resized_crop_options,
                scale_min=scale_min, scale_max=scale_max, ratio_min=ratio_min, ratio_max=ratio_max, nearest=nearest,
                no_antialias=antialias))

    def horizontal_flip(self, p: float = 0.5) -> Any:
        """RandomHorizontalFlip: mirrors left and right with probability `p`, 0 to 1."""
        return self._add("cnn_augment_horizontal_flip", p)

    def vertical_flip(self, p: float = 0.5) -> Any:
        """RandomVerticalFlip: mirrors top and bottom with probability `p`, 0 to 1."""
        return self._add("cnn_augment_vertical_flip", p)

    def random_rotation(
            self, min_degrees: float, max_degrees: float, *, fill: Optional[float] = None,
            fills: Optional[Sequence[float]] = None, center_x: Optional[float] = None,
            center_y: Optional[float] = None, bilinear: Optional[bool] = None) -> Any:
        """RandomRotation: turns the image about its centre, counter-clockwise, by an angle between
        `min_degrees` and `max_degrees`, which are finite. The shape stays.

        fill: value outside of the image; default 0
        fills: one value per channel in place of `fill`, copied; default NULL
        center_x: the map's centre, in pixels from the left edge; default: the middle; CNN_ZERO: 0
        center_y: the map's centre, in pixels from the upper edge; default: the middle; CNN_ZERO: 0
        bilinear: default: the nearest pixel"""
        return self._add(
                "cnn_augment_random_rotation_with", min_degrees, max_degrees, options(B.cnn_random_rotation_options,
                fill=fill, fills=fills, center_x=center_x, center_y=center_y, bilinear=bilinear))

    def random_affine(
            self, min_degrees: float, max_degrees: float, *, translate_x: Optional[float] = None,
            translate_y: Optional[float] = None, scale_min: Optional[float] = None, scale_max: Optional[float] = None,
            shear_x_min: Optional[float] = None, shear_x_max: Optional[float] = None,
            shear_y_min: Optional[float] = None, shear_y_max: Optional[float] = None, fill: Optional[float] = None,
            fills: Optional[Sequence[float]] = None, center_x: Optional[float] = None,
            center_y: Optional[float] = None, bilinear: Optional[bool] = None) -> Any:
        """RandomAffine: rotation by an angle between `min_degrees` and `max_degrees` (clockwise, as
        torchvision's affine()), translation, scaling and shear about the centre, in one interpolation. The
        shape stays.

        translate_x: largest shift as a part of the width, 0 to 1, rounded to pixels; default 0
        translate_y: largest shift as a part of the height, 0 to 1; default 0
        scale_min: least factor, above 0; default 1
        scale_max: largest factor; default 1
        shear_x_min: least shear along x in degrees, above -90; default 0
        shear_x_max: largest shear along x, below 90; default 0
        shear_y_min: least shear along y; default 0
        shear_y_max: largest shear along y; default 0
        fill: value outside of the image; default 0
        fills: one value per channel in place of `fill`, copied; default NULL
        center_x: the map's centre, in pixels from the left edge; default: the middle; CNN_ZERO: 0
        center_y: the map's centre, in pixels from the upper edge; default: the middle; CNN_ZERO: 0
        bilinear: default: the nearest pixel"""
        return self._add(
                "cnn_augment_random_affine_with", min_degrees, max_degrees, options(B.cnn_random_affine_options,
                translate_x=translate_x, translate_y=translate_y, scale_min=scale_min, scale_max=scale_max,
                shear_x_min=shear_x_min, shear_x_max=shear_x_max, shear_y_min=shear_y_min, shear_y_max=shear_y_max,
                fill=fill, fills=fills, center_x=center_x, center_y=center_y, bilinear=bilinear))

    def color_jitter(
            self, *, brightness: Optional[float] = None, contrast: Optional[float] = None,
            saturation: Optional[float] = None, hue: Optional[float] = None, brightness_min: Optional[float] = None,
            brightness_max: Optional[float] = None, contrast_min: Optional[float] = None,
            contrast_max: Optional[float] = None, saturation_min: Optional[float] = None,
            saturation_max: Optional[float] = None, hue_min: Optional[float] = None, hue_max: Optional[float] = None
    ) -> Any:
        """ColorJitter: changes brightness, contrast, saturation and hue in an order that is drawn. Saturation
        and hue leave images of one channel alone.

        brightness: the factor is drawn from max(0, 1 - brightness) to 1 + brightness
        contrast: the factor is drawn from max(0, 1 - contrast) to 1 + contrast
        saturation: the factor is drawn from max(0, 1 - saturation) to 1 + saturation
        hue: the shift is drawn from -hue to hue, in turns; 0 to 0.5
        brightness_min: with brightness_max, if one of them is not 0: the factor is drawn between them
        brightness_max: see brightness_min
        contrast_min: with contrast_max the same
        contrast_max: see contrast_min
        saturation_min: with saturation_max the same
        saturation_max: see saturation_min
        hue_min: with hue_max the same; -0.5 to 0.5
        hue_max: see hue_min"""
        return self._add(
                "cnn_augment_color_jitter_with", options(B.cnn_color_jitter_options, brightness=brightness,
                contrast=contrast, saturation=saturation, hue=hue, brightness_min=brightness_min,
                brightness_max=brightness_max, contrast_min=contrast_min, contrast_max=contrast_max,
                saturation_min=saturation_min, saturation_max=saturation_max, hue_min=hue_min, hue_max=hue_max))

    def random_grayscale(self, p: float = 0.5) -> Any:
        """RandomGrayscale: 0.2989 red + 0.587 green + 0.114 blue in all three channels, with probability `p`, 0
        to 1."""
        return self._add("cnn_augment_random_grayscale", p)

    def normalize(self, mean: Sequence[float], std: Sequence[float]) -> Any:
        """Normalize: (x − mean[c]) / std[c]. The dataset's own normalisation is left out then, and transforms
        that follow, such as cnn_augment_random_erasing(), see normalised images.
        @param channels  the images' channels, or 1 for all; with as many finite numbers in `mean` and `std`,
            which are
                         copied; those of `std` above 0."""
        return self._add("cnn_augment_normalize", *doubles(mean), doubles(std)[1])

    def random_erasing(
            self, *, p: Optional[float] = None, scale_min: Optional[float] = None, scale_max: Optional[float] = None,
            ratio_min: Optional[float] = None, ratio_max: Optional[float] = None, value: Optional[float] = None,
            values: Optional[Sequence[float]] = None, random: Optional[bool] = None) -> Any:
        """RandomErasing: fills a rectangle, which is found in at most ten tries.

        p: probability, 0 to 1; default 0.5
        scale_min: least part of the image's area, above 0; default 0.02
        scale_max: largest part, at most 1; default 0.33
        ratio_min: least height / width, above 0; default 0.3
        ratio_max: largest height / width; default 3.3
        value: what the rectangle is filled with; default 0
        values: one value per channel in place of `value`, copied; default NULL
        random: fill it with standard normal numbers instead (value='random')"""
        return self._add(
                "cnn_augment_random_erasing_with", options(B.cnn_random_erasing_options, p=p, scale_min=scale_min,
                scale_max=scale_max, ratio_min=ratio_min, ratio_max=ratio_max, value=value, values=values,
                random=random))
