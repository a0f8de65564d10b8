#!/usr/bin/env python3
"""Runs the exported nets by onnxruntime and writes what it gives as a test of the ONNX project has it: usage: run_nets.py FOLDER"""
import pathlib
import sys

import numpy
import onnxruntime
from onnx import numpy_helper


def main():
    for model in sorted(path for path in pathlib.Path(sys.argv[1]).glob("*/model.onnx") if (path.parent / "inputs.npz").exists()):
        data = model.parent / "test_data_set_0"
        data.mkdir(exist_ok=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        saved = numpy.load(model.parent / "inputs.npz")
        arrays = [saved[f"input{i}"] for i in range(len(saved.files))]
        results = session.run(None, dict(zip((x.name for x in session.get_inputs()), arrays)))
        for kind, values in (("input", arrays), ("output", results)):
            for i, value in enumerate(values):
                (data / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(value, f"{kind}{i}").SerializeToString())


if __name__ == "__main__":
    main()
