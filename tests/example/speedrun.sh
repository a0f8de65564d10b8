#!/bin/sh
# examples/speedrun: options that are refused, and both records on a few drawn images, which they learn to tell apart.
# Usage: speedrun.sh PROGRAM DIGITS [long]. With "long", only the record of mnist99 on MNIST in CNN_MNIST_DIR.
. "$(dirname "$0")/common.sh"
digits=$(realpath "$2")

# The 20 seeds of the record have a mean accuracy of 99 %.
if [ "${3:-}" = long ]; then
    if [ -z "${CNN_MNIST_DIR:-}" ]; then
        echo "skipped: the record of mnist99 (CNN_MNIST_DIR does not name MNIST's folder)"
        exit 0
    fi
    ok mnist99 --data "$CNN_MNIST_DIR"
    same "the lines of mnist99" "$(printf '%s\n' "$out" | wc -l)" 21
    contains "the record of mnist99" "$out" '^20 seeds: mean accuracy 99[.][0-9]+ %, standard deviation [0-9.]+, median time [0-9.]+ s: 99 % is reached$'
    passed
    exit 0
fi

refused '^speedrun: no record is named, expected mnist99 or cifar10; see --help$'
refused '^speedrun: the record is "mnist", expected mnist99 or cifar10$' mnist
refused '^speedrun: "more" is no option; --help lists them$' cifar10 more
refused '^speedrun: --seeds is "0", expected 1 to 1000000$' mnist99 --seeds 0
refused '^speedrun: there is no option "--sedes"; see --help$' mnist99 --sedes 2
refused '^speedrun: a value is missing after "-n"; see --help$' mnist99 -n
same "the number of lines about -n" "$(wc -l <"$work/err")" 1
refused '^speedrun: --threads is "x", expected 1 to 1024$' mnist99 --threads x
refused '^speedrun: --minutes is "0", expected a number above 0$' cifar10 --minutes 0

for option in '--minutes 1' '--epochs 2' --synthetic; do
    # shellcheck disable=SC2086
    refused "^speedrun: ${option%% *} has no effect with mnist99\$" mnist99 $option
done
refused '^speedrun: --seeds has no effect with cifar10$' cifar10 --seeds 2
refused '^speedrun: --minutes has no effect with --epochs$' cifar10 --epochs 2 --minutes 1

# above WHAT NUMBER LIMIT
above()
{
    checks=$((checks + 1))
    awk -v given="$2" -v limit="$3" 'BEGIN { exit !(given > limit) }' || fail "$1 is $2, expected more than $3"
}

# Two seeds; the same seed gives the same accuracy with any number of threads. Chance is 10 %.
ok mnist99 --data "$digits" --limit 640 --seeds 2 --threads 1
same "the lines of mnist99" "$(printf '%s\n' "$out" | wc -l)" 3
contains "mnist99" "$out" '^seed 2: [0-9.]+ s, accuracy [0-9.]+ %$'
contains "mnist99" "$out" '^2 seeds: mean accuracy [0-9.]+ %, standard deviation [0-9.]+, median time [0-9.]+ s: 99 % is (not )?reached$'
accuracy=$(printf '%s\n' "$out" | sed -n 's/^seed 2: .* accuracy \([0-9.]*\) %$/\1/p')
above "the accuracy of mnist99" "$accuracy" 60
ok mnist99 --data "$digits" --limit 640 --seeds 1 --seed 2 --json --cpu-clock
contains "JSON of mnist99" "$out" "^\\{\"seed\": 2, \"seconds\": [0-9.]+, \"accuracy\": $accuracy\\}\$"
contains "JSON of mnist99" "$out" '^\{"seeds": 1, "accuracy": [0-9.]+, "deviation": 0.000, "median_seconds": [0-9.]+, "reached": (true|false)\}$'

run mnist99 --data "$work/nothing" --seeds 1
same "the exit status without files" "$status" 1
contains "what it says" "$err" '^speedrun: .*train-images-idx3-ubyte'

# The same number of epochs gives the same accuracy; in little time it ends all the same.
few="cifar10 --synthetic --limit 512 --epochs 5"
# shellcheck disable=SC2086
ok $few --threads 1
contains "cifar10" "$out" '^epoch 5: [0-9.]+ s, training accuracy [0-9.]+ %, [0-9]+ images/s$'
contains "cifar10" "$out" '^[0-9.]+ s, 5.00 epochs: test accuracy [0-9.]+ %, with flips and shifts [0-9.]+ %$'
accuracy=$(printf '%s\n' "$out" | sed -n 's/.* test accuracy \([0-9.]*\) %, .*/\1/p')
above "the accuracy of cifar10" "$accuracy" 40
# shellcheck disable=SC2086
ok $few --threads 2 --cpu-clock --json
contains "JSON of cifar10" "$out" "^\\{\"seconds\": [0-9.]+, \"epochs\": 5.00, \"accuracy\": $accuracy, \"accuracy_of_views\": [0-9.]+\\}\$"
ok cifar10 --synthetic --limit 64 --minutes 0.001
contains "a run without time" "$out" 'test accuracy'

# The same pictures as files of the binary version and as PNG files by class give the same result; labels count.
mkdir -p "$work/cifar/cifar-10-batches-bin"
python3 - "$work/cifar" <<'P' || fail "no pictures could be made"
import os, random, struct, sys, zlib
root, random = sys.argv[1], random.Random(3)
def png(path, planes):
    rows = b"".join(b"\0" + bytes(planes[c][32 * y + x] for x in range(32) for c in range(3)) for y in range(32))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
def picture(label):  # a square of noise whose place and colour are the class's
    planes = [[random.randrange(60) for _ in range(1024)] for _ in range(3)]
    for y in range(3 * label, 3 * label + 5):
        for x in range(8, 24):
            planes[label % 3][32 * min(y, 31) + x] = 255 - random.randrange(60)
    return planes
def part(files, folder, count):
    samples = [(i * 10 // (count * len(files)), picture(i * 10 // (count * len(files)))) for i in range(count * len(files))]
    for n, name in enumerate(files):  # both forms have them in one order: class by class
        with open(f"{root}/cifar-10-batches-bin/{name}.bin", "wb") as file:
            for label, planes in samples[n * count:(n + 1) * count]:
                file.write(bytes([label]) + b"".join(map(bytes, planes)))
    for i, (label, planes) in enumerate(samples):
        os.makedirs(f"{root}/folders/{folder}/{label}", exist_ok=True)
        png(f"{root}/folders/{folder}/{label}/{i:04d}.png", planes)
part([f"data_batch_{i}" for i in range(1, 6)], "train", 60)
part(["test_batch"], "test", 100)
P
few="--epochs 3 --threads 1 --json"
# shellcheck disable=SC2086
{
ok cifar10 --data "$work/cifar" $few
binary=$(printf '%s\n' "$out" | sed -n 's/.*"epochs"/"epochs"/p')
contains "the result of binary files" "$binary" '^"epochs": 2.56, "accuracy": [0-9.]+, "accuracy_of_views": [0-9.]+\}$'
above "the accuracy on binary files" "$(printf '%s\n' "$binary" | sed 's/.*"accuracy": \([0-9.]*\),.*/\1/')" 30
run cifar10 --data "$work/cifar/folders" $few
case $status in
0) same "the result of folders" "$(printf '%s\n' "$out" | sed -n 's/.*"epochs"/"epochs"/p')" "$binary" ;;
*)
    contains "what a program without libcnn-image says" "$err" '^speedrun: .*data_batch_1'
    echo "speedrun: skipped: folders of pictures (built without libcnn-image)"
    ;;
esac
}
printf x >"$work/cifar/cifar-10-batches-bin/data_batch_3.bin"
run cifar10 --data "$work/cifar" --epochs 1
same "the exit status with a cut file" "$status" 1
contains "what it says" "$err" '^speedrun: .*data_batch_3'

run cifar10 --data "$work/nothing"
same "the exit status without pictures" "$status" 1
contains "what it says" "$err" '^speedrun: .*nothing'
passed
