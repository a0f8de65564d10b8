#!/usr/bin/env python3
"""Ten epochs of the tutorial on the files of CNN_MNIST_DIR: examples/mnist_cnn with its defaults against PyTorch with the same
recipe, on the same machine. Prints seconds per epoch and the accuracy on the test set; writes epochs.jsonl."""
import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

import peers

HERE = os.path.dirname(os.path.abspath(__file__))


def libcnn(build, epochs, data):
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log.jsonl")
        subprocess.run([os.path.join(build, "examples", "mnist_cnn"), "--data", data, "--epochs", str(epochs), "--quiet",
                        "--log", log], check=True, stdout=subprocess.DEVNULL)
        with open(log) as file:
            lines = [json.loads(line) for line in file]
    return [line["seconds"] for line in lines], lines[-1]["test_accuracy"]


def read_idx(data, name):
    import torch
    path = os.path.join(data, name)
    with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")) as file:
        raw = file.read()
    dims = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return torch.frombuffer(bytearray(raw[4 + 4 * raw[3]:]), dtype=torch.uint8).reshape(dims)


def train_pytorch(epochs, data, threads):
    """Runs in a process of its own, which prints its times and the accuracy as JSON."""
    import time

    import torch

    from nets import Tutorial, normalise, train_step
    from peer_pytorch import described
    torch.set_num_threads(threads)  # its default is one on some virtual machines, and where threads are bound
    torch.manual_seed(1)
    images, labels = read_idx(data, "train-images-idx3-ubyte")[:, None], read_idx(data, "train-labels-idx1-ubyte").long()
    model, criterion = Tutorial(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(len(labels))
        for i in range(0, len(labels), 200):
            chosen = order[i:i + 200]
            train_step(model, criterion, optimizer, normalise(images[chosen]), labels[chosen])
        seconds.append(time.perf_counter() - start)
    model.eval()
    tests, answers = read_idx(data, "t10k-images-idx3-ubyte")[:, None], read_idx(data, "t10k-labels-idx1-ubyte").long()
    right = 0
    with torch.no_grad():
        for i in range(0, len(answers), 200):
            right += int((model(normalise(tests[i:i + 200])).argmax(1) == answers[i:i + 200]).sum())
    print(json.dumps([described(), seconds, 100 * right / len(answers)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", default="", help="regular expression that the names of peers must match")
    parser.add_argument("--pytorch", type=int, help=argparse.SUPPRESS)  # threads
    args, _ = parser.parse_known_args()
    data = os.environ.get("CNN_MNIST_DIR")
    if not data:
        sys.exit("bench-epochs: CNN_MNIST_DIR is unset, expected the folder of MNIST's four files")
    if args.pytorch:
        train_pytorch(args.epochs, data, args.pytorch)
        return
    rows = [("libcnn", *libcnn(args.build, args.epochs, data))]
    torches = list(peers.torches(args.build))
    for origin, python in torches:
        command = [python, __file__, "--pytorch", str(len(os.sched_getaffinity(0))), "--epochs", str(args.epochs)]
        for name, bound in ((f"PyTorch ({origin})", {}), (f"PyTorch ({origin}), bound", {"OMP_PROC_BIND": "true"})):
            if not re.search(args.only, name):
                continue
            answer = subprocess.run(command, capture_output=True, text=True, check=True,
                                    env={**os.environ, **bound, **peers.openblas()})
            version, *row = json.loads(answer.stdout)
            print(f"{name}: {version}", flush=True)
            rows.append((name, *row))
    if not torches:
        print("missing peer: PyTorch (apt-get install python3-torch libopenblas-dev, or make bench-peers)")
    print(f"{'':26} {'s an epoch':>10} {'test accuracy':>14}")
    with open(os.path.join(args.build, "bench", "epochs.jsonl"), "w") as file:
        for name, seconds, accuracy in rows:
            print(f"{name:26} {statistics.median(seconds):10.2f} {accuracy:12.2f} %")
            file.write(json.dumps({"bench": "epochs", "who": name, "seconds": seconds, "accuracy": accuracy}) + "\n")


if __name__ == "__main__":
    main()
