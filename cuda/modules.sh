#!/bin/sh
# Writes the C source of cuda_modules (plan.h). Usage: modules.sh TEXT...     a file for each, in the order of planner.h
# Only comments have letters beyond ASCII, which a char may not hold.
echo '/* Made by cuda/modules.sh. */'
echo '#include "plan.h"'
number=0
for text in "$@"; do
    echo "static const char text_${number}[] = {"
    { LC_ALL=C tr -d '\200-\377' <"$text" && printf '\0'; } | od -An -v -tu1 | sed 's/  *\([0-9]\)/\1/; s/  */, /g; s/$/,/'
    echo '};'
    number=$((number + 1))
done
echo 'const cuda_module cuda_modules[] = {'
number=0
for text in "$@"; do
    name=${text##*/}
    echo "    { \"${name%.cu}\", text_$number, sizeof text_$number - 1 },"
    number=$((number + 1))
done
echo '};'
echo "const int cuda_module_count = $number;"
