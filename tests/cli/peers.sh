#!/bin/sh
# NumPy and PyTorch, both ways: files by cnn, and DLPack by ctypes, zero-copy. Usage: peers.sh PROGRAM LIBRARY
library=$(realpath "$2")
. "$(dirname "$0")/../example/common.sh"
python=
for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$candidate" -c 'import numpy, torch' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ] || readelf -s "$library" | grep -q __asan_init; then
    echo "peers: skipped (no python3-numpy and python3-torch here, or a sanitizer's build)"
    exit 0
fi
"$python" "$(dirname "$0")/peers.py" "$program" "$library" "$work" || fail "a peer sees something else"
checks=$((checks + 1))
passed
