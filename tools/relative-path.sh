#!/bin/sh
# The path of one folder as seen from another: usage: relative-path.sh FROM TO. Neither need exist. As `realpath -m --relative-to`,
# which systems without GNU's tools lack: links in the part that exists are followed.
set -u
# resolve PATH: the absolute path without links, "." and "..": what exists is asked of the shell
resolve() {
    case $1 in
    /*) path=$1 ;;
    *) path=$PWD/$1 ;;
    esac
    rest=
    while [ ! -d "$path" ]; do
        rest=/${path##*/}$rest
        path=${path%/*}
        path=${path:-/}
    done
    path=$(cd -P -- "$path" && printf '%s/' "$PWD")
    printf '%s' "$path$rest"
}
from=$(resolve "$1" && echo /) to=$(resolve "$2" && echo /)
# A folder per record, so that any letter may be in a name but the end of a line.
printf '%s\n%s\n' "$from" "$to" | awk '
    function parts(path, list,   words, n, i, count) {
        n = split(path, words, "/")
        for (i = 1; i <= n; i++)
            if (words[i] == "..") count -= count > 0
            else if (words[i] != "" && words[i] != ".") list[++count] = words[i]
        return count + 0
    }
    NR == 1 { m = parts($0, from) }
    NR == 2 { n = parts($0, to) }
    END {
        while (k < m && k < n && from[k + 1] == to[k + 1]) k++
        for (i = k; i < m; i++) result = result "/.."
        for (i = k + 1; i <= n; i++) result = result "/" to[i]
        print result == "" ? "." : substr(result, 2)
    }'
