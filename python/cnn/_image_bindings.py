"""The C functions of libcnn-image by ctypes: enumerations, structs and prototypes.

Written by tools/make-python.py from the headers; do not edit."""
import enum
from ctypes import POINTER, Structure, c_bool, c_char_p, c_double, c_int, c_int64, c_size_t, c_ubyte, c_void_p

from ._bindings import Enums, Names


class ImageMode(enum.IntEnum):
    """Which channels a picture is given out with; the numbers are those of torchvision.io.ImageReadMode. Gray
    is made of colour by ITU-R 601 (0.299 R + 0.587 G + 0.114 B, rounded, as PIL does; a JPEG's own luma is used
    as it is), colour of gray by repetition. An alpha channel that is not asked for is dropped, one that is
    missing is 255."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


class ImageFit(enum.IntEnum):
    """How a picture of any size is brought to the size of the dataset's samples."""

    CROP = 0
    STRETCH = 1


class cnn_image_options(Structure):
    """Options of cnn_image_read(), cnn_image_decode() and cnn_image_size(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("max_pixels", c_int64),
        ("mode", c_int),
        ("apply_exif_orientation", c_bool),
        ("reserved", c_ubyte * 11),
    ]
    _enums_: Enums = {"mode": ImageMode}


class cnn_image_folder_options(Structure):
    """Options of cnn_image_folder_open(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("height", c_int64),
        ("width", c_int64),
        ("shorter_side", c_int64),
        ("max_pixels", c_int64),
        ("cache_bytes", c_int64),
        ("mean", POINTER(c_double)),
        ("std", POINTER(c_double)),
        ("folder", POINTER(c_void_p)),
        ("channels", c_int),
        ("fit", c_int),
        ("apply_exif_orientation", c_bool),
        ("skip_unreadable", c_bool),
        ("allow_empty", c_bool),
        ("dct_scaling", c_bool),
        ("own_sizes", c_bool),
        ("reserved", c_ubyte * 11),
    ]
    _nonzero_: Names = ("channels",)
    _enums_: Enums = {"fit": ImageFit}


# Name: (result, parameters).
FUNCTIONS = {
    "cnn_image_read": (c_void_p, (c_void_p, c_char_p, POINTER(cnn_image_options))),
    "cnn_image_decode": (c_void_p, (c_void_p, c_void_p, c_size_t, POINTER(cnn_image_options))),
    "cnn_image_size": (c_int, (c_void_p, c_char_p, POINTER(cnn_image_options), c_int64 * 3)),
    "cnn_image_write_png": (c_int, (c_void_p, c_char_p, c_int)),
    "cnn_image_write_jpeg": (c_int, (c_void_p, c_char_p, c_int)),
    "cnn_image_folder_open": (c_void_p, (c_void_p, c_char_p, POINTER(cnn_image_folder_options))),
    "cnn_image_folder_free": (None, (c_void_p,)),
    "cnn_image_folder_class_count": (c_int64, (c_void_p,)),
    "cnn_image_folder_class_name": (c_char_p, (c_void_p, c_int64)),
    "cnn_image_folder_class_size": (c_int64, (c_void_p, c_int64)),
    "cnn_image_folder_size": (c_int64, (c_void_p,)),
    "cnn_image_folder_path": (c_char_p, (c_void_p, c_int64)),
    "cnn_image_folder_label": (c_int64, (c_void_p, c_int64)),
    "cnn_image_folder_skipped": (c_int64, (c_void_p,)),
}
