#!/usr/bin/env python3
"""Looks into a report: report.py FOLDER IMAGES CLASSES EPOCHS LAST_LINE. Fails with an assertion."""
import base64
import html.parser
import os
import re
import struct
import sys
import xml.etree.ElementTree as xml
import zlib

FOLDER, IMAGES, CLASSES, EPOCHS, LAST = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
FIGURES = ["loss", "accuracy", "confusion", "classes", "mistakes", "filters", "maps", "times"]
AXES = {"loss": ["epoch", "nats"], "accuracy": ["epoch", "%"], "confusion": ["taken for", " is"], "classes": ["%", "class"],
        "filters": ["weight, no unit"], "times": ["ms"]}
SVG = "{http://www.w3.org/2000/svg}"
WIDTH = 360


class Page(html.parser.HTMLParser):
    """Every tag is closed in order; collects the ids, the texts of cells per table, and what is referred to."""
    VOID = {"meta", "br", "img", "link", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tables, self.cell, self.first, self.links = [], [], [], None, "", []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[a] for a in ("href", "src", "xlink:href", "action") if a in attributes]
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.cell = ""
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data
        if self.open and self.open[-1] == "h1":
            self.first += data

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self.cell)
            self.cell = None


def look_at_picture(link):
    """A PNG file of three channels of 8 bits, whole, with good check sums."""
    prefix = "data:image/png;base64,"
    assert link.startswith(prefix), link[:60]
    data, at, chunks = base64.b64decode(link[len(prefix):], validate=True), 8, []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body, (check,) = data[at + 8:at + 8 + size], struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert check == zlib.crc32(kind + body), kind
        chunks.append((kind, body))
        at += 12 + size
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"], chunks
    width, height, *form = struct.unpack(">IIBBBBB", chunks[0][1])
    assert form == [8, 2, 0, 0, 0] and len(zlib.decompress(chunks[1][1])) == height * (3 * width + 1)


def look_at_page(text):
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    for word in ("http:", "https:", "<script", "@import", "url("):
        assert word not in text, word
    for link in page.links:
        look_at_picture(link)
    for name in FIGURES:
        assert name in page.ids, name
        shown = 'aria-labelledby="%s-title %s-text"' % (name, name) in text
        assert shown == os.path.exists(os.path.join(FOLDER, name + ".svg")), name
    for part in ('lang="en"', "<meta charset=\"utf-8\">", "prefers-color-scheme:dark", 'name="viewport"'):
        assert part in text, part
    accuracy = re.match(r"test accuracy ([\d.]+) % \((\d+) of (\d+)\)", LAST)
    assert "%s %% of %d test" % (accuracy.group(1), IMAGES) in page.first, (page.first, LAST)
    return page, int(accuracy.group(2))


def table_with(page, heading):
    return [table for table in page.tables if heading in table[0]][0]


def look_at_numbers(page, right):
    matrix = [[int(n) for n in row[1:]] for row in [t for t in page.tables if t[0][0].startswith("is ")][0][1:]]
    assert len(matrix) == min(CLASSES, 12) and all(len(row) == len(matrix) for row in matrix)
    assert sum(map(sum, matrix)) == IMAGES, matrix
    assert sum(matrix[i][i] for i in range(len(matrix))) == right, (matrix, right)
    scores = table_with(page, "precision")[1:]
    assert len(scores) == CLASSES and [int(row[1]) for row in scores] == [sum(row) for row in matrix]
    for i, row in enumerate(scores):
        taken = sum(other[i] for other in matrix)
        precision, recall = (100 * matrix[i][i] / n if n else 0 for n in (taken, sum(matrix[i])))
        assert abs(float(row[2].split()[0]) - precision) < 0.01 and abs(float(row[3].split()[0]) - recall) < 0.01, row
    curves = [t for t in page.tables if t[0][0] == "epoch"]
    assert len(curves) == (2 if EPOCHS else 0) and all(len(t) == EPOCHS + 1 for t in curves)
    mistakes = [t for t in page.tables if t[0][0] == "image"]
    assert sum(len(t) - 1 for t in mistakes) == min(25, IMAGES - right)
    times = table_with(page, "time, ms")[1:]
    assert len(times) >= 5 and all(float(row[2]) >= 0 for row in times)
    assert abs(sum(float(row[3].split()[0]) for row in times) - 100) < 1


def look_at_figure(name, mistakes):
    path = os.path.join(FOLDER, name + ".svg")
    if not os.path.exists(path):
        assert (name in ("loss", "accuracy") and EPOCHS == 0) or (name == "mistakes" and mistakes == 0), name
        return
    root = xml.parse(path).getroot()
    left, top, width, height = map(float, root.get("viewBox").split())
    assert root.tag == SVG + "svg" and (left, top, width) == (0, 0, WIDTH) and height > 50
    texts = ["".join(e.itertext()) for e in root.iter(SVG + "text")]
    for word in AXES.get(name, []):
        assert any(word in text for text in texts), (name, word, texts)
    assert root.find(SVG + "title").text and root.find(SVG + "desc").text
    for element in root.iter():  # nothing is drawn outside
        x, y = element.get("x"), element.get("y")
        if element.tag in (SVG + "rect", SVG + "image", SVG + "text") and x is not None:
            assert -1 <= float(x) <= WIDTH + 1 and -1 <= float(y) <= height + 1, (name, element.attrib)
        assert "nan" not in " ".join(v for k, v in element.attrib.items() if k != "href").lower().split(), (name, element.attrib)
    pictures = sum(1 for _ in root.iter(SVG + "image"))
    least = {"mistakes": min(25, mistakes), "filters": 16, "maps": 17}.get(name, 0)
    assert pictures >= least, (name, pictures)


def main():
    with open(os.path.join(FOLDER, "report.html"), encoding="utf-8") as file:
        page, right = look_at_page(file.read())
    look_at_numbers(page, right)
    for name in FIGURES:
        look_at_figure(name, IMAGES - right)


main()
