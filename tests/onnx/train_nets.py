#!/usr/bin/env python3
"""A net of torchvision, exported with its batch normalisation and trained on by libcnn, has the losses that PyTorch has: usage:
train_nets.py TRAIN_NET FOLDER"""
import pathlib
import subprocess
import sys
import warnings

import torch
from torchvision import models

warnings.filterwarnings("ignore")


def losses_of(net, x, labels):
    optimizer = torch.optim.SGD(net.train().parameters(), lr=0.01, momentum=0.9)
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("resnet18",):
        torch.manual_seed(3)
        net, x, labels = getattr(models, name)(weights=None), torch.randn(4, 3, 64, 64), torch.randint(0, 1000, (4,))
        torch.onnx.export(net, x, str(folder / f"{name}.onnx"), training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
                          opset_version=17, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
        (folder / f"{name}.batch").write_bytes(x.numpy().tobytes() + labels.numpy().tobytes())
        expected = list(losses_of(net, x, labels))
        lines = subprocess.run([program, folder / f"{name}.onnx", folder / f"{name}.batch"], check=True, capture_output=True, text=True).stdout
        got = [float(line) for line in lines.split()]
        worst = max(abs(a - b) for a, b in zip(got, expected))
        assert len(got) == 20 and worst < 5e-3, f"{name}: losses {got}, expected {expected}"
        print(f"{name}: 20 steps from {expected[0]:.3f} to {expected[-1]:.6f}, losses within {worst:.1e} of PyTorch's")


if __name__ == "__main__":
    main()
