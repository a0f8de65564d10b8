#!/usr/bin/env python3
"""Runs the ONNX files that write_models wrote with onnxruntime, and compares with what libcnn computed.

Usage: check_models.py FOLDER; skips with a line where onnxruntime is not installed."""
import pathlib
import sys

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed for {sys.executable} (pip install onnxruntime)")
    sys.exit(0)

DTYPES = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64, "tensor(bool)": numpy.bool_}


def results(path):
    """What onnxruntime computes, each result with the name of its type."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    x = numpy.fromfile(path.with_suffix(".input"), DTYPES[entry.type]).reshape(entry.shape)
    return [(value, result.type) for value, result in zip(session.run(None, {entry.name: x}), session.get_outputs())]


def agrees(path, i, value, type_name):
    """Whether output i is what libcnn computed, with a line that says how far both are apart."""
    expected = numpy.fromfile(path.with_suffix(f".output{i}"), DTYPES[type_name]).reshape(value.shape)
    far = numpy.abs(value.astype(float) - expected.astype(float))
    error = float(far.max(initial=0))
    if path.stem == "bfloat16":  # a sum whose last bits differ may be rounded the other way, which is rare
        good = error <= 2**-7 * numpy.abs(expected).max() and (value == expected).mean() >= 0.8
    elif value.dtype.kind == "f":
        good = bool((far <= 1e-5 * numpy.maximum(1, numpy.abs(expected))).all())
    else:
        good = error == 0
    if not good or not path.stem.startswith("op_"):
        print(f"{path.stem}: output {i} {list(value.shape)}, largest difference {error:.2g}{'' if good else ', FAILED'}")
    return good


failed = operations = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    operations += path.stem.startswith("op_")
    try:
        failed += sum(not agrees(path, i, *result) for i, result in enumerate(results(path)))
    except Exception as refused:  # onnxruntime has classes of its own
        failed += 1
        print(f"{path.stem}: {str(refused).strip()}, FAILED")
print(f"{operations} operations, each in a model of its own")
print(f"onnxruntime {onnxruntime.__version__}: {'all agree' if not failed else f'{failed} differ'}")
sys.exit(failed != 0)
