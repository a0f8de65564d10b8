#!/usr/bin/env python3
"""Puts the page together as one file: assemble.py --scalar FILE --simd FILE --weights FILE --output FILE

The modules of page/ become one module script, in the order of their imports: lines that import are left out, and so is
the word "export" before a declaration. Two modules may therefore not declare the same name, which is an error here.
The Content-Security-Policy allows this script alone, by its SHA-256, and no connection to anywhere.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).parent / "page"
MOST = 1_500_000  # bytes of the page
# Four of the characters that Python takes for base 85 would have to be escaped in HTML or JavaScript: page/bytes.mjs
# has others in their place.
SAFE = bytes.maketrans(b"&<>`", b":,./")

IMPORT = re.compile(r"^import \{[^}]*\} from '\./([\w-]+\.mjs)';\n", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export \{[^}]*\};\n", re.MULTILINE)
DECLARATION = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (?:\{[^}]*\}|([\w$]+(?:, [\w$]+)*))", re.MULTILINE
)


def in_order(name, seen):
    """The names of the modules that `name` imports, and its own, each after those that it imports."""
    if name in seen:
        return []
    seen.add(name)
    text = (PAGE / name).read_text()
    return [m for other in IMPORT.findall(text) for m in in_order(other, seen)] + [name]


def bundle(entry):
    """One script of a module and all that it imports."""
    owner, parts = {}, []
    for name in in_order(entry, set()):
        text = (PAGE / name).read_text()
        for match in DECLARATION.finditer(text):
            for declared in (match.group(1) or "").split(", "):
                if declared and owner.setdefault(declared, name) != name:
                    sys.exit(f"assemble.py: {owner[declared]} and {name} both declare {declared}")
        text = EXPORT_LIST.sub("", IMPORT.sub("", text))
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        if re.search(r"^(import|export)\b", text, re.MULTILINE):
            sys.exit(f"assemble.py: {name} imports or exports in a form that is not known here")
        parts.append(text)
    return "\n" + "\n".join(parts)


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("scalar", "simd", "weights", "output"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    options = parser.parse_args()
    encoded = {name: base64.b85encode(getattr(options, name).read_bytes()).translate(SAFE).decode()
               for name in ("scalar", "simd", "weights")}
    script, style = bundle("main.mjs"), "\n" + (PAGE / "style.css").read_text()
    # Browsers before 2022 ask for unsafe-eval where later ones ask for wasm-unsafe-eval. Bars are moved by properties
    # that a script sets, which the policy does not count as styles in the page.
    policy = (f"default-src 'none'; script-src {digest(script)} 'wasm-unsafe-eval' 'unsafe-eval'; "
              f"style-src {digest(style)}; img-src data:; base-uri 'none'; form-action 'none'")
    values = {"POLICY": policy, "STYLE": style, "SCRIPT": script, "WASM_SIMD": encoded["simd"],
              "WASM_SCALAR": encoded["scalar"], "WEIGHTS": encoded["weights"]}
    page = re.sub("@([A-Z_]+)@", lambda match: values[match.group(1)], (PAGE / "index.html").read_text())
    size = len(page.encode())
    if size > MOST:
        sys.exit(f"assemble.py: the page is {size} bytes, more than the {MOST} that it may have")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(page)
    print(f"{options.output}: {size} bytes, with WebAssembly of {options.simd.stat().st_size} bytes with SIMD and "
          f"{options.scalar.stat().st_size} without, and weights of {options.weights.stat().st_size}")


if __name__ == "__main__":
    main()
