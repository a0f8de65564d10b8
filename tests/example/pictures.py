#!/usr/bin/env python3
"""PNG files for predict.sh, without a library: pictures.py digits MNIST DIR | hostile DIR | terminal COMMAND... | memory COMMAND... -- DIR"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, width, height, depth, colour, rows, extra=b""):
    """Writes rows, an iterable of bytes; extra chunks stand before the pixels."""
    pack = zlib.compressobj(6)
    pixels = b"".join(pack.compress(b"\0" + row) for row in rows) + pack.flush()
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + extra +
                   chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def enlarged(ink, factor, left, top, side):
    """A square page with the digit at a place, each pixel `factor` times as large."""
    page = [bytearray(side) for _ in range(side)]
    for y in range(28 * factor):
        for x in range(28 * factor):
            page[top + y][left + x] = ink[y // factor * 28 + x // factor]
    return page


def mixed(ink, paper, part):
    return [(i * part + p * (255 - part)) // 255 for i, p in zip(ink, paper)]


def write_forms(folder, number, label, ink):
    """One digit in seven forms: white on black, black on white, coloured, transparent, with a palette, of 16 bits, and large."""
    def name(form):
        return os.path.join(folder, "%d-%s-%d.png" % (number, form, label))
    page = enlarged(ink, 3, 5 + number, 20 - number // 2, 112)
    side = len(page)
    png(name("plain"), side, side, 8, 0, page)
    png(name("inverse"), side, side, 8, 0, (bytes(255 - p for p in row) for row in page))
    png(name("rgb"), side, side, 8, 2, (bytes(c for p in row for c in mixed((200, 30, 40), (40, 90, 200), p)) for row in page))
    png(name("alpha"), side, side, 8, 6, (bytes(c for p in row for c in (20, 60, 90, p)) for row in page))
    palette = bytes(c for p in range(256) for c in mixed((20, 20, 60), (250, 240, 200), p))
    png(name("palette"), side, side, 8, 3, page, chunk(b"PLTE", palette))
    png(name("gray16"), side, side, 16, 0, (b"".join(struct.pack(">H", 257 * (240 - p * 15 // 16)) for p in row) for row in page))
    page = enlarged(ink, 11, 40, 90, 420)
    png(name("large"), 420, 420, 8, 0, page)
    return 7


def make_digits(mnist, folder):
    with open(os.path.join(mnist, "t10k-images-idx3-ubyte"), "rb") as file:
        images = file.read(16 + 20 * 784)[16:]
    with open(os.path.join(mnist, "t10k-labels-idx1-ubyte"), "rb") as file:
        labels = file.read(8 + 20)[8:]
    for i in range(20):
        # specks and noise of the drawn digits would be ink
        ink = bytes(p if p > 128 else 0 for p in images[784 * i:784 * i + 784])
        for form in range(write_forms(folder, i, labels[i], ink)):
            print(i, form)


def make_hostile(folder):
    def path(name):
        return os.path.join(folder, name + ".png")
    blank = [bytes([255]) * 50] * 50
    png(path("empty"), 50, 50, 8, 0, blank)
    png(path("one"), 1, 1, 8, 0, [b"\x40"])
    png(path("whole"), 60, 60, 8, 0, [bytes((x * y) % 256 for x in range(60)) for y in range(60)])
    with open(path("whole"), "rb") as file:
        whole = file.read()
    os.remove(path("whole"))
    for name, content in {"truncated": whole[:len(whole) // 2], "header": whole[:33], "nothing": b"",
                          "text": b"This is a text, not a picture.\n", "crc": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]}.items():
        with open(path(name), "wb") as file:
            file.write(content)
    png(path("huge"), 30000, 30000, 1, 0, (bytes(3750) for _ in range(30000)))
    png(path("clear"), 40, 40, 8, 6, [bytes([9, 9, 9, 0]) * 40] * 40)
    os.mkdir(path("folder"))


def look_at_terminal(command):
    """On a terminal two pixels share a character, in greys: 14 lines of 28, which end with their colours switched off."""
    for no_color in (False, True):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
        environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8", **({"NO_COLOR": "1"} if no_color else {}))
        if not no_color:
            environment.pop("NO_COLOR", None)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, env=environment)
        os.close(theirs)
        output = b""
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:
                break
            if not some:
                break
            output += some
        assert child.wait() == 0
        lines = output.decode().replace("\r", "").rstrip("\n").split("\n")[1:]
        if no_color:
            assert len(lines) == 28 and "\033" not in output.decode(), lines
            continue
        assert len(lines) == 14, lines
        for line in lines:
            assert re.match(r"^(\033\[38;5;2[3-5]\d;48;5;2[3-5]\dm▀){28}\033\[0m( |$)", line), repr(line)


def measure_memory(command, folder):
    """The largest resident set of the program with each file is about that with a text file."""
    def peak(name):
        pid = os.fork()
        if pid == 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os.execv(command[0], command + ["--predict", os.path.join(folder, name)])
        return os.wait4(pid, 0)[2].ru_maxrss / 1024
    base = peak("text.png")
    for name in sorted(os.listdir(folder)):
        more = peak(name) - base
        assert more < 8, "%s takes %.1f MiB more than a text file" % (name, more)


def main():
    task, rest = sys.argv[1], sys.argv[2:]
    if task == "digits":
        make_digits(*rest)
    elif task == "hostile":
        make_hostile(*rest)
    elif task == "terminal":
        look_at_terminal(rest)
    else:
        measure_memory(rest[:rest.index("--")], rest[-1])


main()
