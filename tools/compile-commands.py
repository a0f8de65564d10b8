#!/usr/bin/env python3
"""Writes compile_commands.json from what make says that it would run: make -Bn V=1 TARGET... | compile-commands.py

Editors and clang tools read it. A file that is compiled for several instruction sets is there once, for the last of them."""
import json
import os
import shlex
import sys

entries = {}
for line in sys.stdin.read().replace("\\\n", " ").splitlines():
    try:
        words = shlex.split(line)
    except ValueError:
        continue
    if "-o" not in words or "-E" in words:
        continue
    for source in words:
        if source.endswith(".c") and os.path.exists(source):
            rest = [word for word in words if word == source or not word.endswith((".c", ".a"))]
            entries[source] = {"directory": os.getcwd(), "file": source, "arguments": rest}
json.dump([entries[source] for source in sorted(entries)], sys.stdout, indent=1)
print()
