#!/usr/bin/env python3
"""Writes docs/operations.md, the list of operations, from their declarations in include/cnn/ops/, their lines in
src/ops/ops.def and activations.def, the rows of onnx/save_table.c, the lists of tests/trace/operations.h and the
kernels of cuda/kernels.def.

    tools/make-operations.py            writes it
    tools/make-operations.py --check    fails where it is not what these files say"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operations.md"
DTYPES = {
    "r": "f32, f64",
    "n": "f32, f64, integers",
    "a": "any",
    "b": "bool",
    "c": "i64",
}
# These are in no table of the exporter's, because a trace does not have them: dropout in evaluation is its input, and
# the others are made of operations that it has.
COMPOSED = {name: "its input, in evaluation" for name in ("dropout", "dropout1d", "dropout2d", "alpha_dropout")}
COMPOSED.update({name: "yes" for name in ("einsum", "cosine_similarity", "sinh", "cosh", "asinh", "acosh", "atanh", "frac", "isposinf", "isneginf")})
HEAD = """# The operations

Every operation of the library: written by `make operations` from the lists that its tests read, and compared with them by
`make check`. What each computes, and the shapes that it takes, its header says.

- **Operands** are the tensors that it takes, in order, with the dtypes that each may have; operands of several dtypes have the same one.
- **Gradient** names the operands that a gradient flows to. Each is compared with finite differences and with PyTorch's.
- **Layer** is PyTorch's class that applies the operation; `torch.nn.Softsign` is made by `cnn_softsign_new`, or `cnn_softsign_create`. The other
  layers, and PyTorch's names of the operations, are in [Coming from PyTorch](pytorch.md).
- **ONNX** is how [saving](onnx-export.md) writes it: by the operator that is named, by others that together compute it ("yes"), or not at all.
- **Devices**: an operation runs on each device that has its kernels ([Devices](devices.md)). The test device passes all of them.
  {cuda}
"""


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def families():
    """The headers, with their titles, and the declarations in each, in order: name and tensors."""
    for path in sorted((ROOT / "include" / "cnn" / "ops").glob("*.h")):
        header = path.read_text(encoding="utf-8")
        found = []
        for name, parameters in re.findall(r"^CNN_API cnn_tensor \*cnn_([a-z0-9_]+)\(([^;]*)\);", header, re.M):
            tensors = []
            for parameter in parameters.split(","):
                match = re.search(r"cnn_tensor \*(const \*|\*)?(\w+)$", " ".join(parameter.split()))
                if match and match[1] != "*":
                    tensors.append((match[2], bool(match[1])))
            found.append((name, tensors))
        if found:
            yield path.name, found


def lines():
    """By name, the letters of the operands in ops.def and in activations.def."""
    pattern = r'^CNN_OP\(([a-z0-9_]+), [a-z0-9_]+, "([A-Za-z]+)",'
    return dict(re.findall(pattern, text("src/ops/ops.def") + text("src/ops/activations.def"), re.M))


def written():
    """By name, how ONNX is written, and the names of operations that need a newer opset."""
    table = {}
    for name, operator, function in re.findall(
        r'\{ "(\w+)", (?:AS\("(\w+)"\)|BY\((\w+)\)) \}', text("onnx/save_table.c")
    ):
        table[name] = f"`{operator}`" if operator else "yes"
    lists = text("tests/trace/operations.h")
    new = re.search(r"unwritten_in_17\[\] = \{([^}]*)\}", lists)
    for name in re.findall(r'"(\w+)"', new[1]):
        table[name] += ", from opset 18"
    refused = re.search(r"unwritten\[\] = \{(.*?)NULL\n\};", lists, re.S)
    for name in re.findall(r'"(\w+)"', re.sub(r"#include.*", "", refused[1])):
        table[name] = table[name] + ", not every use" if name in table else "no"
    for name in re.findall(r"^CNN_OP_WITHOUT_ONNX\((\w+)\)", text("src/ops/ops.def") + text("src/ops/activations.def"), re.M):
        table[name] = "no"
    return table


def layers():
    """By name of the operation, PyTorch's class of the layer that applies it, which the comment on its constructor begins with."""
    found = {
        "batch_norm": "`BatchNorm1d`, `BatchNorm2d`",
        "instance_norm": "`InstanceNorm1d`, `InstanceNorm2d`",
        "interpolate": "`Upsample`",
        "pad": "`ZeroPad2d`, `ConstantPad2d`, `ReflectionPad2d`, `ReplicationPad2d`",
        "scaled_dot_product_attention": "`MultiheadAttention`",
    }
    for path in (ROOT / "include" / "cnn").rglob("*.h"):
        comments = r"/\*\* torch\.nn\.(\w+)(?:(?!\*/).)*\*/\nCNN_API cnn_module \*cnn_(\w+)_create\("
        for layer, name in re.findall(comments, path.read_text(encoding="utf-8"), re.S):
            found[name] = f"`{layer}`"
    return found


def cuda():
    kernels = set()
    for path in (ROOT / "include" / "cnn" / "kernels").glob("*.h"):
        for block in re.findall(r"#define CNN_\w+_KERNELS\(X\)((?:.*\\\n)*.*\n)", path.read_text(encoding="utf-8")):
            kernels.update(re.findall(r"X\((\w+), \w+", block))
    there = set(re.findall(r"^KERNEL\w*\((\w+)", text("cuda/kernels.def"), re.M)) & kernels
    missing = sorted(kernels - there)
    if not missing:
        return f"The [CUDA back end](cuda.md) has all {len(kernels)} kernels of `include/cnn/kernels/`."
    return (
        f"The [CUDA back end](cuda.md) has {len(there)} of the {len(kernels)} kernels of `include/cnn/kernels/`, all but "
        + ", ".join(f"`{k.lower()}`" for k in missing)
        + "."
    )


def operands(name, tensors, letters):
    """The column of operands and that of gradients. Samples may leave out operands that may be NULL."""
    if len(letters) < len(tensors):
        tensors = [t for t in tensors if t[0] not in ("running_mean", "running_var", "lengths")]
    if len(letters) != len(tensors) or any(many for _, many in tensors):
        shown = [n if not many else f"{n}[i]" for n, many in tensors]
        kinds = list(dict.fromkeys(DTYPES[c.lower()] for c in letters))
        gradient = "all" if letters.isupper() else "" if letters.islower() else "those of real numbers"
        return f"{', '.join(shown)}: {'; '.join(kinds)}", gradient
    groups = []
    for (tensor, _), letter in zip(tensors, letters):
        kind = DTYPES[letter.lower()]
        if groups and groups[-1][1] == kind:
            groups[-1][0].append(tensor)
        else:
            groups.append(([tensor], kind))
    gradient = ", ".join(t for (t, _), c in zip(tensors, letters) if c.isupper())
    return "; ".join(f"{', '.join(n)}: {kind}" for n, kind in groups), gradient


def page():
    letters, onnx, layer = lines(), written(), layers()
    out = HEAD.format(cuda=cuda())
    count = 0
    for header, found in families():
        rows = ""
        for name, tensors in found:
            if name not in letters:
                sys.exit(f"make-operations: cnn_{name} of {header} has no line in src/ops/ops.def")
            if name in COMPOSED:
                onnx[name] = COMPOSED[name]
            if name not in onnx:
                sys.exit(f"make-operations: {name} is neither in onnx/save_table.c nor in a list of tests/trace/operations.h")
            taken, gradient = operands(name, tensors, letters[name])
            rows += f"| `cnn_{name}` | {taken} | {gradient or 'none'} | {layer.get(name, '')} | {onnx[name]} |\n"
            count += 1
        out += f"\n## cnn/ops/{header}\n\n| operation | operands | gradient | layer | ONNX |\n|---|---|---|---|---|\n{rows}"
    return out + f"\nThese are {count} operations.\n", count


def main():
    made, count = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            sys.exit("make-operations: docs/operations.md is not what the lists say; run make operations")
        print(f"check-operations: {count} operations, as docs/operations.md lists them")
    else:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
