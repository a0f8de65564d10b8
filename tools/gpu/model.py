"""The tutorial's network in PyTorch, as examples/mnist_cnn/model.c has it."""
from torch import nn


def network():
    """Conv 5×5, ReLU, pooling, twice; dropout; two linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(7 * 7 * 64, 1000), nn.Linear(1000, 10))
