"""The networks of nets.c for PyTorch, and the training loop of the tutorial."""
import torch
from torch import nn


class Tutorial(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        self.l2 = nn.Sequential(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        self.drop_out = nn.Dropout()
        self.fc1 = nn.Linear(7 * 7 * 64, 1000)
        self.fc2 = nn.Linear(1000, 10)

    def forward(self, x):
        x = self.l2(self.l1(x))
        return self.fc2(self.fc1(self.drop_out(x.reshape(x.size(0), -1))))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def vgg():
    layers, channels = [], 3
    for width in (64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 10))


def vgg_bn():
    layers = []
    for layer in vgg():
        layers += [layer, nn.BatchNorm2d(layer.out_channels)] if isinstance(layer, nn.Conv2d) else [layer]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1))

    def forward(self, x):
        return torch.relu(x + self.inner(x))


class Average(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def allconv():
    layers, channels = [], 3
    for width in (32, 64, 128):
        layers += [nn.Conv2d(channels, width, 3, padding=1, stride=2), nn.ReLU(), Residual(width), Residual(width)]
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(128, 10, 1), Average())


def twolayer():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


NETS = {  # name: (make, the shape of an image)
    "tutorial": (Tutorial, (1, 28, 28)),
    "lenet5": (lenet5, (1, 28, 28)),
    "vgg": (vgg, (3, 32, 32)),
    "vgg-bn": (vgg_bn, (3, 32, 32)),
    "allconv": (allconv, (3, 64, 64)),
    "twolayer": (twolayer, (1, 28, 28)),
    "gelu": (nn.GELU, (64, 32, 32)),
    "batch_norm": (lambda: nn.BatchNorm2d(64), (64, 32, 32)),
}
LAYERS = ("gelu", "batch_norm")  # a step of training is forward and backward, without loss and optimizer


def normalise(pixels):
    return pixels.float().div_(255).sub_(0.1307).div_(0.3081)


def batches(images, labels, size):
    """Shuffled batches for ever. They are cut from one tensor by index, which is kinder to PyTorch than the tutorial's
    DataLoader, whose Python work for each sample would be counted against it."""
    while True:
        order = torch.randperm(len(labels))
        for i in range(0, len(labels) - size + 1, size):
            chosen = order[i:i + size]
            yield normalise(images[chosen]), labels[chosen]


def train_step(model, criterion, optimizer, x, y):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
