"""Finds the peers that libcnn is timed against: Debian's packages, and PyPI's in the environment that `make bench-peers` makes.

A family (PyTorch, oneDNN, …) may be there in several releases and run in several ways; the fastest of a family is the one that counts.
What each one found at work, its BLAS and instruction set, is asked of the process itself and printed under every table. A PyTorch
whose BLAS is the reference one (libblas3 without OpenBLAS) is a tenth as fast as it can be, so it is refused.
"""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Candidate:
    """One way to run one release of a peer. `command` gets the options of bench_net.c."""
    family: str
    name: str
    command: list
    environment: dict = field(default_factory=dict)


def elementwise_lines():
    """The lines of elementwise.def and those of activations."""
    text = ""
    for path in ("elementwise.def", "../src/ops/activations.def"):
        with open(os.path.join(HERE, path)) as file:
            text += file.read().partition("*/")[2]
    return text


def venv(build):
    return os.path.join(build, "bench", "venv")


def answers(python, code):
    """What a Python prints, or None where it fails."""
    try:
        run = subprocess.run([python, "-c", code], capture_output=True, text=True, env={**os.environ, **openblas()}, timeout=300)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def openblas():
    """On a processor that is newer than it, the OpenBLAS under Debian's PyTorch falls back on SSE kernels: a fifth of its speed."""
    try:
        with open("/proc/cpuinfo") as file:
            wide = "avx512bw" in file.read()
    except OSError:
        wide = False
    return {"OPENBLAS_CORETYPE": "SKYLAKEX"} if wide and "OPENBLAS_CORETYPE" not in os.environ else {}


def pythons(build):
    """(where from, interpreter) of every Python that may have peers."""
    own = os.path.join(venv(build), "bin", "python")
    found = {"Debian": "/usr/bin/python3", "PyPI": own, "this Python": sys.executable}
    seen = set()
    for origin, python in found.items():
        real = python if origin == "PyPI" else os.path.realpath(python)
        if os.path.exists(python) and real not in seen:
            seen.add(real)
            yield origin, python


def torches(build):
    """(where from, interpreter) of every PyTorch that may be compared with; says why another may not."""
    for origin, python in pythons(build):
        blas = answers(python, f"import sys; sys.path.insert(0, {HERE!r}); import peer_pytorch; print(peer_pytorch.blas())")
        if blas is None:
            continue
        if blas.startswith("reference"):
            print(f"refused peer: PyTorch of {origin}: its BLAS is the {blas}; apt-get install libopenblas-dev")
            continue
        yield origin, python


def pytorch(build):
    script = os.path.join(HERE, "peer_pytorch.py")
    for origin, python in torches(build):
        label = f"PyTorch ({origin})"
        yield Candidate("PyTorch", label, [python, script], openblas())
        yield Candidate("PyTorch", label + ", bound", [python, script], {"OMP_PROC_BIND": "true", **openblas()})
        if origin == "PyPI" and shutil.which("g++"):
            yield Candidate("PyTorch", label + ", compiled", [python, script, "-c"], {"OMP_PROC_BIND": "true", **openblas()})


def onednn(build):
    program = os.path.join(build, "bench", "peer_onednn")
    if os.path.exists(program):
        yield Candidate("oneDNN", "oneDNN (Debian)", [program], {"OMP_PROC_BIND": "true"})
    program, lib = program + "_pypi", os.path.abspath(os.path.join(venv(build), "lib"))
    if os.path.exists(program):
        # It runs on SYCL, whose CPU device is a file of the same environment that the loader must be told of.
        environment = {"LD_LIBRARY_PATH": lib, "OCL_ICD_FILENAMES": os.path.join(lib, "libintelocl.so")}
        yield Candidate("oneDNN", "oneDNN (PyPI)", [program], environment)


def runtimes(build):
    model, script = os.path.join(build, "bench", "tutorial.onnx"), os.path.join(HERE, "peer_onnx.py")
    python = os.path.join(venv(build), "bin", "python")
    for family, module in (("ONNX Runtime", "onnxruntime"), ("OpenVINO", "openvino")):
        if os.path.exists(model) and os.path.exists(python) and answers(python, f"import {module}") is not None:
            yield Candidate(family, f"{family} (PyPI)", [python, script, module, model])


def find(build):
    """All candidates by family; says how to get a family that is missing."""
    found = {"PyTorch": list(pytorch(build)), "oneDNN": list(onednn(build)), "ONNX Runtime": [], "OpenVINO": []}
    for candidate in runtimes(build):
        found[candidate.family].append(candidate)
    how = {"PyTorch": "apt-get install python3-torch libopenblas-dev", "oneDNN": "apt-get install libdnnl-dev, then make bench",
           "ONNX Runtime": "make bench-peers", "OpenVINO": "make bench-peers"}
    for family, candidates in found.items():
        if not candidates:
            print(f"missing peer: {family} ({how[family]})")
    return found
