#!/usr/bin/env python3
"""Exports nets by the PyTorch of this interpreter: usage: export_nets.py FOLDER NETS OPSET...

NETS is "small", "quick" or the name of one net. The nets are those of examples/zoo, by PyTorch's modules of the same names that the fixtures
are made with (tools/fixtures/zoo.py, torchvision's for the most part), and others that ask for more operators. "small" is all but those
of more than 200 MB, of which the caller has one at a time on the disk: LARGE, which --large prints; "quick" is a few of them.

Opset 18 and later are exported by the exporter that follows torch.export, earlier ones by the one of TorchScript. Writes
FOLDER/NAME-OPSET/model.onnx and, as inputs.npz, what it is to be run on. Exits 1 where a net cannot be exported."""
import pathlib
import shutil
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


LARGE = ["alexnet", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn"]
# What an exporter has no way to write: torch.triu below opset 14.
CANNOT = {("gpt", 11), ("gpt", 13)}
QUICK = ["lenet", "normed_unet", "plain_vit", "letters", "shapes", "resnet20", "mobilenet_v3_small", "unet_small_bilinear", "lstm", "gpt"]
OTHERS = ["mnasnet0_5", "regnet_y_400mf", "convnext_tiny", "shufflenet_v2_x0_5"]
TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"


def own_nets():
    """Nets that ask for operators which those of the zoo do not."""
    image = torch.randn
    yield "lenet", LeNet, lambda: (image(2, 1, 28, 28),)
    yield "normed_unet", UNet, lambda: (image(2, 3, 16, 24),)
    yield "plain_vit", ViT, lambda: (image(2, 3, 32, 32),)
    yield "letters", Letters, lambda: (torch.randint(0, 30, (3, 7)),)
    yield "shapes", Shapes, lambda: (image(2, 4, 6, 5),)


def zoo_input(name, case):
    if case.tokens:
        return (torch.randint(0, 256, (2, *case.input)),)
    # TorchScript's exporter wants what is pooled to a fixed size to be a multiple of it.
    return (torch.randn(2, 3, 224, 224) if name in LARGE else torch.randn(2, *case.input),)


def nets():
    """(name, what makes the net, what makes its inputs) of all nets that can be here."""
    yield from own_nets()
    try:
        from torchvision import models
    except ImportError:
        return  # which check-onnx.sh has said
    sys.path.insert(0, str(TOOLS))
    from fixtures.zoo import CASES
    missing = {line.split("(")[1].split(",")[0] for line in open(TOOLS.parent / "examples/zoo/zoo.def", encoding="ascii")
               if line.startswith("ZOO_NET(")} - set(CASES)
    if missing:
        raise SystemExit(f"tools/fixtures/zoo.py has no net {', '.join(sorted(missing))} of examples/zoo")
    for name, case in CASES.items():
        yield name, lambda case=case: case.make(None), lambda name=name, case=case: zoo_input(name, case)
    for name in OTHERS:
        yield name, lambda name=name: getattr(models, name)(weights=None), lambda: (torch.randn(2, 3, 64, 64),)


def settle(net):
    """Statistics of batch normalisation that are not those of a new net, and heads that do not begin with zeros."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.uniform_(-0.1, 0.1)
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
    if sys.argv[1] == "--large":
        print(*LARGE)
        return 0
    folder, chosen, opsets = pathlib.Path(sys.argv[1]), sys.argv[2], list(map(int, sys.argv[3:]))
    made = failed = 0
    for name, make, draw in nets():
        if not (name == chosen or chosen == "small" and name not in LARGE or chosen == "quick" and name in QUICK):
            continue
        torch.manual_seed(7)
        net, inputs = settle(make()), draw()
        other = tuple(torch.cat([x, x.flip(0)])[:3] for x in inputs)  # another batch than the one exported
        for opset in opsets:
            if (name, opset) in CANNOT:
                print(f"skipped: {name} of opset {opset}, which PyTorch does not export")
                continue
            to = folder / f"{name}-{opset}"
            to.mkdir(parents=True, exist_ok=True)
            try:
                export(net, inputs, to / "model.onnx", opset)
            except Exception as why:  # pylint: disable=broad-except
                print(f"FAIL {name}: opset {opset} cannot be exported: {str(why).splitlines()[0][:150]}")
                shutil.rmtree(to)
                failed += 1
                continue
            numpy.savez(to / "inputs.npz", **{f"input{i}": x.numpy() for i, x in enumerate(other)})
            made += 1
    print(f"{chosen}: {made} models of opset {', '.join(map(str, opsets))} exported by PyTorch {torch.__version__}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
