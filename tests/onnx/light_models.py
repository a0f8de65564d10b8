"""The light models of the ONNX project, which are in PyPI's onnx, as folders with their inputs, which its runner makes, and outputs.

usage: light_models.py FOLDER
"""
import glob
import inspect
import os
import shutil
import sys

import onnx
import onnx.backend.test
from onnx import numpy_helper
from onnx.backend.test.runner import Runner

models = sorted(glob.glob(os.path.join(os.path.dirname(onnx.backend.test.__file__), "data", "light", "*.onnx")))
if not models:
    sys.exit("light_models.py: this onnx has no light models")
dummy = Runner.generate_dummy_data
arguments = (None,) if "self" in inspect.signature(dummy).parameters else ()
for path in models:
    name = os.path.splitext(os.path.basename(path))[0]
    data = os.path.join(sys.argv[1], name, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    shutil.copy(path, os.path.join(sys.argv[1], name, "model.onnx"))
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    for number, value in enumerate(inputs):
        x = dummy(*arguments, value, seed=0, name=name, random=False)
        with open(os.path.join(data, f"input_{number}.pb"), "wb") as file:
            file.write(numpy_helper.from_array(x).SerializeToString())
    for number in range(len(graph.output)):
        shutil.copy(f"{path[:-5]}_output_{number}.pb", os.path.join(data, f"output_{number}.pb"))
