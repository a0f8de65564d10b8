#!/usr/bin/env python3
"""Epochs of the tutorial's network at batch 200 on a GPU: libcnn's example, and PyTorch eager, compiled and as a CUDA graph.

PyTorch has the whole data set on the GPU, which is the best that it can do; libcnn's example is the program as it is. Both
with TF32 off and on. The best of the epochs that fit into the time counts, since others may use the machine.
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


def ours(options, tf32, seconds):
    """The best epoch of the example, in seconds, from the images per second that it reports."""
    environment = dict(os.environ, CNN_CUDA_TF32=str(int(tf32)))
    command = ["build/examples/mnist_cnn", *options, "--device", "cuda", "--epochs", "20", "--seed", "1"]
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), *command], env=environment, capture_output=True, text=True)
    rates = [float(r.replace(",", "")) for r in re.findall(r"([0-9][0-9.,]*) images/s", done.stdout)]
    if not rates:
        return None, (done.stderr or done.stdout).strip()[-300:]
    return IMAGES / max(rates), f"{len(rates)} epochs"


def steps_of(kind, data, labels):
    """A function that makes one epoch."""
    model = network().cuda()
    adam = torch.optim.Adam(model.parameters(), lr=0.001, capturable=kind == "graph", fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    forward = torch.compile(model) if kind == "compile" else model
    x, y = torch.empty(BATCH, 1, 28, 28, device="cuda"), torch.empty(BATCH, dtype=torch.int64, device="cuda")

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
        order = torch.randperm(IMAGES, device="cuda")
        for i in range(0, IMAGES, BATCH):
            rows = order[i:i + BATCH]
            x.copy_(data[rows])
            y.copy_(labels[rows])
            replay()
        torch.cuda.synchronize()

    return epoch


def peer(kind, tf32, seconds):
    """The best epoch of PyTorch's."""
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(1)
    data = torch.rand(IMAGES, 1, 28, 28, device="cuda")
    labels = torch.randint(0, 10, (IMAGES,), device="cuda")
    try:
        epoch = steps_of(kind, data, labels)
        epoch()
    except Exception as error:  # pylint: disable=broad-except   what cannot be measured is said
        return None, str(error).strip().splitlines()[-1][:200]
    best, count, end = float("inf"), 0, time.monotonic() + seconds
    while count < 3 or (time.monotonic() < end and count < 50):
        begin = time.monotonic()
        epoch()
        best, count = min(best, time.monotonic() - begin), count + 1
    return best, f"{count} epochs"


def main():
    """Prints a line for each, and how libcnn compares with the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    share = args.seconds / 8
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, batch {BATCH}, an epoch of {IMAGES} images")
    for tf32 in (False, True):
        peers = []
        for kind in ("eager", "compile", "graph"):
            best, note = peer(kind, tf32, share)
            peers += [best] if best else []
            print(f"TF32 {'on' if tf32 else 'off'}: PyTorch {kind}: " + (f"{1000 * best:.1f} ms ({note})" if best else note), flush=True)
        best, note = ours(args.options, tf32, share)
        print(f"TF32 {'on' if tf32 else 'off'}: libcnn: " + (f"{1000 * best:.1f} ms ({note})" if best else note), flush=True)
        if best and peers:
            print(f"TF32 {'on' if tf32 else 'off'}: {min(peers) / best:.2f} times PyTorch's best (aim: 1.5); "
                  f"an epoch under 60 ms: {'yes' if best < 0.06 else 'no'}", flush=True)


main()
