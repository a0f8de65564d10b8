#!/bin/sh
# Are docs/drawings/*.svg what the program makes? Usage: check.sh PROGRAM [MNIST]. On other machines than x86-64 the kernels round
# differently, so that only numbers that are exact everywhere are drawn; feature maps are compared where MNIST is given, on x86-64.
set -u
cd "$(dirname "$0")/../.."
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$work" ${2:+"$2"} || exit 1
status=0
for made in "$work"/*.svg; do
    cmp -s "$made" "docs/drawings/$(basename "$made")" || {
        echo "check-drawings: docs/drawings/$(basename "$made") is not what the program makes: make drawings" >&2
        status=1
    }
done
for committed in docs/drawings/*.svg; do
    [ -e "$work/$(basename "$committed")" ] || [ "$(basename "$committed")" = feature-maps.svg ] || {
        echo "check-drawings: no program makes $committed" >&2
        status=1
    }
done
if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import sys, xml.etree.ElementTree as e; [e.parse(f) for f in sys.argv[1:]]' docs/drawings/*.svg || status=1
fi
[ $status = 0 ] && echo "check-drawings: $(ls "$work" | wc -l) drawings are what the program makes"
exit $status
