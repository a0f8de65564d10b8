#!/usr/bin/env python3
"""Trains or runs a network of nets.py on command, speaking the protocol of bench_net.c."""
import argparse
import itertools
import math
import resource
import sys
import time

import torch
from torch import nn

from nets import NETS, batches, train_step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", default="tutorial", choices=NETS, help="network")
    parser.add_argument("-t", type=int, default=0, help="threads; 0 leaves PyTorch's default")
    parser.add_argument("-b", type=int, default=200, help="batch size")
    parser.add_argument("-i", action="store_true", help="inference")
    args = parser.parse_args()
    if args.t:
        torch.set_num_threads(args.t)
    torch.manual_seed(1)
    make, shape = NETS[args.n]
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    count = 60000 * 784 // math.prod(shape)
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8) * (torch.rand(count, *shape) < 0.25)
    source = batches(images, torch.arange(count) % 10, args.b)
    inputs = itertools.cycle([next(source)[0] for _ in range(8)])

    def train():
        train_step(model, criterion, optimizer, *next(source))

    def infer():
        with torch.no_grad():
            model(next(inputs))

    step = infer if args.i else train
    model.train(not args.i)
    for _ in range(3):
        step()
    print("ready PyTorch", torch.__version__, flush=True)
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
