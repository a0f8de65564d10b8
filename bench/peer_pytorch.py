#!/usr/bin/env python3
"""Trains or runs a network of nets.py on command, speaking the protocol of bench_net.c."""
import argparse
import ctypes
import itertools
import math
import os
import re
import resource
import sys
import time

import torch
from torch import nn

from nets import LAYERS, NETS, batches, train_step


class SymbolInfo(ctypes.Structure):
    """Dl_info of dlfcn.h."""
    _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p), ("address", ctypes.c_void_p)]


def library_of_sgemm():
    """The file whose sgemm_ PyTorch calls, as its own dependencies are searched; None where it has one inside."""
    with open("/proc/self/maps") as file:
        torch_cpu = next((line.split()[-1] for line in file if "libtorch_cpu" in line), None)
    try:
        sgemm, info = ctypes.CDLL(torch_cpu).sgemm_, SymbolInfo()
    except (AttributeError, OSError, TypeError):
        return None
    ctypes.CDLL(None).dladdr(ctypes.cast(sgemm, ctypes.c_void_p), ctypes.byref(info))
    path = os.path.realpath(info.file.decode())
    return None if "libtorch" in path else path


def blas():
    """The BLAS that multiplies matrices in this process, with what it chose for this CPU. "reference …" is Netlib's."""
    library = library_of_sgemm()
    if "BLAS_INFO=mkl" in torch.__config__.show():
        return "MKL " + next(iter(re.findall(r"Math Kernel Library Version ([0-9.]+)", torch.__config__.show())), "")
    if not library:
        return "built in"
    if "openblas" not in library:
        return library if re.search("blis|atlas|mkl", library) else f"reference BLAS {library}"
    functions = ctypes.CDLL("libopenblas.so.0")
    functions.openblas_get_corename.restype = functions.openblas_get_config.restype = ctypes.c_char_p
    return f"{' '.join(functions.openblas_get_config().decode().split()[:2])} for {functions.openblas_get_corename().decode()}"


def described():
    shown = torch.__config__.show()
    dnn = next(iter(re.findall(r"MKL-DNN v([0-9.]+)", shown)), "none")
    isa = next(iter(re.findall(r"CPU capability usage: ([A-Z0-9]+)", shown)), "unknown")
    return f"{torch.__version__}; BLAS {blas()}; oneDNN {dnn}; own kernels {isa}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", default="tutorial", choices=NETS, help="network")
    parser.add_argument("-t", type=int, default=0, help="threads; 0 leaves PyTorch's default")
    parser.add_argument("-b", type=int, default=200, help="batch size")
    parser.add_argument("-i", action="store_true", help="inference")
    parser.add_argument("-c", action="store_true", help="through torch.compile")
    args = parser.parse_args()
    if args.t:
        torch.set_num_threads(args.t)
    torch.manual_seed(1)
    make, shape = NETS[args.n]
    model = make()
    if args.c:
        model.compile()
    optimizer = None if args.n in LAYERS else torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    count = 60000 * 784 // math.prod(shape)
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8) * (torch.rand(count, *shape) < 0.25)
    source = batches(images, torch.arange(count) % 10, args.b)
    layer = args.n in LAYERS and not args.i
    batch = (lambda: torch.randn(args.b, *shape, requires_grad=layer)) if args.n in LAYERS else lambda: next(source)[0]
    inputs = itertools.cycle([batch() for _ in range(8)])
    gradient = batch().detach()

    def train():
        train_step(model, criterion, optimizer, *next(source))

    def infer():
        with torch.no_grad():
            model(next(inputs))

    def train_layer():
        x = next(inputs)
        y = model(x)
        model.zero_grad()
        x.grad = None
        y.backward(gradient)

    step = infer if args.i else train_layer if layer else train
    model.train(not args.i)
    for _ in range(3):
        step()
    print("ready", described(), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append("%.7f" % (time.perf_counter() - start))
        print(" ".join(times), flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
