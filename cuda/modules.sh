#!/bin/sh
# Writes the C source of cuda_modules (plan.h). Usage: modules.sh TEXT...     a file for each, in the order of planner.h
# elements_f64 is elements with a line in front, so elements is the end of its text. Only comments have letters beyond ASCII.
set -eu
echo '/* Made by cuda/modules.sh. */'
echo '#include "plan.h"'
echo '#pragma GCC diagnostic ignored "-Woverlength-strings"'
named() {
    name=${1##*/}
    name=${name%.cu}
}
rows=
for text in "$@"; do
    named "$text"
    whole=${text%.cu}_f64.cu
    if [ -e "$whole" ]; then
        skipped=$(($(wc -c <"$whole") - $(wc -c <"$text")))
        tail -c "+$((skipped + 1))" "$whole" | cmp -s - "$text" || {
            echo "modules.sh: $whole does not end with $text" >&2
            exit 1
        }
        skipped=$(head -c "$skipped" "$whole" | LC_ALL=C tr -d '\200-\377' | wc -c)
        rows="$rows    { \"$name\", text_${name}_f64 + $skipped, sizeof text_${name}_f64 - 1 - $skipped },\\n"
        continue
    fi
    echo "static const char text_$name[] ="
    LC_ALL=C tr -d '\200-\377' <"$text" | sed 's/[\\"]/\\&/g; s/^/    "/; s/$/\\n"/'
    echo '    ;'
    rows="$rows    { \"$name\", text_$name, sizeof text_$name - 1 },\\n"
done
echo 'const cuda_module cuda_modules[] = {'
printf "%b" "$rows"
echo '};'
echo "const int cuda_module_count = $#;"
