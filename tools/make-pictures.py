#!/usr/bin/env python3
"""The pictures of README.md and docs/report.md, from a real run: make-pictures.py MNIST [WORK]

Trains five epochs on the files in MNIST, unless WORK has model.safetensors and report/ of such a run already, draws a digit with a pen,
and writes docs/pictures/: digit.png; terminal.svg, where the network recognises it; and report.png, what Chromium shows of the report.
It needs Pillow and Chromium: tools/install-dependencies.sh pictures."""
import math
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PICTURES = os.path.join(HERE, "docs", "pictures")
PROGRAM = os.path.join(HERE, "build", "examples", "mnist_cnn")
MOST_BYTES = 150000

# A 3 that nobody of MNIST has written: the corners of its line, in hundredths of the page.
LINE = [(31, 24), (41, 15), (55, 13), (66, 20), (67, 32), (58, 42), (45, 47), (60, 50), (71, 60), (70, 75), (58, 86), (42, 87), (29, 78)]


def smooth(points, steps=24):
    """Points on the Catmull-Rom spline through the given ones."""
    ends = [points[0]] + points + [points[-1]]
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:]):
        for i in range(steps):
            t = i / steps
            yield tuple(0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t * t + (3 * q - p - 3 * r + s) * t ** 3)
                        for p, q, r, s in zip(a, b, c, d))


def draw_digit(path):
    """Blue ink on yellowish paper, in the shadow of a hand, on an upright page."""
    width, height, soft = 320, 400, 3
    mask = Image.new("L", (width * soft, height * soft), 0)
    pen = ImageDraw.Draw(mask)
    for i, (x, y) in enumerate(smooth(LINE)):
        x, y, r = x / 100 * width * soft, y / 100 * height * soft, (9 + 2.5 * math.sin(i / 23)) * soft
        pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    mask = mask.resize((width, height), Image.LANCZOS)
    page = Image.new("RGB", (width, height))
    page.putdata([(int(250 * s), int(243 * s), int(222 * s)) for y in range(height) for x in range(width)
                  for s in [1 - 0.28 * x / width * y / height]])
    page.paste(Image.new("RGB", page.size, (34, 58, 138)), (0, 0), mask)
    page.quantize(32).save(path, optimize=True)


def train(mnist, work):
    report, weights = os.path.join(work, "report"), os.path.join(work, "model.safetensors")
    if not (os.path.exists(os.path.join(report, "report.html")) and os.path.exists(weights)):
        subprocess.run([PROGRAM, "--data", mnist, "--epochs", "5", "--save", weights, "--report", report], check=True)
    return report, weights


def draw_terminal(mnist, weights, digit):
    shown = "mnist_cnn --resume model.safetensors "
    run = "'%s' --data '%s' --resume '%s' " % (PROGRAM, mnist, weights)
    subprocess.run([sys.executable, os.path.join(HERE, "tools", "terminal-picture.py"), "--columns", "84", os.path.join(PICTURES, "terminal.svg"),
                    shown + "--eval-only:: " + run + "--eval-only",
                    shown + "--predict digit.png:: cd '%s' && %s --predict digit.png" % (os.path.dirname(digit), run)], check=True)


def draw_report(report, work):
    shot, path = os.path.join(work, "shot.png"), os.path.join(PICTURES, "report.png")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--user-data-dir=" + os.path.join(work, "chromium"),
                    "--blink-settings=preferredColorScheme=1", "--window-size=1280,1066", "--screenshot=" + shot,
                    "file://" + os.path.abspath(os.path.join(report, "report.html"))], check=True, stderr=subprocess.DEVNULL)
    image = Image.open(shot).convert("RGB").resize((896, 746), Image.LANCZOS)
    for colors in (256, 128, 96, 64, 48, 32):  # a few colours are enough, if the best ones are looked for
        image.quantize(colors, kmeans=4, dither=Image.NONE).save(path, optimize=True)
        if os.path.getsize(path) < MOST_BYTES:
            break
    print("%s: %d bytes" % (path, os.path.getsize(path)))


def main():
    mnist = os.path.abspath(sys.argv[1])
    os.makedirs(PICTURES, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else temporary
        digit = os.path.join(PICTURES, "digit.png")
        draw_digit(digit)
        report, weights = train(mnist, work)
        draw_terminal(mnist, weights, digit)
        draw_report(report, work)


if __name__ == "__main__":
    main()
