#!/usr/bin/env python3
"""How many digits in pictures mnist_cnn --predict recognises: measure-predict.py PROGRAM WEIGHTS MNIST [COUNT]

Draws COUNT (500) pictures of test images of MNIST and COUNT of digits of twenty fonts, each at a size, with a width of strokes, in colours,
at a position, of a polarity and in a kind of PNG file that are drawn by a fixed seed, gives them to the program, and prints
for both how many first guesses are right, and the mistakes. MNIST is the folder with t10k-images-idx3-ubyte and its labels, plain or
gzipped. With --keep DIR the pictures stay in DIR. Exit status 1 where one of the two is below 97 %, unless --least P says another
number. It needs Pillow and the fonts: tools/install-dependencies.sh predict."""
import argparse
import gzip
import os
import random
import re
import subprocess
import sys
import tempfile

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

TRUETYPE = "/usr/share/fonts/truetype"
FONTS = ["dejavu/DejaVuSans.ttf", "dejavu/DejaVuSans-Bold.ttf", "dejavu/DejaVuSerif.ttf", "dejavu/DejaVuSerif-Bold.ttf",
         "dejavu/DejaVuSansMono.ttf", "liberation/LiberationSans-Regular.ttf", "liberation/LiberationSans-BoldItalic.ttf",
         "liberation/LiberationSansNarrow-Regular.ttf", "liberation/LiberationSerif-Regular.ttf", "liberation/LiberationSerif-Italic.ttf",
         "liberation/LiberationMono-Regular.ttf", "freefont/FreeSans.ttf", "freefont/FreeSerif.ttf", "freefont/FreeSerifBoldItalic.ttf",
         "freefont/FreeMono.ttf", "freefont/FreeMonoBold.ttf", "lato/Lato-Regular.ttf", "lato/Lato-Black.ttf", "lato/Lato-LightItalic.ttf",
         "lato/Lato-Hairline.ttf"]
KINDS = ["gray", "rgb", "palette", "alpha", "gray16"]


def read(folder, name):
    path = os.path.join(folder, name)
    with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb")) as file:
        return file.read()


def mnist_digits(folder, count, draw):
    """(label, ink) of test images that are drawn: ink is a picture in shades of grey, white on black, 40 to 400 pixels high."""
    images, labels = read(folder, "t10k-images-idx3-ubyte")[16:], read(folder, "t10k-labels-idx1-ubyte")[8:]
    for i in draw.sample(range(len(labels)), count):
        side = draw.randint(40, 400)
        ink = Image.frombytes("L", (28, 28), images[784 * i:784 * i + 784]).resize((side, side), Image.BICUBIC)
        yield labels[i], ink


def font_digits(count, draw):
    """The same of fonts, each digit in each font equally often."""
    for i in range(count):
        digit, name = i % 10, FONTS[i // 10 % len(FONTS)]
        size = draw.randint(28, 400)
        font = ImageFont.truetype(os.path.join(TRUETYPE, name), size)
        ink = Image.new("L", (2 * size, 2 * size), 0)
        ImageDraw.Draw(ink).text((size // 2, size // 3), str(digit), font=font, fill=255)
        left, top, right, bottom = ink.getbbox()
        yield digit, ink.crop((left - 2, top - 2, right + 2, bottom + 2))


def with_another_pen(ink, draw):
    """Strokes that are up to a 28th of the height wider or a 56th narrower, as long as something of them is left."""
    change = draw.uniform(-0.5, 1.0) * max(ink.size) / 28
    for _ in range(int(abs(change) / 2 + 0.5)):
        other = ink.filter(ImageFilter.MaxFilter(3) if change > 0 else ImageFilter.MinFilter(3))
        if sum(other.histogram()[128:]) < 0.4 * sum(ink.histogram()[128:]):
            break
        ink = other
    return ink


def colors(draw):
    """Ink and paper that differ by at least 150 of 441; which is darker is drawn, too."""
    while True:
        ink, paper = [tuple(draw.randint(0, 255) for _ in range(3)) for _ in range(2)]
        if sum((a - b) ** 2 for a, b in zip(ink, paper)) >= 150 ** 2:
            return ink, paper


def grays(draw):
    ink, paper = draw.choice([(draw.randint(0, 90), draw.randint(170, 255)), (draw.randint(170, 255), draw.randint(0, 90))])
    return ink, paper


def picture(ink, kind, draw):
    """The ink on a larger page, somewhere, in the colours and the form of the kind."""
    wide, high = ink.width + draw.randint(4, ink.width), ink.height + draw.randint(4, ink.height)
    mask = Image.new("L", (wide, high), 0)
    mask.paste(ink, (draw.randint(2, wide - ink.width - 2), draw.randint(2, high - ink.height - 2)))
    if kind in ("gray", "gray16"):
        dark, light = grays(draw)
        page = ImageChops.composite(Image.new("L", mask.size, dark), Image.new("L", mask.size, light), mask)
        return page.convert("I").point(lambda level: level * 257) if kind == "gray16" else page
    drawn, paper = colors(draw)
    if kind == "alpha":
        page = Image.new("RGB", mask.size, drawn)
        page.putalpha(mask)
        return page
    page = ImageChops.composite(Image.new("RGB", mask.size, drawn), Image.new("RGB", mask.size, paper), mask)
    return page.quantize(64) if kind == "palette" else page


def measure(program, weights, digits, folder, name, draw):
    """Writes the pictures, asks the program and prints what it got right; returns that in percent."""
    labels, files, kinds = [], [], []
    for i, (label, ink) in enumerate(digits):
        kind = draw.choice(KINDS)
        files.append(os.path.join(folder, "%s-%03d-%s.png" % (name, i, kind)))
        picture(with_another_pen(ink, draw), kind, draw).save(files[-1])
        labels.append(label)
        kinds.append(kind)
    answer = subprocess.run([program, "--quiet", "--resume", weights, "--predict"] + files, stdout=subprocess.PIPE, text=True)
    found = dict(re.match(r"(.*): (\d) \(", line).groups() for line in answer.stdout.splitlines())
    guesses = [int(found.get(file, -1)) for file in files]  # a picture without an answer is a mistake
    wrong = [i for i, label in enumerate(labels) if guesses[i] != label]
    for i in wrong:
        print("  %s: is %d, taken for %d" % (os.path.basename(files[i]), labels[i], guesses[i]))
    part = 100 * (1 - len(wrong) / len(labels))
    print("%s: %d of %d right, %.1f %%" % (name, len(labels) - len(wrong), len(labels), part))
    return part


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("weights")
    parser.add_argument("mnist")
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--keep", metavar="DIR")
    parser.add_argument("--least", type=float, default=97)
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = o.keep or work
        os.makedirs(folder, exist_ok=True)
        draw = random.Random(o.seed)
        parts = [measure(o.program, o.weights, mnist_digits(o.mnist, o.count, draw), folder, "mnist", draw),
                 measure(o.program, o.weights, font_digits(o.count, draw), folder, "fonts", draw)]
    return min(parts) < o.least


if __name__ == "__main__":
    sys.exit(main())
