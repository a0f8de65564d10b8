#!/usr/bin/env python3
"""The tutorial's training loop in PyTorch, speaking the protocol of bench_training.c.

Batches are cut from one tensor in memory by index and normalised, which is kinder to PyTorch than the tutorial's
DataLoader, whose per-sample Python work would be counted against it.
"""
import argparse
import sys
import time

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        self.l2 = nn.Sequential(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        self.drop_out = nn.Dropout()
        self.fc1 = nn.Linear(7 * 7 * 64, 1000)
        self.fc2 = nn.Linear(1000, 10)

    def forward(self, x):
        x = self.l2(self.l1(x))
        return self.fc2(self.fc1(self.drop_out(x.reshape(x.size(0), -1))))


def batches(images, labels, size):
    while True:
        order = torch.randperm(len(labels))
        for i in range(0, len(labels) - size + 1, size):
            chosen = order[i:i + size]
            yield images[chosen].float().div_(255).sub_(0.1307).div_(0.3081), labels[chosen]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-t", type=int, default=0, help="threads; 0 leaves PyTorch's default")
    parser.add_argument("-b", type=int, default=200, help="batch size")
    parser.add_argument("-i", action="store_true", help="inference")
    args = parser.parse_args()
    if args.t:
        torch.set_num_threads(args.t)
    torch.manual_seed(1)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    images = torch.randint(0, 256, (60000, 1, 28, 28), dtype=torch.uint8) * (torch.rand(60000, 1, 28, 28) < 0.25)
    source = batches(images, torch.arange(60000) % 10, args.b)

    def train():
        x, y = next(source)
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            model(next(source)[0])

    step = infer if args.i else train
    model.train(not args.i)
    for _ in range(3):
        step()
    print("ready pytorch", torch.__version__, torch.get_num_threads(), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append("%.6f" % (time.perf_counter() - start))
        print(" ".join(times), flush=True)


main()
