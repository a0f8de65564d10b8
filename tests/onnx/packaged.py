#!/usr/bin/env python3
"""Runs ONNX models that others made by libcnn and by onnxruntime, and says where they differ.

usage: python3 tests/onnx/packaged.py FILE...        files: models, or Python wheels and archives that have some in them
       e.g. pip download --no-deps rapidocr-onnxruntime magika silero-vad && python3 tests/onnx/packaged.py *.whl

Inputs are drawn; sizes that a model leaves open are 1 for the first, 3 channels and 64 x 64 pixels, or 16 otherwise; --size NAME=1x512
gives one. Two results agree where they differ by at most 1e-4 of the largest number or by 1e-6: onnxruntime's Sigmoid is no
better than that near 0. A model with an operator that --quantised names, which rounds its inputs to eight bits as they come where libcnn
computes in real numbers, agrees within 1e-2 of the largest number. Needs numpy, onnx and onnxruntime, and libcnn in lib/ or where CNN_LIBRARY says. Exits 1 on a difference, and
where there is no model.
"""
import argparse
import os
import sys
import tarfile
import tempfile
import zipfile

import numpy
import onnx
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
os.environ.setdefault("CNN_LIBRARY", os.path.join(HERE, "..", "..", "lib", "libcnn.so"))
import cnn  # noqa: E402
import cnn.onnx  # noqa: E402


def models(paths, folder):
    """The name and the path of every model in the files."""
    for number, path in enumerate(paths):
        if path.endswith(".onnx"):
            yield os.path.basename(path), path
            continue
        inside = os.path.join(folder, str(number))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(inside, [name for name in archive.namelist() if name.endswith(".onnx")])
        else:
            with tarfile.open(path) as archive:
                archive.extractall(inside, [one for one in archive.getmembers() if one.name.endswith(".onnx")], filter="data")
        for root, _, names in sorted(os.walk(inside)):
            for name in sorted(names):
                yield f"{os.path.basename(path).split('-')[0]}: {name}", os.path.join(root, name)


def shape_of(given, sizes, model):
    for name in (f"{given.name}@{model}", given.name):
        if name in sizes:
            return sizes[name]
    picture = len(given.shape) == 4
    usual = [1, 3, 64, 64] if picture else [1] + [16] * len(given.shape)
    return [size if isinstance(size, int) and size > 0 else usual[d] for d, size in enumerate(given.shape)]


def drawn(given, sizes, model, rng):
    shape = shape_of(given, sizes, model)
    if "float16" in given.type:
        return rng.standard_normal(shape).astype(numpy.float16)
    if "float" in given.type or "double" in given.type:
        return rng.standard_normal(shape).astype(numpy.float64 if "double" in given.type else numpy.float32)
    if "bool" in given.type:
        return numpy.ones(shape, bool)
    kind = given.type[len("tensor("):-1]
    # A number alone is a rate of samples where such models have one.
    return numpy.full(shape, 16000, kind) if not shape else rng.integers(0, 100, shape).astype(kind)


def compare(path, sizes, relative):
    """What differs by more than `relative` of the largest number, "" where nothing does."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    rng = numpy.random.default_rng(1)
    feed = {given.name: drawn(given, sizes, os.path.basename(path), rng) for given in session.get_inputs()}
    expected = session.run(None, feed)
    module = cnn.onnx.load(path).eval()
    with cnn.no_grad():
        results = module(*[cnn.tensor(x) for x in feed.values()])
    results = results if isinstance(results, (list, tuple)) else [results]
    for output, result, wanted in zip(session.get_outputs(), results, expected):
        result = numpy.asarray(result.numpy())
        if result.shape != wanted.shape:
            return f"{output.name} is {list(result.shape)}, expected {list(wanted.shape)}"
        if not result.size:
            continue
        worst = numpy.abs(result.astype(numpy.float64) - wanted.astype(numpy.float64)).max()
        if not worst <= max(relative * float(numpy.abs(wanted).max()), 1e-6):
            return f"{output.name} differs by {worst:.2g}, the largest number is {float(numpy.abs(wanted).max()):.2g}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", action="append", default=[], metavar="NAME=AxB",
                        help="the sizes of an input, NAME@FILE=AxB of that model alone")
    parser.add_argument("--quantised", action="append", default=[], metavar="OPERATOR",
                        help="an operator that rounds its inputs to eight bits")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    sizes = {name: [int(size) for size in text.split("x") if size] for name, text in (one.split("=", 1) for one in args.size)}
    count = different = rounded = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, path in models(args.files, folder):
            about = onnx.load(path, load_external_data=False)
            opset = max((one.version for one in about.opset_import if one.domain in ("", "ai.onnx")), default=0)
            quantised = any(node.op_type in args.quantised for node in about.graph.node)
            try:
                says = compare(path, sizes, 1e-2 if quantised else 1e-4)
            except cnn.Error as error:
                says = str(error)
            except Exception as error:  # pylint: disable=broad-except
                says = f"onnxruntime does not run it: {str(error)[:200]}"
            count += 1
            different += bool(says)
            rounded += quantised and not says
            print(f"{name} | {about.producer_name or 'unnamed'} {about.producer_version} | {opset} | "
                  f"{says or ('the same but for rounding to eight bits' if quantised else 'the same')}", flush=True)
    print(f"packaged models: {count - different - rounded} compute the same, {rounded} the same but for rounding to eight bits, "
          f"{different} fail")
    return different > 0 or count == 0


if __name__ == "__main__":
    sys.exit(main())
