#!/bin/sh
# Where the data comes from: the names that are accepted, files that are there and no good, fetching from a mirror, a wrong SHA-256,
# gzipped files, and being offline. fetch.sh has the mirrors that misbehave.
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
drawn='^test accuracy [0-9.]+ % \([0-9]+ of 20\), test loss [0-9.]+, on digits that this program drew, not MNIST$'
contains "the output offline" "$out" "$drawn"
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --quiet
contains "what --quiet says offline" "$err" "MNIST is not there and cannot be fetched"

# --synthetic does not look for MNIST.
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --synthetic
lacks "what --synthetic says" "$err" 'not there|fetch'
contains "what --synthetic says" "$err" "^working on digits that this program draws itself, in $work/offline/synthetic$"
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/offline" $quick --synthetic --quiet
same "what --synthetic --quiet says" "$err" ""
contains "what --synthetic --quiet prints" "$out" "$drawn"

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
same "what a wrong file leaves" "$(ls -A "$work/wrong")" synthetic
echo "no gzip" >"$work/mirror/train-images-idx3-ubyte.gz"
MNIST_MIRROR=file://$work/mirror ok --data "$work/wrong" $quick
contains "what is said about a file of another kind" "$err" "^mnist_cnn: not a gzip file: file://$work/mirror/train-images-idx3-ubyte\.gz$"
same "what it leaves" "$(ls -A "$work/wrong")" synthetic

# Every name that cnn_mnist_open() takes is one under which nothing is fetched.
MNIST_MIRROR=http://127.0.0.1:1 ok --data "$digits" $quick
same "what is said when the files are there" "$err" ""
plain=$out
for ending in "" .gz; do
    for separator in - .; do
        mkdir "$work/named"
        for file in $files; do
            named=$work/named/$(echo "$file" | sed "s/-idx/${separator}idx/")$ending
            if [ -z "$ending" ]; then ln -s "$(realpath "$digits")/$file" "$named"; else gzip -1 <"$digits/$file" >"$named"; fi
        done
        MNIST_MIRROR=http://127.0.0.1:1 ok --data "$work/named" $quick
        same "what is said about the names ${separator}idx3-ubyte$ending" "$err" ""
        same "the output with the names ${separator}idx3-ubyte$ending" "$out" "$plain"
        rm -r "$work/named"
    done
done

# bad PATTERN: files that are there and no good end the program with one line, with and without --limit; nothing is fetched or
# drawn in their place.
bad()
{
    for limit in "" "--limit 20"; do
        MNIST_MIRROR=http://127.0.0.1:1 run --data "$work/bad" --batch-size 20 --epochs 0 --threads 1 --quiet $limit
        same "the exit status with files that are no good ($1) $limit" "$status" 1
        same "the output with files that are no good ($1) $limit" "$out" ""
        same "the number of lines ($1) $limit" "$(wc -l <"$work/err")" 1
        contains "the line about files that are no good" "$err" "^mnist_cnn: .*$1"
        [ ! -e "$work/bad/synthetic" ] || fail "digits are drawn beside files that are no good ($1)"
    done
}
# idx FILE TYPE COUNT SIZE...: COUNT bytes of 0 behind a header of that type (in octal) and those sizes
idx()
{
    file=$1 type=$2 count=$3
    shift 3
    {
        printf "\\000\\000\\$type\\00$#"
        for size in "$@"; do
            printf "\\000\\000\\$(printf %03o $((size / 256)))\\$(printf %03o $((size % 256)))"
        done
        head -c "$count" /dev/zero
    } >"$file"
}
good_files()
{
    rm -rf "$work/bad"
    mkdir "$work/bad"
    for split in train t10k; do
        idx "$work/bad/$split-images-idx3-ubyte" 010 23520 30 28 28
        idx "$work/bad/$split-labels-idx1-ubyte" 010 30 30
    done
}
good_files
ok --data "$work/bad" --batch-size 20 --epochs 0 --threads 1 --quiet # so that each of the following has one fault alone
for split in train t10k; do
    good_files
    idx "$work/bad/$split-labels-idx1-ubyte" 010 10 10
    bad "30 images and 10 labels in .*, expected as many of both"
    good_files
    idx "$work/bad/$split-images-idx3-ubyte" 015 94080 30 28 28
    bad "$split-images-idx3-ubyte: float32 of shape \[30,28,28\], expected uint8"
    good_files
    idx "$work/bad/$split-images-idx3-ubyte" 010 23520 23520
    bad "$split-images-idx3-ubyte: uint8 of shape \[23520\], expected uint8 of 3 dimensions"
    good_files
    idx "$work/bad/$split-images-idx3-ubyte" 010 0 0 28 28
    idx "$work/bad/$split-labels-idx1-ubyte" 010 0 0
    bad "no $([ $split = train ] && echo training || echo test) images in $work/bad"
    good_files
    head -c 1000 "$digits/$split-images-idx3-ubyte" >"$work/bad/$split-images-idx3-ubyte"
    bad "$split-images-idx3-ubyte: byte "
    good_files
    rm "$work/bad/$split-labels-idx1-ubyte"
    ln -s nowhere "$work/bad/$split-labels-idx1-ubyte" # a name that leads to nothing is not a file to be fetched
    bad "$split-labels-idx1-ubyte: open: No such file"
    good_files
    rm "$work/bad/$split-images-idx3-ubyte"
    mkdir "$work/bad/$split-images-idx3-ubyte"
    bad "$split-images-idx3-ubyte: not a regular file"
done
good_files
chmod 000 "$work/bad/t10k-images-idx3-ubyte"
if [ -r "$work/bad/t10k-images-idx3-ubyte" ]; then
    echo "data: skipped: an unreadable file (this user reads every file)"
else
    bad "t10k-images-idx3-ubyte: open: Permission denied"
fi

# Some of the files are there, and what is missing cannot be had: not replaced by other digits.
good_files
rm "$work/bad/t10k-labels-idx1-ubyte"
MNIST_MIRROR=http://127.0.0.1:1 run --data "$work/bad" $quick --quiet
same "the exit status when a file is missing" "$status" 1
contains "the last line when a file is missing" "$(tail -n 1 "$work/err")" \
    "^mnist_cnn: $work/bad has files of MNIST, but no t10k-labels-idx1-ubyte, which cannot be fetched$"
same "what is there when a file is missing" "$(find "$work/bad" | wc -l)" 4

# MNIST's own files, where they are at hand: fetched whole, once, over HTTP, and then used without asking anybody.
if [ -n "${CNN_MNIST_DIR:-}" ]; then
    rm "$work"/mirror/*
    for file in $files; do
        if [ -e "$CNN_MNIST_DIR/$file.gz" ]; then cp "$CNN_MNIST_DIR/$file.gz" "$work/mirror/"
        else gzip -9 <"$CNN_MNIST_DIR/$file" >"$work/mirror/$file.gz"; fi
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
    same "the files that were fetched" "$(ls -A "$work/real/mnist" | tr '\n' ' ')" \
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
