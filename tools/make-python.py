#!/usr/bin/env python3
"""Writes the parts of python/cnn that follow from the headers: the bindings, those of libcnn-onnx and libcnn-image
too, the operations, the layers, the optimizers, the schedulers, the first values and the transforms, with type hints
and with the headers' comments as docstrings.

    tools/make-python.py [FOLDER]    writes those that changed; into python/cnn, where git ignores them

A new function of C is in the bindings without a line here. It is a function of Python too where its parameters are
tensors, numbers, lists and options; the tables below say what C cannot: PyTorch's defaults, and which tensors may be
left out."""

import dataclasses
import os
import pathlib
import re
import sys
import textwrap
from typing import Dict, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "python"))
import headers  # noqa: E402

SCALARS = {
    "bool": "c_bool",
    "int": "c_int",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "int32_t": "c_int32",
    "uint32_t": "c_uint32",
    "uint16_t": "c_uint16",
    "uint8_t": "c_uint8",
    "size_t": "c_size_t",
    "double": "c_double",
    "float": "c_float",
    "char": "c_char",
    "unsigned char": "c_ubyte",
}
HINTS = {"bool": "bool", "int": "int", "int64_t": "int", "uint64_t": "int", "size_t": "int", "double": "float"}

# Tensors that may be left out, wherever they stand at the end of what is given.
OPTIONAL = {"bias", "attn_mask", "running_mean", "running_var", "bias_ih", "bias_hh", "lengths"}
OPTIONAL_IN = {
    ("einsum", "b"),
    ("batch_norm", "weight"),
    ("layer_norm", "weight"),
    ("rms_norm", "weight"),
    ("group_norm", "weight"),
    ("instance_norm", "weight"),
}
# PyTorch's defaults, which C has no way to say: of a parameter of that name, or of one function's.
DEFAULTS = {
    "keepdim": "False",
    "descending": "False",
    "largest": "True",
    "correction": "1",
    "diagonal": "0",
    ("norm", "p"): "2.0",
    "p": "0.5",
    ("cosine_similarity", "dim"): "1",
    ("cosine_similarity", "eps"): "1e-8",
    ("sort", "dim"): "-1",
    ("argsort", "dim"): "-1",
    ("topk", "dim"): "-1",
    ("concat", "dim"): "0",
    ("stack", "dim"): "0",
    ("split", "dim"): "0",
    ("chunk", "dim"): "0",
    ("unbind", "dim"): "0",
    ("split_with_sizes", "dim"): "0",
    ("flatten", "start_dim"): "0",
    ("flatten", "end_dim"): "-1",
    ("leaky_relu", "negative_slope"): "0.01",
    ("elu", "alpha"): "1.0",
    ("celu", "alpha"): "1.0",
    ("softplus", "beta"): "1.0",
    ("softplus", "threshold"): "20.0",
    ("hardtanh", "min_val"): "-1.0",
    ("hardtanh", "max_val"): "1.0",
    ("dropout", "p"): "0.5",
    ("init_uniform", "low"): "0.0",
    ("init_uniform", "high"): "1.0",
    ("init_normal", "mean"): "0.0",
    ("init_normal", "std"): "1.0",
    ("init_trunc_normal", "mean"): "0.0",
    ("init_trunc_normal", "std"): "1.0",
    ("init_trunc_normal", "low"): "-2.0",
    ("init_trunc_normal", "high"): "2.0",
    "gain": "1.0",
    ("init_dirac", "groups"): "1",
    ("init_sparse", "std"): "0.01",
}
# What PyTorch calls them.
RENAMED = {"kernel": "kernel_size"}
RENAMED_IN = {
    "batch_norm1d": {"channels": "num_features", "running": "track_running_stats"},
    "batch_norm2d": {"channels": "num_features", "running": "track_running_stats"},
    "instance_norm1d": {"channels": "num_features"},
    "instance_norm2d": {"channels": "num_features"},
    "group_norm": {"groups": "num_groups", "channels": "num_channels"},
    "layer_norm": {"shape": "normalized_shape", "affine": "elementwise_affine"},
    "rms_norm": {"shape": "normalized_shape", "affine": "elementwise_affine"},
    "unflatten": {"shape": "unflattened_size"},
}
# Options of layers that PyTorch takes without their names, in its order; others are given by name alone.
FIRST = (
    "stride",
    "padding",
    "negative_slope",
    "num_parameters",
    "init",
    "alpha",
    "beta",
    "threshold",
    "min_val",
    "max_val",
    "start_dim",
    "end_dim",
    "value",
    "size",
    "scale_factor",
    "mode",
)
NAMED_ONLY = ("unfold", "fold")
# Results that PyTorch gives without being asked.
ALWAYS = {
    ("sort", "indices"),
    ("topk", "indices"),
    ("max_along", "indices"),
    ("min_along", "indices"),
    ("maxpool2d_with_indices", "indices"),
    ("lstm", "h_n"),
    ("lstm", "c_n"),
    ("gru", "h_n"),
    ("rnn", "h_n"),
}
# Parameters that only a keyword may give, since PyTorch has another in their place.
KEYWORDS = {"correction"}
SIDES = ("_d", "_h", "_w")

HEAD = '"""{}\n\nWritten by tools/make-python.py from the headers; do not edit."""\n'


class Unknown(Exception):
    """A signature that no rule turns into Python: the function is in the bindings alone."""


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def paragraphs(text: str):
    """The lines of a comment joined to paragraphs; what is indented, and what begins with a mark, stays a line."""
    joined = []
    for line in text.split("\n"):
        mark = re.match(r"    |@|- |$", line)
        if mark or not joined or not joined[-1] or joined[-1].startswith("    "):
            joined.append(line)
        else:
            joined[-1] += " " + line.strip()
    return joined


def docstring(text: str, indent: int, options=()) -> str:
    space, width = " " * indent, 112 - indent
    lines = []
    for number, paragraph in enumerate(paragraphs(text)):
        lines += (
            [paragraph]
            if paragraph.startswith("    ")
            else textwrap.wrap(
                paragraph,
                width,
                initial_indent="   " if number == 0 else "",
                subsequent_indent="    " if paragraph.startswith("@") else "",
                break_long_words=False,
                break_on_hyphens=False,
            )
            or [""]
        )
    lines[0] = lines[0].strip()
    if options:
        lines.append("")
        for name, comment in options:
            lines += textwrap.wrap(
                f"{name}: {' '.join(comment.split())}",
                width,
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    body = f"\n{space}".join(lines)
    body = "\n".join(line.rstrip() for line in quoted(body).split("\n"))
    if body.endswith('"'):
        body += " "
    return f'{space}"""{body}"""\n'


def at_commas(text: str):
    """The parts of a list between its commas, of which those in brackets are no ends."""
    parts, depth, begin = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[begin : i + 1].strip())
            begin = i + 1
    return parts + [text[begin:].strip()]


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class Maker:
    def __init__(self, api: headers.Api, siblings: Optional[Dict[str, headers.Api]] = None) -> None:
        self.api, self.siblings = api, siblings or {}

    @classmethod
    def of(cls, include: pathlib.Path) -> "Maker":
        """What is made of a folder of headers."""
        api = headers.read(include)
        return cls(api, {name: headers.read_sibling(include, name) for name in headers.SIBLINGS})

    # ---- types ----

    def resolve(self, name: str) -> str:
        return self.api.aliases.get(name, name)

    def ctype(self, kind: headers.Type, in_callback: bool = False) -> str:
        base = self.resolve(kind.base)
        if kind.array:
            if base == "char" and kind.stars:
                return f"c_char_p * {kind.array}"
            return f"{'c_void_p' if kind.stars else SCALARS[base]} * {kind.array}"
        if base in self.api.opaque or base == "void":
            return {"": "None", "*": "c_void_p", "**": "POINTER(c_void_p)"}[kind.stars]
        if base in self.api.enums:
            return {"": "c_int", "*": "POINTER(c_int)"}[kind.stars]
        if base in self.api.callbacks:
            return base
        if base in self.api.structs:
            if not kind.stars:
                return base
            return "c_void_p" if in_callback else {"*": f"POINTER({base})"}[kind.stars]
        if base == "char" and kind.stars:
            if not kind.constant:
                return "c_char_p"
            return {"*": "c_char_p", "**": "POINTER(c_char_p)"}[kind.stars]
        if base in SCALARS:
            return SCALARS[base] if not kind.stars else f"POINTER({SCALARS[base]})"
        raise SystemExit(f"make-python: a type that is not known: {kind}")

    def signature(self, function: headers.Function) -> str:
        types = [self.ctype(function.result, True)] + [self.ctype(p.type, True) for p in function.parameters]
        return f"CFUNCTYPE({', '.join(types)})"

    def enum_class(self, name: str) -> str:
        return {"cnn_dtype": "DType"}.get(name, camel(name[4:]))

    # ---- the bindings ----

    def enums(self, wanted: Dict[str, headers.Enum]) -> str:
        out = ""
        for enum in wanted.values():
            names = list(enum.values)
            prefix = names[0][: len(names[0]) - len(names[0].split("_")[-1])]
            while not all(name.startswith(prefix) for name in names):
                prefix = prefix[: prefix.rstrip("_").rindex("_") + 1]
            out += f"\n\nclass {self.enum_class(enum.name)}(enum.IntEnum):\n{docstring(enum.comment or enum.name, 4)}\n"
            for name, value in enum.values.items():
                short = name[len(prefix) :]
                out += f"    {short} = {value}\n"
        return out

    @staticmethod
    def nonzero(struct: headers.Struct) -> str:
        """The integers of which 0 means another number, so that who gives 0 must be told."""
        names = {m.name for m in struct.members}
        found = [
            m.name
            for m in struct.members
            if m.type
            and not m.type.stars
            and m.type.base in ("int", "int64_t")
            and re.search(r"\bdefault:? (?!0\b)-?\d", m.comment)
            and not {"has_" + m.name, "no_" + m.name} & names
        ]
        return f"    _nonzero_: Names = ({', '.join(repr(n) for n in found)},)\n".replace("'", '"') if found else ""

    def struct_order(self):
        order, seen = [], set()

        def visit(name):
            if name not in seen:
                seen.add(name)
                for member in self.api.structs[name].members:
                    if member.type and self.resolve(member.type.base) in self.api.structs:
                        visit(self.resolve(member.type.base))
                order.append(name)

        for name in self.api.structs:
            visit(name)
        return order

    def structs(self, wanted: Dict[str, headers.Struct]) -> str:
        out = ""
        for name in filter(wanted.__contains__, self.struct_order()):
            struct = self.api.structs[name]
            fields, enums = [], []
            for member in struct.members:
                if member.function:
                    kind = self.signature(member.function)
                else:
                    kind = self.ctype(member.type)
                    if self.resolve(member.type.base) in self.api.enums and not member.type.stars:
                        enums.append(f'"{member.name}": {self.enum_class(member.type.base)}')
                fields.append(f'        ("{member.name}", {kind}),\n')
            out += f"\n\nclass {name}(Structure):\n{docstring(struct.comment or name, 4)}\n"
            out += f"    _fields_ = [\n{''.join(fields)}    ]\n{self.nonzero(struct)}"
            out += f"    _enums_: Enums = {{{', '.join(enums)}}}\n"
        for alias, name in self.api.aliases.items():
            out += f"\n\n{alias} = {name}" if self.resolve(name) in wanted else ""
        return out.rstrip() + "\n"

    def bindings(self) -> str:
        out = HEAD.format(
            "The C functions of libcnn by ctypes: enumerations, structs, types of callbacks and prototypes."
        )
        out += (
            "import enum\nfrom ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, "
            "c_float, c_int,\n                    c_int32, c_int64, c_size_t, c_ubyte, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p)\n"
        )
        out += (
            "from typing import Dict, Tuple, Type\n\nEnums = Dict[str, Type[enum.IntEnum]]\nNames = Tuple[str, ...]\n"
        )
        out += self.enums(self.api.enums)
        out += "\n\n# What the library calls back. Pointers to structs are addresses.\n"
        for name, function in self.api.callbacks.items():
            out += f"{name} = {self.signature(function)}\n"
        return out + self.structs(self.api.structs) + self.prototypes(self.api.functions)

    def prototypes(self, wanted: Dict[str, headers.Function]) -> str:
        out = "\n\n# Name: (result, parameters).\nFUNCTIONS = {\n"
        for function in wanted.values():
            types = ", ".join(self.ctype(p.type) for p in function.parameters)
            comma = "," if len(function.parameters) == 1 else ""
            out += f'    "{function.name}": ({self.ctype(function.result)}, ({types}{comma})),\n'
        return out + "}\n"

    def sibling(self, name: str, own: headers.Api) -> str:
        """The bindings of a library beside libcnn, whose declarations use those of libcnn."""
        kinds = [field.name for field in dataclasses.fields(own)]
        both = Maker(headers.Api(**{kind: {**getattr(self.api, kind), **getattr(own, kind)} for kind in kinds}))
        body = both.enums(own.enums) + both.structs(own.structs) + both.prototypes(own.functions)
        code = re.sub(r'"""(?:.|\n)*?"""|"\w+"', "", body)
        used = set(re.findall(r"\b\w+\b", code))
        types = sorted(used & {"POINTER", "Structure", *SCALARS.values(), "c_char_p", "c_void_p"})
        taken = sorted(used & {"Enums", "Names", "DType", *self.api.structs, *self.api.callbacks})
        head = HEAD.format(f"The C functions of libcnn-{name} by ctypes: enumerations, structs and prototypes.")
        head += "import enum\n" if own.enums else ""
        head += f"from ctypes import {', '.join(types)}\n\nfrom ._bindings import {', '.join(taken)}\n"
        return head + body

    # ---- parameters and options of Python's functions ----

    def options(self, struct_name: str, taken, for_operation: bool):
        """What a keyword may give: (name in Python, hint, comment, how it is passed)."""
        members = {m.name: m for m in self.api.structs[self.resolve(struct_name)].members}
        result = []
        for member in members.values():
            name, comment = member.name, member.comment
            if (
                name in ("struct_size", "reserved")
                or name in taken
                or name.startswith("has_")
                or name.startswith("no_")
                and name[3:] in members
            ):
                continue
            if name.endswith("_count") and any(m != name and m.startswith(name[:-6]) for m in members):
                continue
            if for_operation and (
                comment.startswith("layers only") or "from the weight" in comment or "takes it from" in comment
            ):
                continue
            if name.endswith(SIDES) and (name[:-2] in members or name[:-2] in taken):
                continue
            if member.function or self.resolve(member.type.base) in self.api.callbacks:
                raise Unknown(struct_name)
            base, stars = self.resolve(member.type.base), member.type.stars
            wide = any(name + side in members for side in SIDES) or name + "_left" in members
            if base in self.api.enums:
                hint = f"Union[B.{self.enum_class(base)}, str, int]"
            elif base in self.api.opaque and base == "cnn_tensor" and stars == "*":
                hint = "Tensor"
            elif base == "void" or base in self.api.opaque or base in self.api.structs:
                raise Unknown(struct_name)
            elif base == "char":
                hint = "str"
            elif stars:
                hint = "Sequence[float]" if base == "double" else "Sequence[int]"
            else:
                hint = (
                    "Union[int, str, Sequence[int]]"
                    if wide and name == "padding"
                    else "Union[int, Sequence[int]]" if wide else HINTS[base]
                )
            shown = RENAMED.get(name, name)
            if name.startswith("no_") and base == "bool":
                shown = name[3:]
                if shown in taken:
                    continue
                comment = f"{comment} where it is False; default True"
            result.append((shown, hint, re.sub(r"^layers only: ?", "", comment), name))
        return result

    def parameter_default(self, function: str, name: str):
        return DEFAULTS.get((function, name), DEFAULTS.get(name))

    def parameters(self, function: headers.Function, short: str, skip: int, positional=None):
        """(parameters, keywords, what is handed to C, options' documentation, number of further results)."""
        given = function.parameters[skip:]
        shown, keywords, passed, docs, outputs = [], [], [], [], []
        taken = {p.name for p in given}
        several = sum(self.resolve(p.type.base).endswith("_options") for p in given) > 1
        index = 0
        while index < len(given):
            p = given[index]
            base, stars = self.resolve(p.type.base), p.type.stars
            following = given[index + 1] if index + 1 < len(given) else None
            if (
                base in ("int",)
                and not stars
                and p.name in ("count", "ndim", "channels")
                and following is not None
                and following.type.stars == "*"
                and following.type.constant
                and following.type.base in SCALARS
                and following.type.base != "char"
            ):
                name = following.name
                kind = following.type.base
                default = None
                if name == "dims" and any(q.name == "keepdim" for q in given):
                    name, default = "dim", "None"
                convert = {"int": "ints", "int64_t": "sizes", "double": "doubles"}[kind]
                hint = {"int": "Dims", "int64_t": "Sizes", "double": "Sequence[float]"}[kind]
                shown.append((name, f"Optional[{hint}]" if default else hint, default))
                if p.name == "channels":
                    second = given[index + 2]
                    shown.append((second.name, hint, None))
                    passed.append(f"*{convert}({name}), {convert}({second.name})[1]")
                    index += 3
                    continue
                passed.append(f"*{convert}({name})")
                index += 2
                continue
            if base == "cnn_tensor" and stars == "**":
                if p.type.given:
                    if following is None or following.name != "count":
                        raise Unknown(short)
                    shown.append((p.name, "Sequence[Tensor]", None))
                    passed.append(f"list({p.name}), len({p.name})")
                    index += 2
                    continue
                outputs.append(p.name)
                index += 1
                continue
            if outputs:
                raise Unknown(short)
            if base == "cnn_tensor" and stars == "*":
                optional = p.name in OPTIONAL or (short, p.name) in OPTIONAL_IN
                shown.append((p.name, "Optional[Tensor]" if optional else "Tensor", "None" if optional else None))
                passed.append(p.name)
            elif base in self.api.structs and base.endswith("_options") and several:
                keywords.append((p.name, "Optional[Mapping[str, Any]]", "None"))
                docs.append(
                    (
                        p.name,
                        "options by name: "
                        + ", ".join(RENAMED.get(m, m) for _, _, _, m in self.options(p.type.base, set(), True)),
                    )
                )
                passed.append(f"options(B.{p.type.base}, **({p.name} or {{}}))")
            elif base in self.api.structs and stars == "*" and base.endswith("_options"):
                renamed = positional or {}
                for option, hint, comment, member in self.options(p.type.base, taken, positional is None):
                    if member in renamed:
                        shown.append((option, hint, None))
                    else:
                        keywords.append((option, f"Optional[{hint}]", "None"))
                    docs.append((option, comment))
                names = [
                    f"{member}={option}"
                    for option, _, _, member in self.options(p.type.base, taken, positional is None)
                ]
                passed.append(f"options(B.{p.type.base}{''.join(', ' + n for n in names)})")
            elif base in self.api.enums and not stars:
                shown.append(
                    (p.name, f"Union[B.{self.enum_class(base)}, str, int]", self.parameter_default(short, p.name))
                )
                passed.append(f"enumerator(B.{self.enum_class(base)}, {p.name})")
            elif base == "char" and stars == "*" and p.type.constant:
                shown.append((p.name, "str", None))
                passed.append(f"{p.name}.encode()")
            elif base in HINTS and not stars:
                if p.name.endswith("_h") and following is not None and following.name == p.name[:-2] + "_w":
                    name = p.name[:-2] + "_size"
                    shown.append((name, "Union[int, Sequence[int]]", None))
                    passed.append(f"*pair({name})")
                    index += 2
                    continue
                item = (p.name, HINTS[base], self.parameter_default(short, p.name))
                (keywords if p.name in KEYWORDS else shown).append(item)
                passed.append(p.name)
            else:
                raise Unknown(short)
            index += 1
        return shown, keywords, passed, docs, outputs

    @staticmethod
    def head(shown, keywords, first: str = "") -> str:
        last_needed = max([i for i, (_, _, default) in enumerate(shown) if default is None], default=-1)
        parts = [first] if first else []
        for i, (name, hint, default) in enumerate(shown):
            parts.append(f"{name}: {hint}" + (f" = {default}" if default is not None and i > last_needed else ""))
        if keywords:
            parts.append("*")
            parts += [f"{name}: {hint} = {default}" for name, hint, default in keywords]
        return ", ".join(parts)

    @staticmethod
    def wrapped(prefix: str, inside: str, suffix: str, indent: int) -> str:
        line = f"{' ' * indent}{prefix}({inside}){suffix}"
        if len(line) <= 120:
            return line + "\n"
        lines = [" " * (indent + 8)]
        parts = []
        for part in at_commas(inside):
            nested = re.fullmatch(r"(\w+)\((.*)\)(,?)", part)
            if nested and len(part) > 100 - indent:  # options, one after the other
                inner = at_commas(nested[2])
                parts += [f"{nested[1]}({inner[0]}", *inner[1:-1], f"{inner[-1]}){nested[3]}"]
            else:
                parts.append(part)
        for part in parts:
            if len(lines[-1]) + len(part) > 118 and lines[-1].strip():
                lines.append(" " * (indent + 8))
            lines[-1] += part + " "
        if len(lines[-1].rstrip() + suffix) > 119:
            suffix = f"\n{' ' * indent}){suffix}"
        else:
            suffix = f"){suffix}"
        return f"{' ' * indent}{prefix}(\n" + "\n".join(line.rstrip() for line in lines) + f"{suffix}\n"

    # ---- operations ----

    def is_operation(self, f: headers.Function) -> bool:
        return f.header.startswith("ops/") and f.result.base == "cnn_tensor"

    def operation(self, f: headers.Function):
        short = f.name[4:]
        shown, keywords, passed, docs, outputs = self.parameters(f, short, 0)
        always = [o for o in outputs if (short, o) in ALWAYS]
        asked = [o for o in outputs if o not in always]
        keywords += [(f"return_{o}", "bool", "False") for o in asked]
        result = "Tensor"
        if outputs:
            count = 1 + len(outputs)
            result = f"Tuple[{', '.join(['Tensor'] * count)}]" if not asked else "Any"
        return short, shown, keywords, passed, docs, outputs, asked, result

    def operations(self) -> str:
        out = HEAD.format("Every operation of <cnn/ops.h> as a function, and as a method of its first operand.")
        out += (
            "from __future__ import annotations\n\n"
            "from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Tuple, Union\n\n"
            "from . import _bindings as B\nfrom ._apply import apply\n"
            "from ._convert import Dims, Sizes, enumerator, ints, options, pair, sizes, varargs\n\n"
            "if TYPE_CHECKING:\n    from ._tensor import Tensor\n\n__all__ = [\n"
        )
        body, names = "", []
        for f in self.api.functions.values():
            if not self.is_operation(f):
                continue
            try:
                short, shown, keywords, passed, docs, outputs, asked, result = self.operation(f)
            except Unknown:
                continue
            names.append(short)
            body += "\n\n" + self.wrapped(f"def {short}", self.head(shown, keywords), f" -> {result}:", 0)
            body += docstring(f.comment or f.name, 4, docs)
            extra = f", outputs={len(outputs)}" if outputs else ""
            if asked:
                wanted = ", ".join(f"return_{o}" if o in asked else "True" for o in outputs)
                extra += f", wanted=({wanted}{',' if len(outputs) == 1 else ''})"
            body += self.wrapped("return apply", f'"{f.name}", {", ".join(passed)}{extra}', "", 4)
        out += (
            textwrap.fill(
                ", ".join(f'"{n}"' for n in sorted(names)),
                116,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
            )
            + ",\n]\n"
        )
        return out + body

    def methods(self) -> str:
        out = (
            '\n\nclass TensorMethods:\n    """The operations whose first operand is the tensor itself, as methods of it."""\n\n'
            "    __slots__ = ()\n"
        )
        for f in self.api.functions.values():
            if not self.is_operation(f):
                continue
            try:
                short, shown, keywords, passed, docs, outputs, asked, result = self.operation(f)
            except Unknown:
                continue
            if not shown or shown[0][1] != "Tensor" or shown[0][2] is not None:
                continue
            rest = shown[1:]
            call = [name for name, _, _ in rest] + [f"{name}={name}" for name, _, _ in keywords]
            if len(rest) == 1 and rest[0][1] in ("Dims", "Sizes"):
                head = self.head([], keywords, f"self: Any, *{rest[0][0]}: Any").replace(", *, ", ", ")
                call[0] = f"varargs({rest[0][0]})"
            else:
                head = self.head(rest, keywords, "self: Any")
            out += "\n" + self.wrapped(f"def {short}", head, f" -> {result}:", 4)
            summary = re.split(r"(?<=[a-z0-9)`])\.\s|\n\n", f.comment or f.name)[0]
            out += docstring(" ".join(summary.split()).rstrip(".") + ".", 8)
            out += self.wrapped(f"return {short}", ", ".join(["self"] + call), "", 8)
        return out

    # ---- layers, optimizers, schedulers ----

    @staticmethod
    def class_name(short: str, comment: str) -> str:
        for word in re.findall(r"[A-Za-z]\w*", comment):
            if word.lower() == short.replace("_", "") and word != short:
                return word
        return camel(short)

    def layers(self) -> str:
        out = HEAD.format("The layers of libcnn as classes, with PyTorch's names.")
        out += (
            "from __future__ import annotations\n\nfrom typing import Optional, Sequence, Union\n\n"
            "from .. import _bindings as B\nfrom .._convert import Sizes, options, pair, sizes\n"
            "from .._tensor import Tensor\nfrom ._module import Module\n\n__all__ = [\n"
        )
        body, names = "", []
        for f in self.api.functions.values():
            match = re.fullmatch(r"cnn_(\w+)_create", f.name)
            if not match or f.result.base != "cnn_module" or f.parameters[0].type.base != "cnn_context":
                continue
            try:
                shown, keywords, passed, docs, _ = self.parameters(f, match[1], 1, self.api.positional.get(f.name, {}))
            except Unknown:
                continue
            order = [name for name, _, _ in shown]
            for tail in ("kernel_size", "padding"):  # an argument of the keyword form stands behind the others
                if tail in order:
                    shown.append(shown.pop(order.index(tail)))
                    order = [name for name, _, _ in shown]
            first = [k for option in FIRST for k in keywords if k[0] == option and match[1] not in NAMED_ONLY]
            keywords = [k for k in keywords if k not in first]
            shown += first
            renamed = RENAMED_IN.get(match[1], {})
            shown = [(renamed.get(n, n), h, d) for n, h, d in shown]
            keywords = [(renamed.get(n, n), h, d) for n, h, d in keywords]
            docs = [(renamed.get(n, n), c) for n, c in docs]
            for old, new in renamed.items():
                passed = [re.sub(rf"(?<![\w.]){old}(?!\w|=)", new, part) for part in passed]
            name = self.class_name(match[1], f.comment)
            names.append(name)
            body += f"\n\nclass {name}(Module):\n" + docstring(f.comment or f.name, 4, docs)
            body += "\n" + self.wrapped("def __init__", self.head(shown, keywords, "self"), " -> None:", 4)
            body += self.wrapped("self._create", ", ".join([f'"{f.name}"'] + passed), "", 8)
        out += (
            textwrap.fill(
                ", ".join(f'"{n}"' for n in sorted(names)),
                116,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
            )
            + ",\n]\n"
        )
        return out + body

    def optimizers(self) -> str:
        out = HEAD.format("The optimizers of libcnn as classes, with PyTorch's names.")
        out += (
            "from __future__ import annotations\n\nfrom typing import Any, Optional, Sequence, Union\n\n"
            "from .. import _bindings as B\nfrom ._optimizer import Optimizer, Parameters\n\n__all__ = [\n"
        )
        body, names = "", []
        for f in self.api.functions.values():
            match = re.fullmatch(r"cnn_(\w+)_create", f.name)
            if not match or f.result.base != "cnn_optimizer":
                continue
            struct = f.parameters[1].type.base
            found = self.options(struct, set(), True)
            keywords = [(name, f"Optional[{hint}]", "None") for name, hint, _, _ in found]
            docs = [(name, comment) for name, _, comment, _ in found]
            passed = [f"{member}={name}" for name, _, _, member in found]
            betas = {"beta1", "beta2"} <= {name for name, _, _, _ in found}
            if betas:
                keywords.insert(1, ("betas", "Optional[Sequence[float]]", "None"))
                docs.append(("betas", "beta1 and beta2 together"))
                passed.append("betas=betas")
            name = self.class_name(match[1], f.comment)
            names.append(name)
            lr = keywords.pop(0)
            body += f"\n\nclass {name}(Optimizer):\n" + docstring(f.comment, 4, docs)
            body += f'\n    _prefix = "cnn_{match[1]}"\n    _options = B.{struct}\n\n'
            body += self.wrapped(
                "def __init__", self.head([("params", "Parameters", None), lr], keywords, "self"), " -> None:", 4
            )
            body += self.wrapped("self._create", ", ".join(["params"] + passed), "", 8)
        out += (
            textwrap.fill(
                ", ".join(f'"{n}"' for n in names),
                116,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
            )
            + ",\n]\n"
        )
        return out + body

    def schedulers(self) -> str:
        out = HEAD.format("The learning-rate schedulers of libcnn as classes, with PyTorch's names.")
        out += (
            "from __future__ import annotations\n\nfrom typing import Optional, Sequence, Union\n\n"
            "from .. import _bindings as B\nfrom ._optimizer import Optimizer\n"
            "from ._scheduler import Scheduler\n\n__all__ = [\n"
        )
        body, names = "", []
        for f in self.api.functions.values():
            match = re.fullmatch(r"cnn_(\w+)_create", f.name)
            if not match or f.result.base != "cnn_scheduler":
                continue
            try:
                struct = f.parameters[1].type.base
                if not struct.endswith("_options"):
                    continue
                found = self.options(struct, set(), True)
            except Unknown:
                continue
            name = self.class_name(match[1], f.comment)
            names.append(name)
            needed = [(n, h, None) for n, h, c, _ in found if "required" in c]
            keywords = [(n, f"Optional[{h}]", "None") for n, h, c, _ in found if "required" not in c]
            docs = [(n, c) for n, _, c, _ in found]
            body += f"\n\nclass {name}(Scheduler):\n" + docstring(f.comment, 4, docs) + "\n"
            head = self.head(
                [("optimizer", "Optimizer", None)] + needed + [(n, h, "None") for n, h, _ in keywords], [], "self"
            )
            body += self.wrapped("def __init__", head, " -> None:", 4)
            body += self.wrapped(
                "self._create",
                ", ".join([f'"{f.name}"', "optimizer", f"B.{struct}"] + [f"{m}={n}" for n, _, _, m in found]),
                "",
                8,
            )
        out += (
            textwrap.fill(
                ", ".join(f'"{n}"' for n in names),
                116,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
            )
            + ",\n]\n"
        )
        return out + body

    # ---- first values, transforms ----

    def init(self) -> str:
        out = HEAD.format(
            "First values of tensors: torch.nn.init. Each writes all elements of its tensor and returns it."
        )
        out += (
            "from __future__ import annotations\n\nfrom typing import Optional, Union\n\n"
            "from .. import _bindings as B\nfrom .._convert import options\nfrom .._tensor import Tensor, written\n"
        )
        for f in self.api.functions.values():
            if not f.name.startswith("cnn_init_") or f.result.base != "cnn_status":
                continue
            try:
                shown, keywords, passed, docs, _ = self.parameters(f, f.name[4:], 1)
            except Unknown:
                continue
            out += "\n\n" + self.wrapped(
                f"def {f.name[9:]}_", self.head(shown, keywords, "tensor: Tensor"), " -> Tensor:", 0
            )
            out += docstring(f.comment, 4, docs)
            out += self.wrapped("return written", ", ".join([f'"{f.name}"', "tensor"] + passed), "", 4)
        return out

    def transforms(self) -> str:
        out = HEAD.format("Transforms of images: torchvision.transforms, as methods of a chain.")
        out += (
            "from __future__ import annotations\n\nfrom typing import Any, Optional, Sequence, Union\n\n"
            "from .. import _bindings as B\nfrom .._convert import doubles, enumerator, options\n\n\n"
            'class Transforms:\n    """What a chain can do; each method adds a transform and returns the chain."""\n\n'
            "    def _add(self, name: str, *arguments: Any) -> Any:\n        raise NotImplementedError\n"
        )
        for f in self.api.functions.values():
            if not f.name.startswith("cnn_augment_") or f.parameters[0].type.base != "cnn_augmentation":
                continue
            short = re.sub(r"_with$", "", f.name[len("cnn_augment_") :])
            try:
                shown, keywords, passed, docs, _ = self.parameters(f, short, 1)
            except Unknown:
                continue
            out += "\n" + self.wrapped(f"def {short}", self.head(shown, keywords, "self"), " -> Any:", 4)
            out += docstring(f.comment, 8, docs)
            out += self.wrapped("return self._add", ", ".join([f'"{f.name}"'] + passed), "", 8)
        return out

    def files(self):
        return {
            "_bindings.py": self.bindings(),
            "_ops.py": self.operations() + self.methods(),
            "nn/_layers.py": self.layers(),
            "nn/init.py": self.init(),
            "optim/_kinds.py": self.optimizers(),
            "optim/_schedules.py": self.schedulers(),
            "data/_transforms.py": self.transforms(),
            **{f"_{name}_bindings.py": self.sibling(name, own) for name, own in self.siblings.items()},
        }


def main() -> int:
    package = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "python" / "cnn"
    for name, text in Maker.of(ROOT / "include").files().items():
        path = package / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f"{path.name}.{os.getpid()}")  # others may be reading the file, or writing it too
        written.write_text(text, encoding="utf-8")
        written.replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
