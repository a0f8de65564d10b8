#!/usr/bin/env python3
"""Runs ONNX files that write_models or write_zoo wrote with onnxruntime, and compares with what libcnn computed.

Usage: check_models.py FOLDER                        the files in the folder
       check_models.py --zoo WRITE_ZOO FOLDER [NET]  has each net written first, and deletes its files afterwards
Each file must pass onnx.checker with full_check, where onnx is installed. Skips with a line where onnxruntime is not."""
import pathlib
import subprocess
import sys

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed for {sys.executable} (pip install onnxruntime onnx)")
    sys.exit(0)
try:
    import onnx.checker
except ImportError:
    onnx = None

BATCHES = [0, 0]  # files that were run with a second batch, at index 1
DTYPES = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64, "tensor(bool)": numpy.bool_}
onnxruntime.set_default_logger_severity(3)


def results(session, path):
    """What onnxruntime computes of the elements at `path`, each result with the name of its type."""
    entry = session.get_inputs()[0]
    shape = [int(size) for size in path.with_suffix(".shape").read_text().split()]
    x = numpy.fromfile(path, DTYPES[entry.type]).reshape(shape)
    return [(value, result.type) for value, result in zip(session.run(None, {entry.name: x}), session.get_outputs())]


def agrees(name, path, i, value, type_name, relative):
    """Whether output i is what libcnn computed, with a line that says how far both are apart."""
    expected = numpy.fromfile(path.with_suffix(f".output{i}"), DTYPES[type_name]).reshape(value.shape)
    far = numpy.abs(value.astype(float) - expected.astype(float))
    error = float(far.max(initial=0))
    if relative:  # to the largest number of the output
        error /= float(numpy.abs(expected).max()) or numpy.nan  # zeros prove nothing
        good = error <= 1e-5
    elif name == "bfloat16":  # a sum whose last bits differ may be rounded the other way, which is rare
        good = error <= 2**-7 * numpy.abs(expected).max() and (value == expected).mean() >= 0.8
    elif value.dtype.kind == "f":
        good = bool((far <= 1e-5 * numpy.maximum(1, numpy.abs(expected))).all())
    else:
        good = error == 0
    if not good or not name.startswith("op_"):
        kind = "relative" if relative else "largest"
        print(f"{path.stem}: output {i} {list(value.shape)}, {kind} difference {error:.2g}{'' if good else ', FAILED'}", flush=True)
    return good


def names_are_kept(path):
    """Whether the file's tensors that are not made have names of the state_dict, which NAME.names lists."""
    names = path.with_suffix(".names")
    if not onnx or not names.exists():
        return True
    known = set(names.read_text().split())
    model = onnx.load(str(path), load_external_data=False)
    made = {t.name for t in model.graph.initializer} - known
    missing = known - {t.name for t in model.graph.initializer}
    good = all(name.startswith("t") and name.strip("t_").isdigit() for name in made) and not missing
    if not good:
        print(f"{path.stem}: names of tensors {sorted(made)[:5]}, without {sorted(missing)[:5]}, FAILED")
    return good


def is_the_same_again(path):
    """Whether NET.again.onnx, which is NET.onnx loaded and saved, has the names of its inputs, outputs and weights."""
    if not onnx or not path.stem.endswith(".again"):
        return True
    again, first = (onnx.load(str(p), load_external_data=False).graph for p in (path, path.with_name(path.name.replace(".again", ""))))
    state = set(path.with_name(path.name.replace(".again.onnx", ".names")).read_text().split())
    names = lambda values: [value.name for value in values]
    missing = state & set(names(first.initializer)) - set(names(again.initializer))
    good = names(again.input) == names(first.input) and names(again.output) == names(first.output) and not missing
    if not good:
        print(f"{path.stem}: {names(again.input)}, {names(again.output)}, without {sorted(missing)[:5]}, FAILED")
    return good


def failures(path, relative=False):
    """How many faults a file has."""
    try:
        if onnx:
            onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        failed = (not names_are_kept(path)) + (not is_the_same_again(path))
        symbolic = any(isinstance(size, str) for size in session.get_inputs()[0].shape)
        for values in [path.with_suffix(".input"), path.with_suffix(".more.input")][: 1 + symbolic]:
            if values.exists() or not path.stem.startswith("op_"):
                failed += sum(not agrees(path.stem, values, i, *result, relative) for i, result in enumerate(results(session, values)))
                BATCHES[symbolic] += symbolic and ".more" in values.name
        return failed
    except Exception as refused:  # both libraries have classes of their own
        print(f"{path.stem}: {str(refused).strip()}, FAILED")
        return 1


def check_folder(folder):
    """How many faults the files of a folder have."""
    files = sorted(folder.glob("*.onnx"))
    operations = sum(path.stem.startswith("op_") for path in files)
    failed = sum(map(failures, files))
    print(f"{operations} operations, each in a model of its own, and {len(files) - operations} models; {BATCHES[1]} with a second batch")
    return failed


def check_zoo(program, folder, nets):
    """How many faults the nets of the zoo have."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for net in nets or subprocess.run([program], check=True, capture_output=True, text=True).stdout.split():
        subprocess.run([program, net, folder], check=True)
        for path in sorted(folder.glob(f"{net}*.onnx")):
            failed += failures(path, relative=True)
        for path in folder.glob(f"{net}*"):
            path.unlink()
    return failed


if sys.argv[1] == "--zoo":
    faults = check_zoo(sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4:])
else:
    faults = check_folder(pathlib.Path(sys.argv[1]))
checker = f", onnx.checker of {onnx.__version__}" if onnx else ""
print(f"onnxruntime {onnxruntime.__version__}{checker}: {'all agree' if not faults else f'{faults} differ'}")
sys.exit(faults != 0)
