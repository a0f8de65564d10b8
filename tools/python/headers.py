"""Reads the declarations of include/cnn: a strict parser of the C that the public headers are written in.

Whatever it does not know is an error, so that nothing is left out silently. Every declaration keeps the comment that
stands before it (a member, or an enumerator, the one behind it)."""

import dataclasses
import pathlib
import re
from typing import Callable, Dict, List, Optional

# Of libraries beside libcnn, which have bindings of their own.
SIBLINGS = {"onnx": ("onnx.h",), "image": ("image.h",)}
# For those who write a back end; libcnn-mpi has its own processes, which are no matter of Python's.
LEFT_OUT = ("backend.h", "group.h", "mpi.h", "kernels/")
# Macros that are numbers, for the lengths of arrays.
CONSTANTS: Dict[str, int] = {}


@dataclasses.dataclass
class Type:
    """A base name and what is behind it: "", "*", "**" (a `const` inside does not matter to a caller)."""

    base: str
    stars: str = ""
    constant: bool = False
    array: int = 0
    given: bool = False  # `*const *`: an array that the caller fills, and not one that is filled


@dataclasses.dataclass
class Value:
    """A parameter, or a member of a struct; `function` for a member that is a pointer to one."""

    name: str
    type: Optional[Type]
    comment: str = ""
    function: Optional["Function"] = None


@dataclasses.dataclass
class Function:
    name: str
    result: Type
    parameters: List[Value]
    comment: str = ""
    header: str = ""


@dataclasses.dataclass
class Struct:
    name: str
    members: List[Value]
    comment: str = ""


@dataclasses.dataclass
class Enum:
    name: str
    values: Dict[str, int]
    comments: Dict[str, str]
    comment: str = ""


@dataclasses.dataclass
class Api:
    functions: Dict[str, Function]
    structs: Dict[str, Struct]
    enums: Dict[str, Enum]
    callbacks: Dict[str, Function]
    opaque: Dict[str, str]
    aliases: Dict[str, str]
    positional: Dict[str, Dict[str, str]]  # of a create call: option -> the name of the macro's argument


def tidy(comment: str) -> str:
    """The text of a comment: without stars, Doxygen's marks and the indentation that they stand in."""
    text = re.sub(r"^/\*\*<?|\*/$", "", comment.strip())
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.split("\n")]
    text = "\n".join(line.strip() if line.strip() and not line.startswith("    ") else line for line in lines).strip()
    text = re.sub(r"\s*@since [0-9.]+(; `\w+` since [0-9.]+)?|;? *[Ss]ince 0\.2\.?", "", text)
    return re.sub(r"@(?:name|ref|file)\s*", "", text).strip()


def parse_type(text: str, where: str) -> Type:
    constant = bool(re.match(r"const\b", text))
    words = re.sub(r"\b(const|struct|enum)\b", " ", text)
    match = re.fullmatch(r"\s*(unsigned char|[A-Za-z_]\w*)\s*(\*?)\s*(\*?)\s*", words)
    if not match:
        raise SystemExit(f"{where}: a type that is not known: {text!r}")
    return Type(match[1], match[2] + match[3], constant, given=bool(re.search(r"\*\s*const\s*\*", text)))


def parse_value(text: str, where: str, comment: str = "") -> Value:
    text = " ".join(text.split())
    pointer = re.fullmatch(r"(.+?)\(\*(\w+)\)\((.*)\)", text)
    if pointer:
        function = Function(pointer[2], parse_type(pointer[1], where), parse_parameters(pointer[3], where))
        return Value(pointer[2], None, comment, function)
    match = re.fullmatch(r"(.+?)\b(\w+)(?:\[(\w+)\])?", text)
    if not match:
        raise SystemExit(f"{where}: a declaration that is not known: {text!r}")
    kind = parse_type(match[1], where)
    if match[3]:
        if not match[3].isdigit() and match[3] not in CONSTANTS:
            raise SystemExit(f"{where}: a number that is not known: {match[3]}")
        kind.array = CONSTANTS.get(match[3]) or int(match[3])
    return Value(match[2], kind, comment)


def parse_parameters(text: str, where: str) -> List[Value]:
    text = " ".join(text.split())
    if text == "void":
        return []
    return [parse_value(part, where) for part in text.split(",")]


class Parser:
    def __init__(self) -> None:
        self.api = Api({}, {}, {}, {}, {}, {}, {})

    def header(self, name: str, text: str) -> None:
        text = self.macros(text)
        text = re.sub(r"\bCNN_(BEGIN|END)_DECLS\b", "", text)
        text = re.sub(r"/\*(?!\*)(?:.|\n)*?\*/", "", text)  # comments for those who read the header
        position, comment = 0, ""
        while True:
            space = re.compile(r"\s*").match(text, position)
            position = space.end() if space else position
            if position == len(text):
                return
            if text.startswith("/**", position):
                end = text.index("*/", position) + 2
                comment = text[position:end]
                position = end
                continue
            end = self.end_of(text, position, name)
            after = re.compile(r"[ \t]*(/\*\*<(?:.|\n)*?\*/)").match(text, end)
            self.declaration(name, text[position:end], tidy(after[1] if after else comment))
            position = after.end() if after else end
            comment = ""

    @staticmethod
    def end_of(text: str, position: int, name: str) -> int:
        depth = 0
        while position < len(text):
            if text.startswith("/*", position):
                position = text.index("*/", position) + 2
                continue
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if text[position] == ";" and depth == 0:
                return position + 1
            position += 1
        raise SystemExit(f"{name}: a declaration without an end")

    def macros(self, text: str) -> str:
        """Takes the preprocessor's lines out. Of numbers it keeps the values, and of the keyword forms which options
        are arguments there."""
        CONSTANTS.update((name, int(value)) for name, value in re.findall(r"^#define (CNN_\w+) (\d+)\b", text, re.M))
        for match in re.finditer(r"^#define CNN__\w+_NEW2?\((.*?)\)(?: *\\\n)?((?:.*\\\n)*.*)$", text, re.M):
            body = re.sub(r"\\\n", " ", match[2])
            call = re.search(r"\b(cnn_\w+_create)\(", body)
            if call:
                given = re.findall(r"\.(\w+) = \((\w+)\)", body)
                self.api.positional[call[1]] = {option: argument for option, argument in given}
        return re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)

    def declaration(self, header: str, text: str, comment: str) -> None:
        where = f"{header}: {' '.join(text.split())[:60]}"
        flat = " ".join(re.sub(r"/\*(?:.|\n)*?\*/", "", text).split())
        function = re.fullmatch(r"CNN_API (.+?)\b(cnn_\w+)\((.*)\);", flat)
        callback = re.fullmatch(r"typedef (.+?)\(\*(cnn_\w+)\)\((.*)\);", flat)
        opaque = re.fullmatch(r"typedef struct (cnn_\w+) (cnn_\w+);", flat)
        alias = re.fullmatch(r"typedef (cnn_\w+) (cnn_\w+);", flat)
        if function:
            self.api.functions[function[2]] = Function(
                function[2], parse_type(function[1], where), parse_parameters(function[3], where), comment, header
            )
        elif callback:
            self.api.callbacks[callback[2]] = Function(
                callback[2], parse_type(callback[1], where), parse_parameters(callback[3], where), comment, header
            )
        elif opaque:
            self.api.opaque[opaque[2]] = comment
        elif alias:
            self.api.aliases[alias[2]] = alias[1]
        elif flat.startswith("typedef enum"):
            self.enum(text, comment, where)
        elif flat.startswith("typedef struct"):
            self.struct(text, comment, where)
        else:
            raise SystemExit(f"{where}: a declaration that is not known")

    def enum(self, text: str, comment: str, where: str) -> None:
        name = re.search(r"typedef enum (cnn_\w+)", text)
        assert name, where
        body = text[text.index("{") + 1 : text.rindex("}")]
        values, comments = {}, {}
        for match in re.finditer(
            r"(/\*\*(?!<)(?:.|\n)*?\*/)?\s*\b(CNN_\w+) = (-?\d+),?[ \t]*(/\*\*<(?:.|\n)*?\*/)?", body
        ):
            values[match[2]] = int(match[3])
            comments[match[2]] = tidy(match[4] or match[1] or "")
        plain = re.sub(r"/\*(?:.|\n)*?\*/", "", body)
        if len(values) != len([part for part in plain.split(",") if part.strip()]):
            raise SystemExit(f"{where}: an enumerator that is not known")
        self.api.enums[name[1]] = Enum(name[1], values, comments, comment)

    def struct(self, text: str, comment: str, where: str) -> None:
        name = re.search(r"typedef struct (cnn_\w+)", text)
        assert name, where
        body = text[text.index("{") + 1 : text.rindex("}")]
        members = []
        pattern = re.compile(r"\s*(/\*\*(?!<)(?:.|\n)*?\*/)?\s*([^;/]+);[ \t]*(/\*\*<(?:.|\n)*?\*/)?")
        position = 0
        while body[position:].strip():
            match = pattern.match(body, position)
            if not match:
                raise SystemExit(f"{where}: a member that is not known: {body[position:position + 60]!r}")
            members.append(parse_value(match[2], where, tidy(match[3] or match[1] or "")))
            position = match.end()
        self.api.structs[name[1]] = Struct(name[1], members, comment)


def parse(include: pathlib.Path, wanted: Callable[[str], bool]) -> Api:
    parser = Parser()
    paths = sorted((include / "cnn").rglob("*.h"), key=lambda path: (path.name != "export.h", path))
    for path in paths:
        name = path.relative_to(include / "cnn").as_posix()
        if wanted(name):
            parser.header(name, path.read_text(encoding="utf-8"))
    return parser.api


def read(include: pathlib.Path) -> Api:
    """What libcnn declares."""
    beside = sum(SIBLINGS.values(), LEFT_OUT)
    return parse(include, lambda name: not name.startswith(beside))


def read_sibling(include: pathlib.Path, library: str) -> Api:
    """What a library beside libcnn declares, by the numbers that read() has found."""
    return parse(include, lambda name: name in SIBLINGS[library])
