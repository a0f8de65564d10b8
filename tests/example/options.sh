#!/bin/sh
# The command line: --help, --version, and for every option what is refused: exit status 2, one line on stderr, none on stdout.
. "$(dirname "$0")/common.sh"

# Told in one line.
refused()
{
    pattern=$1
    shift
    fails 2 "mnist_cnn: $pattern" "$@"
}

for option in epochs e; do
    dash=$([ ${#option} = 1 ] && echo - || echo --)
    for bad in -1 x 1x "" " " 1.5 1e3 99999999999999999999 1000001; do
        refused '--epochs is "' "$dash$option" "$bad"
    done
done
for bad in 0 -1 60001 ten 2.5 ""; do
    refused '--batch-size is "' --batch-size "$bad"
    refused '--batch-size is "' -b "$bad"
    refused '--limit is "' --limit "$bad"
    refused '--limit is "' -n "$bad"
done
for bad in -1 65537 two ""; do
    refused '--shards is "' --mpi --shards "$bad"
    refused '--shards is "' -m -k "$bad"
done
for bad in -1 1000001 1.5 ""; do
    refused '--warmup is "' --mpi --warmup "$bad"
    refused '--warmup is "' -m -w "$bad"
done
for bad in sgd Adam ""; do
    refused '--optimizer is "' --mpi --optimizer "$bad"
    refused '--optimizer is "' -m -O "$bad"
done
for bad in -1 x 9223372036854775808 1.0 ""; do
    refused '--seed is "' --seed "$bad"
    refused '--seed is "' -s "$bad"
done
for bad in -1 8193 two ""; do
    refused '--threads is "' --threads "$bad"
    refused '--threads is "' -t "$bad"
done
for bad in 0 -0.1 nan inf x 0.1x ""; do
    refused '--lr is "' --lr "$bad"
    refused '--lr is "' -l "$bad"
done
for bad in gpu CPU "" cpu0; do
    refused '--device is "' --device "$bad"
    refused '--device is "' -D "$bad"
done
for option in --data -d --epochs -e --batch-size -b --lr -l --seed -s --threads -t --device -D --save -S --resume -r --log -L --limit -n \
    --report -R --tensorboard -B --csv -C --profile -P --shards -k --optimizer -O --warmup -w; do
    refused "a value is missing after \"$option\"" "$option"
done
for option in --no-such-option -Z --epoch-s --quietly; do
    refused "there is no option \"$option\"" "$option"
done
refused '--math is "exact", expected fast, strict or tf32' --math exact
refused '--math is "", expected fast, strict or tf32' -M ''
refused 'there is no option "--quiet=1"' --quiet=1
refused 'there is no option "--no-such-option"' --predict a.png --no-such-option b.png
refused 'a value is missing after "--resume"' --predict a.png --resume
refused '"extra" is no option' extra
for option in --predict -p; do
    refused '--predict needs a FILE, a picture of a digit' "$option"
    refused '--report with --resume and --predict needs --eval-only' "$option" x.png --resume x --report x
done
# Options that contradict each other.
for option in '--shards 4' '-k 0' '--optimizer lamb' '-O lars' '--warmup 1' '-w 1'; do
    # shellcheck disable=SC2086
    refused '--shards, --optimizer and --warmup need --mpi$' $option
done
for option in --tutorial -T '--predict x.png' '--best x' '--patience 1'; do
    # shellcheck disable=SC2086
    refused "--tutorial, --predict, --best and --patience are one process's, and --mpi is given\$" --mpi $option
done
for option in --tensorboard -B --csv -C --profile -P; do
    refused '--tensorboard, --csv and --profile record training, and nothing is trained$' --resume x --eval-only "$option" x
    refused '--tensorboard, --csv and --profile record training, and nothing is trained$' --resume x "$option" x --predict x.png
done
for option in --tensorboard --csv --profile; do
    refused '--tensorboard, --csv and --profile record training, and nothing is trained$' --epochs 0 "$option" x
done
# Options that have no effect together.
for option in '--save x' '-S x' '--log x' '--epochs 2' '-e 2' '--lr 0.1' --augment -a; do
    # shellcheck disable=SC2086
    refused '--[a-z]* has no effect with --eval-only, which trains nothing$' --resume x $option --eval-only
done
for option in '--shards 4' '--optimizer lamb' '--warmup 1'; do
    # shellcheck disable=SC2086
    refused "${option%% *} has no effect with --eval-only, which trains nothing\$" --mpi --eval-only $option --resume x
done
for option in '--save x' '--log x' '--epochs 2' '--lr 0.1' --augment --tutorial --digest '--limit 3' --synthetic; do
    # shellcheck disable=SC2086
    refused "${option%% *} has no effect with --resume and --predict, which neither train nor test\$" $option --resume x --predict x.png
done
# What is not for a terminal does not reach it.
hostile=$(printf 'a\033[2J\342\200\256\377b')
refused '--lr is "a.x1b.2J.u202e.xffb"' --lr "$hostile"
refused 'there is no option "--a.x1b.2J.u202e.xffb"' "--$hostile"
refused '"a.x1b.2J.u202e.xffb" is no option' "$hostile"
refused '--eval-only needs --resume FILE' --eval-only
refused '--eval-only needs --resume FILE' -E

for option in --help -h; do
    ok "$option"
    same "the messages of $option" "$err" ""
    for word in -d,.--data -e,.--epochs -b,.--batch-size -l,.--lr -s,.--seed -t,.--threads -D,.--device -M,.--math -c,.--copy-batches -S,.--save -r,.--resume \
        -E,.--eval-only -R,.--report -p,.--predict -a,.--augment -L,.--log -B,.--tensorboard -C,.--csv -P,.--profile \
        -n,.--limit -y,.--synthetic -T,.--tutorial -x,.--digest -m,.--mpi \
        -k,.--shards -O,.--optimizer -w,.--warmup -q,.--quiet -h,.--help -V,.--version; do
        contains "$option" "$out" "$word"
    done
    contains "$option" "$out" 'Exit status: 0, 1 after a failure, 2 for a bad command line, 130 after Ctrl-C\.'
    same "the longest line of $option" "$(awk 'length > n { n = length } END { print (n <= 120) }' "$work/out")" 1
done
for option in --version -V; do
    ok "$option"
    contains "$option" "$out" '^mnist_cnn \(libcnn\) [0-9]+\.[0-9]+\.[0-9]+$'
done
passed
