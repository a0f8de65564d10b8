#!/bin/sh
# Missing data: what is said, fetching from a mirror, a wrong SHA-256, gzipped files, and being offline.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
quick="--limit 20 --batch-size 20 --epochs 0 --threads 1"
files="train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"

# shellcheck disable=SC2086
{
# Offline (nothing listens there): the files that were looked for, that they cannot be had, digits of its own.
mkdir -p "$work/offline/synthetic"
for file in $files; do
    ln -s "$(realpath "$digits")/$file" "$work/offline/synthetic/$file" # so that nothing has to be drawn
done
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick
for file in $files; do
    contains "what is said offline" "$err" "^not there: $work/offline/$file, plain or with \.gz$"
done
contains "what is said offline" "$err" "^mnist_cnn: could not fetch http://127\.0\.0\.1:1/train-images-idx3-ubyte\.gz$"
contains "what is said offline" "$err" "^MNIST is not there and cannot be fetched: working on digits that this program draws itself, in $work/offline/synthetic$"
contains "the output offline" "$out" '^test accuracy '
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --quiet
contains "what --quiet says offline" "$err" "MNIST is not there and cannot be fetched"

# --synthetic does not look for MNIST.
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --synthetic
lacks "what --synthetic says" "$err" 'not there|fetch'
contains "what --synthetic says" "$err" "^working on digits that this program draws itself, in $work/offline/synthetic$"
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --synthetic --quiet
same "what --synthetic --quiet says" "$err" ""

# The digits it draws: the same bytes wherever it draws them, in MNIST's form.
if [ -n "${2:-}" ]; then
    ok --data "$work/drawn" $quick --synthetic --quiet
    for file in $files; do
        cmp -s "$work/drawn/synthetic/$file" "$digits/$file" || fail "it draws another $file"
    done
    rm -r "$work/drawn"
fi
same "the head of the images" "$(od -An -tx1 -N 16 "$digits/train-images-idx3-ubyte" | tr -d ' \n')" 000008030000ea600000001c0000001c
same "the head of the labels" "$(od -An -tx1 -N 8 "$digits/t10k-labels-idx1-ubyte" | tr -d ' \n')" 0000080100002710

# A mirror whose files are not MNIST's: refused by their SHA-256, nothing left behind.
mkdir "$work/mirror"
for file in $files; do
    head -c 1000 "$digits/$file" | gzip >"$work/mirror/$file.gz"
done
mkdir -p "$work/wrong"
ln -s "$work/offline/synthetic" "$work/wrong/synthetic"
MNIST_MIRROR=file://$work/mirror ok --data "$work/wrong" $quick
contains "what is said about a wrong file" "$err" "^mnist_cnn: wrong SHA-256, not used: file://$work/mirror/train-images-idx3-ubyte\.gz$"
contains "what is said about a wrong file" "$err" 'working on digits that this program draws itself'
same "what a wrong file leaves" "$(ls "$work/wrong")" synthetic
echo "no gzip" >"$work/mirror/train-images-idx3-ubyte.gz"
MNIST_MIRROR=file://$work/mirror ok --data "$work/wrong" $quick
contains "what is said about a file of another kind" "$err" "^mnist_cnn: not a gzip file: file://$work/mirror/train-images-idx3-ubyte\.gz$"
same "what it leaves" "$(ls "$work/wrong")" synthetic

# MNIST's own files, where they are at hand: fetched whole, once, over HTTP, and then used without asking anybody.
if [ -n "${CNN_MNIST_DIR:-}" ]; then
    rm "$work"/mirror/*
    for file in $files; do
        if [ -e "$CNN_MNIST_DIR/$file.gz" ]; then cp "$CNN_MNIST_DIR/$file.gz" "$work/mirror/"
        else gzip -1 <"$CNN_MNIST_DIR/$file" >"$work/mirror/$file.gz"; fi
    done
    python3 - "$work" <<'P' &
import functools, http.server, os, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1] + "/mirror")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
sys.stderr = open(sys.argv[1] + "/requests", "w", buffering=1)
with open(sys.argv[1] + "/port.part", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + "/port.part", sys.argv[1] + "/port")
server.serve_forever()
P
    server=$!
    trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
    tries=0
    until [ -e "$work/port" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "the mirror does not start"
        sleep 0.1
    done
    MNIST_MIRROR=http://127.0.0.1:$(cat "$work/port") ok --data "$work/real/mnist" $quick
    lacks "what is said about MNIST" "$err" 'mnist_cnn: '
    contains "what is said about MNIST" "$err" "^fetching t10k-labels-idx1-ubyte$"
    same "the files that were fetched" "$(ls "$work/real/mnist" | tr '\n' ' ')" \
        "t10k-images-idx3-ubyte t10k-labels-idx1-ubyte train-images-idx3-ubyte train-labels-idx1-ubyte "
    same "the number of requests" "$(grep -c GET "$work/requests")" 4
    MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/real/mnist" $quick
    same "what is said when MNIST is there" "$err" ""
    # plain or gzipped is the same data
    plain=$out
    MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/mirror" $quick
    same "the output with gzipped files" "$out" "$plain"
else
    echo "data: MNIST's own files are not fetched, CNN_MNIST_DIR is not set"
fi
}
passed
