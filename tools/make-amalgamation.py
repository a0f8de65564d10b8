#!/usr/bin/env python3
"""Writes cnn.c and cnn.h, the whole library as one source file and one header.

    tools/make-amalgamation.py --output FOLDER --version V --isa SET=FLAGS... --sources FILE... --simd FILE... [--small FILE...]
    tools/make-amalgamation.py --clashes ROOM... --sources FILE... --simd FILE...

What a file of src/ defines for itself is visible to all others in one file, so a name that two of them define gets the
file's name as a prefix. A kernel of src/kernels/simd is written once for each instruction set; its names get that of the
set as a suffix, and pragmas in front of it do what the Makefile does with FLAGS; those of --small are compiled with -Os.
--clashes lists the names of the given rooms that several of their files define, and fails if there are any."""
import argparse
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
platform = ""  # of the sources, as in CNN__POSIX

# Which instruction sets each machine's kernels are for, the oldest first. Their flags come from the Makefile.
MACHINES = [
    ("defined __x86_64__", ["sse2", "avx2", "avx512"]),
    ("defined __aarch64__", ["neon"]),
    ("!defined __x86_64__ && !defined __aarch64__", ["generic"]),
]

TOKEN = re.compile(r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<word>[A-Za-z_]\w*)"""
                   r"""|(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)|(?P<space>\s+)|(?P<other>->|\#\#|.)""", re.S)
# Functions of the C library whose names a file may use for its own where it does not include their header.
LIBRARY = set("""abort abs accept access acos acosh alarm asin asinh atan atan2 atanh bind bsearch calloc cbrt ceil chdir chmod
chown clock close connect copysign cos cosh creat crypt daemon difftime div dup dup2 encrypt erand48 erf erfc exit exp exp2 expm1
fabs fclose fdim ffs floor fma fmax fmin fmod fork fread free frexp fstat fsync fwrite gamma getc getenv getline gets getw hypot
ilogb index insque j0 j1 jn kill labs ldexp ldiv lgamma link listen llabs llrint llround log log10 log1p log2 logb logf lrint
lround lseek lstat malloc memccpy memchr memcmp memcpy memmove memset mkdir mkdtemp mkstemp mktime modf nan nearbyint nextafter
nice open pause perror pipe poll pow pread printf putc putenv puts putw pwrite qsort raise rand random read readlink realloc recv
remainder remove remque rename rewind rindex rint rmdir round scalbn select send setenv shutdown signal sin sinh sleep socket
sqrt srand stat stime stpcpy strcmp swab symlink sync system tan tanh tee tell tgamma time times trunc truncate umask uname ungetc
unlink usleep utime valloc vfork vmsplice wait write y0 y1 yn""".split())
KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while""".split())
INCLUDE = re.compile(r'[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)[^\n]*')


def fail(message):
    sys.exit(f"make-amalgamation: {message}")


PLATFORMS = re.compile(r"^#if CNN__(?:POSIX|WIN32|NONE)\n(?:(?!#if|#else|#endif).*\n)*#endif\n", re.M)


def read(path):
    """A file's text. Where a header of src/platform chooses between the headers of the systems, that of the sources remains."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return PLATFORMS.sub(lambda m: branch_of(m.group()), text) if path.startswith("src/platform/") else text


def branch_of(choice):
    """The lines between the condition of the sources' platform and the next one."""
    branches = re.split(r"^#(?:if|elif) CNN__(\w+)\n|^#endif\n", choice, flags=re.M)
    return dict(zip(branches[1::2], branches[2::2])).get(platform, "")


def tokens(text):
    return [(m.lastgroup, m.group()) for m in TOKEN.finditer(text)]


def is_fragment(path):
    """Whether a file is text for the files that include it, once per inclusion, instead of a header with a guard."""
    return path.endswith(".def") or "#ifndef CNN_" not in read(path)


def logical_lines(text):
    """Lines of the text, of which a directive has its continuation lines with it."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        end = at
        while lines[end].endswith("\\") and end + 1 < len(lines):
            end += 1
        yield "\n".join(lines[at:end + 1])
        at = end + 1


def without_guard(text):
    """A header's text without the lines of its include guard."""
    guard = re.search(r"^#ifndef (CNN_\w+_H)\n#define \1\n", text, re.M)
    if not guard:
        return text
    return text[:guard.start()] + text[guard.end():].rstrip().removesuffix("#endif").rstrip() + "\n"


def file_scope(text):
    """The names that a text defines at file scope for itself: static functions and variables, types, enumeration
    constants."""
    code = "\n".join(line for line in logical_lines(text) if not line.lstrip().startswith("#"))
    words = [t for t in tokens(code) if t[0] not in ("comment", "space")]
    names, at = set(), 0
    while at < len(words):
        declaration, depth, body = [], 0, False
        while at < len(words):
            kind, word = words[at]
            at += 1
            if word == "{" and depth == 0 and declaration and declaration[-1][1] == ")" and \
                    not any(w == "=" for _, w in declaration):
                body, nesting = True, 1
                while nesting:
                    nesting += {"{": 1, "}": -1}.get(words[at][1], 0)
                    at += 1
                break
            depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(word, 0)
            if word == ";" and depth == 0:
                break
            declaration.append((kind, word))
        names |= declared(declaration, body)
    return {name for name in names - set(macros(text)) if not name.lower().startswith("cnn_")}


def without_attributes(declaration):
    kept, depth = [], 0
    for kind, word in declaration:
        if word == "__attribute__":
            depth = 1
        elif depth:
            depth += {"(": 1, ")": -1}.get(word, 0)
            depth = 0 if depth == 1 and word == ")" else depth
        else:
            kept.append((kind, word))
    return kept


def declared(declaration, body):
    """The names of one declaration, or of one function's head."""
    declaration = without_attributes(declaration)
    words = [w for _, w in declaration]
    names = set()
    for i, word in enumerate(words):
        if word in ("struct", "union", "enum") and i + 2 < len(words) and words[i + 2] == "{":
            names.add(words[i + 1])
        if word == "enum":
            start = i + 1 + (words[i + 1:i + 2] != ["{"])
            if words[start:start + 1] != ["{"]:
                continue
            depth, expected = 0, False
            for w in words[start:]:
                depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(w, 0)
                if depth == 0:
                    break
                if depth == 1 and w in ("{", ","):
                    expected = True
                elif expected:
                    names.add(w)
                    expected = False
    if not {"static", "typedef", "CNN__INLINE", "CNN__APART"} & set(words):
        return names
    depth, previous = 0, ""
    for i, (kind, word) in enumerate(declaration):
        following = words[i + 1] if i + 1 < len(words) else ";"
        if depth == 0 and kind == "word" and word not in KEYWORDS and not word.startswith("__"):
            is_name = following in ("=", "[", ";", ",") or (following == "(" and previous not in ("", "static"))
            if following == "(" and words[i + 3:i + 5] == [")", "("]:  # static void FN(name)(…)
                names.add(f"{words[i + 2]}##")
                break
            if is_name and word != "CNN__SIMD" and (following == "(" or previous not in ("", "static")):
                names.add(word)
                if body:
                    break
        if kind == "word" and words[i - 2:i] == ["(", "*"] and depth == 1 and "typedef" in words:
            names.add(word)
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(word, 0)
        previous = word
    return names


def macros(text):
    return re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", text, re.M)


def pasting_macros(text):
    """The function-like macros that make a name out of their first argument."""
    return set(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\((?=[^\n]*(?:##|CNN__JOIN|CNN__NAME))", text, re.M)) | {"CNN__SIMD"}


def lasting_macros(header):
    """The macros that a header leaves defined, its guard apart."""
    text = without_guard(read(header))
    return set(macros(text)) - set(re.findall(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", text, re.M))


class Renamer:
    """Gives names of file scope other names, and leaves members of structures and what follows a dot alone."""

    def __init__(self, names, pasting):
        self.names = names
        self.pasting = pasting

    def apply(self, text):
        if not self.names:
            return text
        kinds = tokens(text)
        solid = [i for i, (kind, _) in enumerate(kinds) if kind not in ("comment", "space")]
        out = [word for _, word in kinds]
        bodies = []
        for position, i in enumerate(solid):
            kind, word = kinds[i]
            before = [kinds[solid[position - k]][1] if position >= k else "" for k in (1, 2)]
            after = kinds[solid[position + 1]][1] if position + 1 < len(solid) else ""
            if word == "{":
                bodies.append(before[0] in ("struct", "union") or before[1] in ("struct", "union"))
            elif word == "}" and bodies:
                bodies.pop()
            elif kind == "word" and word in self.names and before[0] not in (".", "->") and before[1] not in self.pasting:
                member = bodies and bodies[-1] and (after in (";", ",", "[", ":") or (after == ")" and before[0] == "*"))
                if not member:
                    out[i] = self.names[word]
        return "".join(out)


class Amalgamation:
    def __init__(self, arguments):
        self.arguments = arguments
        self.headers = set()   # that are in the file by now
        self.system = []       # <headers> that no condition stands before
        self.out = []
        own = {f: self.own_text(f) for f in arguments.sources}
        self.owners = collections.defaultdict(set)
        for f, text in own.items():
            for name in file_scope(text):
                self.owners[name].add(f)
        for header in self.all_headers(arguments.sources):
            for name in file_scope(read(header)) | lasting_macros(header):
                self.owners[name].add(header)
        simd_files = arguments.simd + [h for h in self.all_headers(arguments.simd) if h.startswith("src/kernels/simd/")]
        self.simd_names = collections.defaultdict(set)
        for f in simd_files:
            for name in file_scope(self.own_text(f)):
                self.simd_names[name].add(f)
        self.simd_header_macros = collections.defaultdict(set)
        for f in simd_files:
            for name in lasting_macros(f) if f.endswith(".h") else ():
                self.simd_header_macros[name].add(f)
        # #define name CNN__SIMD(name): a name that has the instruction set's suffix in the library, too
        self.simd_macros = set()
        for f in simd_files:
            self.simd_macros |= set(re.findall(r"^#define (\w+) CNN__SIMD\(\1\)$", read(f), re.M))

    def own_text(self, path):
        """A file with the fragments that it includes, as far as they are not .def."""
        lines = []
        for line in logical_lines(read(path)):
            m = INCLUDE.fullmatch(line)
            if m and m.group(1) and not m.group(1).endswith(".def") and is_fragment("src/" + m.group(1)):
                lines.append(self.own_text("src/" + m.group(1)))
            else:
                lines.append(line)
        return "\n".join(lines)

    def all_headers(self, files):
        found, todo = [], list(files)
        while todo:
            for line in logical_lines(read(todo.pop())):
                m = INCLUDE.fullmatch(line)
                header = m and m.group(1) and "src/" + m.group(1)
                if header and header not in found and not header.endswith(".def"):
                    todo.append(header)
                    if not is_fragment(header):
                        found.append(header)
        return found

    def fragments_of(self, path):
        """The fragments that a file includes, .def apart."""
        found = {"src/" + m.group(1) for m in map(INCLUDE.fullmatch, logical_lines(read(path))) if m and m.group(1)}
        return {f for f in found if not f.endswith(".def") and is_fragment(f)}

    def clashes(self):
        """What a fragment names by a macro of the file that includes it has another suffix in each such file."""
        every = collections.defaultdict(set)
        for names in (self.owners, self.simd_names, self.simd_header_macros):
            for name, files in names.items():
                every[name] |= files
        return {name: sorted(files) for name, files in every.items() if len(files) > 1 and not (
            name.endswith("##") and set.intersection(*map(self.fragments_of, files)))}

    def renames_of(self, path):
        stem = "_".join(pathlib.Path(path).with_suffix("").parts[1:])
        names = {}
        for name in file_scope(self.own_text(path)):
            if len(self.owners[name] | self.simd_names.get(name, set())) > 1 or name in LIBRARY:
                names[name] = re.sub(r"\W", "_", f"{stem}_{name}")
        return names

    def expand(self, path, rename, seen, skip=lambda line: False):
        """The text of a file with what it includes; `rename` is applied to what is its own. System headers that stand
        under no condition go to the top of the file."""
        text = read(path)
        out, own, conditions = [], [], 0

        def flush():
            out.append(rename("\n".join(own)) if own else "")
            own.clear()

        for line in logical_lines(without_guard(text)):
            m = INCLUDE.fullmatch(line)
            directive = re.match(r"[ \t]*#[ \t]*(if|endif)", line)
            conditions += {"if": 1, "endif": -1}[directive.group(1)] if directive else 0
            if skip(line):
                continue
            if not m or (m.group(2) and not m.group(2).startswith("cnn/") and conditions):
                own.append(line)
            elif m.group(2):
                if not m.group(2).startswith("cnn/") and m.group(2) not in self.system:
                    self.system.append(m.group(2))
            else:
                header = "src/" + m.group(1)
                if is_fragment(header):
                    flush()
                    inner = (lambda t: t) if header.endswith(".def") else rename
                    out.append(self.expand(header, inner, seen, skip))
                elif header not in seen:
                    flush()
                    if conditions:
                        fail(f"{path} includes {header} under a condition")
                    seen.add(header)
                    out.append(self.expand(header, self.header_rename(header, rename), seen, skip))
        flush()
        return "\n".join(part for part in out if part)

    def header_rename(self, header, rename):
        return rename if header.startswith("src/kernels/simd/") else lambda text: text

    def source(self, path):
        """A file of src/ as it stands in the amalgamation: its macros end with it."""
        own = self.own_text(path)
        text = self.expand(path, Renamer(self.renames_of(path), pasting_macros(own)).apply, self.headers)
        undefined = "".join(f"#undef {name}\n" for name in dict.fromkeys(macros(own)))
        flags = None
        if path in self.arguments.small:
            flags = '"Os"'
        elif path.startswith("src/kernels/"):
            flags = '"O2", "tree-vectorize", "vect-cost-model=dynamic"'
        return f"\n/* ======== {path} ======== */\n" + pragmas(flags, f"{text}\n{undefined}")

    def common(self, isas):
        """The flags for the machine that all of its instruction sets have. They stand at the top of cnn.c, once: GCC adds up
        the pragmas for a target, and inlines nothing into a function whose architecture is another."""
        return set.intersection(*({f for f in self.arguments.isa[isa] if f.startswith("-m")} for isa in isas))

    def simd(self, isa, common):
        """All of src/kernels/simd for one instruction set, whose flags but the common ones become pragmas."""
        names = {name: f"{name}_{isa}" for name in self.simd_names}
        names |= {name: f"cnn__{name}_{isa}" for name in self.simd_macros}
        seen, parts, defined = set(self.headers), [], []
        skip = re.compile(r"#define (\w+) CNN__SIMD\(\1\)").fullmatch
        for path in self.arguments.simd:
            own = dict(names)
            for name in file_scope(self.own_text(path)):
                if len(self.simd_names[name]) > 1:
                    own[name] = f"{pathlib.Path(path).stem}_{name}_{isa}".replace("-", "_")
                    if own[name][0].isdigit():
                        own[name] = "_" + own[name]
            before = set(seen)
            text = self.expand(path, Renamer(own, {"CNN__SIMD"}).apply, seen, skip)
            defined += macros(self.own_text(path))
            for header in seen - before:
                if not header.startswith("src/kernels/simd/"):
                    fail(f"{header} is included by {path} alone")
                defined += macros(without_guard(read(header)))
            parts.append(f"\n/* ======== {path}, {isa} ======== */\n" +
                         pragmas('"Os"' if path in self.arguments.small else None, text + "\n"))
        undefined = "".join(f"#undef {name}\n" for name in dict.fromkeys(defined) if name not in self.simd_macros)
        flags = [f for f in self.arguments.isa[isa] if f not in common]
        return section(flags, f"#define CNN__ISA {isa}\n{''.join(parts)}{undefined}#undef CNN__ISA\n")

    def write(self):
        head, sources = [], []
        for path in self.arguments.sources:
            sources.append(self.source(path))
        for path in self.arguments.simd:  # what they include from elsewhere is in the file before them
            for header in self.all_headers([path]):
                if not header.startswith("src/kernels/simd/") and header not in self.headers:
                    self.headers.add(header)
                    sources.append(f"\n/* ======== {header} ======== */\n" + self.expand(header, lambda t: t, self.headers))
        machines = []
        for condition, isas in MACHINES:
            text = "".join(self.simd(isa, self.common(isas) if len(isas) > 1 else set()) for isa in isas)
            machines.append(f"\n#if {condition}\n{text if not machines else stripped(text)}#endif\n")
        condition, isas = MACHINES[0]
        common = [f[2:] for f in self.arguments.isa[isas[0]] if f in self.common(isas)]
        head.append(HEAD.format(version=self.arguments.version, condition=condition, target=",".join(common)))
        head += [f"#include <{name}>\n" for name in self.system]
        head.append(INTRINSICS)
        folder = pathlib.Path(self.arguments.output)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cnn.c").write_text("".join(head + sources + machines), encoding="utf-8")
        (folder / "cnn.h").write_text(public_header(self.arguments.version), encoding="utf-8")
        print(f"{folder}/cnn.c: {sum(1 for _ in open(folder / 'cnn.c', encoding='utf-8'))} lines")


def stripped(text):
    """A text without comments and empty lines."""
    kept = "".join(" " if kind == "comment" else word for kind, word in tokens(text))
    return "\n".join(line.rstrip() for line in kept.split("\n") if line.strip()) + "\n"


def pragmas(flags, text):
    """A text with GCC's optimize flags of its own."""
    if not flags:
        return text
    return (f"#if defined __GNUC__ && !defined __clang__ && defined __OPTIMIZE__\n#pragma GCC push_options\n"
            f"#pragma GCC optimize({flags})\n#endif\n{text}"
            f"#if defined __GNUC__ && !defined __clang__ && defined __OPTIMIZE__\n#pragma GCC pop_options\n#endif\n")


def section(flags, text):
    """An instruction set's kernels between the pragmas that do what its compiler flags do."""
    target = [f[2:] for f in flags if f.startswith("-m")]
    optimize = [f[1:] if f.startswith("-O") else f[2:] for f in flags if re.match(r"-[Of]", f)]
    macro = [f[2:].replace("=", " ") for f in flags if f.startswith("-D")]
    if len(target) + len(optimize) + len(macro) != len(flags):
        fail(f"no pragma is known for one of {' '.join(flags)}")
    features = [t for t in target if not re.match(r"no-|\w+(-\w+)*=", t)]
    predefined = [f"__{t.upper()}__" for t in features] + (["__AVX__"] if "avx2" in features else [])
    contract = "fast" if "fp-contract=fast" in optimize else "off"
    begin, end = "#if defined __clang__\n", "#if defined __clang__\n"
    if features:  # Clang's attribute does not define what its flags define
        begin += f'#pragma clang attribute push(__attribute__((target("{",".join(features)}"))), apply_to = function)\n'
        begin += "".join(f"#ifndef {m}\n#define {m} 1\n#define CNN{m}\n#endif\n" for m in predefined)
        end += "#pragma clang attribute pop\n"
        end += "".join(f"#ifdef CNN{m}\n#undef {m}\n#undef CNN{m}\n#endif\n" for m in predefined)
    begin += f"#pragma clang fp contract({contract})\n#elif defined __GNUC__\n#pragma GCC push_options\n"
    begin += f'#pragma GCC target("{",".join(target)}")\n' if target else ""
    quoted = ", ".join(f'"{o}"' for o in optimize)
    begin += f"#ifdef __OPTIMIZE__\n#pragma GCC optimize({quoted})\n#endif\n#endif\n"
    end += "#pragma clang fp contract(off)\n#elif defined __GNUC__\n#pragma GCC pop_options\n#endif\n"
    begin += "".join(f"#define {m}\n" for m in macro)
    return begin + text + "".join(f"#undef {m.split()[0]}\n" for m in macro) + end


HEAD = '''/* libcnn {version}, all of it in one file: compile it with "cc -O2 -c cnn.c", link with -pthread -lm, include cnn.h.
 * With -DCNN_HAVE_ZLIB and -lz compressed data sets are read as well. Made by tools/make-amalgamation.py; the sources that
 * people read and change are those of src/. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

/* Whatever -march says: the instruction sets that are used are chosen at run time, and GCC inlines nothing that is compiled
 * for more than its caller. */
#if {condition} && defined __GNUC__ && !defined __clang__
#pragma GCC target("{target}")
#endif
#include "cnn.h"

'''

# Compilers fuse products and sums by default where the instruction set can.
INTRINSICS = '''
#if defined __x86_64__
#include <immintrin.h>
#elif defined __aarch64__
#include <arm_neon.h>
#endif
#if defined __clang__
#pragma clang fp contract(off)
#elif defined __GNUC__
#pragma GCC optimize("fp-contract=off")
#endif
'''


def public_header(version):
    """include/cnn/*.h in the order in which they include each other."""
    system, out, seen = [], [], set()

    def add(path):
        seen.add(path)
        text = without_guard(read(path))
        lines = []
        for line in logical_lines(text):
            m = INCLUDE.fullmatch(line)
            if not m:
                lines.append(line)
            elif m.group(2) and m.group(2).startswith("cnn/"):
                if "include/" + m.group(2) not in seen:
                    add("include/" + m.group(2))
            elif m.group(2) not in system:
                system.append(m.group(2))
        out.append(f"\n/* ======== {path} ======== */\n" + "\n".join(lines))

    add("include/cnn/cnn.h")
    add("include/cnn/backend.h")
    return (f"/* libcnn {version}, all public headers in one. Made by tools/make-amalgamation.py. */\n"
            "#ifndef CNN_CNN_H\n#define CNN_CNN_H\n\n" + "".join(f"#include <{name}>\n" for name in system) +
            "".join(out) + "\n#endif\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output")
    parser.add_argument("--version", default="")
    parser.add_argument("--sources", nargs="+", required=True)
    parser.add_argument("--simd", nargs="+", required=True)
    parser.add_argument("--small", nargs="*", default=[])
    parser.add_argument("--clashes", nargs="*")
    parser.add_argument("--isa", nargs="*", default=[])
    arguments = parser.parse_args()
    global platform
    platform = next((path.split("/")[2].upper() for path in arguments.sources if re.match(r"src/platform/\w+/", path)), "")
    arguments.isa = {name: flags.split() for name, flags in (isa.split("=", 1) for isa in arguments.isa)}
    known = {isa for _, isas in MACHINES for isa in isas}
    if arguments.clashes is None and known != set(arguments.isa):
        fail(f"the flags of {' '.join(arguments.isa)} are given, expected those of {' '.join(sorted(known))}")
    amalgamation = Amalgamation(arguments)
    rooms = amalgamation.arguments.clashes
    if rooms is None:
        amalgamation.write()
        return
    found = {name: [f for f in files if any(f.startswith(f"src/{room}/") for room in rooms)]
             for name, files in amalgamation.clashes().items()}
    found = {name: files for name, files in found.items() if len(files) > 1}
    for name, files in sorted(found.items()):
        print(f"{name}: {' '.join(files)}", file=sys.stderr)
    if found:
        sys.exit(f"make-amalgamation: {len(found)} names stand in several files")
    print(f"names: no two files of src/{', src/'.join(rooms)} define the same static name")


main()
