#!/usr/bin/env python3
"""Times libcnn against its peers. The processes of a table take turns, A B A B, and ratios are of medians.

Prints tables and writes one JSON object a line. Peers that are missing are named with how to get them.
"""
import argparse
import gzip
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import elementwise
import peers
from plot import least_squares, svg

HERE = os.path.dirname(os.path.abspath(__file__))
LAYERS = ("gelu", "batch_norm")  # networks of one layer: bench_net times their forward and backward
OPERATION_LIMIT = 150  # ns that a recorded operation may cost over its kernel
SPLITS = [f"{split}-{part}-ubyte" for split in ("train", "t10k") for part in ("images-idx3", "labels-idx1")]


class Peer:
    """A process that runs steps on command and answers with their times."""

    def __init__(self, name, command, environment=None, family=None, cpus=None):
        self.name, self.family = name, family
        self.times = []
        pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        ready, _, self.version = self.process.stdout.readline().strip().partition(" ")
        if ready != "ready":
            raise RuntimeError(f"{name} did not start: {' '.join(command)}")

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return [float(t) for t in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.peak = int(self.process.stdout.readline() or 0) / 1024
        self.process.wait()


def interleave(peers, rounds, seconds):
    """Every peer gets the same time in every round, and at least two steps; short steps make more rounds. The first two of a turn do
    not count: they find the caches full of the others' data and their own threads asleep."""
    share = seconds / rounds / len(peers)
    times = [statistics.median(peer.run(3)) for peer in peers]
    steps = [max(2, min(1000, int(share / t))) for t in times]
    rounds = max(rounds, min(10 * rounds, int(seconds / sum(n * t for n, t in zip(steps, times)))))
    for _ in range(rounds):
        for peer, count in zip(peers, steps):
            peer.run(2)
            peer.times += peer.run(count)
            time.sleep(0.01)  # its threads stop spinning before the next one starts
    for peer in peers:
        peer.close()


def percentile(times, part):
    return sorted(times)[int(part * (len(times) - 1))]


class Bench:
    def __init__(self, args):
        self.args = args
        self.lines = []
        self.cpus = len(os.sched_getaffinity(0))
        self.counts = sorted({1, self.cpus})
        self.seconds = args.seconds or (4 if args.quick else 9)
        self.rounds = args.rounds or (4 if args.quick else 6)
        self.candidates = peers.find(args.build)

    def built(self, name):
        return os.path.join(self.args.build, "bench", name)

    def out(self, **line):
        self.lines.append(line)

    # ---- tables of peers ----

    def peers(self, net, batch, threads, infer, beside):
        flags = ["-n", net, "-t", str(threads), "-b", str(batch)] + (["-i"] if infer else [])
        yield Peer("libcnn", [self.built("bench_net"), *flags])
        for name, other in beside.items():
            yield Peer(name, [self.built("bench_net"), "-n", other, *flags[2:]])
        if self.args.strict:
            yield Peer("libcnn, strict", [self.built("bench_net"), *flags, "-s"])
        families = ["PyTorch"]
        if net == "tutorial":
            families += ["oneDNN"] + (["ONNX Runtime", "OpenVINO"] if infer else [])
        for candidate in (c for family in families for c in self.candidates[family]):
            # oneDNN on SYCL takes its number of threads from the CPUs that it may run on.
            cpus = sorted(os.sched_getaffinity(0))[:threads] if candidate.name == "oneDNN (PyPI)" else None
            try:
                yield Peer(candidate.name, [*candidate.command, *flags], candidate.environment, candidate.family, cpus)
            except RuntimeError as error:
                print(f"left out: {error}")

    def compare(self, net, batch, threads, infer=False, beside={}):
        """`beside`: other networks of libcnn's that are rows of the table, by what the rows are called."""
        kind = "inference" if infer else "forward and backward" if net in LAYERS else "training"
        title = f"{kind} of {net}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
        if self.args.only and not re.search(self.args.only, title):
            return
        running = list(self.peers(net, batch, threads, infer, beside))
        interleave(running, self.rounds, self.seconds)
        base = statistics.median(running[0].times)
        best = {}
        for peer in running[1:]:
            if peer.family:
                best[peer.family] = min(best.get(peer.family, peer), peer, key=lambda p: statistics.median(p.times))
        print(f"\n{title}", flush=True)
        print(f"  {'':26} {'img/s':>8} {'median ms':>10} {'quartiles ms':>18} {'p99 ms':>8} {'peak MB':>8} {'libcnn is':>10}")
        for peer in running:
            low, median, high = statistics.quantiles(peer.times, n=4)
            p99 = percentile(peer.times, 0.99)
            ratio = "" if peer is running[0] else f"{median / base:8.2f} x"
            counts = " *" if best.get(peer.family) is peer else ""
            print(f"  {peer.name:26} {batch / median:8.0f} {1e3 * median:10.3f} {1e3 * low:8.3f} -{1e3 * high:8.3f} "
                  f"{1e3 * p99:8.3f} {peer.peak:8.0f} {ratio:>10}{counts}", flush=True)
            self.out(bench=kind, net=net, batch=batch, threads=threads, who=peer.name,
                     version=peer.version, counts=bool(counts), steps=len(peer.times), median_seconds=median,
                     quartiles_seconds=[low, high], p99_seconds=p99, images_per_second=batch / median,
                     peak_megabytes=peer.peak, libcnn_speedup=median / base)
        for text in dict.fromkeys(f"{re.sub(',.*', '', peer.name)}: {peer.version}" for peer in running):
            print(f"    {text}")
        print("    * the fastest of its family, which is the one that counts", flush=True)

    def scaling(self, net, batch):
        if self.cpus < 2:
            return
        runs = [Peer(str(t), [self.built("bench_net"), "-n", net, "-b", str(batch), "-t", str(t)]) for t in (1, 2)]
        interleave(runs, self.rounds, self.seconds)
        one, two = (statistics.median(run.times) for run in runs)
        print(f"  {net + ', batch ' + str(batch):24} {1e3 * one:10.3f} {1e3 * two:10.3f} {one / two:8.2f} x", flush=True)
        self.out(bench="scaling", net=net, batch=batch, seconds_1=one, seconds_2=two, speedup=one / two)

    # ---- tables of libcnn alone ----

    def tail(self, threads):
        """One image at a time with no peer awake: what is the library's own of the 99th percentile."""
        peer = Peer(str(threads), [self.built("bench_net"), "-n", "tutorial", "-b", "1", "-i", "-t", str(threads)])
        interleave([peer], 4, 4)
        median, p99 = statistics.median(peer.times), percentile(peer.times, 0.99)
        print(f"  {threads} thread{'s' if threads > 1 else ' '} {1e3 * median:10.3f} {1e3 * p99:10.3f} {p99 / median:8.2f} x", flush=True)
        self.out(bench="tail", threads=threads, median_seconds=median, p99_seconds=p99, ratio=p99 / median)

    def peak(self):
        words = subprocess.run([self.built("bench_peak")], capture_output=True, text=True).stdout.split()
        if words:
            print(f"FMA peak: {words[1]} GFLOP/s on 1 thread, {words[3]} on {words[2]}")
            self.out(bench="peak", cpu=cpu_name(), gflops_1=float(words[1]), threads=int(words[2]), gflops_all=float(words[3]))

    def operations(self):
        """What recording a small operation costs beyond its kernel; medians of the program's own rounds."""
        text = subprocess.run([self.built("bench_operation")], capture_output=True, text=True, check=True).stdout
        print(f"\nsmall operations that a tape records, ns each; over its kernel one may cost {OPERATION_LIMIT}")
        print(f"  {'':5} {'elements':>9} {'forward':>9} {'kernel':>9} {'over it':>9} {'':5} {'backward':>9} {'kernels':>9} {'over them':>9}")
        for name, shape, *times in (line.split() for line in text.splitlines()):
            forward, kernel, backward, kernels = (float(t) if t != "-" else None for t in times)
            over, behind = forward - kernel, None if backward is None else backward - kernels
            print(f"  {name:5} {shape:>9} {forward:9.0f} {kernel:9.0f} {over:9.0f} {'above' if over > OPERATION_LIMIT else 'ok':5}"
                  + (f" {backward:9.0f} {kernels:9.0f} {behind:9.0f}" if backward is not None else ""), flush=True)
            self.out(bench="operation", operation=name, shape=shape, limit_ns=OPERATION_LIMIT, forward_ns=forward,
                     kernel_ns=kernel, over_ns=over, backward_ns=backward, backward_kernels_ns=kernels, backward_over_ns=behind)

    def memory(self):
        text = subprocess.run([self.built("bench_memory")], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in text.splitlines()]
        for kind, unit in (("batch", "images"), ("depth", "layers")):
            mine = [[int(row[1]), *(float(v) / 2**20 for v in row[2:])] for row in rows if row[0] == kind]
            print(f"\nmemory of a tape against {kind}, MB")
            print(f"  {unit:>8} {'training':>10} {'evaluation':>11} {'two activations':>16} {'above them':>11}")
            for x, training, evaluation, activations in mine:
                print(f"  {x:8} {training:10.1f} {evaluation:11.2f} {activations:16.2f} {evaluation - activations:11.2f}")
                self.out(bench="memory", against=kind, x=x, training_mb=training, evaluation_mb=evaluation,
                         two_activations_mb=activations)
            for k, name in ((1, "training"), (2, "evaluation")):
                slope, start, fit = least_squares([(row[0], row[k]) for row in mine])
                print(f"  {name}: {start:.2f} MB + {1024 * slope:.1f} kB for each of the {unit}, R² {fit:.5f}")
                self.out(bench="memory slope", against=kind, mode=name, slope_kb=1024 * slope, start_mb=start, r2=fit)
            svg(self.built(f"memory-{kind}.svg"), f"Memory of a tape against {kind}", unit, "MB",
                {"training": ("#1f6fb4", [(row[0], row[1]) for row in mine]),
                 "evaluation": ("#c4541d", [(row[0], row[2]) for row in mine])})
            print(f"  plot: {self.built(f'memory-{kind}.svg')}")

    def example(self):
        data = os.environ.get("CNN_MNIST_DIR")
        command = [os.path.join(self.args.build, "examples", "mnist_cnn"), "--epochs", "1", "--quiet"]
        command += ["--data", data] if data else ["--synthetic"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        text = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        megabytes = usage.ru_maxrss / 1024
        print(f"\nexamples/mnist_cnn, one epoch at batch 200{'' if data else ', its own digits'}: peak {megabytes:.0f} MB")
        self.out(bench="example", peak_mb=megabytes, status=process.returncode, said=text.splitlines()[-1:])

    def start(self):
        folder = raw_mnist(self.built("mnist"))
        runs = [[float(v) for v in subprocess.run([self.built("bench_start"), folder], capture_output=True, text=True,
                                                  check=True).stdout.split()] for _ in range(11)]
        data, build, step, total = (statistics.median(column) for column in zip(*runs))
        print(f"\nfrom main to the end of the first step: {total:.1f} ms (data {data:.1f}, objects {build:.1f}, step {step:.1f})")
        self.out(bench="start", milliseconds=total, data=data, objects=build, step=step)

    def size(self):
        shared = os.path.realpath(os.path.join(self.args.lib, "libcnn.so"))
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "libcnn.so")
            subprocess.run(["strip", "-o", stripped, shared], check=True)
            kilobytes = os.path.getsize(stripped) / 1024
        print(f"libcnn.so, stripped: {kilobytes:.0f} kB")
        self.out(bench="size", kilobytes=kilobytes)

    # ---- everything ----

    def run(self):
        print(cpu_name())
        print(f"28 x 28 images: {'those of CNN_MNIST_DIR' if os.environ.get('CNN_MNIST_DIR') else 'drawn (CNN_MNIST_DIR is not set)'}")
        self.peak()
        for threads in self.counts:
            for batch in (200,) if self.args.quick else (200, 1, 32, 1000):
                self.compare("tutorial", batch, threads)
            for batch in (200, 1) if self.args.quick else (200, 1, 32, 1000):
                self.compare("tutorial", batch, threads, infer=True)
            if not self.args.quick:
                self.others(threads)
        for threads in self.counts:
            elementwise.Table(self.args.build, self.args.only, self.args.quick, self.lines).run(threads)
        if not self.args.only:
            self.alone()
        with open(self.args.json or self.built("results.jsonl"), "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)

    def others(self, threads):
        for net, batch in (("lenet5", 200), ("vgg", 32), ("allconv", 32), ("gelu", 32), ("batch_norm", 32)):
            self.compare(net, batch, threads)
        self.compare("vgg-bn", 32, threads, infer=True,
                     beside={"libcnn, not folded": "vgg-bn-apart", "libcnn, not normalised": "vgg"})

    def alone(self):
        self.operations()
        print(f"\nthreads: a training step in ms{'':3} {'1':>10} {'2':>10}")
        for net, batch in (("tutorial", 200), ("twolayer", 1)):
            self.scaling(net, batch)
        print("\none image at a time, no peer awake, ms: median, 99th percentile")
        for threads in self.counts:
            self.tail(threads)
        self.memory()
        self.example()
        self.start()
        self.size()


def cpu_name():
    try:
        with open("/proc/cpuinfo") as info:
            return next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    except OSError:
        return "unknown CPU"


def raw_mnist(folder):
    """MNIST's files unpacked: those of CNN_MNIST_DIR, else noise of the same size."""
    os.makedirs(folder, exist_ok=True)
    given = os.environ.get("CNN_MNIST_DIR", "")
    for name in SPLITS:
        target = os.path.join(folder, name)
        if os.path.exists(target):
            continue
        count = 60000 if name.startswith("train") else 10000
        source = os.path.join(given, name)
        if os.path.exists(source + ".gz"):
            with gzip.open(source + ".gz") as file:
                data = file.read()
        elif os.path.exists(source):
            with open(source, "rb") as file:
                data = file.read()
        elif "images" in name:
            data = struct.pack(">4I", 0x803, count, 28, 28) + os.urandom(count * 784)
        else:
            data = struct.pack(">2I", 0x801, count) + bytes(i % 10 for i in range(count))
        with open(target, "wb") as file:
            file.write(data)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"), help="the build's folder")
    parser.add_argument("--lib", default=os.path.join(HERE, "..", "lib"), help="the library's folder")
    parser.add_argument("--json", default=None, help="a file for JSON Lines; default results.jsonl beside the programs")
    parser.add_argument("--quick", action="store_true", help="the tutorial's model at batch 200 and 1, briefly")
    parser.add_argument("--only", default=None, metavar="REGEX", help="only the tables, and elementwise operations, whose titles match")
    parser.add_argument("--strict", action="store_true", help="libcnn with CNN_MATH_STRICT as a row of every table")
    parser.add_argument("--rounds", type=int, default=None, help="turns of each peer of a table, at least; default 6, 4 with --quick")
    parser.add_argument("--seconds", type=float, default=None, help="running time of each table")
    Bench(parser.parse_args()).run()


if __name__ == "__main__":
    main()
