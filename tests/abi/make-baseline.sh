#!/bin/sh
# Packs the baseline of a release, the same bytes for the same library and headers: usage: make-baseline.sh SHARED SYMBOLS ARCHIVE
# In it: the headers, the list of functions, their types (libcnn.abi), the members of the public structs, the machine.
set -eu
shared=$1 symbols=$2 archive=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=$(basename "$archive" .tar.gz) to=$work/$(basename "$archive" .tar.gz)
mkdir -p "$to/include"
cp -r include/cnn "$to/include" && rm -f "$to/include/cnn/image.h"
cp "$symbols" "$to/symbols.txt"
readelf -h "$shared" | sed -n 's/.*Machine: *//p' >"$to/machine"
abidw --exported-interfaces-only --no-corpus-path --no-comp-dir-path --no-elf-needed --no-show-locs --out-file "$to/libcnn.abi" "$shared"

# Every member of every struct that a public header defines.
printf '#define MEMBERS' >"$to/members.def"
for struct in $(sed -n 's/^typedef struct \(cnn_[a-z0-9_]*\) {.*/\1/p' $(find include/cnn -name '*.h' ! -name image.h | LC_ALL=C sort)); do
    sed -n "/<class-decl name='$struct' .*[^/]>\$/,/<\/class-decl>/p" "$to/libcnn.abi" |
        sed -n "s/.*<var-decl name='\([^']*\)'.*/ MEMBER($struct, \1)/p" | tr -d '\n' >>"$to/members.def"
done
echo >>"$to/members.def"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX -cf - "$name" | gzip -9n >"$archive"
echo "$archive: $(wc -c <"$archive") bytes, $(wc -l <"$symbols") functions, $(grep -o MEMBER\( "$to/members.def" | wc -l) members"
