#!/usr/bin/env python3
"""Runs commands in a terminal and draws what it shows in the end as an SVG file: terminal-picture.py [--columns N] FILE.svg COMMAND...

Each COMMAND is run by the shell on a pseudo-terminal of N columns (88), one after the other, and stands behind a "$" above its output.
A COMMAND may have another text to be shown, before "::": "make mnist:: build/examples/mnist_cnn". Of escape sequences it knows those of
the examples: colours of the 256, and erasing the rest of a line. Block elements become rectangles, so that no font can tear them."""
import argparse
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from xml.sax.saxutils import escape

CELL, LINE, SIZE, EDGE, BAR = 8.4, 18, 14, 14, 28
INK, PAPER = "#d7dce2", "#14181d"


def color(number):
    """The colour of a number from 16 to 255: a cube of 6 × 6 × 6, then 24 greys."""
    if number >= 232:
        return "#" + 3 * ("%02x" % (8 + 10 * (number - 232)))
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return "#%02x%02x%02x" % (levels[number // 36], levels[number // 6 % 6], levels[number % 6])


class Screen:
    """Rows of cells (letter, colour, colour behind); as many rows as are written."""

    def __init__(self, columns):
        self.columns, self.rows, self.column, self.colors = columns, [[]], 0, (None, None)

    def put(self, letter):
        if self.column == self.columns:
            self.rows.append([])
            self.column = 0
        row = self.rows[-1]
        row.extend([(" ", None, None)] * (self.column + 1 - len(row)))
        row[self.column] = (letter,) + self.colors
        self.column += 1

    def set_colors(self, numbers):
        ink, paper = self.colors
        while numbers:
            if numbers[0] == 0:
                ink, paper, numbers = None, None, numbers[1:]
            elif numbers[:2] == [38, 5]:
                ink, numbers = color(numbers[2]), numbers[3:]
            elif numbers[:2] == [48, 5]:
                paper, numbers = color(numbers[2]), numbers[3:]
            else:
                raise ValueError("colours %r" % numbers)
        self.colors = (ink, paper)

    def write(self, text):
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", text, re.S):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.rows.append([])
            elif part == "\x1b[K":
                del self.rows[-1][self.column:]
            elif part.endswith("m") and part.startswith("\x1b["):
                self.set_colors([int(n or 0) for n in part[2:-1].split(";")])
            elif part.startswith("\x1b"):
                raise ValueError("the escape sequence %r" % part)
            else:
                self.put(part)


def run(command, screen):
    """Runs a command on a pseudo-terminal and writes to the screen what it prints."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, screen.columns, 0, 0))
    environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    output = b""
    while True:
        select.select([ours], [], [])
        try:
            some = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not some:
            break
        output += some
    if child.wait() != 0:
        sys.exit("terminal-picture: %s ended with status %d:\n%s" % (command, child.returncode, output.decode()))
    screen.write(output.decode())


def rectangle(x, y, width, height, fill):
    return '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>' % (x, y, width, height, fill)


def layers(cell):
    """The colours of the upper and the lower half of a cell, and its letter where that is no block."""
    letter, ink, paper = cell
    if letter == "▀":
        return ink or INK, paper, " "
    if letter == "█":
        return ink or INK, ink or INK, " "
    return paper, paper, letter


def draw_row(row, y):
    drawn = []
    halves = [layers(cell) for cell in row]
    for half in (0, 1):
        start = 0
        for i in range(1, len(row) + 1):
            if i == len(row) or halves[i][half] != halves[start][half]:
                if halves[start][half]:
                    drawn.append(rectangle(EDGE + start * CELL, y + half * LINE / 2, (i - start) * CELL + 0.2, LINE / 2 + 0.2, halves[start][half]))
                start = i
    text = "".join(h[2] for h in halves)
    for part in re.finditer(r"\S+(?: \S+)*", text):  # a run of words keeps its width in any font
        strong = ' class="strong"' if text.startswith("$ ") else ""
        drawn.append('<text x="%.1f" y="%.1f" textLength="%.1f"%s>%s</text>' % (
            EDGE + part.start() * CELL, y + LINE * 0.74, len(part.group()) * CELL, strong, escape(part.group())))
    return drawn


def draw(screen):
    rows = screen.rows
    while rows and not rows[-1]:
        rows = rows[:-1]
    width, height = 2 * EDGE + screen.columns * CELL, BAR + 2 * EDGE + len(rows) * LINE
    label = "\n".join("".join(cell[0] for cell in row) for row in rows if row and row[0][0] not in "▀")
    drawn = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">' % (width, height, width, height),
             "<title>A terminal</title>", "<desc>%s</desc>" % escape(label),
             "<style>svg{color-scheme:light dark}"  # else browsers put white behind it on a dark page
             "text{font:%dpx ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:%s;white-space:pre}"
             ".strong{font-weight:700;fill:#fff}</style>" % (SIZE, INK),
             '<rect width="100%%" height="100%%" rx="8" fill="%s"/>' % PAPER]
    drawn += ['<circle cx="%d" cy="%d" r="5.5" fill="%s"/>' % (EDGE + 6 + 18 * i, BAR / 2 + 3, fill)
              for i, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))]
    for i, row in enumerate(rows):
        drawn += draw_row(row, BAR + EDGE / 2 + i * LINE)
    return "\n".join(drawn) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=88)
    parser.add_argument("file")
    parser.add_argument("commands", nargs="+")
    o = parser.parse_args()
    screen = Screen(o.columns)
    for command in o.commands:
        shown, _, given = command.partition("::")
        screen.write("$ %s\r\n" % shown.strip())
        run(given or shown, screen)
    with open(o.file, "w", encoding="utf-8") as file:
        file.write(draw(screen))
    print("%s: %d bytes" % (o.file, os.path.getsize(o.file)))


if __name__ == "__main__":
    main()
