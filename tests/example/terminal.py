#!/usr/bin/env python3
"""The progress bar on terminals of every kind: terminal.py PROGRAM ARGUMENT...

The program's stderr is a pseudo-terminal; what it sends there is drawn on a small emulated screen, which must end empty and may
never have scrolled: a bar that is wider than the terminal leaves lines behind. Ends with status 77 where there is no terminal."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

COMMAND = sys.argv[1:]
FULL = re.compile(r"epoch [12]/2: +\d+%\|.{20}\| \d+/\d+ \[\d+:\d\d<\d+:\d\d, \d+ images/s, loss \d+\.\d{4}\]")
checks = 0


class Screen:
    """One row a list of characters; knows carriage return, line feed, "erase to the end of the line", and wraps."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column = columns, [[]], 0, 0

    def resize(self, columns):
        self.columns = columns
        self.rows = [row[:columns] for row in self.rows]
        self.column = min(self.column, columns)

    def next_row(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def put(self, letter):
        if self.column == self.columns:
            self.next_row()
            self.column = 0
        row = self.rows[self.row]
        row.extend(" " * (self.column + 1 - len(row)))
        row[self.column] = letter
        self.column += 1

    def draw(self, text):
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", text, re.S):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.next_row()
            elif part == "\x1b[K":
                del self.rows[self.row][self.column:]
            elif part.startswith("\x1b"):
                raise ValueError("the escape sequence %r" % part)
            else:
                self.put(part)

    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]


def pause(program, terminal):
    """Stops the program and returns what it sent until then."""
    program.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.pid, os.WSTOPPED)
    data = b""
    while select.select([terminal], [], [], 0.1)[0]:
        data += os.read(terminal, 1 << 16)
    return data


def run(columns, resize=None, **environment):
    """What the program sends to a terminal of so many columns, the screen at its end, and where `resize` fell in the text."""
    try:
        terminal, program_end = pty.openpty()
    except OSError as error:
        print("no pseudo-terminal: %s" % error)
        sys.exit(77)
    fcntl.ioctl(program_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "LC_CTYPE")}
    kept.update({"TERM": "xterm", "LC_ALL": "C"}, **environment)
    command = COMMAND + (["--limit", "1200"] if resize else [])  # both widths need the time for some bars
    program = subprocess.Popen(command, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=program_end)
    os.close(program_end)
    data, resized_at, deadline = b"", None, time.time() + 120
    while time.time() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            break
        data += part
        if resize and resized_at is None and data.count(b"\r") >= 3:
            data += pause(program, terminal)
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, resize, 0, 0))
            resized_at = len(data)
            program.send_signal(signal.SIGCONT)
    os.close(terminal)
    if program.wait() != 0:
        raise ValueError("exit status %d: %r" % (program.returncode, data))
    screen = Screen(columns or 1000)
    if resized_at is None:
        screen.draw(data.decode())
    else:
        # one bar may be on its way while the terminal changes; the next one must be drawn for the new width
        first = data.index(b"\r", resized_at)
        second = data.index(b"\r", first + 1)
        screen.draw(data[:first].decode())
        screen.resize(max(columns, resize))
        screen.draw(data[first:second].decode())
        screen.resize(resize)
        screen.draw(data[second:].decode())
        data = data[second:]
    return data.decode(), screen


def bars(text):
    return [bar.rstrip() for bar in re.sub(r"\x1b\[K", "", text).split("\r") if bar.strip()]


def require(condition, what, text):
    global checks
    checks += 1
    if not condition:
        sys.exit("terminal: %s\n%r" % (what, text[:2000]))


def check_redrawn(name, text, screen, width):
    drawn = bars(text)
    require(len(drawn) >= 3, "%s: few bars" % name, text)
    require(max(map(len, drawn)) < width, "%s: a bar of %d columns" % (name, max(map(len, drawn))), text)
    require(all("%" in bar for bar in drawn), "%s: a bar without its percentage" % name, text)
    require(screen.lines() == [""], "%s: left on the screen: %s" % (name, screen.lines()), text)
    return drawn


for columns in 200, 100, 80, 60, 40, 25, 20, 8:
    for locale in ("C", "C.UTF-8") if columns in (100, 40, 20) else ("C.UTF-8",):
        name = "%d columns, %s" % (columns, locale)
        text, screen = run(columns, LC_ALL=locale)
        drawn = check_redrawn(name, text, screen, columns)
        require(any(ord(letter) > 127 for letter in text) == (locale != "C" and columns > 20), name + ": the letters", text)
        require((FULL.fullmatch(drawn[-1]) is not None) == (columns >= 100), name + ": the bar", drawn[-1])
        require(columns < 40 or "loss" in drawn[-1], name + ": the loss", drawn[-1])
        require(columns < 20 or drawn[-1].startswith("epoch 2/2:"), name + ": the epoch", drawn[-1])

text, screen = run(0)
require(FULL.fullmatch(check_redrawn("unknown width", text, screen, 1000)[-1]), "unknown width: the bar", text)
text, screen = run(80, COLUMNS="40")
check_redrawn("COLUMNS=40", text, screen, 40)
text, screen = run(80, COLUMNS="nonsense")
require(len(check_redrawn("COLUMNS=nonsense", text, screen, 80)[-1]) > 60, "COLUMNS=nonsense: the width", text)
text, screen = run(80, LC_ALL="no_such.locale")
require(text.isascii(), "a locale that is not there", text)

for before, after in (100, 30), (30, 100):
    text, screen = run(before, resize=after)
    drawn = check_redrawn("from %d to %d columns" % (before, after), text, screen, after)
    require((FULL.fullmatch(drawn[-1]) is not None) == (after == 100), "from %d to %d columns: the bar" % (before, after), text)

text, screen = run(80, NO_COLOR="1")
check_redrawn("NO_COLOR", text, screen, 80)
require("\x1b" not in text, "NO_COLOR: an escape sequence", text)
text, screen = run(80, NO_COLOR="")
require("\x1b[K" in text, "an empty NO_COLOR, which says nothing", text)

text, screen = run(80, TERM="dumb")
require("\x1b" not in text and "\r" not in text.replace("\r\n", ""), "TERM=dumb: redrawn", text)
lines = text.replace("\r\n", "\n").splitlines()
require(len(lines) == 6 and screen.lines()[:-1] == lines, "TERM=dumb: %d lines" % len(lines), text)
require(all(re.match(r"epoch [12]/2: +(25|50|75)%\|", line) and len(line) < 80 for line in lines), "TERM=dumb: the lines", text)

COMMAND.append("--quiet")
text, screen = run(80)
require(text == "", "--quiet on a terminal", text)
print(checks)
