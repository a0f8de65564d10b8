#!/usr/bin/env python3
"""What examples/cifar10 reaches, as rows of the table in docs/cifar10.md: measure-cifar10.py PROGRAM DATA [RUN...]

Each RUN is a model and a number of epochs, fast:10 or resnet20:30, which are the default; DATA is what --data of the program takes. A run
is trained with seed 1 and the program's own defaults, and the row has the test accuracy after its last epoch, the median of the epochs'
seconds of training, how many minutes the whole run took, with its tests and with the decoding of pictures, and the process's peak of
memory. It fails where the program says that it works on other pictures than those of DATA. Whoever puts the rows into the page says on
which machine, that it was idle, and on which files: accuracy is less on CIFAR-10 that was compressed as JPEG."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("program", help="build/examples/cifar10")
parser.add_argument("data")
parser.add_argument("runs", nargs="*", metavar="RUN", default=["fast:10", "resnet20:30"])
parser.add_argument("--threads", default="0")
parser.add_argument("--limit", help="as the program's, to try this script")
arguments = parser.parse_args()


def measure(model, epochs, log):
    command = [arguments.program, "--data", arguments.data, "--model", model, "--epochs", str(epochs), "--seed", "1", "--threads", arguments.threads,
               "--log", log] + (["--limit", arguments.limit] if arguments.limit else [])
    print("$ " + " ".join(command), file=sys.stderr, flush=True)
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    minutes = (time.monotonic() - begun) / 60
    if done.returncode:
        sys.exit("measure-cifar10: %s ends with status %d" % (model, done.returncode))
    first, last = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    print(first, last, sep="\n", file=sys.stderr, flush=True)
    accuracy = re.fullmatch(r"test accuracy ([\d.]+) % \(\d+ of \d+\), test loss [\d.]+", last)
    if not accuracy:
        sys.exit("measure-cifar10: the pictures are not those of %s: %s" % (arguments.data, last))
    with open(log) as file:
        lines = [json.loads(line) for line in file]
    if len(lines) != epochs:
        sys.exit("measure-cifar10: %s has %d epochs in its log, expected %d" % (model, len(lines), epochs))
    threads = re.search(r"(\d+) threads?, (\w+) kernels", first)
    return "| `%s` | %d | %s %% | %.1f | %.1f | %.0f |" % (
        model, epochs, accuracy[1], statistics.median(line["seconds"] for line in lines), minutes,
        max(line["peak_rss_bytes"] for line in lines) / 1e6), "%s threads, %s kernels" % threads.groups()


rows = []
with tempfile.TemporaryDirectory() as folder:
    for run in arguments.runs:
        model, colon, epochs = run.partition(":")
        if not epochs.isdigit() or int(epochs) == 0:
            parser.error("%r is no run, expected a model and its epochs such as fast:10" % run)
        rows.append(measure(model, int(epochs), os.path.join(folder, model)))
print("with " + rows[0][1])
print("| `--model` | epochs | test accuracy | seconds per epoch | minutes of the run | memory, MB |\n|---|---|---|---|---|---|")
print("\n".join(row for row, _ in rows))
