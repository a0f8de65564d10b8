"""Trains the tutorial's network on MNIST: mnist.py FOLDER [EPOCHS]"""
import sys

import cnn
from cnn import nn
from cnn.nn import functional as F

cnn.manual_seed(1)
model = nn.Sequential(
    nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.5), nn.Linear(7 * 7 * 64, 1000), nn.Linear(1000, 10))
adam = cnn.optim.Adam(model.parameters(), lr=1e-3)
train = cnn.data.DataLoader(cnn.data.MNIST(sys.argv[1]), 200, shuffle=True)
test = cnn.data.DataLoader(cnn.data.MNIST(sys.argv[1], train=False), 200)
for epoch in range(int(sys.argv[2]) if len(sys.argv) > 2 else 10):
    for images, labels in train:
        loss = F.cross_entropy(model(images), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    model.eval()
    with cnn.no_grad():
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in test)
    model.train()
    print(f"epoch {epoch + 1}: last loss {loss.item():.4f}, test accuracy {right / len(test.dataset):.2%}")
