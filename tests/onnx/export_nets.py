#!/usr/bin/env python3
"""Exports nets by the PyTorch of this interpreter: usage: export_nets.py FOLDER OPSET...

Opset 18 and later are exported by the exporter that follows torch.export, earlier ones by the one of TorchScript. Writes
FOLDER/NAME-OPSET/model.onnx and, as inputs.npz, what it is to be run on. Nets of torchvision are exported where it is there."""
import pathlib
import sys
import warnings

import numpy
import torch
from torch import nn

warnings.filterwarnings("ignore")


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                                  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, x):
        return torch.log_softmax(self.body(x), 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(8), nn.GroupNorm(4, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.last = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = torch.relu(self.norm1(self.down1(x)))
        b = nn.functional.silu(self.norm2(self.down2(nn.functional.max_pool2d(a, 2))))
        c = self.up(b) + nn.functional.interpolate(a[:, :, ::2, ::2], size=a.shape[2:], mode="bilinear", align_corners=False)
        return torch.sigmoid(self.last(torch.cat([a, c], 1)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.heads = heads

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-2, -1) / (c // self.heads) ** 0.5, -1)
        x = x + self.out((a @ v).transpose(1, 2).reshape(n, t, c))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 4, stride=4)
        self.token, self.place = nn.Parameter(torch.randn(1, 1, 32)), nn.Parameter(torch.randn(1, 65, 32))
        self.blocks = nn.Sequential(Block(32, 4), Block(32, 4))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        return self.head(self.blocks(x)[:, 0])


class Letters(nn.Module):
    """Embedding, LSTM in both directions, GRU."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        self.lstm = nn.LSTM(16, 12, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(24, 10, batch_first=True)
        self.head = nn.Linear(10, 30)

    def forward(self, x):
        y, _ = self.lstm(self.embed(x))
        y, h = self.gru(y)
        return self.head(y), h


class Shapes(nn.Module):
    """Arithmetic on shapes, and operators that exporters make of indexing."""

    def forward(self, x):
        n, c, h, w = x.shape
        y = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        z = torch.cat([y[:, :, : h // 2], torch.ones_like(y[:, :, h // 2:]) * 0.5], 2)
        m = torch.where(z > 0, z, z.abs().sqrt()).flatten(1)
        return nn.functional.pad(z, (1, 2, 0, 1)), m.mean(1, keepdim=True), m.topk(3, 1)[0], z.std(dim=(2, 3))


def nets(opset):
    image = lambda *shape: torch.randn(*shape)
    yield "lenet", LeNet(), (image(2, 1, 28, 28),)
    yield "unet", UNet(), (image(2, 3, 16, 24),)
    yield "vit", ViT(), (image(2, 3, 32, 32),)
    yield "letters", Letters(), (torch.randint(0, 30, (3, 7)),)
    yield "shapes", Shapes(), (image(2, 4, 6, 5),)
    try:
        from torchvision import models
    except ImportError:
        return
    sizes = {"alexnet": 224, "vgg11_bn": 224}
    for name in ("alexnet", "vgg11_bn", "resnet18", "resnet50", "squeezenet1_1", "googlenet", "densenet121", "mobilenet_v2",
                 "mobilenet_v3_small", "shufflenet_v2_x0_5", "efficientnet_b0", "mnasnet0_5", "regnet_y_400mf", "convnext_tiny"):
        extra = {"init_weights": False} if name == "googlenet" else {}
        size = sizes.get(name, 64)
        yield name, getattr(models, name)(weights=None, **extra), (image(2, 3, size, size),)


def settle(net, inputs):
    """Statistics of batch normalisation that are not those of a new net."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval()


def export(net, inputs, path, opset):
    names = [f"input{i}" for i in range(len(inputs))]
    if opset >= 18:
        torch.onnx.export(net, inputs, str(path), opset_version=opset, input_names=names, dynamo=True,
                          dynamic_shapes=[{0: torch.export.Dim("batch", min=1)}] * len(inputs), verbose=False)
    else:
        torch.onnx.export(net, inputs, str(path), opset_version=opset, input_names=names,
                          dynamic_axes={name: {0: "batch"} for name in names})


def main():
    folder, made = pathlib.Path(sys.argv[1]), 0
    for opset in map(int, sys.argv[2:]):
        torch.manual_seed(7)
        for name, net, inputs in nets(opset):
            to = folder / f"{name}-{opset}"
            to.mkdir(parents=True, exist_ok=True)
            try:
                export(settle(net, inputs), inputs, to / "model.onnx", opset)
            except Exception as why:
                print(f"{name}: opset {opset} cannot be exported: {str(why).splitlines()[0][:150]}")
                (to / "model.onnx").unlink(missing_ok=True)
                continue
            other = tuple(torch.cat([x, x.flip(0)])[:3] for x in inputs)  # another batch than the one exported
            numpy.savez(to / "inputs.npz", **{f"input{i}": x.numpy() for i, x in enumerate(other)})
            made += 1
    print(f"{made} nets exported by PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
