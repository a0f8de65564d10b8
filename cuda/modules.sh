#!/bin/sh
# Writes the C source of cuda_modules (plan.h): each module of cuda/kernels as one text that includes nothing, for NVRTC.
# Usage: modules.sh GENERATED MODULE...     GENERATED is the folder of enumerations.h
generated=$1
shift

# flat FILE: with the files that it includes in their place. Headers of the system are for the host.
flat() {
    awk -v folders="cuda/kernels $generated src include" '
        function put(file,    line, name, path, n, i, list) {
            while ((getline line <file) > 0) {
                if (line ~ /^[ \t]*#[ \t]*include[ \t]*</) {
                    continue
                }
                if (file ~ /src\// && line ~ /^[a-z]+ cnn__[a-z0-9_]*\(.*\);$/) {
                    continue # a function of the host
                }
                if (line !~ /^[ \t]*#[ \t]*include[ \t]*"/) {
                    print line
                    continue
                }
                name = line
                sub(/^[^"]*"/, "", name)
                sub(/".*/, "", name)
                n = split(folders, list, " ")
                path = ""
                for (i = 1; i <= n && path == ""; i++) {
                    if ((getline line <(list[i] "/" name)) >= 0) {
                        path = list[i] "/" name
                        close(path)
                    }
                }
                if (file ~ /src\// && path !~ /\/math\.h$/) {
                    continue # what a header of the library needs besides, the kernels have of portable.h
                }
                if (path == "") {
                    print "modules.sh: " file " includes " name ", which is nowhere" >"/dev/stderr"
                    exit 1
                }
                depth++
                put_again(path)
                depth--
            }
            close(file)
        }
        # A file that is open already would go on where it is: it is read under another name of itself.
        function put_again(path,    i, other) {
            other = path
            for (i = 0; i < depth; i++) {
                other = "./" other
            }
            put(other)
        }
        BEGIN { put(ARGV[1]); exit }' "$1"
}

# Only comments have letters beyond ASCII, which a char may not hold.
echo '/* Made by cuda/modules.sh. */'
echo '#include "plan.h"'
number=0
for module in "$@"; do
    echo "static const char text_$module[] = {"
    { flat "cuda/kernels/$module.cu" | LC_ALL=C tr -d '\200-\377' && printf '\0'; } | od -An -v -tu1 | sed 's/  *\([0-9]\)/\1/; s/  */, /g; s/$/,/'
    echo '};'
done
echo 'const cuda_module cuda_modules[] = {'
for module in "$@"; do
    echo "    { \"$module\", text_$module, sizeof text_$module - 1 },"
    number=$((number + 1))
done
echo '};'
echo "const int cuda_module_count = $number;"
