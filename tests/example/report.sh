#!/bin/sh
# --report: the page and its figures are there, well-formed and complete in themselves; the numbers on it are those of the run; a folder that
# cannot be written ends the program before it trains. Usage: report.sh MNIST_CNN DIGITS CIFAR10
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
cifar10=$(realpath "$3")
look=$(dirname "$0")/report.py
few="--data $digits --limit 300 --batch-size 60 --threads 2 --seed 3"

# shellcheck disable=SC2086
{
ok $few --epochs 2 --report "$work/a/b" --save "$work/model"
contains "the output" "$out" "^the report is $work/a/b/report\.html$"
final=$(tail -n 1 "$work/out")
contains "the last line" "$final" '^test accuracy '
python3 "$look" "$work/a/b" 300 10 2 "$final" || fail "the report is not what it should be"
same "the files" "$(ls -A "$work/a/b" | tr '\n' ' ')" \
    "accuracy.svg classes.svg confusion.svg filters.svg loss.svg maps.svg mistakes.svg report.html times.svg "

# The same weights without training: no curve, the same last line, nothing else on stdout with --quiet.
ok $few --resume "$work/model" --eval-only --quiet --report "$work/c"
contains "what the report of --eval-only says of its weights" "$(cat "$work/c/report.html")" "<dt>weights</dt><dd>$work/model<"
lacks "the report of --eval-only" "$(cat "$work/c/report.html")" '<dt>(epochs|seed|learning rate)<'
same "the output of --quiet" "$out" "$final"
python3 "$look" "$work/c" 300 10 0 "$final" || fail "the report of --eval-only is not what it should be"
[ ! -e "$work/c/loss.svg" ] || fail "there are curves without an epoch"

# A checkpoint's seed goes before that of the command line.
ok --data $digits --limit 300 --batch-size 60 --threads 2 --seed 4 --resume "$work/model" --epochs 2 --quiet --report "$work/seed"
contains "the seed of a run that goes on" "$(cat "$work/seed/report.html")" '<dt>seed</dt><dd>3<'

# A run whose loss is no number still has a report.
ok $few --epochs 1 --lr 1e30 --quiet --report "$work/nan"
python3 "$look" "$work/nan" 300 10 1 "$(tail -n 1 "$work/out")" || fail "the report of a diverged run is not what it should be"

# A folder that cannot be made, and one that is not for us.
: >"$work/file"
fails 1 "mnist_cnn: cannot write into $work/file: Not a directory$" $few --epochs 1 --report "$work/file"
fails 1 "mnist_cnn: cannot make the folder /proc/none: No such file or directory$" $few --epochs 1 --report /proc/none
fails 2 'mnist_cnn: --report with --resume and --predict needs --eval-only' $few --resume "$work/model" --report "$work/d" --predict x.png

# The same code for pictures in colour and a network of residual blocks.
program=$cifar10
for model in fast resnet20; do
    ok --synthetic --limit 60 --batch-size 20 --epochs 1 --model $model --report "$work/$model"
    python3 "$look" "$work/$model" 60 10 1 "$(tail -n 1 "$work/out")" || fail "the report of cifar10 --model $model is not what it should be"
done
grep -q '<dt>measured on</dt><dd>pictures that this program drew, not CIFAR-10' "$work/fast/report.html" || fail "the report does not say that the pictures are drawn"
grep -q 'layer2\.0' "$work/resnet20/times.svg" || fail "resnet20 is not taken apart"
fails 1 "cifar10: cannot write into $work/file: Not a directory$" --synthetic --report "$work/file"
mkdir -p "$work/folders"
for part in train test; do
    for class in 'a <b> & "c"' ünder_a_very_long_name; do
        mkdir -p "$work/folders/$part/$class"
        cp "$(dirname "$0")"/../fixtures/images/exif1.png "$work/folders/$part/$class"
    done
done
run --data "$work/folders" --epochs 1 --model resnet20 --report "$work/names"
same "the exit status of folders" "$status" 0
case $err in
*'no pictures in'*) echo "report: skipped: folders of pictures (built without libcnn-image)" ;;
*)
    python3 "$look" "$work/names" 2 2 1 "$(tail -n 1 "$work/out")" || fail "the report with names of classes is not what it should be"
    grep -q '&lt;b&gt; &amp; &quot;c&quot;' "$work/names/report.html" || fail "names are not escaped"
    ;;
esac
}
passed
