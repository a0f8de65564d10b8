"""Uses the package for Python with installed libraries, and prints the files that were loaded: package.py [onnx] [image]"""
import sys

import cnn

net = cnn.nn.Linear(2, 1)
assert net(cnn.ones(3, 2)).shape == (3, 1)
if "onnx" in sys.argv:
    import cnn.onnx
    cnn.onnx.save(net, "package.onnx", cnn.zeros(1, 2))
    assert cnn.onnx.load("package.onnx")(cnn.ones(3, 2)).shape == (3, 1)
if "image" in sys.argv:
    import cnn.image
    cnn.image.write_png(cnn.ones(3, 4, 5, dtype="uint8"), "package.png")
    assert cnn.image.read("package.png", "gray").shape == (1, 4, 5)
with open("/proc/self/maps", encoding="utf-8") as maps:
    print("\n".join(sorted({line.split(maxsplit=5)[5].strip() for line in maps if "libcnn" in line})))
