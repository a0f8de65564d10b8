#!/usr/bin/env python3
"""libcnn's CPU kernels on many cores, beside PyTorch on the same cores: the tutorial's network, images per second.

Training at batch 200 and 1000, and inference at batch 1000, with 1, 2, 4, 8 and 16 threads: steps on batches that are in memory, of
build/bench/bench_net and of PyTorch; the least time of a step counts, since others may use the machine. Ends with 1 where
bench_net does not run.
"""
import argparse
import os
import subprocess
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import network  # noqa: E402

LEAST_STEPS = 4


def ours(threads, batch, inference, seconds):
    """Images per second of bench_net, whose protocol is a number of steps in, their times out."""
    command = ["build/bench/bench_net", "-n", "tutorial", "-t", str(threads), "-b", str(batch)] + ["-i"] * inference
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bench:
        ready = bench.stdout.readline()
        if not ready.startswith("ready"):
            raise RuntimeError(f"{' '.join(command)} says {ready!r} and ends with {bench.wait()}")
        times, end = [], time.monotonic() + seconds
        while len(times) < LEAST_STEPS or time.monotonic() < end:
            bench.stdin.write("2\n")
            bench.stdin.flush()
            line = bench.stdout.readline().split()
            if not line:
                raise RuntimeError(f"{' '.join(command)} ends with {bench.wait()}")
            times += [float(t) for t in line]
        bench.stdin.close()
        bench.stdout.read()
        if bench.wait() != 0:
            raise RuntimeError(f"{' '.join(command)} ends with {bench.returncode}")
    return batch / min(times)


def peer(threads, batch, inference, seconds):
    """PyTorch's."""
    torch.set_num_threads(threads)
    model, loss_of = network(), torch.nn.CrossEntropyLoss()
    adam = torch.optim.Adam(model.parameters())
    x, y = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
    model.train(not inference)
    times, end = [], time.monotonic() + seconds
    while len(times) < LEAST_STEPS or time.monotonic() < end:
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
    """A table, line by line as it is measured; the number of lines that could not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=140)
    parser.add_argument("--standin", action="store_true", help="proves the script: one number of threads, small batches")
    args = parser.parse_args()
    threads = [t for t in (1, 2, 4, 8, 16) if t <= (os.cpu_count() or 1)]
    kinds = [(200, False), (1000, False), (1000, True)]
    if args.standin:
        threads, kinds, args.seconds = threads[:1], [(20, False), (20, True)], 4
    share = args.seconds / (len(threads) * len(kinds) * 2)
    failed = 0
    print(f"PyTorch {torch.__version__}, {os.cpu_count()} CPUs; images per second: libcnn, PyTorch, quotient")
    for count in threads:
        for batch, inference in kinds:
            what = f"{count:2d} threads, {'inference' if inference else 'training'} at batch {batch}"
            try:
                a, b = ours(count, batch, inference, share), peer(count, batch, inference, share)
                print(f"{what}: {a:.0f}, {b:.0f}, {a / b:.2f}", flush=True)
            except (RuntimeError, OSError) as error:
                failed += 1
                print(f"{what}: FAILED {error}", flush=True)
    return failed


sys.exit(main() != 0)
