#!/usr/bin/env python3
"""Writes the node tests of PyPI's onnx, which its wheel has as Python alone, as files: usage: generate_node_tests.py FOLDER.

A model that asks for a later opset than libcnn-onnx reads, but uses operators that opset 22 has in the same version, asks for 22
instead."""
import importlib
import pathlib
import pkgutil
import sys

import onnx
import onnx.backend.test.case.node as node_cases
from onnx import defs, numpy_helper

NEWEST = 22


def write_value(value, kind, name, path):
    if kind.HasField("sequence_type"):
        proto = numpy_helper.from_list(value, name)
    elif kind.HasField("optional_type"):
        proto = numpy_helper.from_optional(value, name)
    elif isinstance(value, onnx.TensorProto):
        proto = value
    else:
        proto = numpy_helper.from_array(value, name)
    path.write_bytes(proto.SerializeToString())


def newest_of(graph, opset):
    """The opset from which on all operators of the graph are as they are in `opset`."""
    newest = 1
    for node in graph.node:
        if node.domain in ("", "ai.onnx"):
            newest = max(newest, defs.get_schema(node.op_type, opset).since_version)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                newest = max(newest, newest_of(attribute.g, opset))
    return newest


def write(case, folder):
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > NEWEST and newest_of(model.graph, entry.version) <= NEWEST:
            entry.version = NEWEST
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{i}"
        data.mkdir(exist_ok=True)
        for values, described, kind in ((inputs, model.graph.input, "input"), (outputs, model.graph.output, "output")):
            for j, value in enumerate(values):
                write_value(value, described[j].type, described[j].name, data / f"{kind}_{j}.pb")


def main():
    target = pathlib.Path(sys.argv[1])
    for module in pkgutil.iter_modules(node_cases.__path__):
        try:
            importlib.import_module(f"onnx.backend.test.case.node.{module.name}")
        except ImportError as missing:
            print(f"skipped: {module.name} ({missing})")
    import onnx.backend.test.case.base as base
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()):
        cases = node_cases.collect_testcases(None)
    written = 0
    for case in cases:
        try:
            write(case, target / case.name)
            written += 1
        except Exception as why:  # a type that the installed NumPy does not know
            print(f"skipped: {case.name} ({why})")
    print(f"{written} node tests")


if __name__ == "__main__":
    main()
