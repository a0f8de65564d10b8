#!/usr/bin/env python3
"""Draws the graphs of docs/performance.md and writes its tables, from the measurements in docs/performance/*.csv.

usage: tools/plot-performance.py [--check]

The same measurements give the same bytes. --check writes nothing and fails if a graph or a table is not what the
measurements give. A table stands in the page between "<!-- table NAME -->" and "<!-- end of table -->".
"""
import csv
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FOLDER = os.path.join(ROOT, "docs", "performance")
PAGE = os.path.join(ROOT, "docs", "performance.md")
WIDTH = 600
PEERS = ["PyTorch", "oneDNN", "ONNX Runtime", "OpenVINO"]
MACHINES = {"xeon": "Xeon, AVX-512", "zen5": "EPYC Zen 5, AVX-512", "zen3": "EPYC Zen 3, AVX2", "zen1": "EPYC Zen 1, AVX2"}
# Okabe and Ito's colours, which stay apart for colour-blind readers; the second of each pair is for dark pages.
COLOURS = [("#d55e00", "#e8853a"), ("#0072b2", "#56b4e9"), ("#009e73", "#2fc79b"), ("#b0578d", "#d98cba")]


def read(name):
    with open(os.path.join(FOLDER, name), newline="") as file:
        return list(csv.DictReader(file))


def ratio(row, own):
    """How many times as long as libcnn a program takes: as measured, or from the rounded times where only these are known."""
    return row["ratio"] or f"{float(row['milliseconds']) / float(own['milliseconds']):.2f}"


def workloads(rows, machine, threads):
    """The workloads of a machine, each with its rows by program, in the order of the file."""
    found = {}
    for row in rows:
        if row["machine"] == machine and int(row["threads"]) == threads:
            found.setdefault(row["workload"], {})[row["program"]] = row
    return found


class Picture:
    """An SVG with a background of its own, so that it is readable on a page of any colour."""

    def __init__(self, title, height):
        self.height = height
        styles = [".back{fill:#ffffff;stroke:#d0d7de}", ".text{fill:#1f2328}", ".faint{fill:#57606a}", ".grid{stroke:#d8dee4}",
                  ".axis{stroke:#57606a}", ".floor{fill:#8c959f}"]
        dark = [".back{fill:#0d1117;stroke:#30363d}", ".text{fill:#e6edf3}", ".faint{fill:#9198a1}", ".grid{stroke:#30363d}",
                ".axis{stroke:#9198a1}", ".floor{fill:#7d8590}"]
        for i, (light, night) in enumerate(COLOURS):
            styles.append(f".c{i}{{fill:{light};stroke:{light}}}")
            dark.append(f".c{i}{{fill:{night};stroke:{night}}}")
        styles.append(".hollow{fill:none;stroke-width:2}")
        dark.append(".hollow{fill:none;stroke-width:2}")
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'font-family="DejaVu Sans,Verdana,sans-serif" font-size="13" role="img">',
            f"<title>{title}</title>",
            f"<style>{''.join(styles)}@media (prefers-color-scheme:dark){{{''.join(dark)}}}</style>",
            f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>']
        self.text(16, 26, title, size=15, weight="bold")

    def text(self, x, y, text, anchor="start", style="text", size=13, weight="normal"):
        self.lines.append(f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
                          f'font-weight="{weight}">{text}</text>')

    def line(self, x1, y1, x2, y2, style):
        self.lines.append(f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def bar(self, x, y, width, height, style):
        self.lines.append(f'<rect class="{style}" stroke="none" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')

    def dot(self, x, y, style):
        self.lines.append(f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')

    def legend(self, y, entries):
        x = 16
        for style, name in entries:
            self.bar(x, y - 10, 12, 12, style)
            self.text(x + 17, y, name, size=12)
            x += 36 + 7.6 * len(name)

    def scale(self, left, right, top, bottom, last, step, mark=None):
        """Grid lines from 0 to `last`, with a stronger one at `mark`."""
        for i in range(int(last / step + 0.5) + 1):
            value = i * step
            x = left + value / last * (right - left)
            self.line(x, top, x, bottom, "axis" if value == mark else "grid")
            self.text(x, bottom + 16, f"{value:g}", "middle", "faint", 12)

    def __str__(self):
        return "\n".join(self.lines + ["</svg>"]) + "\n"


def peers_picture(rows, machine):
    """A bar for each peer and workload: how many times as long as libcnn it takes."""
    bar, gap, left, right = 11, 10, 176, WIDTH - 52
    blocks = [workloads(rows, machine, threads) for threads in (1, 2)]
    present = [p for p in PEERS if any(p in w for block in blocks for w in block.values())]
    height = 62
    for block in blocks:
        height += 60 + sum(bar * (len(programs) - 1) + gap for programs in block.values())
    top_ratio = max(float(ratio(row, w["libcnn"])) for block in blocks for w in block.values() for p, row in w.items() if p != "libcnn")
    last = int(top_ratio) + 1
    picture = Picture(f"{MACHINES[machine]}: time relative to libcnn (shorter is faster)", height)
    picture.legend(52, [(f"c{PEERS.index(p)}", p) for p in present])
    y = 62
    for threads, block in zip((1, 2), blocks):
        tall = sum(bar * (len(programs) - 1) + gap for programs in block.values())
        picture.text(16, y + 18, f"{threads} thread{'s' * (threads > 1)}", weight="bold")
        picture.text(left + (right - left) / last, y + 18, "libcnn = 1", "middle", "faint", 12)
        y += 26
        picture.scale(left, right, y, y + tall, last, 1, 1)
        for name, programs in block.items():
            bars = [p for p in present if p in programs]
            y += gap / 2
            picture.text(left - 8, y + bar * len(bars) / 2 + 4, short(name), "end", size=12)
            for peer in bars:
                text = ratio(programs[peer], programs["libcnn"])
                length = float(text) / last * (right - left)
                picture.bar(left, y + 1, length, bar - 2, f"c{PEERS.index(peer)}")
                picture.text(left + length + 4, y + bar - 2, text, size=10)
                y += bar
            y += gap / 2
        y += 34
    return str(picture)


def short(name):
    """A workload's name as the graphs have room for it."""
    if re.match(r"(training|inference), ", name):
        return name
    return name.replace("training an all-convolutional net", "all-conv. net").replace("training a VGG-like net", "VGG-like net").replace("training ", "")


def stages_picture(stages):
    """Each stage's time beside the least that the machine allows."""
    row, left, right, top = 30, 190, WIDTH - 60, 66
    height = top + row * len(stages) + 44
    last = 8
    picture = Picture("A training step by stages, batch 200, one thread (ms)", height)
    picture.legend(52, [("c1", "measured"), ("floor", "floor: arithmetic or memory at the machine's peak")])
    picture.scale(left, right, top, top + row * len(stages), last, 1)
    for i, stage in enumerate(stages):
        y = top + row * i
        measured, floor = float(stage["measured"]), float(stage["floor"])
        picture.text(left - 8, y + 19, stage["stage"], "end", size=12)
        picture.bar(left, y + 4, measured / last * (right - left), 12, "c1")
        picture.bar(left, y + 17, max(1, floor / last * (right - left)), 8, "floor")
        picture.text(left + measured / last * (right - left) + 4, y + 14, stage["measured"], size=10)
    return str(picture)


def convolutions_picture(rows):
    """Geometric means of the speed relative to oneDNN: a dot for each machine and number of threads."""
    left, right, top, row = 190, WIDTH - 40, 86, 46
    kinds = list(dict.fromkeys((r["pass"], r["batch"]) for r in rows))
    lowest, highest = 0.8, 1.4
    height = top + row * len(kinds) + 40
    picture = Picture("92 convolutions: speed relative to oneDNN (further right is faster)", height)
    picture.legend(52, [(f"c{i}", name.split(",")[0]) for i, name in enumerate(MACHINES.values())])
    picture.text(16, 74, "filled: 1 thread; ring: 2 threads; geometric means", style="faint", size=12)

    def at(value):
        return left + (value - lowest) / (highest - lowest) * (right - left)

    bottom = top + row * len(kinds)
    for i in range(7):
        value = lowest + i * 0.1
        picture.line(at(value), top, at(value), bottom, "axis" if i == 2 else "grid")
        picture.text(at(value), bottom + 16, f"{value:.1f}", "middle", "faint", 12)
    for k, (kind, batch) in enumerate(kinds):
        y = top + row * k
        picture.line(left, y, right, y, "grid")
        picture.text(left - 8, y + row / 2 + 4, f"{kind}, batch {batch}", "end", size=12)
        for r in rows:
            if (r["pass"], r["batch"]) == (kind, batch):
                i = list(MACHINES).index(r["machine"])
                picture.dot(at(float(r["ratio"])), y + 8 + 10 * i, f"c{i}" + (" hollow" if r["threads"] == "2" else ""))
    return str(picture)


def peers_table(rows, machine):
    blocks = {threads: workloads(rows, machine, threads) for threads in (1, 2)}
    present = [p for p in PEERS if any(p in w for block in blocks.values() for w in block.values())]
    lines = ["| workload | threads | libcnn | " + " | ".join(present) + " |", "|---" * (3 + len(present)) + "|"]
    for threads, block in blocks.items():
        for name, programs in block.items():
            own = programs["libcnn"]
            cells = [f"{programs[p]['milliseconds']} ({ratio(programs[p], own)})" if p in programs else "" for p in present]
            lines.append(f"| {name} | {threads} | {own['milliseconds']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def convolutions_table(rows):
    lines = ["| pass | batch | " + " | ".join(name.split(",")[0] for name in MACHINES.values()) + " |", "|---" * (2 + len(MACHINES)) + "|"]
    for kind, batch in dict.fromkeys((r["pass"], r["batch"]) for r in rows):
        found = {(r["machine"], r["threads"]): r["ratio"] for r in rows if (r["pass"], r["batch"]) == (kind, batch)}
        cells = [f"{found[m, '1']} / {found[m, '2']}" if (m, "1") in found else "" for m in MACHINES]
        lines.append(f"| {kind} | {batch} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def stages_table(stages):
    lines = ["| stage | floor, ms | measured, ms |", "|---|---|---|"]
    return "\n".join(lines + [f"| {s['stage']} | {s['floor']} | {s['measured']} |" for s in stages])


def products():
    rows, stages, convolutions = read("measurements.csv"), read("stages.csv"), read("convolutions.csv")
    pictures = {f"{machine}.svg": peers_picture(rows, machine) for machine in MACHINES}
    pictures["stages.svg"] = stages_picture(stages)
    pictures["convolutions.svg"] = convolutions_picture(convolutions)
    tables = {machine: peers_table(rows, machine) for machine in MACHINES}
    tables["stages"] = stages_table(stages)
    tables["convolutions"] = convolutions_table(convolutions)
    return pictures, tables


def page_with(tables):
    with open(PAGE) as file:
        text = file.read()

    def fill(match):
        if match[1] not in tables:
            sys.exit(f"plot-performance: docs/performance.md asks for table {match[1]}, which is not made")
        return f"<!-- table {match[1]} -->\n{tables[match[1]]}\n<!-- end of table -->"

    return re.sub(r"<!-- table (\S+) -->\n.*?<!-- end of table -->", fill, text, flags=re.S)


def main():
    pictures, tables = products()
    wanted = {os.path.join(FOLDER, name): text for name, text in pictures.items()}
    wanted[PAGE] = page_with(tables)
    stale = []
    for path, text in wanted.items():
        if os.path.exists(path):
            with open(path) as file:
                if file.read() == text:
                    continue
        stale.append(os.path.relpath(path, ROOT))
        if "--check" not in sys.argv[1:]:
            with open(path, "w") as file:
                file.write(text)
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"plot-performance: {', '.join(stale)}: not what docs/performance/*.csv give: run make plots")


main()
