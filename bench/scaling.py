#!/usr/bin/env python3
"""Several processes: what communication costs and hides, a model of the step, and what the model says of more processes.

usage: bench/scaling.py PROGRAM [--rates 500 2000 1000] [--batch 400] [--steps 12] [--out FILE]     measures (needs root: it makes
                                                                                       two network namespaces, which it deletes)
       bench/scaling.py --from FILE [--plot FILE.svg]                                      tables and a graph from a measurement

PROGRAM is build/bench/scaling-openmpi. A step is measured on one process, gradient by gradient, and on two processes in two
namespaces between which tbf limits the rate, in Mbit/s. The model is fitted to the first two rates and predicts the third.

The model: gradient i is final r_i seconds after the step's beginning; buckets are cut and sent as libcnn-mpi does, one after the
other, and a bucket of b bytes between n processes takes 2 · (n − 1) · a + 2 · b · (n − 1) / n / (e · rate): a, the cost of a message,
and e, the share of the rate that is reached, are what is fitted. The step ends when backward, or the last bucket, is over, plus
what comes after it on every process, which is the step of one process less the last r_i.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUCKET = 1 << 22
RANKS = [1 << k for k in range(11)]
RATES = [10, 25, 100]  # Gbit/s


def buckets_of(profile):
    """Bytes of each bucket and when its last gradient is final: a bucket ends as soon as it is full (mpi/data_parallel.c)."""
    buckets = []
    for size, ready in profile["gradients"]:
        if not buckets or buckets[-1][0] >= BUCKET:
            buckets.append([0, 0.0])
        buckets[-1][0] += size
        buckets[-1][1] = max(buckets[-1][1], ready)
    for one, following in zip(buckets, buckets[1:]):
        following[1] = max(following[1], one[1])
    return buckets


def communication(profile, ranks, rate, message, share):
    """Seconds for which buckets are being sent, each."""
    return [2 * (ranks - 1) * message + 2 * size * (ranks - 1) / ranks / (share * rate * 1.25e5) if ranks > 1 else 0.0
            for size, _ in buckets_of(profile)]


def step(profile, ranks, rate, message, share):
    """Seconds per step, and the seconds of it that communication adds."""
    end = 0.0
    for (_, ready), took in zip(buckets_of(profile), communication(profile, ranks, rate, message, share)):
        end = max(end, ready) + took
    last = max(ready for _, ready in profile["gradients"])
    exposed = max(0.0, end - last)
    return profile["dp_step"] + exposed, exposed


def fit(profile, runs):
    """The cost of a message and the share of the rate, from the seconds of communication at two rates, which are linear in both."""
    buckets = buckets_of(profile)
    messages, volume = 2 * len(buckets), sum(size for size, _ in buckets)
    (rate1, time1), (rate2, time2) = [(run["rate"] * 1.25e5, run["communication"]) for run in runs]
    inverse = (time1 - time2) / (volume * (1 / rate1 - 1 / rate2))  # 1 / share
    message = (time1 - volume * inverse / rate1) / messages
    return max(message, 1e-6), 1 / inverse


# ---- measuring ----

class Hosts:
    """Two network namespaces and a wire of a given rate."""

    def __init__(self):
        self.prefix = f"cnn-{os.getpid()}-"
        self.names = [f"{self.prefix}{host}" for host in (1, 2)]

    def __enter__(self):
        for name in self.names:
            self.run("ip", "netns", "add", name)
            self.run("ip", "-n", name, "link", "set", "lo", "up")
        self.run("ip", "-n", self.names[0], "link", "add", "cnn0", "type", "veth", "peer", "name", "cnn0", "netns", self.names[1])
        for host, name in enumerate(self.names, 1):
            self.run("ip", "-n", name, "addr", "add", f"10.77.0.{host}/24", "dev", "cnn0")
            self.run("ip", "-n", name, "link", "set", "cnn0", "up")
        time.sleep(1)
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)

    @staticmethod
    def run(*command):
        subprocess.run(command, check=True)

    def limit(self, rate):
        for name in self.names:
            self.run("tc", "-n", name, "qdisc", "replace", "dev", "cnn0", "root", "tbf", "rate", f"{rate}mbit", "burst", "256kb",
                     "latency", "50ms")

    def launch(self, program, *arguments):
        agent = os.path.join(HERE, "..", "tests", "mpi", "agent.sh")
        command = ["ip", "netns", "exec", self.names[0], "unshare", "--uts", "sh", "-c", f'hostname {self.names[0]}; exec "$@"', "sh",
                   "mpirun.openmpi", "--host", "10.77.0.1:1,10.77.0.2:1", "-n", "2", "--bind-to", "none", "--mca", "plm_rsh_agent",
                   os.path.realpath(agent), "--mca", "oob_tcp_if_include", "10.77.0.0/24", "--mca", "btl", "self,tcp", "--mca",
                   "btl_tcp_if_include", "10.77.0.0/24", os.path.realpath(program), *map(str, arguments)]
        environment = dict(os.environ, CNN_HOSTS=self.prefix, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            sys.exit(f"scaling: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)


def alone(program, *arguments):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return json.loads(subprocess.run([program, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=600,
                                     check=True).stdout)


def measure(options):
    load, profiles = os.getloadavg()[0], []
    for net, batch, steps in (("tutorial", options.batch, options.steps), ("resnet50", options.resnet_batch, max(2, options.steps // 4))):
        profile = alone(options.program, "profile", net, batch, steps)
        profile["dp_step"] = alone(options.program, "train", net, batch, steps)["step"]
        profiles.append(profile)
    runs = []
    with Hosts() as hosts:
        for rate in options.rates:
            hosts.limit(rate)
            runs.append({"rate": rate, **hosts.launch(options.program, "train", "tutorial", options.batch, options.steps)})
    return {"load": load, "cpus": os.cpu_count(), "profiles": profiles, "runs": runs}


# ---- telling ----

def limit_of(profile, ranks, rate, message, share):
    """What most of the time that is added comes from."""
    _, exposed = step(profile, ranks, rate, message, share)
    if exposed < 0.05 * profile["dp_step"]:
        return "compute"
    buckets = buckets_of(profile)
    messages = 2 * (ranks - 1) * message * len(buckets)
    return "messages" if messages > sum(communication(profile, ranks, rate, 0, share)) else "link"


def first_limit(profile, rate, message, share):
    """From how many processes on communication adds more than a tenth to the step, and by what."""
    for ranks in range(2, 1025):
        if step(profile, ranks, rate, message, share)[1] > 0.1 * profile["dp_step"]:
            return f"{limit_of(profile, ranks, rate, message, share)} from {ranks} on"
    return "compute up to 1024"


def report(data):
    profile, runs = data["profiles"][0], data["runs"]
    message, share = fit(profile, runs[:2])
    print(f"measured with a load of {data['load']:.1f} on {data['cpus']} CPUs; a message costs {1e6 * message:.0f} us, "
          f"{100 * share:.0f} % of a link's rate is reached")
    if data["load"] > 0.25 * data["cpus"]:
        print("the machine was busy before the first measurement: what follows says nothing about the network")
    print("| rate, Mbit/s | step, ms | predicted | communication, ms | hidden |\n|---|---|---|---|---|")
    for i, run in enumerate(runs):
        predicted = step(profile, 2, run["rate"], message, share)[0]
        says = f"{1e3 * predicted:.0f} ({100 * (predicted / run['step'] - 1):+.0f} %)" + (", fitted" if i < 2 else "")
        print(f"| {run['rate']} | {1e3 * run['step']:.0f} | {says} | {1e3 * run['communication']:.0f} | {100 * run['hidden']:.0f} % |")
    print("\n| net, images per process | Gbit/s | 64 processes | 1024 processes | limited by |\n|---|---|---|---|---|")
    for one in data["profiles"]:
        for rate in RATES:
            speeds = [f"{ranks * one['batch'] / step(one, ranks, 1000 * rate, message, share)[0]:.0f} images/s" for ranks in (64, 1024)]
            print(f"| {one['net']}, {one['batch']} | {rate} | {speeds[0]} | {speeds[1]} | {first_limit(one, 1000 * rate, message, share)} |")


def plot(data, path):
    """Images per second over processes, both axes logarithmic; the same data give the same bytes."""
    message, share = fit(data["profiles"][0], data["runs"][:2])
    width, height, left, gap = 640, 300, 70, 40
    colours = ["#d55e00", "#0072b2", "#009e73"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{2 * height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{2 * height}" fill="white"/>']
    for row, one in enumerate(data["profiles"]):
        series = [[ranks * one["batch"] / step(one, ranks, 1000 * rate, message, share)[0] for ranks in RANKS] for rate in RATES]
        low, high = math.floor(math.log10(min(map(min, series)))), math.ceil(math.log10(max(map(max, series))))
        top, bottom = row * height + gap, (row + 1) * height - gap

        def x(ranks):
            return left + (width - left - 120) * math.log2(ranks) / 10

        def y(value):
            return bottom - (bottom - top) * (math.log10(value) - low) / max(high - low, 1)
        out.append(f'<text x="{left}" y="{top - 15}">{one["net"]}, {one["batch"]} images per process: images per second</text>')
        for power in range(low, high + 1):
            out.append(f'<path d="M{left} {y(10 ** power):.1f}H{width - 120}" stroke="#ddd"/>'
                       f'<text x="{left - 6}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">{10 ** power:,}</text>')
        for ranks in RANKS[::2]:
            out.append(f'<text x="{x(ranks):.1f}" y="{bottom + 18}" text-anchor="middle">{ranks}</text>')
        for values, rate, colour in zip(series, RATES, colours):
            points = " ".join(f"{x(ranks):.1f},{y(value):.1f}" for ranks, value in zip(RANKS, values))
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for i, (rate, colour) in enumerate(zip(RATES, colours)):
            out.append(f'<text x="{width - 110}" y="{top + 16 * (3 - i)}" fill="{colour}">{rate} Gbit/s</text>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?")
    parser.add_argument("--rates", nargs="+", type=int, default=[500, 2000, 1000])
    parser.add_argument("--batch", type=int, default=400)
    parser.add_argument("--resnet-batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--out")
    parser.add_argument("--from", dest="source")
    parser.add_argument("--plot")
    options = parser.parse_args()
    if not options.source and not options.program:
        parser.error("PROGRAM or --from is needed")
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            data = json.load(file)
    else:
        data = measure(options)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.write("\n")
    report(data)
    if options.plot:
        plot(data, options.plot)


if __name__ == "__main__":
    main()
