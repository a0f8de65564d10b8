#!/usr/bin/env python3
"""Times every elementwise operation, reduction, copy, indexing and draw of elementwise.def against PyTorch.

For each operation, layout of its operands and direction it prints libcnn's median time and how many times as long the best PyTorch
takes, for 10^3, 10^5 and 10^7 elements. The processes take turns, A B A B. One JSON object a line is written as well.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess

import peers

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r'(?:ELEMENTWISE|CNN_OP_BENCH)\((\w+), "(\w+)", "(\w+)",')
SIZES = {"10^3": (25, 40), "10^5": (250, 400), "10^7": (2500, 4000)}
LAYOUTS = {"c": "", "t": "transposed", "r": "row", "k": "column"}
PASSES = {"f": "forward", "b": "backward", "d": "draw"}


class Process:
    """A program that times operations on command."""

    def __init__(self, name, command, environment=None):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        ready, _, self.version = self.process.stdout.readline().strip().partition(" ")
        if ready != "ready":
            raise RuntimeError(f"{name} did not start: {' '.join(command)}")

    def run(self, row, count):
        self.process.stdin.write(f"{row} {count}\n")
        self.process.stdin.flush()
        times = [float(t) for t in self.process.stdout.readline().split()]
        if not times:
            raise RuntimeError(f"{self.name} ended at {row}")
        return times

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rows():
    """(name, layout, pass) of every line of the table."""
    text = peers.elementwise_lines()
    return [(name, layout, pass_) for name, layouts, passes in ROW.findall(text) for layout in layouts for pass_ in passes]


def title(name, layout, pass_):
    return " ".join(word for word in (name, LAYOUTS[layout], PASSES[pass_]) if word)


def measure(processes, command, rounds, seconds):
    """The median of each process, which all run for about the same time in every round."""
    first = [statistics.median(p.run(command, 3)) for p in processes]
    counts = [max(1, min(200, int(seconds / rounds / len(processes) / max(t, 1e-7)))) for t in first]
    times = [[] for _ in processes]
    for _ in range(rounds):
        for process, count, taken in zip(processes, counts, times):
            taken += process.run(command, count + 1)[1:]
    return [statistics.median(taken) for taken in times]


class Table:
    def __init__(self, build, only=None, quick=False, lines=None):
        self.program = os.path.join(build, "bench", "bench_elementwise")
        self.pythons = list(peers.torches(build))
        self.only, self.lines = only, [] if lines is None else lines
        self.sizes = ["10^5"] if quick else list(SIZES)
        self.layouts = "c" if quick else "".join(LAYOUTS)
        self.rounds, self.seconds = (3, 0.03) if quick else (5, 0.1)

    def start(self, threads):
        script = os.path.join(HERE, "peer_elementwise.py")
        yield Process("libcnn", [self.program, "-t", str(threads)])
        for origin, python in self.pythons:
            yield Process(f"PyTorch ({origin})", [python, script, "-t", str(threads)], peers.openblas())

    def cell(self, running, row, size, threads):
        name, layout, pass_ = row
        own, *others = measure(running, f"{name} {layout} {SIZES[size][0]} {SIZES[size][1]} {pass_}", self.rounds, self.seconds)
        best = min(others, default=math.nan)
        self.lines.append({"bench": "elementwise", "operation": name, "layout": LAYOUTS[layout] or "contiguous", "pass": PASSES[pass_],
                           "elements": SIZES[size][0] * SIZES[size][1], "threads": threads, "median_seconds": own,
                           "peers": {p.name: t for p, t in zip(running[1:], others)}, "libcnn_speedup": best / own})
        return own, best / own

    def run(self, threads):
        chosen = [row for row in rows() if row[1] in self.layouts and (not self.only or re.search(self.only, title(*row)))]
        if not chosen:
            return
        running = list(self.start(threads))
        print(f"\nelementwise operations, {threads} thread{'s' * (threads > 1)}: µs, and how many times as long PyTorch takes")
        for process in running:
            print(f"    {process.name}: {process.version}")
        print(f"  {'elements':36}" + "".join(f"{size:>18}" for size in self.sizes), flush=True)
        ratios = {}
        for row in chosen:
            text = f"  {title(*row):36}"
            for size in self.sizes:
                own, ratio = self.cell(running, row, size, threads)
                ratios[f"{title(*row)} {size}"] = ratio
                text += f"{1e6 * own:11.1f} {ratio:6.2f}"
            print(text, flush=True)
        for process in running:
            process.close()
        self.summary(ratios)

    def summary(self, ratios):
        known = {name: ratio for name, ratio in ratios.items() if ratio > 0}
        if not known:
            return
        mean = math.exp(statistics.fmean(math.log(r) for r in known.values()))
        behind = sorted((r, name) for name, r in known.items() if r < 1)
        print(f"  geometric mean {mean:.2f}; {len(known) - len(behind)} of {len(known)} at PyTorch's speed or above")
        for ratio, name in behind[:40]:
            print(f"    {ratio:.2f}  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"), help="the build's folder")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--only", default=None, metavar="REGEX", help="only the rows whose titles match")
    parser.add_argument("--quick", action="store_true", help="contiguous operands of 10^5 elements, briefly")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=None)
    parser.add_argument("--json", default=None, help="a file for JSON Lines; default elementwise.jsonl beside the programs")
    args = parser.parse_args()
    table = Table(args.build, args.only, args.quick)
    table.sizes = args.sizes or table.sizes
    for threads in args.threads:
        table.run(threads)
    with open(args.json or os.path.join(args.build, "bench", "elementwise.jsonl"), "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in table.lines)


if __name__ == "__main__":
    main()
