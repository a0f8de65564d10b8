#!/bin/sh
# examples/web: options that are refused; and without MNIST it learns the digits that it draws, to the same bits each time.
# web.sh PROGRAM
. "$(dirname "$0")/common.sh"

refused '^web: "more" is no option; see --help$' more
refused '^web: "--more" is no option, or lacks its value; see --help$' --more
refused '^web: --epochs is "x", expected 0 to 1000000$' --epochs x
refused '^web: --drawn is "9", expected 10 to 1000000$' --drawn 9
ok --help
contains "the help" "$out" '^Usage: web '

for file in first second; do
    ok --data "$work/nothing" --drawn 1000 --epochs 3 --output "$work/$file"
    contains "what it says" "$err" "^no MNIST in $work/nothing: training on drawn digits alone\$"
    contains "its first line" "$out" '^11274 parameters, 1000 training images, 3 epochs$'
done
right=$(printf '%s\n' "$out" | sed -n 's/^drawn digits: \([0-9]*\)\..*/\1/p')
checks=$((checks + 2))
[ "${right:-0}" -ge 80 ] || fail "after three epochs of 1000 digits \"$right\" % are right, expected at least 80"
cmp "$work/first" "$work/second" || fail "trained twice, the weights differ"

fails 1 "web: cannot write $work/no/folder: No such file or directory\$" --data "$work" --drawn 10 --epochs 0 --output "$work/no/folder"
passed
