#!/bin/sh
# What --resume takes and what it says. The same options give the same weights for 1, 2 and 3 threads, and two epochs and two more after --resume equal four.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 250 --batch-size 60 --seed 5 --quiet --digest"

# shellcheck disable=SC2086
{
ok $few --threads 1 --epochs 4 --save "$work/four" --log "$work/log4"
four=$out
contains "the output" "$four" '^weights sha256 [0-9a-f]{64}$'
for threads in 2 3; do
    ok $few --threads $threads --epochs 4 --save "$work/four$threads"
    same "the last lines with $threads threads" "$out" "$four"
    cmp -s "$work/four" "$work/four$threads" || fail "$threads threads write another checkpoint than 1"
done
for threads in 1 2 3; do
    ok $few --threads $threads --epochs 2 --save "$work/two" --log "$work/log"
    [ "$out" != "$four" ] || fail "two epochs end where four do"
    # the seed comes from the file, not from the command line
    ok --data "$digits" --limit 250 --batch-size 60 --seed 77 --quiet --digest --threads $((4 - threads)) --epochs 4 \
        --resume "$work/two" --save "$work/two" --log "$work/log"
    same "the last lines of the resumed run" "$out" "$four"
    same "what the resumed run says" "$err" "--seed 77 is not used: the seed of $work/two is 5"
    cmp -s "$work/four" "$work/two" || fail "the resumed run writes another checkpoint than the whole one"
    # the log goes on: the same numbers but the times and the memory
    numbers='s/"seconds".*//'
    same "the log of both runs" "$(sed "$numbers" "$work/log")" "$(sed "$numbers" "$work/log4")"
done
# Nothing is left to do: it is tested, not trained.
ok $few --epochs 4 --resume "$work/four"
same "the last lines of a finished run" "$out" "$four"

# An option that says the same as the checkpoint does not lose, nor does one that was not given.
same "what a run with the checkpoint's own seed says" "$err" ""
ok --data "$digits" --limit 250 --batch-size 60 --quiet --epochs 4 --resume "$work/four"
same "what a run without a seed says" "$err" ""
ok $few --epochs 4 --resume "$work/four" --lr 0.001
same "what a run with the checkpoint's own rate says" "$err" ""
ok $few --epochs 3 --resume "$work/four"
same "the last lines of a run that asks for fewer epochs" "$out" "$four"
same "what a run that asks for fewer epochs says" "$err" "nothing is trained: $work/four is after epoch 4, --epochs is 3"
for rate in "--lr 0.02" --tutorial; do
    ok $few --epochs 4 --resume "$work/four" $rate
    same "what is said about $rate" "$err" \
        "$([ "$rate" = --tutorial ] && echo "--tutorial's learning rate 0.01" || echo "$rate") is not used: the learning rate of $work/four is 0.001"
    same "the accuracy with $rate" "$(echo "$out" | grep '^test accuracy')" "$(echo "$four" | head -n 1)"
done

# The best epoch is kept, and training ends some epochs behind it; in two parts it ends where it does in one.
early="--data $digits --limit 250 --batch-size 60 --seed 5 --quiet --digest --lr 0.02 --epochs 9"
ok $early --patience 2 --save "$work/last4" --best "$work/best4" --log "$work/log4"
whole=$out epochs=$(wc -l <"$work/log4")
[ "$epochs" -gt 2 ] && [ "$epochs" -lt 9 ] || fail "a run with patience takes $epochs of 9 epochs"
rm -f "$work/log"
ok $early --patience 1 --save "$work/last" --best "$work/best" --log "$work/log"
[ "$(wc -l <"$work/log")" -lt "$epochs" ] || fail "less patience does not end a run earlier"
ok --data "$digits" --limit 250 --batch-size 60 --quiet --digest --epochs 9 --patience 2 --save "$work/last" --best "$work/best" --resume "$work/last"
same "the last lines of a run with patience in two parts" "$out" "$whole"
checks=$((checks + 2))
cmp -s "$work/last" "$work/last4" || fail "a run with patience in two parts writes another checkpoint"
cmp -s "$work/best" "$work/best4" || fail "a run with patience in two parts has another best epoch"
ok $few --eval-only --resume "$work/best"
run --data "$digits" --limit 9 --epochs 1 --quiet --patience 1
same "the exit status without images for validation" "$status" 1
contains "what it says" "$err" '^mnist_cnn: none of 9 images is left for validation, expected 10 or more$'
refused '^mnist_cnn: --best has no effect with --eval-only' --eval-only --resume "$work/four" --best x
refused "are one process's, and --mpi is given\$" --mpi --patience 1

# Plain weights, as cnn_module_save and PyTorch's safetensors.torch.save_file write them: good for testing, not for going on.
python3 - "$work/four" "$work/plain" <<'P' || fail "the checkpoint cannot be read"
import json, struct, sys
data = open(sys.argv[1], "rb").read()
(size,) = struct.unpack("<Q", data[:8])
header, body = json.loads(data[8:8 + size]), data[8 + size:]
plain, elements = {"__metadata__": {"format": "pt"}}, b""
for name, entry in header.items():
    if name != "__metadata__" and not name.startswith("optimizer."):
        begin, end = entry["data_offsets"]
        plain[name] = dict(entry, data_offsets=[len(elements), len(elements) + end - begin])
        elements += body[begin:end]
text = json.dumps(plain).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + elements)
P
for file in four plain; do
    ok $few --eval-only --resume "$work/$file"
    same "the last lines of --eval-only with $file" "$out" "$four"
    same "what --eval-only says with $file" "$err" ""
done
run $few --resume "$work/plain"
same "the exit status of going on from plain weights" "$status" 1
same "what is said about plain weights" "$err" \
    "mnist_cnn: checkpoint_load: $work/plain: not a checkpoint: the metadata's \"format\" is not \"libcnn.checkpoint\""
}
passed
