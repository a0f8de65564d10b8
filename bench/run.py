#!/usr/bin/env python3
"""Times libcnn against its peers: each pair alternates A B A B in one run, and ratios are of medians.

Usage: bench/run.py [--build DIR] [--rounds N] [--steps N] [--json FILE] [--quick]
Prints tables and writes one JSON object a line. Missing peers are named with the package that has them.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    """A process that runs steps on command and answers with their times."""

    def __init__(self, name, command, environment=None):
        self.name = name
        self.times = []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self.greeting = self.process.stdout.readline().split()
        if not self.greeting or self.greeting[0] != "ready":
            raise RuntimeError(f"{name} did not start: {' '.join(command)}")

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.times += [float(t) for t in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def interleave(peers, rounds, steps):
    for _ in range(rounds):
        for peer in peers:
            peer.run(steps)
    for peer in peers:
        peer.close()


def quartiles(times):
    return statistics.quantiles(times, n=4)


def python_with_torch():
    for python in dict.fromkeys([sys.executable, shutil.which("python3"), "/usr/bin/python3"]):
        if python and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return None


def cpu_name():
    try:
        with open("/proc/cpuinfo") as info:
            return next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    except OSError:
        return "unknown CPU"


def compare(title, batch, flags, threads, tools, args, out):
    """One table: libcnn and each peer at one batch size and thread count."""
    peers = [Peer("libcnn", [tools["libcnn"], "-t", str(threads), "-b", str(batch), *flags])]
    if tools["python"]:
        command = [tools["python"], os.path.join(HERE, "peer_pytorch.py"), "-t", str(threads), "-b", str(batch), *flags]
        peers.append(Peer("PyTorch", command))
        peers.append(Peer("PyTorch, bound", command, {"OMP_PROC_BIND": "true"}))
    interleave(peers, args.rounds, args.steps)
    print(f"\n{title}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}: {len(peers[0].times)} steps each")
    print(f"  {'':16} {'img/s':>8} {'median ms':>10} {'quartiles ms':>18} {'libcnn is':>10}")
    base = statistics.median(peers[0].times)
    for peer in peers:
        low, median, high = quartiles(peer.times)
        ratio = "" if peer is peers[0] else f"{median / base:8.2f} x"
        print(f"  {peer.name:16} {batch / median:8.0f} {1e3 * median:10.2f} {1e3 * low:8.2f} -{1e3 * high:8.2f} {ratio:>10}")
        out.append({"bench": title, "batch": batch, "threads": threads, "who": peer.name,
                    "version": " ".join(peer.greeting[1:]), "steps": len(peer.times), "median_seconds": median,
                    "quartiles_seconds": [low, high], "images_per_second": batch / median,
                    "libcnn_speedup": median / base})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build", "bench"), help="where the programs are")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=5, help="steps a round")
    parser.add_argument("--json", default=None, help="a file for JSON Lines")
    parser.add_argument("--quick", action="store_true", help="training at batch 200 only")
    args = parser.parse_args()
    tools = {"libcnn": os.path.join(args.build, "bench_training"), "python": python_with_torch()}
    peak = subprocess.run([os.path.join(args.build, "bench_peak")], capture_output=True, text=True).stdout.split()
    out = []
    print(cpu_name())
    if peak:
        print(f"FMA peak: {peak[1]} GFLOP/s on 1 thread, {peak[3]} on {peak[2]}")
        out.append({"bench": "peak", "cpu": cpu_name(), "gflops_1": float(peak[1]), "threads": int(peak[2]),
                    "gflops_all": float(peak[3])})
    if not tools["python"]:
        print("missing peer: PyTorch (Debian: apt-get install python3-torch)")
    cpus = len(os.sched_getaffinity(0))
    for threads in sorted({1, cpus}):
        compare("training", 200, [], threads, tools, args, out)
    for threads in sorted({1, cpus}) if not args.quick else []:
        compare("training", 32, [], threads, tools, args, out)
        compare("inference", 200, ["-i"], threads, tools, args, out)
        compare("inference", 1, ["-i"], threads, tools, args, out)
    if args.json:
        with open(args.json, "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in out)


main()
