#!/bin/sh
# What bench/scaling.py --strict says of the measurement that docs/scaling.md shows, and of one whose predicted step is another: usage:
# check-scaling.sh MEASUREMENT
set -u
bench=$(dirname "$0")/../../bench/scaling.py
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
    echo "check-scaling: $*"
    exit 1
}

# alter FACTOR RUNS: the measured steps of the predicted rates times FACTOR, with so many rates
alter() {
    python3 - "$1" "$2" "$3" "$work/altered.json" <<'EOF'
import json, sys
source, factor, runs, target = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
data = json.load(open(source))
data["runs"] = data["runs"][:runs]
for run in data["runs"][2:]:
    run["step"] *= factor
json.dump(data, open(target, "w"))
EOF
}

"$bench" --from "$1" --strict >"$work/out" 2>&1 || fail "$(cat "$work/out")"
for factor in 0.8 1.25; do
    alter "$1" $factor 4
    "$bench" --from "$work/altered.json" >"$work/out" 2>&1 || fail "without --strict: $(cat "$work/out")"
    "$bench" --from "$work/altered.json" --strict >"$work/out" 2>&1 && fail "steps of $factor times the measured ones are well predicted"
    grep -qE '^scaling: predictions are wrong by more than 15 %: [0-9]+ Mbit/s: [-+][0-9]+ %' "$work/out" || fail "$(cat "$work/out")"
done
alter "$1" 1 2
"$bench" --from "$work/altered.json" --strict >"$work/out" 2>&1 && fail "two rates predict nothing, and all is well"
grep -q '^scaling: no rate is predicted: three are needed$' "$work/out" || fail "$(cat "$work/out")"
echo "check-scaling: predictions are judged"
