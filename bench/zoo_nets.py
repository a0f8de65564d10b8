"""Nets of examples/zoo for PyTorch, layer by layer the same: ResNet and MobileNet v2 as torchvision has them, U-Net, a small vision
transformer and a character LSTM."""
import torch
from torch import nn
from torch.nn import functional


def conv_norm(channels, out, kernel=1, stride=1, groups=1, activation=None):
    conv = nn.Conv2d(channels, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), *([activation] if activation else []))


class Residual(nn.Module):
    """torchvision's BasicBlock or Bottleneck, according to the widths of its convolutions."""

    def __init__(self, channels, layers, out, stride):
        super().__init__()
        self.layers, self.relu = layers, nn.ReLU(inplace=True)
        self.downsample = conv_norm(channels, out, stride=stride) if channels != out or stride > 1 else nn.Identity()

    def forward(self, x):
        return self.relu(self.layers(x) + self.downsample(x))


def basic(channels, width, stride):
    layers = nn.Sequential(conv_norm(channels, width, 3, stride, activation=nn.ReLU(inplace=True)), conv_norm(width, width, 3))
    return Residual(channels, layers, width, stride), width


def bottleneck(channels, width, stride):
    layers = nn.Sequential(conv_norm(channels, width, activation=nn.ReLU(inplace=True)),
                           conv_norm(width, width, 3, stride, activation=nn.ReLU(inplace=True)), conv_norm(width, 4 * width))
    return Residual(channels, layers, 4 * width, stride), 4 * width


def resnet(block, counts):
    layers, channels = [conv_norm(3, 64, 7, 2, activation=nn.ReLU(inplace=True)), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(counts):
        for i in range(count):
            layer, channels = block(channels, 64 << stage, 2 if stage and not i else 1)
            layers.append(layer)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


class InvertedResidual(nn.Module):
    def __init__(self, channels, out, stride, expansion):
        super().__init__()
        hidden, self.adds = channels * expansion, stride == 1 and channels == out
        widen = [conv_norm(channels, hidden, activation=nn.ReLU6(inplace=True))] if expansion > 1 else []
        self.conv = nn.Sequential(*widen, conv_norm(hidden, hidden, 3, stride, hidden, nn.ReLU6(inplace=True)), conv_norm(hidden, out))

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def mobilenet_v2():
    layers, channels = [conv_norm(3, 32, 3, 2, activation=nn.ReLU6(inplace=True))], 32
    for expansion, out, repeats, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                            (6, 320, 1, 1)):
        for i in range(repeats):
            layers.append(InvertedResidual(channels, out, 1 if i else stride, expansion))
            channels = out
    return nn.Sequential(*layers, conv_norm(channels, 1280, activation=nn.ReLU6(inplace=True)), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Dropout(0.2), nn.Linear(1280, 1000))


def double_conv(channels, out):
    return nn.Sequential(conv_norm(channels, out, 3, activation=nn.ReLU(inplace=True)),
                         conv_norm(out, out, 3, activation=nn.ReLU(inplace=True)))


class UNet(nn.Module):
    def __init__(self, width=64, levels=4):
        super().__init__()
        self.first = double_conv(3, width)
        self.down = nn.ModuleList(double_conv(width << i, width << i + 1) for i in range(levels))
        self.up = nn.ModuleList(nn.ConvTranspose2d(width << i + 1, width << i, 2, 2) for i in reversed(range(levels)))
        self.join = nn.ModuleList(double_conv(width << i + 1, width << i) for i in reversed(range(levels)))
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        across = [self.first(x)]
        for down in self.down:
            across.append(down(functional.max_pool2d(across[-1], 2)))
        x = across.pop()
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([across.pop(), up(x)], 1))
        return self.last(x)


class Attention(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        self.heads, self.into, self.out = heads, nn.Linear(features, 3 * features), nn.Linear(features, features)

    def forward(self, x):
        n, t, f = x.shape
        q, k, v = self.into(x).view(n, t, 3, self.heads, f // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(functional, "scaled_dot_product_attention") and not torch.onnx.is_in_onnx_export():
            y = functional.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.transpose(-2, -1) * (f // self.heads) ** -0.5).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(n, t, f))


class Encoder(nn.Module):
    def __init__(self, features, heads, perceptron):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(features, 1e-6), Attention(features, heads))
        self.perceptron = nn.Sequential(nn.LayerNorm(features, 1e-6), nn.Linear(features, perceptron), nn.GELU(),
                                        nn.Linear(perceptron, features))

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.perceptron(x)


class VisionTransformer(nn.Module):
    def __init__(self, size=32, patch=4, features=192, layers=6, heads=3):
        super().__init__()
        self.patches = nn.Conv2d(3, features, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, features))
        self.positions = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2 + 1, features))
        self.layers = nn.Sequential(*(Encoder(features, heads, 4 * features) for _ in range(layers)), nn.LayerNorm(features, 1e-6))
        self.head = nn.Linear(features, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.layers(x)[:, 0])


class CharLSTM(nn.Module):
    def __init__(self, vocabulary=256, embedding=128, hidden=256):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, 2, batch_first=True)
        self.linear = nn.Linear(hidden, vocabulary)

    def forward(self, x):
        return self.linear(self.lstm(self.embedding(x))[0])


NETS = {
    "resnet18": lambda: resnet(basic, (2, 2, 2, 2)),
    "resnet50": lambda: resnet(bottleneck, (3, 4, 6, 3)),
    "mobilenet_v2": mobilenet_v2,
    "unet": UNet,
    "vit": VisionTransformer,
    "lstm": CharLSTM,
}


def batch(name, size, count):
    """Drawn inputs and targets; `size` is (channels, height, width), or (tokens,)."""
    if name == "lstm":
        tokens = torch.randint(0, 256, (count, size[0] + 1))
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    classes = {"unet": 2, "vit": 10}.get(name, 1000)
    return torch.randn(count, *size), torch.randint(0, classes, (count, *size[1:]) if name == "unet" else (count,))


def loss(name, output, target):
    return functional.cross_entropy(output.flatten(0, 1), target.flatten()) if name == "lstm" else functional.cross_entropy(output, target)
