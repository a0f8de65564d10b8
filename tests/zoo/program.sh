#!/bin/sh
# The program zoo: what its options refuse, what it prints, that weights are saved and loaded, and that results do not depend on the
# number of threads. Usage: program.sh ZOO CIFAR10, the second of which writes checkpoints.
. "$(dirname "$0")/../example/common.sh"

refused()
{
    pattern=$1
    shift
    fails 2 "zoo: $pattern" "$@"
}

refused 'no net is named'
refused 'there is no net "resnet"; see --list' resnet
refused '"resnet18" comes after the name "resnet20", expected one net' resnet20 resnet18
refused 'there is no option "--quiet"' resnet20 --quiet
refused 'a value is missing after "--batch"' resnet20 --batch
for bad in 0 -1 x 1x "" 1048577; do
    refused '--batch is ".*", expected 1 to 1048576' resnet20 --batch "$bad"
    refused '--steps is "' resnet20 --steps "$bad$bad"
done
for bad in 3 3x32 3x32x 3x32x32x 0x32x32 3x32x-1 3x32xten ""; do
    refused '--size is ".*", expected channels, height and width such as 3x64x64' --size "$bad" resnet20
done
refused '--threads is "' resnet20 --threads 8193
refused '--seed is "' resnet20 --seed -1
refused '--math is "exact", expected fast, strict or tf32' resnet20 --math exact
refused '--device is "gpu", expected auto, cpu or another device that there is' resnet20 --device gpu
refused '--data is given for resnet20, expected a net of tokens such as gpt' resnet20 --data "$0"
refused '--size is "3x32x32", expected a number of tokens such as 64' gpt --size 3x32x32
run gpt --data "$work/none"
same "the exit status without a text" "$status" 1
contains "the message without a text" "$err" '^zoo: cannot read .*none: No such file'
run resnet20 --load "$work/none"
same "the exit status without a file" "$status" 1
contains "the message without a file" "$err" '^zoo: resnet20: module_load: .*none: .*No such file'
for option in --save --profile; do
    fails 1 'zoo: cannot write /no/such/folder/file: No such file or directory$' resnet20 --steps 1 $option /no/such/folder/file
done
run vgg11_bn --size 3x8x8 --batch 1 --infer
same "the exit status of pictures that are too small" "$status" 1
contains "the message about pictures that are too small" "$err" '^zoo: vgg11_bn: features\.[0-9]*: maxpool2d: '

ok --list
for net in resnet18 resnet20 densenet121 googlenet squeezenet1_1 vgg16_bn mobilenet_v2 efficientnet_b0 unet vit; do
    contains "--list" "$out" "^$net +3x"
done
ok --help
for word in --train --infer --batch --size --steps --seed --threads --device --data --load --save --json --list --help --version; do
    contains "--help" "$out" " $word"
done

small="resnet20 --size 3x16x16 --batch 4 --steps 2"
# shellcheck disable=SC2086
ok $small --threads 1 --save "$work/one.safetensors"
contains "the first line" "$out" '^resnet20, training, batch 4: 269722 parameters, 1 thread, '
contains "the speed" "$out" '^[0-9.]+ ms per step, [0-9.]+ images per second \(median of 2 steps\)$'
contains "the memory" "$out" '^memory: [0-9.]+ MB on the tape, [0-9.]+ MB in all at most$'
contains "the losses" "$out" '^loss: [0-9.]+ in the first step, [0-9.]+ in the last$'
# shellcheck disable=SC2086
ok $small --threads 2 --save "$work/two.safetensors"
checks=$((checks + 1))
cmp -s "$work/one.safetensors" "$work/two.safetensors" || fail "weights depend on the number of threads"
# shellcheck disable=SC2086
ok $small --infer --load "$work/one.safetensors" --json
contains "--json" "$out" '^\{"net": "resnet20", "mode": "infer", "input": \[3, 16, 16\], "batch": 4, "steps": 2, .*"tape_bytes": [0-9]+, "peak_rss_bytes": [0-9]+\}$'
lacks "--json of evaluation" "$out" loss
# A net that was trained goes on from where it was.
# shellcheck disable=SC2086
ok $small --json --load "$work/one.safetensors"
first=$(printf '%s\n' "$out" | sed -n 's/.*"first_loss": \([0-9.]*\).*/\1/p')
# shellcheck disable=SC2086
ok $small --json
checks=$((checks + 1))
printf '%s\n' "$out" | awk -v first="$first" '{ sub(/.*"first_loss": /, ""); exit !(first + 0 < $0 + 0) }' ||
    fail "a trained net begins at loss $first, one that is not with $out"
# A language model learns from a text and writes 500 bytes, the same ones for the same seed.
yes 'the cat sat on the mat' | head -n 50 >"$work/text"
ok gpt --data "$work/text" --size 16 --batch 4 --steps 60 --threads 1 --save "$work/gpt.safetensors"
contains "the text that is written" "$out" '^what it writes:$'
contains "the text that is written" "$out" 'cat.*mat'
written=$(printf '%s\n' "$out" | sed '1,/^what it writes:$/d')
checks=$((checks + 1))
[ "${#written}" -ge 400 ] || fail "${#written} characters are written, expected about 500"
ok gpt --data "$work/text" --size 16 --batch 4 --steps 60 --threads 2
same "what is written with two threads" "$(printf '%s\n' "$out" | sed '1,/^what it writes:$/d')" "$written"
ok gpt --data "$work/text" --size 16 --batch 4 --steps 1 --infer --load "$work/gpt.safetensors"
same "what a net that was saved writes" "$(printf '%s\n' "$out" | sed '1,/^what it writes:$/d')" "$written"
ok gpt --data "$work/text" --size 16 --batch 4 --steps 1 --json
lacks "--json of a text" "$out" 'what it writes'
run squeezenet1_1 --load "$work/one.safetensors" --size 3x64x64
same "the exit status of another net's weights" "$status" 1
contains "the message about another net's weights" "$err" '^zoo: squeezenet1_1: module_load: .*: 168 tensors do not fit'

# --frozen evaluates by a predictor, whose memory is less than the tape's.
# shellcheck disable=SC2086
ok $small --frozen --load "$work/one.safetensors"
contains "the first line of --frozen" "$out" '^resnet20, evaluation by a predictor, batch 4: 269722 parameters, '
contains "the memory of --frozen" "$out" '^memory: [0-9.]+ MB of the predictor, [0-9.]+ MB in all at most$'
lacks "the output of --frozen" "$out" '^loss'
# shellcheck disable=SC2086
ok $small --frozen --json
contains "the JSON of --frozen" "$out" '"mode": "frozen", '
lacks "the JSON of --frozen" "$out" loss
# The last of --train, --infer and --frozen counts.
for pair in '--frozen --infer:infer' '--infer --frozen:frozen' '--frozen --train:train'; do
    # shellcheck disable=SC2086
    ok $small --json ${pair%:*}
    contains "the JSON of ${pair%:*}" "$out" "\"mode\": \"${pair#*:}\", "
done

# A checkpoint has the weights of a file of weights alone; its optimizer and schedule are left where they are.
cifar10=$(realpath "$2")
"$cifar10" --synthetic --limit 64 --batch-size 32 --model resnet20 --epochs 1 --quiet --save "$work/checkpoint" --best "$work/weights" \
    >/dev/null || fail "cifar10 writes no checkpoint"
checks=$((checks + 1))
grep -q '"optimizer\.' "$work/checkpoint" || fail "what cifar10 writes is no checkpoint"
for file in checkpoint weights; do
    # shellcheck disable=SC2086
    ok $small --json --load "$work/$file"
    printf '%s\n' "$out" | sed 's/.*"first_loss"/"first_loss"/' >"$work/$file.losses"
done
same "the losses that follow from a checkpoint" "$(cat "$work/checkpoint.losses")" "$(cat "$work/weights.losses")"
# shellcheck disable=SC2086
ok $small --json
lacks "the losses without a checkpoint" "$out" "$(cat "$work/weights.losses")"

# The two forms of GoogLeNet do not take each other's weights for their own.
tiny="--size 3x32x32 --batch 2 --steps 1"
# shellcheck disable=SC2086
{
ok googlenet $tiny --save "$work/heads"
ok googlenet_pretrained $tiny --save "$work/headless"
fails 1 'zoo: googlenet_pretrained: module_load: .*: 20 tensors do not fit \(20 unexpected\): ' googlenet_pretrained $tiny --load "$work/heads"
fails 1 'zoo: googlenet: module_load: .*: 20 tensors do not fit \(20 missing\): ' googlenet $tiny --load "$work/headless"
ok googlenet_pretrained $tiny --infer --load "$work/headless"
fails 1 'zoo: googlenet_pretrained: pictures of 1 channels, expected 3' googlenet_pretrained --size 1x32x32
}
passed
