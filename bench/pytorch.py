"""PyTorch as a peer: which Python has it, and what it is told about the processor."""
import os
import subprocess
import sys


def python():
    """The first Python that imports torch, or None."""
    return next((python for python in dict.fromkeys([sys.executable, "/usr/bin/python3"])
                 if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0), None)


def environment():
    """On a processor that is newer than it, the OpenBLAS under PyTorch falls back on SSE kernels: a fifth of its speed."""
    try:
        with open("/proc/cpuinfo") as file:
            wide = "avx512bw" in file.read()
    except OSError:
        wide = False
    return {"OPENBLAS_CORETYPE": "SKYLAKEX"} if wide and "OPENBLAS_CORETYPE" not in os.environ else {}
