#!/usr/bin/env python3
"""Epochs of the tutorial's network at batch 200 on a GPU: libcnn's example, and PyTorch eager, compiled in two modes and as a CUDA
graph; and the floor, which is what such a step takes at least on this GPU.

PyTorch has the whole data set on the GPU, which is the best that it can do; libcnn's example is the program as it is. Both
with TF32 off and on. The best of the epochs that fit into the time counts, since others may use the machine. Ends with 1 where
libcnn's example does not run, or no PyTorch does.
"""
import argparse
import os
import re
import subprocess
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import network  # noqa: E402

BATCH, IMAGES = 200, 60000
KINDS = ["eager", "compile", "reduce-overhead", "graph"]
# Of a step, as counted on the stand-in with CNN_CUDA_GRAPHS=0 (37 kernels, 11 products and convolutions).
LAUNCHES = 48
# Floating-point operations of an image: two convolutions and two products, forward, by the weights, and, but for the first, by the input.
FORWARD = [2 * 28 * 28 * 32 * 25, 2 * 14 * 14 * 64 * 32 * 25, 2 * 3136 * 1000, 2 * 1000 * 10]
FLOPS = BATCH * (3 * sum(FORWARD) - FORWARD[0])
PARAMETERS = 3199106


def step_bytes():
    """What a step has to move at least: Adam reads weight, gradient and two moments and writes three of them; the weights are read
    forward and backward and their gradient is written; activations are written and read twice, pooled ones with their indices."""
    weights = 4 * PARAMETERS * (7 + 2 + 1)
    activations = 4 * BATCH * (784 + 14 * 14 * 32 + 7 * 7 * 64 * 2 + 1000 + 10)
    return weights + 3 * activations


def ours(options, tf32, seconds, epochs):
    """The best epoch of the example, in seconds, from the images per second that it reports."""
    command = ["build/examples/mnist_cnn", *options, "--device", "cuda", "--math", "tf32" if tf32 else "fast", "--epochs", str(epochs),
               "--seed", "1"]
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), *command], capture_output=True, text=True, check=False)
    rates = [float(r.replace(",", "")) for r in re.findall(r"([0-9][0-9.,]*) images/s", done.stdout)]
    if not rates:
        return None, "FAILED " + (done.stderr or done.stdout or f"status {done.returncode}").strip()[-300:]
    return IMAGES / max(rates), f"{len(rates)} epochs"


def synchronize(device):
    """Waits for the GPU."""
    if device == "cuda":
        torch.cuda.synchronize()


def least_time(device, run, count=20):
    """Of some runs, in seconds."""
    best = float("inf")
    for _ in range(count):
        synchronize(device)
        begin = time.monotonic()
        run()
        synchronize(device)
        best = min(best, time.monotonic() - begin)
    return best


def launch_time(device):
    """Of one of many small kernels, each of which waits for the one before, in a graph."""
    x = torch.zeros(1, device=device)

    def many():
        for _ in range(1000):
            x.add_(1)

    if device != "cuda":
        return least_time(device, many, 3) / 1000
    many()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        many()
    return least_time(device, graph.replay) / 1000


def floor(device, tf32):
    """The floor of an epoch in seconds, from what this GPU reaches in a large product, a large copy and a chain of small kernels."""
    size = 8192 if device == "cuda" else 256
    a, b = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    wide = torch.rand(2 ** 28 if device == "cuda" else 2 ** 20, device=device)
    copy = torch.empty_like(wide)
    torch.backends.cuda.matmul.allow_tf32 = tf32
    rate = 2 * size ** 3 / least_time(device, lambda: torch.mm(a, b))
    bandwidth = 2 * wide.numel() * 4 / least_time(device, lambda: copy.copy_(wide))
    parts = FLOPS / rate, step_bytes() / bandwidth, LAUNCHES * launch_time(device)
    print(f"TF32 {'on' if tf32 else 'off'}: the floor of a step: {FLOPS / 1e9:.1f} GFLOP at {rate / 1e12:.1f} TFLOP/s reached: "
          f"{1e6 * parts[0]:.0f} us; {step_bytes() / 1e6:.0f} MB at {bandwidth / 1e12:.2f} TB/s reached: {1e6 * parts[1]:.0f} us; "
          f"{LAUNCHES} launches in a graph: {1e6 * parts[2]:.0f} us", flush=True)
    return sum(parts) * IMAGES / BATCH


def steps_of(kind, data, labels):
    """A function that makes one epoch."""
    device = data.device
    model = network().to(device)
    adam = torch.optim.Adam(model.parameters(), lr=0.001, capturable=kind == "graph", fused=device.type == "cuda")
    loss_of = torch.nn.CrossEntropyLoss()
    forward = {"compile": torch.compile, "reduce-overhead": lambda m: torch.compile(m, mode="reduce-overhead")}.get(kind, lambda m: m)(model)
    x, y = torch.empty(BATCH, 1, 28, 28, device=device), torch.empty(BATCH, dtype=torch.int64, device=device)

    def step():
        adam.zero_grad(set_to_none=kind != "graph")
        loss = loss_of(forward(x), y)
        loss.backward()
        adam.step()
        return loss

    replay = step
    if kind == "graph":
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        replay = graph.replay

    def epoch():
        order = torch.randperm(len(data), device=device)
        for i in range(0, len(data), BATCH):
            rows = order[i:i + BATCH]
            x.copy_(data[rows])
            y.copy_(labels[rows])
            replay()
        synchronize(device.type)

    return epoch


def peer(kind, tf32, seconds, device, images):
    """The best epoch of PyTorch's."""
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(1)
    data = torch.rand(images, 1, 28, 28, device=device)
    labels = torch.randint(0, 10, (images,), device=device)
    try:
        epoch = steps_of(kind, data, labels)
        epoch()
    except Exception as error:  # pylint: disable=broad-except   what cannot be measured is said
        return None, "not measured: " + (str(error).strip() or type(error).__name__).splitlines()[-1][:200]
    best, count, end = float("inf"), 0, time.monotonic() + seconds
    while count < 3 or (time.monotonic() < end and count < 50):
        begin = time.monotonic()
        epoch()
        best, count = min(best, time.monotonic() - begin), count + 1
    return best * IMAGES / images, f"{count} epochs"


def compare(options, tf32, share, device, images):
    """Prints a line for each, how libcnn compares with the best, and with the floor. Whether all that has to run did."""
    word, peers = f"TF32 {'on' if tf32 else 'off'}", []
    for kind in KINDS:
        best, note = peer(kind, tf32, share, device, images)
        peers += [best] if best else []
        print(f"{word}: PyTorch {kind}: " + (f"{1000 * best:.1f} ms ({note})" if best else note), flush=True)
    # Without a GPU an epoch of a few images takes what it takes, which is more where others use the CPUs, too.
    best, note = ours(options, tf32, share, 20) if device == "cuda" else ours(options, tf32, 300, 1)
    least = floor(device, tf32)
    print(f"{word}: libcnn: " + (f"{1000 * best:.1f} ms ({note})" if best else note), flush=True)
    if best and peers:
        print(f"{word}: {min(peers) / best:.2f} times PyTorch's best (aim: 1.5); an epoch under 60 ms: {'yes' if best < 0.06 else 'no'}; "
              f"{best / least:.2f} times the floor of {1000 * least:.1f} ms", flush=True)
    return bool(best and peers)


def main():
    """Both precisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--standin", action="store_true", help="proves the script: few images, PyTorch on the CPU, not compiled")
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    device, images = ("cpu", BATCH) if args.standin else ("cuda", IMAGES)
    if args.standin:
        args.options += ["--limit", "400", "--batch-size", "50"]
        KINDS[1:3] = []  # torch.compile takes minutes on a CPU
    if device == "cuda" and not torch.cuda.is_available():
        print(f"FAILED PyTorch {torch.__version__} finds no GPU")
        return 1
    name = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    print(f"PyTorch {torch.__version__} for CUDA {torch.version.cuda}, {name}, batch {BATCH}, an epoch of {IMAGES} images")
    share = args.seconds / (2 * (len(KINDS) + 2))
    good = [compare(args.options, tf32, share, device, images) for tf32 in (False, True)]
    return 0 if all(good) else 1


sys.exit(main())
