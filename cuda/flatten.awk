# A kernel source without includes, for a compiler that has no files: each include of the project's is replaced by what
# it names, as often as it stands there.
#   awk -f cuda/flatten.awk -v folders='cuda/kernels build/cuda src' cuda/kernels/elements.cu
# Of the library's headers prototypes are left out: a device has no functions of other files. Headers of the system are
# left to portable.h, which includes them where there are such.
function file_of(name, folder, i, n, path, line, found) {
    n = split(folders, folder, " ")
    for (i = 1; i <= n; i++) {
        path = folder[i] "/" name
        found = (getline line < path) > 0
        close(path)
        if (found) {
            return path
        }
    }
    print "flatten.awk: there is no " name > "/dev/stderr"
    exit 1
}
function flatten(path, line, name) {
    while ((getline line < path) > 0) {
        if (line ~ /^[ ]*#[ ]*include "/) {
            name = line
            gsub(/^[^"]*"|"[^"]*$/, "", name)
            if (name != "platform/target.h") {
                flatten(file_of(name))
            }
        } else if (!(path ~ /(^|\/)src\// && line ~ /^#include <|^(double|float) .*\);$/)) {
            print line
        }
    }
    close(path)
}
BEGIN {
    flatten(ARGV[1])
    exit
}
