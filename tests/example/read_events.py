#!/usr/bin/env python3
"""Reads an event folder of the examples with TensorBoard's own reader and checks what it understands: usage:
read_events.py FOLDER CSV EPOCHS STEPS

Exits with 77 and one line where the package is not there."""

import csv
import io
import math
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print(f"skipped: TensorBoard reads event files ({sys.executable} has no package tensorboard)")
    sys.exit(77)


def fail(what):
    sys.exit(f"tensorboard: {what}")


def main():
    folder, table, epochs, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "histograms": 0, "images": 0}).Reload()
    tags = events.Tags()
    with open(table, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != epochs:
        fail(f"{len(rows)} rows in {table}, expected {epochs}")
    names = {"loss/train": "train_loss", "loss/test": "test_loss", "accuracy/train": "train_accuracy",
             "accuracy/test": "test_accuracy", "learning_rate": "lr"}
    for tag, column in names.items():
        values = events.Scalars(tag)
        if [v.step for v in values] != [steps * (e + 1) for e in range(epochs)]:
            fail(f"the steps of {tag} are {[v.step for v in values]}")
        for value, row in zip(values, rows):
            if not math.isclose(value.value, float(row[column]), rel_tol=1e-3, abs_tol=1e-4):
                fail(f"{tag} is {value.value}, in the table {row[column]}")
    if [v.step for v in events.Scalars("loss/batch")] != list(range(1, epochs * steps + 1)):
        fail("not every step has a loss")

    weights = [t for t in tags["histograms"] if t.startswith("weights/")]
    if len(weights) < 4 or {"gradients/" + t[len("weights/") :] for t in weights} - set(tags["histograms"]):
        fail(f"histograms of {tags['histograms']}")
    for tag in tags["histograms"]:
        for event in events.Histograms(tag):
            h = event.histogram_value
            if sum(h.bucket) != h.num or h.num <= 0 or not h.min <= h.max:
                fail(f"the histogram {tag} has {sum(h.bucket)} elements in buckets, of {h.num}")

    (tag,) = tags["images"]
    image = events.Images(tag)[0]
    try:
        from PIL import Image
        picture = Image.open(io.BytesIO(image.encoded_image_string))
        picture.load()
        if picture.size != (image.width, image.height):
            fail(f"the picture has {picture.size}, expected {(image.width, image.height)}")
    except ImportError:
        print("tensorboard: no Pillow here, the pictures are not decoded")

    nodes = {node.name: node for node in events.Graph().node}
    for node in nodes.values():
        missing = [i for i in node.input if i.split(":")[0] not in nodes]
        if missing:
            fail(f"{node.name} has inputs {missing} that are no nodes")
    if not any(node.op == "conv2d" for node in nodes.values()):
        fail("the graph has no convolution")
    print(f"tensorboard: {len(tags['scalars'])} scalars, {len(tags['histograms'])} histograms, a picture and {len(nodes)} nodes are read")


main()
