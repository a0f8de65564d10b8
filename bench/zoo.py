#!/usr/bin/env python3
"""Times nets of examples/zoo against PyTorch in training and against ONNX Runtime in inference.

The processes of a row take turns, A B A B; a row has medians, and how many times as long the fastest release of the peer takes. Each
table ends with its geometric mean. Memory is the peak resident size of the process, and in brackets what of it came after the net was
made, without what the peer's own libraries take. Under --cpu-time times are the process's CPU time, which other work disturbs less.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess

import peers
from run import Peer, cpu_name

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = [  # net, size, batch in training
    ("resnet18", "3x32x32", 128), ("resnet18", "3x224x224", 16), ("resnet50", "3x224x224", 8), ("mobilenet_v2", "3x224x224", 16),
    ("unet", "3x128x128", 4), ("vit", "3x32x32", 32), ("lstm", "64", 32),
]


class Net(Peer):
    def close(self):
        self.process.stdin.close()
        words = self.process.stdout.readline().split() or ["0", "0"]
        self.peak, self.before = (int(word) / 1024 for word in words)
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args, self.lines = args, []
        self.torches = list(peers.torches(args.build))
        self.script = os.path.join(HERE, "peer_zoo.py")
        own = os.path.join(peers.venv(args.build), "bin", "python")
        self.runtime = own if peers.answers(own, "import onnxruntime") is not None else None

    def export(self, flags, name):
        """The net as an ONNX file, by the first PyTorch that can; None if there is none."""
        path = os.path.join(self.args.build, "bench", f"zoo-{name}.onnx")
        for _, python in self.torches if not os.path.exists(path) else ():
            if subprocess.run([python, self.script, *flags, "--export", path], capture_output=True).returncode == 0:
                break
        return path if os.path.exists(path) else None

    def others(self, flags, infer, name):
        if not infer:
            for origin, python in self.torches:
                yield Net(f"PyTorch ({origin})", [python, self.script, *flags], {"OMP_PROC_BIND": "true", **peers.openblas()})
            return
        model = self.export([flag for flag in flags if flag not in ("-i", "-c")], name) if self.runtime else None
        if model:
            yield Net("ONNX Runtime (PyPI)", [self.runtime, self.script, *flags, "--model", model])

    def row(self, net, size, batch, threads, infer):
        flags = ["-n", net, "-z", size, "-b", str(batch), "-t", str(threads)] + ["-i"] * infer + ["-c"] * self.args.cpu_time
        running = [Net("libcnn", [os.path.join(self.args.build, "bench", "bench_zoo"), *flags])]
        running += self.others(flags, infer, f"{net}-{size}-{batch}")
        steps = [max(1, min(200, int(self.args.seconds / self.args.rounds / len(running) / statistics.median(p.run(2))))) for p in running]
        for _ in range(self.args.rounds):
            for peer, count in zip(running, steps):
                peer.times += peer.run(count + 1)[1:]  # the first one finds the caches full of the others' data
        for peer in running:
            peer.close()
        return running

    def print_row(self, title, running, line):
        own, *others = (statistics.median(peer.times) for peer in running)
        cells = [f"{1e3 * own:10.2f} {running[0].peak:6.0f} ({running[0].peak - running[0].before:5.0f})"]
        cells += [f"{1e3 * t:10.2f} {p.peak:6.0f} ({p.peak - p.before:5.0f}) {t / own:6.2f}" for p, t in zip(running[1:], others)]
        print(f"  {title:34}" + " ".join(cells), flush=True)
        ratio = min(others, default=math.nan) / own
        self.lines.append({**line, "libcnn_speedup": ratio, "who": {
            p.name: {"version": p.version, "median_seconds": statistics.median(p.times), "steps": len(p.times), "peak_megabytes": p.peak,
                     "net_megabytes": p.peak - p.before} for p in running}})
        return ratio

    def table(self, kind, threads, rows):
        ratios, versions = {}, {}
        print(f"\n{kind}, {threads} thread{'s' * (threads > 1)}: median ms{' of CPU' * self.args.cpu_time}, peak MB (of the net), how many "
              "times libcnn's time", flush=True)
        for net, size, batch in rows:
            title = f"{net} {size}, batch {batch}"
            if self.args.only and not re.search(self.args.only, f"{kind} {title}"):
                continue
            running = self.row(net, size, batch, threads, kind == "inference")
            versions.update((peer.name, peer.version) for peer in running)
            ratio = self.print_row(title, running, {"bench": f"zoo {kind}", "net": net, "size": size, "batch": batch, "threads": threads})
            if ratio > 0:
                ratios[title] = ratio
        if ratios:
            mean = math.exp(statistics.fmean(math.log(r) for r in ratios.values()))
            print(f"  geometric mean {mean:.2f}, least {min(ratios.values()):.2f} ({min(ratios, key=ratios.get)})")
        for name, version in versions.items():
            print(f"    {name}: {version}", flush=True)

    def run(self):
        print(f"{cpu_name()}; load average {os.getloadavg()[0]:.2f}")
        for threads in self.args.threads:
            self.table("training", threads, NETS)
            self.table("inference", threads, [(net, size, batch) for net, size, _ in NETS for batch in (1, 16)])
        with open(self.args.json or os.path.join(self.args.build, "bench", "zoo.jsonl"), "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"), help="the build's folder")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--only", default=None, metavar="REGEX", help="only the rows whose kind and titles match")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each process of a row")
    parser.add_argument("--seconds", type=float, default=10, help="running time of each row, at least two steps per turn")
    parser.add_argument("--cpu-time", action="store_true", help="time the CPU and not the clock, for a machine with other work; 1 thread")
    parser.add_argument("--json", default=None, help="a file for JSON Lines; default zoo.jsonl beside the programs")
    args = parser.parse_args()
    args.threads = [1] if args.cpu_time else args.threads
    Bench(args).run()


if __name__ == "__main__":
    main()
