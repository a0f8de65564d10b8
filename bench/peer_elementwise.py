#!/usr/bin/env python3
"""Runs operations of elementwise.def in PyTorch on command, speaking the protocol of bench_elementwise.c."""
import argparse
import re
import resource
import sys
import time

import torch
from torch.nn import functional as F

from peer_pytorch import described
from peers import elementwise_lines

ROW = re.compile(r'(?:ELEMENTWISE|CNN_OP_BENCH)\((\w+), "(\w+)", "(\w+)", (.*?),\s*"([^"]*)"\)$', re.MULTILINE | re.DOTALL)
NAMES = "XYPZBIJKTWVCG"


def rows():
    """(name, layouts, passes, Python's expression) of every operation."""
    text = elementwise_lines()
    return [(name, layouts, passes, torch_text) for name, layouts, passes, _, torch_text in ROW.findall(text)]


def operands(layout, rows, columns):
    """The tensors of the operands, by the names that elementwise.def gives them."""
    images = 25 if rows >= 2500 else 5 if rows >= 250 else 1
    channels = max(4, rows * columns // 1000 // images)
    of_x = (columns, rows) if layout == "t" else (rows, columns)
    made = {
        "X": torch.randn(of_x), "Y": torch.randn(1 if layout == "r" else rows, 1 if layout == "k" else columns),
        "P": 0.1 + 0.8 * torch.rand(of_x),
        "Z": torch.randn(images, channels, *((25, 40) if rows >= 250 else (10, 25))),
        "B": torch.rand(rows, columns) < 0.5, "I": torch.randint(columns, (rows, columns)), "J": torch.randint(rows, (rows,)),
        "K": torch.randint(columns, (columns,)), "T": torch.randint(columns, (rows,)), "W": torch.randn(columns),
        "V": torch.randn(columns), "C": torch.randn(channels, 1, 1), "G": torch.randint(25, (rows // 25, columns)),
    }
    for t in made.values():
        t.requires_grad_(t.is_floating_point())
    return made


class Bench:
    def __init__(self):
        self.kind = None
        self.functions = {name: text for name, _, _, text in rows()}

    def prepare(self, kind):
        """Tensors for the operands; they are made again where the layout or the size differs."""
        if kind != self.kind:
            layout, self.rows, self.columns = self.kind = kind
            self.tensors = operands(layout, self.rows, self.columns)

    def function(self, name):
        """The operation on the operands as they lie, as a function of nothing."""
        text = self.functions[name]
        if self.kind[0] == "t":
            text = re.sub(r"\b([XP])\b", r"\1.t()", text)
        scope = {"torch": torch, "F": F, "ROWS": self.rows, "COLUMNS": self.columns, **self.tensors}
        return eval("lambda: " + text, scope)

    def run(self, name, pass_, count):
        f = self.function(name)
        return self.backward(f, count) if pass_ == "b" else self.forward(f, count)

    def forward(self, f, count):
        times = []
        with torch.no_grad():
            for _ in range(count):
                start = time.perf_counter()
                y = f()
                times.append(time.perf_counter() - start)
        return times

    def backward(self, f, count):
        gradient = torch.ones_like(f())
        times = []
        for _ in range(count):
            y = f()
            for t in self.tensors.values():
                t.grad = None
            start = time.perf_counter()
            y.backward(gradient)
            times.append(time.perf_counter() - start)
        return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-t", type=int, default=0, help="threads; 0 leaves PyTorch's default")
    args = parser.parse_args()
    if args.t:
        torch.set_num_threads(args.t)
    torch.manual_seed(1)
    bench = Bench()
    print("ready", described(), flush=True)
    for line in sys.stdin:
        name, layout, size, columns, pass_, count = line.split()
        bench.prepare((layout, int(size), int(columns)))
        print(" ".join("%.8f" % t for t in bench.run(name, pass_, int(count))), flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
