#!/bin/sh
# A dylib exports the functions of the public headers and nothing else, and is found by the path of the program that loads it:
# usage: check-dylib.sh DYLIB INSTALL_NAME. $NM and $OTOOL are Apple's, or LLVM's, which know the files on any system.
set -u
NM=${NM:-nm} OTOOL=${OTOOL:-otool}
# Linkers add two names of their own.
others=$("$NM" -g "$1" | awk '$2 ~ /^[A-TV-Z]$/ && $3 !~ /^(_cnn_[a-z].*|___dso_handle|__mh_dylib_header)$/ { print $3 }')
[ -z "$others" ] || {
    echo "check-dylib: $1 exports what no header declares:" "$others"
    exit 1
}
count=$("$NM" -g "$1" | grep -c ' T _cnn_[a-z]')
[ "$count" -gt 500 ] || {
    echo "check-dylib: $1 exports $count functions, expected all of the public headers"
    exit 1
}
"$OTOOL" -D "$1" | grep -qx "@rpath/$2" || {
    echo "check-dylib: the install name of $1 is not @rpath/$2:" "$("$OTOOL" -D "$1" | tail -n 1)"
    exit 1
}
echo "check-dylib: $1 exports $count functions, and is loaded as @rpath/$2"
