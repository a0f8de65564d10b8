#!/bin/sh
# examples/cifar10 on pictures that it draws and on files of the binary version: options that are refused, the same weights for any
# number of threads, interrupted runs that go on to what a whole one ends at, records, the best epoch, and early stopping.
. "$(dirname "$0")/common.sh"
few="--synthetic --limit 96 --batch-size 32 --model resnet20 --seed 5 --quiet --digest"

refused '^cifar10: --model is "resnet", expected fast or resnet20$' --model resnet
refused '^cifar10: --epochs is "x", expected 0 to 1000000$' --epochs x
refused '^cifar10: --lr is "0", expected a number above 0$' --lr 0
refused '^cifar10: --loader-threads is "0", expected 1 to 1024$' --loader-threads 0
refused '^cifar10: --seed is "0", expected 1 to 18446744073709551615$' --seed 0
refused '^cifar10: there is no option "--modle"; see --help$' --modle fast
refused '^cifar10: a value is missing after "--model"; see --help$' --model
same "the number of lines about --model" "$(wc -l <"$work/err")" 1
refused '^cifar10: --eval-only needs --resume FILE$' --eval-only
for option in --tensorboard --csv --profile; do
    refused '^cifar10: --tensorboard, --csv and --profile record training, and nothing is trained$' --eval-only --resume x $option x
    refused '^cifar10: --tensorboard, --csv and --profile record training, and nothing is trained$' --epochs 0 $option x
done
for option in '--save x' '--best x' '--patience 1' '--log x' '--epochs 3' '--lr 1' '--weight-decay 1' --no-augment; do
    # shellcheck disable=SC2086
    refused "^cifar10: ${option%% *} has no effect with --eval-only, which trains nothing\$" --resume x $option --eval-only
done
for option in --save --best --profile; do
    fails 1 'cifar10: cannot write /no/such/folder/file: No such file or directory$' --synthetic --limit 32 $option /no/such/folder/file
done
refused '^cifar10: "more" is no option; --help lists them$' more

# shellcheck disable=SC2086
{
ok $few --epochs 4 --threads 1 --save "$work/four" --log "$work/log"
four=$out
contains "the output" "$four" '^weights sha256 [0-9a-f]{64}$'
contains "the accuracy" "$four" '^test accuracy [0-9.]+ % \([0-9]+ of 96\), test loss [0-9.]+, on pictures that this program drew, not CIFAR-10$'
same "the lines of the log" "$(wc -l <"$work/log")" 4
ok $few --epochs 4 --threads 2 --loader-threads 3
same "the last lines with more threads" "$out" "$four"
ok $few --epochs 4 --no-augment
[ "$out" != "$four" ] || fail "augmentation changes nothing"

# The schedule of two epochs is not that of four.
ok $few --epochs 2
[ "$out" != "$four" ] || fail "two epochs end where four do"
ok $few --epochs 4 --resume "$work/four"
same "the last lines of a finished run" "$out" "$four"
ok $few --eval-only --resume "$work/four"
same "the test of the checkpoint" "$out" "$four"

# Ctrl-C in the third of four epochs: what is kept goes on, with other threads, to what a whole run ends at. The whole one also writes
# what other programs read, a table, events for TensorBoard and a profile, which changes no weights.
part="--synthetic --limit 192 --batch-size 8 --model resnet20 --seed 5 --threads 1 --digest"
ok $part --epochs 4 --save "$work/whole" --log "$work/log4" --csv "$work/table4" --tensorboard "$work/runs" --profile "$work/profile.json"
whole=$(printf '%s\n' "$out" | tail -n 2)
contains "the table of operations" "$out" '^conv2d \(backward\) +[0-9]+ '
contains "the table of modules" "$out" '^BasicBlock: layer1.0 +24 '
contains "the head of the table" "$(head -n 1 "$work/table4")" '^epoch,train_loss,.*,images_per_second$'
python3 - "$work/profile.json" <<'EOF' || fail "the profile is not what viewers read"
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
assert len(events) > 50 and all(e["ph"] == "X" and e["dur"] >= 0 for e in events)
assert {"module", "forward", "backward"} == {e["cat"] for e in events}
EOF
read=0
"${PYTHON:-python3}" "$(dirname "$0")/read_events.py" "$work/runs" "$work/table4" 4 24 2>"$work/err" || read=$?
[ "$read" = 0 ] || [ "$read" = 77 ] || fail "TensorBoard does not read the events: $(cat "$work/err")"
fails 1 'cifar10: cannot open /no/such/folder/table: No such file' $few --csv /no/such/folder/table

interrupted INT 3 $part --epochs 4 --save "$work/kept" --log "$work/log" --csv "$work/table"
same "the exit status after Ctrl-C" "$status" 130
same "the last line after Ctrl-C" "$(tail -n 1 "$work/err")" \
    "interrupted in epoch 3: $work/kept holds the state after epoch 2; --resume $work/kept continues"
lacks "the output after Ctrl-C" "$out" 'test accuracy [0-9.]+ % \(|sha256'
same "the lines of the log after Ctrl-C" "$(wc -l <"$work/log")" 2
ok $part --epochs 4 --quiet --threads 2 --loader-threads 2 --resume "$work/kept" --save "$work/kept" --log "$work/log" --csv "$work/table"
same "the last lines of the resumed run" "$out" "$whole"
checks=$((checks + 1))
cmp -s "$work/whole" "$work/kept" || fail "the resumed run writes another checkpoint than the whole one"
numbers='s/"seconds".*//'
same "the log of both parts" "$(sed "$numbers" "$work/log")" "$(sed "$numbers" "$work/log4")"
same "the table of both parts" "$(cut -d, -f1-6 "$work/table")" "$(cut -d, -f1-6 "$work/table4")"
rm "$work/kept"
same "what is left beside the checkpoint" "$(find "$work" -name 'kept*')" ""

interrupted TERM 1 $part --epochs 4
same "the exit status after SIGTERM" "$status" 143
same "the last line without --save" "$(tail -n 1 "$work/err")" "interrupted in epoch 1; without --save nothing is kept"
if hangup_is_ignored; then
    echo "cifar10: skipped: SIGHUP, which is ignored here"
else
    interrupted HUP 1 $part --epochs 4 --save "$work/kept"
    same "the exit status after SIGHUP" "$status" 129
    same "the last line in the first epoch" "$(tail -n 1 "$work/err")" \
        "interrupted in epoch 1: $work/kept holds the state after epoch 0; --resume $work/kept continues"
fi

# The best epoch is kept as a checkpoint, and training ends some epochs behind it. A run that was interrupted in its last epoch knows the
# best one from the file, stops where the whole one stops, and has the same weights in both.
early="--synthetic --limit 160 --batch-size 8 --model resnet20 --seed 3 --lr 5 --epochs 9 --patience 1 --threads 1"
ok $early --save "$work/last4" --best "$work/best4" --log "$work/log4"
contains "what stops early" "$out" '^no better validation loss than [0-9.]+ of epoch [0-9]+$'
whole=$(printf '%s\n' "$out" | tail -n 2) stopped=$(wc -l <"$work/log4")
[ "$stopped" -lt 9 ] || fail "--patience does not end the run"
interrupted TERM "$stopped" $early --save "$work/last" --best "$work/best"
same "the exit status in the last epoch" "$status" 143
ok $early --save "$work/last" --best "$work/best" --resume "$work/last"
same "the last lines of a run with patience in two parts" "$(printf '%s\n' "$out" | tail -n 2)" "$whole"
for file in last best; do
    checks=$((checks + 1))
    cmp -s "$work/$file" "$work/${file}4" || fail "a run with patience in two parts has another $file checkpoint"
done
run $early --seed 4 --resume "$work/last"
same "the exit status with another seed" "$status" 1
contains "what it says" "$err" "^cifar10: --seed is 4, expected 3, that of $work/last, which draws the pictures of --best and --patience\$"
}

# The binary version: five files of ten pictures and one of ten.
mkdir -p "$work/data/cifar-10-batches-bin"
for part in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    head -c 30730 /dev/zero >"$work/data/cifar-10-batches-bin/$part.bin"
done
ok --data "$work/data" --epochs 1 --model resnet20 --batch-size 25
contains "the first line" "$out" '50 training and 10 test pictures of 10 classes'
contains "the last line" "$(tail -n 1 "$work/out")" '^test accuracy [0-9.]+ % \([0-9]+ of 10\), test loss [0-9.naif]+$'
same "what is said" "$(printf '%s\n' "$err" | grep -v '|')" ""
head -c 30729 /dev/zero >"$work/data/cifar-10-batches-bin/data_batch_3.bin"
run --data "$work/data" --epochs 1 --quiet
same "the exit status with a cut file" "$status" 1
contains "what it says" "$err" 'data_batch_3'

# Folders of pictures, whose classes must have the same names in both parts; a program without libcnn-image does not look at them.
for class in train/cat train/dog test/cat test/fox; do
    mkdir -p "$work/folders/$class"
    cp "$(dirname "$0")"/../fixtures/images/exif1.png "$work/folders/$class"
done
run --data "$work/folders" --epochs 0 --quiet
case $err in
*'no pictures in'*) ;;
*)
    same "the exit status with classes of other names" "$status" 1
    contains "what it says" "$err" '^cifar10: class 1 is dog in .*/train and fox in .*/test$'
    ;;
esac

# --predict: the pictures that a net was trained on are recognised, in any size, and what is no picture costs one line.
refused '^cifar10: --predict needs a FILE, a picture$' --predict
refused '^cifar10: "x.png" is no option; --help lists them$' x.png
refused '^cifar10: --save has no effect with --resume and --predict, which neither train nor test$' --resume x --save y --predict z
run --resume "$work/none" --predict x.png
case $err in
*'without which this program was built'*) echo "cifar10: skipped: --predict (built without libcnn-image)" ;;
*)
    python3 - "$work/own" <<'P' || fail "no pictures could be made"
import os, struct, sys, zlib
def png(path, width, height, colour):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    row = b"\0" + b"".join(bytes(c if x * 2 < width else c // 2 for c in colour) for x in range(width))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b""))
for part in "train", "test":
    for i in range(12):
        for name, colour in (("blue", (20, 40, 250 - 5 * i)), ("green", (10, 240 - 5 * i, 30)), ("red", (250 - 5 * i, 20, 40))):
            png(f"{sys.argv[1]}/{part}/{name}/{i}.png", 32, 32, colour)
for name, colour in (("blue", (25, 35, 230)), ("green", (15, 215, 20)), ("red", (205, 30, 30))):
    png(f"{sys.argv[1]}/{name}.png", 90, 60, colour)
P
    own="--data $work/own --model resnet20"
    # shellcheck disable=SC2086
    {
    ok $own --epochs 6 --batch-size 6 --no-augment --quiet --save "$work/colours" --predict "$work/own/red.png"
    contains "what follows training" "$(tail -n 1 "$work/out")" "^$work/own/red.png: red \\([0-9.]+ %\\), "
    ok $own --resume "$work/colours" --predict "$work/own/blue.png" "$work/own/green.png" "$work/own/red.png"
    same "the lines of --predict" "$(wc -l <"$work/out")" 3
    same "the guesses" "$(sed 's|.*/\([a-z]*\).png: \([a-z]*\) ([0-9.]* %), [a-z]* ([0-9.]* %), [a-z]* ([0-9.]* %)$|\1 is \2|' "$work/out" | tr '\n' ',')" \
        "blue is blue,green is green,red is red,"
    echo "no picture" >"$work/own/text.png"
    run $own --resume "$work/colours" --predict "$work/own/text.png" "$work/own/red.png"
    same "the exit status with a file that is no picture" "$status" 1
    same "the answers" "$(wc -l <"$work/out")" 1
    contains "the message" "$err" '^cifar10: .*text\.png'
    same "the messages" "$(wc -l <"$work/err")" 1
    }
    ;;
esac

# No pictures: it says so, and what follows where nothing is trained.
run --data "$work/nothing" --resume "$work/four" --predict "$work/nothing.png"
case $err in
*'without which this program was built'*) ;;
*) contains "what --predict says without pictures" "$err" '^cifar10: no pictures in .*nothing, .*: its ten classes have numbers in place of names$' ;;
esac
ok --data "$work/nothing" --epochs 0 --limit 10 --quiet
contains "what it says without pictures" "$err" '^cifar10: no pictures in .*nothing'
echo "$name: $checks checks"
