#!/bin/sh
# Makes the source archive of the release that HEAD is, and its checksums: usage: release.sh [FOLDER]; default: build/release.
# Refuses what is not a release yet. The same commit gives the same bytes on every machine. docs/release.md has the steps around it.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-build/release}
version=$(sed -n 's/.*CNN_VERSION_STRING "\(.*\)"/\1/p' include/cnn/version.h)

refuse() {
    echo "release: $*" >&2
    exit 1
}

[ -z "$(git status --porcelain --untracked-files=no)" ] || refuse "there are changes that are not committed"
grep -q "^## \[$version\]" CHANGELOG.md || refuse "CHANGELOG.md has no section [$version]"
soname=$(echo "$version" | awk -F. '{ print ($1 == 0) ? $1 "." $2 : $1 }')
[ -f "tests/abi/libcnn-$soname.tar.gz" ] || refuse "tests/abi/libcnn-$soname.tar.gz is missing: make abi-baseline"
[ "$(git describe --exact-match --match "v$version" HEAD 2>/dev/null)" = "v$version" ] ||
    refuse "HEAD has no annotated tag v$version: git tag -a v$version -m 'libcnn $version'"

mkdir -p "$folder"
name=libcnn-$version
git -c tar.umask=0022 archive --format=tar --prefix="$name/" "v$version" >"$folder/$name.tar"
gzip -9nf "$folder/$name.tar"
(cd "$folder" && sha256sum "$name.tar.gz" >SHA256SUMS && cat SHA256SUMS)
