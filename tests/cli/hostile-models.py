"""ONNX files that are cut or changed, through cnn info --nodes, convert and convert --into: each ends with an output or with one line.
usage: hostile-models.py PROGRAM CORPUS FOLDER"""
import json
import os
import random
import resource
import subprocess
import sys

program, corpus, work = sys.argv[1:]
path, out = os.path.join(work, "hostile.onnx"), os.path.join(work, "out.npz")


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


def run(*arguments):
    # A sanitizer's shadow is more than any limit.
    done = subprocess.run([program, *arguments], capture_output=True, check=False, preexec_fn=None if os.environ.get("CNN_NO_LIMITS") else limits)
    lines = done.stderr.count(b"\n")
    assert done.returncode == 0 and lines == 0 or done.returncode == 1 and lines == 1 and done.stderr.startswith(b"cnn") and not done.stdout, done
    return done


def look(data):
    with open(path, "wb") as file:
        file.write(data)
    about = run("info", "--nodes", "--json", path)
    if about.returncode == 0:
        json.loads(about.stdout)
    return about.returncode, run("convert", path, out).returncode


def field(number, content):
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


random.seed(5)
checks = 0
for name in ("linear", "if", "function", "qlinear_conv"):
    with open(os.path.join(corpus, name), "rb") as file:
        original = file.read()
    assert look(original)[0] == 0, name
    for size in range(0, len(original), 7):
        look(original[:size])
    for _ in range(60):
        data = bytearray(original)
        for _ in range(random.choice((1, 1, 2, 8))):
            data[random.randrange(len(data))] = random.randrange(256)
        look(bytes(data))
    checks += len(original) // 7 + 60

# Graphs in graphs, as nodes of attributes; and what repeats.
OPSET = field(8, b"\x10\x11")
graph = b""
for _ in range(200):
    graph = field(1, field(4, b"If") + field(5, field(1, b"g") + field(6, graph)))
assert look(b"\x08\x08" + field(7, graph) + OPSET)[0] == 1
assert look(b"\x08\x08" + field(7, field(1, field(1, b"") * 300000)) + OPSET)[0] in (0, 1)
assert look(b"\x08\x08" + field(7, field(1, b"") * 100000) + OPSET)[0] in (0, 1)
# An initializer of which the shape promises more than is there.
tensor = b"\x08\x80\x80\x80\x80\x80\x80\x10" + b"\x10\x01" + field(8, b"w") + field(9, b"1234")
assert look(b"\x08\x08" + field(7, field(5, tensor) + field(1, field(4, b"None") + field(1, b"w") + field(2, b"y"))) + OPSET)[1] == 1
print(f"hostile models: {checks + 4} files")
