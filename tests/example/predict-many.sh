#!/bin/sh
# How many of 500 digits of MNIST and of 500 digits of fonts, in pictures of all kinds, the network recognises after three epochs: usage:
# predict-many.sh MNIST_CNN. Slow, so it is a part of make check-long.
set -eu
program=$(realpath "$1")
if [ -z "${CNN_MNIST_DIR:-}" ]; then
    echo "skipped: check-predict (CNN_MNIST_DIR is not set)"
    exit 0
fi
if ! /usr/bin/python3 -c 'import PIL' 2>/dev/null; then
    echo "skipped: check-predict (no Pillow here)"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" --data "$CNN_MNIST_DIR" --epochs 3 --quiet --save "$work/model.safetensors"
if "$program" --resume "$work/model.safetensors" --predict /dev/null 2>&1 | grep -q 'without which this program was built'; then
    echo "skipped: check-predict (built without libcnn-image)"
    exit 0
fi
/usr/bin/python3 "$(dirname "$0")/../../tools/measure-predict.py" "$program" "$work/model.safetensors" "$CNN_MNIST_DIR"
