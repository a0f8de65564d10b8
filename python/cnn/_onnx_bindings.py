"""The C functions of libcnn-onnx by ctypes: enumerations, structs and prototypes.

Written by tools/make-python.py from the headers; do not edit."""
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int, c_int64, c_size_t, c_ubyte, c_void_p

from ._bindings import DType, Enums, Names, cnn_trace_input


class cnn_onnx_options(Structure):
    """Options of cnn_onnx_load(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("running_statistics", c_bool),
        ("map", c_bool),
        ("reserved", c_ubyte * 6),
    ]
    _enums_: Enums = {}


class cnn_onnx_value(Structure):
    """An input or output of a model."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("symbols", c_char_p * 8),
        ("shape", c_int64 * 8),
        ("dtype", c_int),
        ("ndim", c_int),
        ("reserved", c_ubyte * 8),
    ]
    _enums_: Enums = {"dtype": DType}


class cnn_onnx_save_options(Structure):
    """Options of cnn_onnx_save(); zero means the default."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("inputs", POINTER(cnn_trace_input)),
        ("input_names", POINTER(c_char_p)),
        ("output_names", POINTER(c_char_p)),
        ("input_count", c_int),
        ("output_count", c_int),
        ("opset", c_int),
        ("batch_dim", c_int),
        ("fixed_batch", c_bool),
        ("fold_batch_norm", c_bool),
        ("external_data", c_bool),
        ("symbolic_sizes", c_bool),
        ("reserved", c_ubyte * 4),
    ]
    _nonzero_: Names = ("input_count", "output_count", "opset",)
    _enums_: Enums = {}


# Name: (result, parameters).
FUNCTIONS = {
    "cnn_onnx_load": (c_void_p, (c_void_p, c_char_p, POINTER(cnn_onnx_options))),
    "cnn_onnx_input_count": (c_int, (c_void_p,)),
    "cnn_onnx_output_count": (c_int, (c_void_p,)),
    "cnn_onnx_input": (c_int, (c_void_p, c_int, POINTER(cnn_onnx_value))),
    "cnn_onnx_output": (c_int, (c_void_p, c_int, POINTER(cnn_onnx_value))),
    "cnn_onnx_operator": (c_char_p, (c_int,)),
    "cnn_onnx_save": (c_int, (c_void_p, c_char_p, POINTER(cnn_onnx_save_options))),
}
