#!/usr/bin/env python3
"""Several processes: what communication costs and hides, a model of the step, and what the model says of more processes.

usage: bench/scaling.py PROGRAM [--rates 500 2000 1000 250] [--batch 400] [--steps 12] [--out FILE] [--strict]  measures (needs root: it
                                                                                       makes two network namespaces, which it deletes)
       bench/scaling.py --from FILE [--plot FILE.svg] [--strict]                            tables and a graph from a measurement

PROGRAM is build/bench/scaling-openmpi. A step is measured on one process, gradient by gradient, and on two processes in two
namespaces between which tbf limits the rate, in Mbit/s. The model is fitted to the first two rates and predicts the others: by default
one between them and one outside. With --strict the exit status is 1 where a prediction is wrong by more than 15 %, or nothing is predicted.

The model: gradient i is final r_i seconds after the step's beginning; buckets are cut and sent as libcnn-mpi does, one after the
other, and a bucket of b bytes in p pieces between n processes takes c + 2 · p · (n − 1) · a + 2 · b · (n − 1) / n / (e · rate). a is what
a message costs, measured by sums of one number; c, what a bucket costs besides (its thread must be given a CPU, and adds the bucket up), and e,
the share of the rate that is reached, are what is fitted. The step ends when backward, or the last bucket, is over, plus what comes
after it on every process, which is the step of one process less the last r_i.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import time
import typing

HERE = os.path.dirname(os.path.abspath(__file__))
BUCKET, SLICE = 1 << 22, 1 << 18  # bytes; mpi/data_parallel.c
RANKS = [1 << k for k in range(11)]
RATES = [10, 25, 100]  # Gbit/s
MOST_ERROR = 0.15
FASTER = 64  # a process of a whole machine against one of a CPU


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


def pieces_of(size, ranks):
    """How many pieces a bucket of that many bytes is summed in."""
    return math.ceil(size / (SLICE * ranks))


def communication(profile, ranks, rate, costs):
    """Seconds for which buckets are being sent, each."""
    return [costs.bucket + 2 * pieces_of(size, ranks) * (ranks - 1) * costs.message + 2 * size * (ranks - 1) / ranks / (costs.share * rate * 1.25e5)
            if ranks > 1 else 0.0 for size, _ in buckets_of(profile)]


def step(profile, ranks, rate, costs):
    """Seconds per step, and the seconds of it that communication adds."""
    end = 0.0
    for (_, ready), took in zip(buckets_of(profile), communication(profile, ranks, rate, costs)):
        end = max(end, ready) + took
    last = max(ready for _, ready in profile["gradients"])
    exposed = max(0.0, end - last)
    return profile["dp_step"] + exposed, exposed


class Costs(typing.NamedTuple):
    message: float  # seconds of each
    bucket: float   # seconds of each, besides messages and the link
    share: float    # of the link's rate


def fit(data):
    """The seconds of communication are linear in what a bucket costs and in 1 / rate, so two rates give both."""
    profile, runs, message = data["profiles"][0], data["runs"], data["message"]
    buckets = buckets_of(profile)
    volume = sum(size for size, _ in buckets)
    (rate1, time1), (rate2, time2) = [(run["rate"] * 1.25e5, run["communication"]) for run in runs[:2]]
    inverse = (time1 - time2) / (volume * (1 / rate1 - 1 / rate2))  # 1 / share
    pieces = sum(pieces_of(size, 2) for size, _ in buckets)
    bucket = (time1 - volume * inverse / rate1 - 2 * pieces * message) / len(buckets)
    return Costs(message, max(bucket, 0.0), 1 / inverse)


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


def busy():
    """How many CPUs something else keeps busy now."""
    def spent():
        with open("/proc/stat", encoding="ascii") as file:
            times = [int(word) for word in file.readline().split()[1:9]]
        return sum(times) - times[3] - times[4], sum(times)
    before = spent()
    time.sleep(3)
    after = spent()
    return os.cpu_count() * (after[0] - before[0]) / (after[1] - before[1])


def measure(options):
    load, profiles = busy(), []
    for net, batch, steps in (("tutorial", options.batch, options.steps), ("resnet50", options.resnet_batch, max(2, options.steps // 4))):
        profile = alone(options.program, "profile", net, batch, steps)
        profile["dp_step"] = alone(options.program, "train", net, batch, steps)["step"]
        profiles.append(profile)
    runs = []
    with Hosts() as hosts:
        for rate in options.rates:
            hosts.limit(rate)
            # A sum of one number is two messages, one after the other, between two processes.
            message = hosts.launch(options.program, "message", 300)["allreduce"] / 2
            runs.append({"rate": rate, "message": message, **hosts.launch(options.program, "train", "tutorial", options.batch, options.steps)})
    return {"load": load, "cpus": os.cpu_count(), "message": min(run["message"] for run in runs), "profiles": profiles, "runs": runs}


# ---- telling ----

def limit_of(profile, ranks, rate, costs):
    """What most of the time that is added comes from."""
    buckets = buckets_of(profile)
    pieces = sum(pieces_of(size, ranks) for size, _ in buckets)
    parts = {"compute": 0.05 * profile["dp_step"], "messages": 2 * (ranks - 1) * costs.message * pieces, "buckets": costs.bucket * len(buckets),
             "link": sum(communication(profile, ranks, rate, Costs(0.0, 0.0, costs.share)))}
    if step(profile, ranks, rate, costs)[1] < parts["compute"]:
        return "compute"
    return max(("messages", "buckets", "link"), key=parts.get)


def limits(profile, rate, costs):
    """What limits the step, and from how many processes on: each change up to 1024."""
    told, last = [], None
    for ranks in range(2, 1025):
        limit = limit_of(profile, ranks, rate, costs)
        if limit != last:
            told.append(limit if last is None else f"{limit} from {ranks}")
            last = limit
    return ", ".join(told)


def faster(profile, times):
    """The profile of a process that computes so many times as fast: a whole machine in place of one CPU."""
    return {**profile, "dp_step": profile["dp_step"] / times, "step": profile["step"] / times,
            "gradients": [[size, ready / times] for size, ready in profile["gradients"]]}


def errors_of(data):
    """The predicted rates, and by how much the step of each is wrong: 0.1 where the model says 10 % more than was measured."""
    costs = fit(data)
    return [(run["rate"], step(data["profiles"][0], 2, run["rate"], costs)[0] / run["step"] - 1) for run in data["runs"][2:]]


def judge(data):
    """What --strict says: None, or what is wrong."""
    errors = errors_of(data)
    if not errors:
        return "no rate is predicted: three are needed"
    wrong = [f"{rate} Mbit/s: {100 * error:+.0f} %" for rate, error in errors if not abs(error) <= MOST_ERROR]
    return f"predictions are wrong by more than {100 * MOST_ERROR:.0f} %: {', '.join(wrong)}" if wrong else None


def report(data):
    profile, runs = data["profiles"][0], data["runs"]
    costs = fit(data)
    print(f"measured on {data['cpus']} CPUs, of which others kept {data['load']:.1f} busy; a message costs {1e6 * costs.message:.0f} us, a bucket "
          f"{1e3 * costs.bucket:.1f} ms besides, and {100 * costs.share:.0f} % of a link's rate is reached")
    if data["load"] > 0.25 * data["cpus"]:
        print("the machine was busy before the first measurement: what follows says nothing about the network")
    print("| rate, Mbit/s | step, ms | predicted | communication, ms | hidden |\n|---|---|---|---|---|")
    for i, run in enumerate(runs):
        predicted = step(profile, 2, run["rate"], costs)[0]
        says = f"{1e3 * predicted:.0f} ({100 * (predicted / run['step'] - 1):+.0f} %)" + (", fitted" if i < 2 else "")
        print(f"| {run['rate']} | {1e3 * run['step']:.0f} | {says} | {1e3 * run['communication']:.0f} | {100 * run['hidden']:.0f} % |")
    print("\n| net, images per process | a process computes | Gbit/s | images/s, 64 processes | 1024 processes | limited by |\n|---|---|---|---|---|---|")
    for one in data["profiles"]:
        for times in (1, FASTER):
            for rate in RATES:
                profile = faster(one, times)
                speeds = [f"{ranks * one['batch'] / step(profile, ranks, 1000 * rate, costs)[0]:,.0f}" for ranks in (64, 1024)]
                computes = "as measured" if times == 1 else f"{times} times as fast"
                print(f"| {one['net']}, {one['batch']} | {computes} | {rate} | {speeds[0]} | {speeds[1]} | {limits(profile, 1000 * rate, costs)} |")


def plot(data, path):
    """Images per second over processes, both axes logarithmic; the same data give the same bytes."""
    costs = fit(data)
    width, height, left, right, gap = 760, 340, 100, 190, 50
    colours = ["#d55e00", "#0072b2", "#009e73"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{2 * height}" font-family="sans-serif" font-size="13">',
           f'<rect width="{width}" height="{2 * height}" fill="white"/>']
    for row, one in enumerate(data["profiles"]):
        series = [(times, rate, colour, [ranks * one["batch"] / step(faster(one, times), ranks, 1000 * rate, costs)[0] for ranks in RANKS])
                  for times in (1, FASTER) for rate, colour in zip(RATES, colours)]
        values = [value for *_, line in series for value in line]
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        top, bottom = row * height + gap, (row + 1) * height - gap

        def x(ranks):
            return left + (width - left - right) * math.log2(ranks) / 10

        def y(value):
            return bottom - (bottom - top) * (math.log10(value) - low) / max(high - low, 1)
        out.append(f'<text x="{left}" y="{top - 20}" font-weight="bold">{one["net"]}, {one["batch"]} images per process and step</text>')
        middle = (top + bottom) / 2
        out.append(f'<text transform="translate(22 {middle:.0f}) rotate(-90)" text-anchor="middle">images per second</text>')
        out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{bottom + 38}" text-anchor="middle">processes</text>')
        for power in range(low, high + 1):
            out.append(f'<path d="M{left} {y(10 ** power):.1f}H{width - right}" stroke="#ddd"/>'
                       f'<text x="{left - 6}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">{10 ** power:,}</text>')
        for ranks in RANKS[::2]:
            out.append(f'<text x="{x(ranks):.1f}" y="{bottom + 18}" text-anchor="middle">{ranks}</text>')
        for times, _, colour, line in series:
            points = " ".join(f"{x(ranks):.1f},{y(value):.1f}" for ranks, value in zip(RANKS, line))
            dashes = "" if times == 1 else ' stroke-dasharray="6 4"'
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        for i, (rate, colour) in enumerate(zip(RATES, colours)):
            out.append(f'<text x="{width - right + 12}" y="{top + 20 * (3 - i)}" fill="{colour}">{rate} Gbit/s</text>')
        for i, (dashes, name) in enumerate((("", "one CPU each"), (' stroke-dasharray="6 4"', f"{FASTER} times as fast"))):
            level = top + 100 + 20 * i
            out.append(f'<path d="M{width - right + 12} {level - 4}h36" stroke="#333" stroke-width="2"{dashes}/>'
                       f'<text x="{width - right + 54}" y="{level}">{name}</text>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?")
    parser.add_argument("--rates", nargs="+", type=int, default=[500, 2000, 1000, 250])
    parser.add_argument("--batch", type=int, default=400)
    parser.add_argument("--resnet-batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--out")
    parser.add_argument("--from", dest="source")
    parser.add_argument("--plot")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    if not options.source and not options.program:
        parser.error("PROGRAM or --from is needed")
    if len(set(options.rates)) < 2:
        parser.error("--rates needs two different rates, which the model is fitted to")
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            data = json.load(file)
    else:
        data = measure(options)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(data, file)
            file.write("\n")
    report(data)
    if options.plot:
        plot(data, options.plot)
    wrong = judge(data) if options.strict else None
    if wrong:
        sys.exit(f"scaling: {wrong}")


if __name__ == "__main__":
    main()
