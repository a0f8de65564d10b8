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

DTYPES = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64}
folder = pathlib.Path(sys.argv[1])
failed = 0
for path in sorted(folder.glob("*.onnx")):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    x = numpy.fromfile(path.with_suffix(".input"), DTYPES[entry.type]).reshape(entry.shape)
    for i, (value, result) in enumerate(zip(session.run(None, {entry.name: x}), session.get_outputs())):
        expected = numpy.fromfile(path.with_suffix(f".output{i}"), DTYPES[result.type]).reshape(value.shape)
        error = float(numpy.abs(value.astype(float) - expected).max())
        if path.stem == "bfloat16":  # a sum whose last bits differ may be rounded the other way, which is rare
            good = error <= 2**-7 * numpy.abs(expected).max() and (value == expected).mean() >= 0.8
        else:
            good = error <= (0 if value.dtype == numpy.int64 else 1e-5)
        failed += not good
        print(f"{path.stem}: output {i} {list(value.shape)}, largest difference {error:.2g}{'' if good else ', FAILED'}")
print(f"onnxruntime {onnxruntime.__version__}: {'all agree' if not failed else f'{failed} differ'}")
sys.exit(failed != 0)
