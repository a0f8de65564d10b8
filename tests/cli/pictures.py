"""cnn run and bench on pictures: usage: pictures.py PROGRAM FOLDER. Models of one Identity show what a picture becomes."""

import ast
import os
import struct
import subprocess
import sys
import zlib

program, work = sys.argv[1:3]
checks = 0
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


# ---- files ----
def png(name, height, width, pixel, gray=False):
    rows = b"".join(b"\0" + b"".join(bytes(pixel(y, x)) for x in range(width)) for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if gray else 2, 0, 0, 0)))
        f.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def port(name, kind, sizes):
    dims = b"".join(field(1, field(2, s) if isinstance(s, str) else field(1, s)) for s in sizes)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def model(name, sizes, kind=1):
    """y = x"""
    node = field(1, "x") + field(2, "y") + field(4, "Identity")
    graph = field(1, node) + field(2, "g") + field(11, port("x", kind, sizes)) + field(12, port("y", kind, sizes))
    path = os.path.join(work, name)
    with open(path, "wb") as f:
        f.write(field(1, 8) + field(7, graph) + field(8, field(2, 17)))
    return path


def array():
    """The shape and the elements of y.npy."""
    data = open(os.path.join(work, "y.npy"), "rb").read()
    size = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10 : 10 + size].decode())
    form = {"<f4": "f", "|u1": "B"}[header["descr"]]
    elements = data[10 + size :]
    return header["shape"], struct.unpack(f"<{len(elements) // struct.calcsize(form)}{form}", elements)


# ---- checks ----
def run(*arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True)


def becomes(net, *arguments):
    global checks
    checks += 1
    done = run("run", net, "--output-dir", work, *arguments)
    assert done.returncode == 0, done.stderr
    return array()


def refused(text, net, *arguments, command="run"):
    global checks
    checks += 1
    done = run(command, net, *(["--output-dir", work] if command == "run" else []), *arguments)
    assert done.returncode == 1 and text in done.stderr and done.stderr.count("\n") == 1, (text, done)


def close(given, expected, tolerance=1e-5):
    assert len(given) == len(expected), (len(given), len(expected))
    worst = max(abs(a - b) for a, b in zip(given, expected))
    assert worst <= tolerance, worst


red = png("red.png", 5, 9, lambda y, x: (200, 100, 50))
blue = png("blue.png", 7, 4, lambda y, x: (0, 0, 255))
gray = png("gray.png", 6, 6, lambda y, x: (51,), gray=True)
nchw, nhwc = model("nchw.onnx", ["n", 3, 4, 4]), model("nhwc.onnx", ["n", 4, 4, 3])
if run("run", nchw, "--input", red, "--output-dir", work).stderr.find("built without libcnn-image") >= 0:
    print("skipped: pictures as inputs (cnn was built without libcnn-image)")
    sys.exit(0)

# One colour stays that colour, whatever is resized and cropped.
colour = [(v / 255 - m) / s for v, m, s in zip((200, 100, 50), MEAN, STD)]
shape, elements = becomes(nchw, "--input", red)
assert shape == (1, 3, 4, 4), shape
close(elements, [c for c in colour for _ in range(16)])
shape, elements = becomes(nhwc, "--input", f"x={red}")
assert shape == (1, 4, 4, 3), shape
close(elements, colour * 16)
shape, elements = becomes(nchw, "--input", red, "--input", f"x={blue}", "--mean", "0", "--std", "1")
assert shape == (2, 3, 4, 4), shape
close(elements, [v / 255 for v in (200, 100, 50) for _ in range(16)] + [v for v in (0, 0, 1) for _ in range(16)])
shape, elements = becomes(nchw, "--input", red, "--mean", "0.1,0.2,0.3", "--std", "0.00392156862745", "--fit", "stretch")
close(elements, [v - 255 * m for v, m in zip((200, 100, 50), (0.1, 0.2, 0.3)) for _ in range(16)], 1e-3)
shape, elements = becomes(model("gray.onnx", [1, 1, 4, 4]), "--input", gray)
close(elements, [0.2] * 16)
shape, elements = becomes(model("levels.onnx", [1, 4, 4, 3], kind=2), "--input", red)
assert shape == (1, 4, 4, 3) and elements == (200, 100, 50) * 16, (shape, elements)
shape, elements = becomes(model("single.onnx", [3, 4, 4]), "--input", red)
assert shape == (3, 4, 4), shape
# Sizes that are open are the picture's, or those of --crop; a size of 3 says where the channels are.
opened = model("open.onnx", ["n", 3, "h", "w"])
assert becomes(opened, "--input", red)[0] == (1, 3, 5, 9)
assert becomes(opened, "--input", red, "--crop", "4,6")[0] == (1, 3, 4, 6)
assert becomes(opened, "--input", red, "--crop", "3", "--resize", "3")[0] == (1, 3, 3, 3)
assert becomes(model("any.onnx", ["n", "c", "h", "w"]), "--input", red)[0] == (1, 3, 5, 9)
assert becomes(model("last.onnx", ["n", "h", "w", "c"]), "--input", red, "--layout", "nhwc")[0] == (1, 5, 9, 3)
# Where the crop lies: a picture of the resized size is cropped alone, from half of what is left over.
ramp = png("ramp.png", 4, 8, lambda y, x: (10 * x, 20 * y, 0))
shape, elements = becomes(nchw, "--input", ramp, "--resize", "4", "--mean", "0", "--std", "1")
close(elements[:16], [10 * x / 255 for y in range(4) for x in range(2, 6)])
close(elements[16:32], [20 * y / 255 for y in range(4) for x in range(4)])

refused("--resize is 3, expected at least 4, the longest side of input x", nchw, "--input", red, "--resize", "3")
refused("expected sides of at most 65535; see --fit stretch", nchw, "--input", png("line.png", 1, 60000, lambda y, x: (0, 0, 0)))
refused("but a picture has sides of at most 65535", model("huge.onnx", [1, 3, 1 << 60, 1 << 60]), "--input", red)
refused("2 pictures are given for input x, which takes 1", model("one.onnx", [1, 3, 4, 4]), "--input", red, "--input", blue)
refused("but a picture becomes float32 or uint8", model("double.onnx", [1, 3, 4, 4], kind=11), "--input", red)
refused("but a picture becomes float32 or uint8", model("flat.onnx", [1, 48]), "--input", red)
refused("of which 7 is taken for the channels, but a picture has 1 or 3; see --layout", model("seven.onnx", [1, 7, 4, 4]), "--input", red)
refused("uint8, which is not normalised", os.path.join(work, "levels.onnx"), "--input", red, "--mean", "0")
refused("--mean has 3 numbers, but input x has 1 channel", os.path.join(work, "gray.onnx"), "--input", gray, "--mean", "0,0,0")
cut = os.path.join(work, "cut.png")
with open(cut, "wb") as f:
    f.write(open(red, "rb").read()[:40])
refused("cut.png", nchw, "--input", cut)
done = run("bench", nchw, "--input", red, "--input", blue, "--steps", "2")
assert done.returncode == 0 and "x [2,3,4,4]" in done.stdout, done
refused("see", os.path.join(work, "seven.onnx"), "--input", red, command="bench")

# ---- torchvision's transforms ----
try:
    import torch
    import torchvision
    from torchvision import transforms
except ImportError:
    print("skipped: pictures beside torchvision's preprocessing (no python3-torchvision here)")
else:
    for size, height, width in ((224, 300, 400), (224, 500, 333), (96, 100, 97)):
        picture = png("t.png", height, width, lambda y, x: (x * y % 256, (x ^ y) % 256, (3 * x + y) % 256))
        loaded = torchvision.io.read_image(picture).float() / 255
        side = (size * 256 + 112) // 224
        chain = [transforms.Resize(side, antialias=True), transforms.CenterCrop(size), transforms.Normalize(MEAN, STD)]
        expected = transforms.Compose(chain)(loaded)
        shape, elements = becomes(model("t.onnx", [1, 3, size, size]), "--input", picture)
        given = torch.tensor(elements).reshape(3, size, size)
        worst = float((given - expected).abs().max())
        assert worst < 5e-4, (size, worst)  # a thirtieth of a level of 255, divided by the standard deviation
        checks += 1
print(f"pictures: {checks} checks passed")
