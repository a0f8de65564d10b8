#!/usr/bin/env python3
"""libcnn's CPU kernels on many cores, beside PyTorch on the same cores: the tutorial's network, images per second.

Training at batch 200 and 1000, and inference at batch 1000, with 1, 2, 4, 8 and 16 threads. PyTorch gets batches that are made
already; libcnn's example is the program as it is, with its reading, shuffling and testing.
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


def ours(options, threads, batch, inference, seconds):
    """The best images per second that the example reports; of inference, by the time of --eval-only on the test images."""
    command = ["build/examples/mnist_cnn", *options, "--device", "cpu", "--threads", str(threads), "--batch-size", str(batch)]
    if inference:
        command += ["--epochs", "0"]
        times = []
        for _ in range(2):
            begin = time.monotonic()
            subprocess.run(command, capture_output=True, check=False)
            times.append(time.monotonic() - begin)
        return 10000 / min(times)
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), *command, "--epochs", "3", "--limit", "20000"], capture_output=True,
                          text=True, check=False)
    rates = [float(r.replace(",", "")) for r in re.findall(r"([0-9][0-9.,]*) images/s", done.stdout)]
    return max(rates) if rates else 0


def peer(threads, batch, inference, seconds):
    """PyTorch's, the best third of a few steps."""
    torch.set_num_threads(threads)
    model, loss_of = network(), torch.nn.CrossEntropyLoss()
    adam = torch.optim.Adam(model.parameters())
    x, y = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
    model.train(not inference)
    times, end = [], time.monotonic() + seconds
    while len(times) < 4 or time.monotonic() < end:
        begin = time.monotonic()
        if inference:
            with torch.inference_mode():
                model(x)
        else:
            adam.zero_grad()
            loss_of(model(x), y).backward()
            adam.step()
        times.append(time.monotonic() - begin)
    return batch / min(times)


def main():
    """A table, line by line as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=140)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    threads = [t for t in (1, 2, 4, 8, 16) if t <= (os.cpu_count() or 1)]
    share = args.seconds / (len(threads) * 6)
    print(f"PyTorch {torch.__version__}, {os.cpu_count()} CPUs; images per second: libcnn, PyTorch, quotient")
    for count in threads:
        for batch, inference in ((200, False), (1000, False), (1000, True)):
            a, b = ours(args.options, count, batch, inference, max(share, 4)), peer(count, batch, inference, share)
            what = "inference" if inference else "training"
            print(f"{count:2d} threads, {what} at batch {batch}: {a:.0f}, {b:.0f}, {a / b:.2f}", flush=True)


main()
