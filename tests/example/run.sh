#!/bin/sh
# Whole runs on a few digits: what is printed, the log, --quiet, --eval-only, --tutorial, and failures in the middle.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 300 --batch-size 60 --threads 2 --seed 3"

# shellcheck disable=SC2086
{
ok $few --epochs 2 --log "$work/log" --save "$work/model"
contains "the output" "$out" '^3199106 parameters, 300 training and 300 test images, 2 threads, [a-z0-9]+ kernels$'
for epoch in 1 2; do
    contains "the output" "$out" "^epoch $epoch/2: train loss [0-9.]+, accuracy [0-9.]+ %; test loss [0-9.]+, accuracy [0-9.]+ %; [0-9.]+ s, [0-9]+ images/s$"
done
contains "the last line" "$(tail -n 1 "$work/out")" '^test accuracy [0-9.]+ % \([0-9]+ of 300\), test loss [0-9.]+$'
final=$(tail -n 1 "$work/out")

# The log: JSON Lines, one object an epoch, exactly these keys in this order.
same "the lines of the log" "$(wc -l <"$work/log")" 2
python3 - "$work/log" "$final" <<'P' || fail "the log is not what it should be"
import json, sys
keys = ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds", "images_per_second", "peak_rss_bytes"]
def strict(text):
    raise ValueError(text + " is no JSON")
lines = [json.loads(line, parse_constant=strict) for line in open(sys.argv[1])]
for i, line in enumerate(lines):
    assert list(line) == keys, list(line)
    assert line["epoch"] == i + 1 and isinstance(line["epoch"], int)
    assert 0 < line["train_loss"] < 100 and 0 < line["test_loss"] < 100
    assert 0 <= line["train_accuracy"] <= 100 and 0 <= line["test_accuracy"] <= 100
    assert line["seconds"] > 0 and abs(line["images_per_second"] * line["seconds"] / 300 - 1) < 0.1
    assert isinstance(line["peak_rss_bytes"], int) and 1e7 < line["peak_rss_bytes"] < 1e9
assert lines[1]["train_loss"] < lines[0]["train_loss"]
assert sys.argv[2].startswith("test accuracy %.2f %%" % lines[1]["test_accuracy"]), sys.argv[2]
P
checks=$((checks + 1))

# --quiet prints the last line only, the same one.
ok $few --epochs 2 --quiet
same "the output of --quiet" "$out" "$final"
same "the messages of --quiet" "$err" ""

# Short options are the long ones.
ok -d "$digits" -n 300 -b 60 -t 2 -s 3 -e 2 -D cpu -l 0.001 -q -x -L "$work/log2" -S "$work/model2"
same "the output of short options" "$(head -n 1 "$work/out")" "$final"
same "the lines of --digest" "$(grep -cE '^weights sha256 [0-9a-f]{64}$' "$work/out")" 1
same "the lines of the second log" "$(wc -l <"$work/log2")" 2
cmp -s "$work/model" "$work/model2" || fail "-S wrote another checkpoint than --save"

# --eval-only: the checkpoint's accuracy, no training, no change of the file.
before=$(sha256sum "$work/model")
ok $few --resume "$work/model" --eval-only --quiet
same "the output of --eval-only" "$out" "$final"
same "the checkpoint after --eval-only" "$(sha256sum "$work/model")" "$before"

# No epochs: tested as it was made.
ok $few --epochs 0
lacks "the output without epochs" "$out" '^epoch '
contains "the output without epochs" "$out" '^test accuracy '

# --tutorial: the rate of 0.01 and the article's own number, unless another rate is given.
ok $few --epochs 1 --tutorial --digest
contains "the output of --tutorial" "$out" '^as the article measures it, with dropout on and over the training set: accuracy [0-9.]+ %$'
contains "the last line but one of --tutorial" "$(tail -n 2 "$work/out" | head -n 1)" '^test accuracy '
tutorial=$(grep sha256 "$work/out")
ok $few --epochs 1 --lr 0.01 --digest
same "the weights at rate 0.01" "$(grep sha256 "$work/out")" "$tutorial"
lacks "the output without --tutorial" "$out" 'article'
ok $few --epochs 1 --lr 0.001 --tutorial --digest
[ "$(grep sha256 "$work/out")" != "$tutorial" ] || fail "--tutorial overrides --lr"

# Other seeds, other weights.
ok $few --epochs 1 --seed 4 --digest
[ "$(grep sha256 "$work/out")" != "$tutorial" ] || fail "another seed gives the same weights"

# A loss that is no number is null in the log.
ok $few --epochs 1 --lr 1e30 --log "$work/nan" --quiet
python3 -c 'import json, sys
def strict(text): raise ValueError(text)
line = json.loads(open(sys.argv[1]).read(), parse_constant=strict)
assert line["test_loss"] is None or line["test_loss"] > 0' "$work/nan" || fail "the log of a diverged run is no JSON: $(cat "$work/nan")"

# Failures: exit status 1 and one line.
failure()
{
    pattern=$1
    shift
    run "$@"
    same "the exit status of \"$*\"" "$status" 1
    contains "the message about \"$*\"" "$(tail -n 1 "$work/err")" "^mnist_cnn: .*$pattern"
}
failure "cannot open $work/none/log: No such file" $few --epochs 1 --quiet --log "$work/none/log"
failure "$work/none/model" $few --epochs 1 --quiet --save "$work/none/model"
failure "$work/absent" $few --epochs 1 --quiet --resume "$work/absent"
head -c 1000 "$work/model" >"$work/short"
failure "$work/short" $few --epochs 1 --quiet --resume "$work/short"
head -c 100 "$digits/t10k-labels-idx1-ubyte" >"$work/labels"
mkdir "$work/broken"
for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte; do
    ln -s "$(realpath "$digits")/$file" "$work/broken/$file"
done
mv "$work/labels" "$work/broken/t10k-labels-idx1-ubyte"
failure "$work/broken/t10k-labels-idx1-ubyte" --data "$work/broken" --limit 300 --epochs 1 --quiet
if [ -e /dev/full ]; then
    failure "cannot write /dev/full: No space left" $few --epochs 1 --quiet --log /dev/full
fi
}
passed
