#!/bin/sh
# The command lines of cnn: help and versions, and what is refused with exit status 2, one line on stderr and none on stdout.
. "$(dirname "$0")/../example/common.sh"

refused()
{
    fails 2 "$@"
}

refused 'cnn: no command is given; see cnn --help$'
refused 'cnn: there is no command "no"; see cnn --help$' no
refused 'cnn: there is no command "--no"' --no
refused 'cnn: there is no command "a.x1b.2J"' "$(printf 'a\033[2J')"
for command in info convert diff; do
    files=$([ $command = info ] && echo 1 || echo 2)
    refused "cnn $command: 0 files are given, expected $files; see cnn $command --help\$" $command
    if [ $files = 1 ]; then set -- a.npz; else set -- a.npz b.npz; fi
    refused "cnn $command: \"c.npz\" is one file too many" $command "$@" c.npz
    refused "cnn $command: there is no option \"--none\"" $command --none
    refused "cnn $command: there is no option \"-Z\"" $command -Z
    refused "cnn $command: there is no option \"--json=1\"" $command --json=1
    for option in --help -h; do
        ok $command $option
        same "the messages of $command $option" "$err" ""
        contains "$command $option" "$out" "^Usage: cnn $command "
        contains "$command $option" "$out" '-j, --json'
        same "the messages of help $command" "$("$program" help $command 2>&1)" "$out"
        same "the longest line of $command $option" "$(awk 'length > n { n = length } END { print (n <= 120) }' "$work/out")" 1
    done
done
refused 'cnn convert: 1 file is given, expected 2; see cnn convert --help$' convert a
refused 'cnn: there is no command "no"; see cnn --help$' help no
same "what cnn help help prints" "$("$program" help help 2>&1)" "$("$program" --help)"
refused 'cnn: "info" is one command too many; see cnn --help$' help diff info
refused 'cnn convert: a value is missing after "--prefix"; see cnn convert --help$' convert a b --prefix
refused 'cnn: b ends with no format that is written here, expected .safetensors, .npz, .npy or .onnx$' convert a b
refused 'cnn convert: b.onnx is written as a copy of a model, expected --into MODEL$' convert a b.onnx
refused 'cnn convert: --into is m.onnx, but b.npz does not end with .onnx$' convert a b.npz --into m.onnx
refused 'cnn: .npz ends with no format' convert a .npz
for bad in x 1x "" -1 nan inf; do
    refused 'cnn diff: --tolerance is "' diff --tolerance "$bad" a b
done
refused 'cnn run: --mean is "1,2", expected 1 or 3 numbers' run --mean 1,2 m
refused 'cnn run: --mean is "1,x", expected 1 or 3 numbers such as' run --mean 1,x m
refused 'cnn run: --std is "0", expected 1 or 3 positive numbers such as' run --std 0 m
refused 'cnn run: --resize is "0", expected 1 to 65535' run --resize 0 m
refused 'cnn run: --crop is "224,", expected a height and a width' run --crop 224, m
refused 'cnn run: --crop is "224,0", expected a height and a width' run --crop 224,0 m
refused 'cnn run: --fit is "cover", expected crop or stretch' run --fit cover m
refused 'cnn run: --layout is "chw", expected nchw or nhwc' run --layout chw m
for option in --help -h help; do
    ok $option
    contains "$option" "$out" '^Exit status: 0, 1 after a failure, 2 for a bad command line; of diff: 0, 1 where the files differ, 2 otherwise\.$'
    for command in info convert diff; do
        contains "$option" "$out" "^  $command "
    done
done
for option in --version -V; do
    ok $option
    contains "$option" "$out" '^cnn \(libcnn\) [0-9]+\.[0-9]+\.[0-9]+$'
done
if [ -e /dev/full ]; then
    status=0
    "$program" --help >/dev/full 2>"$work/err" || status=$?
    same "the exit status with a full disk" "$status" 1
    contains "what is said of a full disk" "$(cat "$work/err")" '^cnn: cannot write the output: No space left on device$'
fi
passed
