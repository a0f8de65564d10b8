#!/bin/sh
# What a run writes for other programs: event files that TensorBoard reads, a table, a profile; the weights stay the same.
# PYTHON names an interpreter that has PyPI's package tensorboard; one line says so where it has not.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 100 --batch-size 50 --threads 1 --epochs 2"

# shellcheck disable=SC2086
{
run $few --digest
digest=$(printf '%s\n' "$out" | grep '^weights sha256')
run $few --digest --tensorboard "$work/runs/first" --csv "$work/table.csv" --profile "$work/profile.json"
same "the status" "$status" 0
same "the digest" "$(printf '%s\n' "$out" | grep '^weights sha256')" "$digest"
contains "the table of operations" "$out" '^conv2d_relu_maxpool2d \(backward\) +[0-9]+ '
contains "the table of modules" "$out" '^Linear: fc1 +2 '
same "the lines of the table" "$(wc -l <"$work/table.csv" | tr -d ' ')" 3
contains "the head of the table" "$(head -n 1 "$work/table.csv")" '^epoch,train_loss,.*,images_per_second$'
python3 - "$work/profile.json" <<'EOF' || fail "the profile is not what viewers read"
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
assert len(events) > 50 and all(e["ph"] == "X" and e["dur"] >= 0 for e in events)
assert {"module", "forward", "backward"} == {e["cat"] for e in events}
EOF
checks=$((checks + 1))
read=0
"${PYTHON:-python3}" "$(dirname "$0")/read_events.py" "$work/runs/first" "$work/table.csv" 2 2 2>"$work/err" || read=$?
[ "$read" = 0 ] || [ "$read" = 77 ] || fail "TensorBoard does not read the events: $(cat "$work/err")"

run $few --epochs 1 --save "$work/half"
run $few --epochs 1 --csv "$work/parts.csv" --save "$work/half"
run $few --resume "$work/half" --csv "$work/parts.csv"
same "the columns of losses of a run in two parts" "$(cut -d, -f1-6 "$work/parts.csv")" "$(cut -d, -f1-6 "$work/table.csv")"

run $few --csv /no/such/folder/table.csv
same "the status without a folder" "$status" 1
contains "the message" "$err" 'mnist_cnn: cannot open /no/such/folder/table.csv: No such file'
run $few --tensorboard "$work/table.csv/runs"
contains "the message of a folder that cannot be made" "$err" 'mnist_cnn: cannot open an event file in .*table.csv/runs: Not a directory'
# A disk that is full after the first bytes of the events is said once.
(trap '' XFSZ && ulimit -f 8 && exec "$program" $few --epochs 1 --quiet --tensorboard "$work/runs/full") >"$work/out" 2>"$work/err"
same "the status of events that do not fit" "$?" 1
same "the lines about them" "$(wc -l <"$work/err" | tr -d ' ')" 1
contains "the message about them" "$(cat "$work/err")" '^mnist_cnn: cannot write events in .*runs/full: File too large$'
# Before anything is trained, and nothing is left beside the file.
mkdir "$work/folder"
ln -s profile.json "$work/folder/link"
for option in --profile --save; do
    fails 1 "mnist_cnn: cannot write /no/such/folder/file: No such file or directory\$" $few $option /no/such/folder/file
    fails 1 "mnist_cnn: cannot write $work/folder: it is not a regular file\$" $few $option "$work/folder"
    fails 1 "mnist_cnn: cannot write $work/table.csv/file: Not a directory\$" $few $option "$work/table.csv/file"
    ok $few --epochs 1 --quiet $option "$work/folder/link"
    [ -s "$work/folder/profile.json" ] || fail "$option writes no file at the end of a link"
    same "what is in the folder of $option" "$(ls -A "$work/folder" | tr '\n' ' ')" "link profile.json "
    rm "$work/folder/profile.json"
done
ok $few --epochs 1 --quiet --profile "$work/quiet.json"
same "what --quiet prints beside a profile" "$(wc -l <"$work/out")" 1
[ -s "$work/quiet.json" ] || fail "--quiet writes no profile"
}
passed
