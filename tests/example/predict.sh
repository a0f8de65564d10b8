#!/bin/sh
# --predict: the same digit in every kind of PNG file, size, polarity and colour gets the same first guess; digits that the program draws are
# recognised; what is no picture of a digit costs one line and little memory. Usage: predict.sh MNIST_CNN DIGITS
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
make=$(dirname "$0")/pictures.py
export LC_ALL=C

fails 2 'mnist_cnn: --predict needs a FILE, a picture of a digit$' --predict
fails 2 'mnist_cnn: "x.png" is no option; see --help$' x.png
run --resume "$work/none" --predict "$work/x.png"
case $err in
*'without which this program was built'*)
    same "the exit status without libcnn-image" "$status" 1
    same "the number of lines" "$(wc -l <"$work/err")" 1
    echo "predict: skipped: pictures (built without libcnn-image)"
    passed
    exit 0
    ;;
esac

# shellcheck disable=SC2086
{
few="--data $digits --limit 2500 --batch-size 50 --threads 2 --seed 3 --quiet"
ok $few --epochs 2 --augment --save "$work/model"
model="--threads 1 --resume $work/model"

# Twenty digits, each of them once as it is and then in other forms.
mkdir "$work/pictures"
python3 "$make" digits "$digits" "$work/pictures" >"$work/expected" || fail "no pictures"
ok $model --quiet --predict "$work"/pictures/*.png
same "the lines of --quiet" "$(wc -l <"$work/out")" "$(wc -l <"$work/expected")"
sed -n 's|.*/\([0-9]*\)-\([a-z0-9]*\)-\([0-9]\).png: \([0-9]\) ([0-9.]* %), [0-9] ([0-9.]* %), [0-9] ([0-9.]* %)$|\1 \2 \3 \4|p' "$work/out" >"$work/guesses"
same "the lines with three guesses" "$(wc -l <"$work/guesses")" "$(wc -l <"$work/expected")"
right=$(awk '$3 == $4' "$work/guesses" | wc -l)
count=$(wc -l <"$work/guesses")
[ $((right * 100)) -ge $((count * 90)) ] || fail "$right of $count drawn digits are recognised, expected 90 %"
# Forms that only change colours leave the digit as it is.
differing=$(awk 'NR == FNR { if ($2 == "plain") plain[$1] = $4; next } $2 != "large" && plain[$1] != $4 { n++ } END { print n + 0 }' \
    "$work/guesses" "$work/guesses")
[ "$differing" -le $((count / 40)) ] || fail "$differing of $count guesses change with the kind of the file"

# What is printed: 28 lines of 28 pixels, with the guesses beside; also after training, and in a locale without UTF-8.
one=$(find "$work/pictures" -name '0-plain-*.png')
ok $model --predict "$one"
same "the lines of one digit" "$(wc -l <"$work/out")" 29
contains "the digit" "$out" '[.+%@]{4}.*\|'
contains "the guesses" "$out" '\|   [0-9] +[0-9]+\.[0-9]{2} %  #*$'
lacks "what is no terminal" "$out" "$(printf '\033')"
LC_ALL=C.UTF-8 "$program" $model --predict "$one" >"$work/blocks"
grep -q '██' "$work/blocks" || fail "no block elements where the locale has UTF-8"
ok $few --epochs 0 --predict "$one"
contains "the first line with training" "$(head -n 1 "$work/out")" '^test accuracy '
contains "the last line with training" "$(tail -n 1 "$work/out")" "^$one: [0-9] \("
python3 "$make" terminal "$program" $model --predict "$one" || fail "the digit on a terminal is not what it should be"

# Hostile files: one line each, the others are still read, and memory does not grow with what a header promises.
mkdir "$work/hostile"
python3 "$make" hostile "$work/hostile" || fail "no hostile files"
for file in "$work"/hostile/*.png; do
    fails 1 'mnist_cnn: .*' $model --predict "$file"
    contains "the message" "$err" "$file"
done
fails 1 "mnist_cnn: no digit in $work/hostile/empty.png: expected ink on paper of another colour$" $model --predict "$work/hostile/empty.png"
contains "a picture that is too large" "$("$program" $model --predict "$work/hostile/huge.png" 2>&1)" '30000'
fails 1 'mnist_cnn: .*none' --resume "$work/none" --predict "$one"
run $model --quiet --predict "$work/hostile/text.png" "$one" "$work/hostile/huge.png"
same "the exit status with a good file among bad ones" "$status" 1
same "the answers" "$(wc -l <"$work/out")" 1
same "the messages" "$(wc -l <"$work/err")" 2
python3 "$make" memory "$program" $model -- "$work/hostile" || fail "a hostile file takes memory"
}
passed
