#!/bin/sh
# Installs, builds and runs programs of someone else's with nothing but pkg-config, uninstalls.
# Usage: check-install.sh BACK_END MAKE...: the back end of the test device, and the make command with its variables.
# Done twice: into a prefix, and under a DESTDIR as a package builder does.
set -eu
cc=${CC:-cc} cxx=${CXX:-c++} pkg_config=${PKG_CONFIG:-pkg-config}
warnings="-Wall -Wextra -Wpedantic -Werror"
here=$(cd "$(dirname "$0")" && pwd) tree=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/run"
late=$1
shift

fail() {
    echo "check-install: $*" >&2
    exit 1
}

# The compilers see what pkg-config says, and run where the sources are out of reach.
pc() {
    env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$pc_dir:$system_pc" "$@"
}
system_pc=$($pkg_config --variable pc_path pkg-config)

# client KIND COMPILER SOURCE FLAG...: builds it and runs it
client() {
    name=$1 compiler=$2 source=$3
    shift 3
    # shellcheck disable=SC2086,SC2046
    (cd "$work/run" && $compiler $warnings "$@" -o "$name" "$here/$source" $(pc $pkg_config $static --cflags --libs cnn)) ||
        fail "$name does not build"
    (cd "$work/run" && LD_LIBRARY_PATH=$library_path "./$name" "$name.safetensors") || fail "$name does not run"
    [ -s "$work/run/$name.safetensors" ] || fail "$name saved nothing"
    linked=static wanted=${static:+static}
    ! readelf -d "$work/run/$name" | grep -q 'NEEDED.*libcnn' || linked=shared
    [ "$linked" = "${wanted:-shared}" ] || fail "$name is linked in the $linked way"
}

clients() {
    static='' library_path=$root$libdir
    client c99 "$cc" client.c -std=c99
    client c11 "$cc" client.c -std=c11
    static=--static library_path=
    client c11-static "$cc" client.c -std=c11 -static
    if command -v "${cxx##* }" >/dev/null 2>&1; then
        client cxx17-static "$cxx" client.cpp -std=c++17 -static
        static='' library_path=$root$libdir
        client cxx17 "$cxx" client.cpp -std=c++17
    else
        echo "skipped: C++ programs (no $cxx here)"
    fi
}

# block KIND: the first block of that kind in the quick start
block() {
    awk -v kind="$1" '$0 == "```" kind { inside = 1; next } /^```/ { if (inside) exit } inside' "$tree/docs/quick-start.md"
}

# Who follows the quick start to the letter gets what it says: its program, its command, its output.
quick_start() {
    block c >"$work/run/first.c"
    command=$(grep '^cc first\.c ' "$tree/docs/quick-start.md") || fail "docs/quick-start.md has no command that compiles first.c"
    is=$(cd "$work/run" && LD_LIBRARY_PATH=$root$libdir pc sh -c "$cc${command#cc}") || fail "the quick start's command fails: $command"
    [ "$is" = "$(block text)" ] || fail "the quick start prints \"$is\", the page says \"$(block text)\""
}

# A back end is found in the folder cnn-0 beside the library and by CNN_BACKEND_PATH, but never in the current folder.
back_ends() {
    static='' folder=$root$libdir/cnn-0
    # shellcheck disable=SC2046
    (cd "$work/run" && $cc $warnings -std=c11 "$here/device.c" -o device $(pc $pkg_config --cflags --libs cnn)) || fail "device.c does not build"
    cp "$tree/$late" "$work/run"
    found() {
        (cd "$work/run" && env -u CNN_BACKEND_PATH -u CNN_DEVICE LD_LIBRARY_PATH="$root$libdir" "$@" ./device late)
    }
    [ "$(found env)" = "no such device" ] || fail "a back end is found in the current folder"
    [ "$(found env CNN_BACKEND_PATH="/nonexistent:$work/run")" = late:0 ] || fail "CNN_BACKEND_PATH does not lead to a back end"
    mkdir -p "$folder"
    mv "$work/run/${late##*/}" "$folder"
    [ "$(found env)" = late:0 ] || fail "a back end is not found in $folder"
    rm -r "$folder"
}

# libcnn-image is found by a name of its own, shared and static.
images() {
    [ -e "$pc_dir/cnn-image.pc" ] || { echo "skipped: libcnn-image (not built here)"; return; }
    for static in '' --static; do
        rm -rf "$work/run/pictures" && mkdir "$work/run/pictures"
        # The C library and what libpng and libjpeg need stay shared: not every system has them as archives.
        libraries=$(pc $pkg_config $static --libs cnn-image)
        [ -z "$static" ] || libraries=$(echo "$libraries " | sed 's/-lcnn-image /-l:libcnn-image.a /; s/-lcnn /-l:libcnn.a /g')
        # shellcheck disable=SC2046,SC2086
        (cd "$work/run" && $cc $warnings -std=c99 -D_DEFAULT_SOURCE "$here/image.c" -o image $(pc $pkg_config --cflags cnn-image) $libraries) ||
            fail "image.c does not build"
        (cd "$work/run" && LD_LIBRARY_PATH=$root$libdir ./image pictures) || fail "the program with libcnn-image does not run"
    done
    case $($pkg_config --modversion "$pc_dir/cnn-image.pc") in "$version") ;; *) fail "cnn-image.pc is not of version $version" ;; esac
    soname=$(readelf -d "$root$libdir/libcnn-image.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ -L "$root$libdir/$soname" ] || fail "the link of $soname is missing"
}

# So is libcnn-onnx.
onnx() {
    for static in '' --static; do
        libraries=$(pc $pkg_config $static --libs cnn-onnx)
        [ -z "$static" ] || libraries=$(echo "$libraries " | sed 's/-lcnn-onnx /-l:libcnn-onnx.a /; s/-lcnn /-l:libcnn.a /g')
        # shellcheck disable=SC2046,SC2086
        (cd "$work/run" && $cc $warnings -std=c99 "$here/onnx.c" -o onnx $(pc $pkg_config --cflags cnn-onnx) $libraries) ||
            fail "onnx.c does not build"
        (cd "$work/run" && LD_LIBRARY_PATH=$root$libdir ./onnx) || fail "the program with libcnn-onnx does not run"
    done
    case $($pkg_config --modversion "$pc_dir/cnn-onnx.pc") in "$version") ;; *) fail "cnn-onnx.pc is not of version $version" ;; esac
    soname=$(readelf -d "$root$libdir/libcnn-onnx.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ -L "$root$libdir/$soname" ] || fail "the link of $soname is missing"
}

# So is libcnn-mpi, once for each MPI.
message_passing() {
    [ -e "$pc_dir/cnn-mpi.pc" ] || { echo "skipped: libcnn-mpi (not built here)"; return; }
    for pc_file in "$pc_dir"/cnn-mpi*.pc; do
        name=$(basename "$pc_file" .pc)
        flags=$(pc $pkg_config --cflags --libs "$name")
        [ -z "$destdir" ] || flags=$(echo "$flags" | sed "s|$destdir/usr/|/usr/|g") # MPI is not below DESTDIR
        # shellcheck disable=SC2086
        (cd "$work/run" && $cc $warnings -std=c99 "$here/mpi.c" -o mpi $flags) || fail "mpi.c does not build with $name"
        (cd "$work/run" && OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 LD_LIBRARY_PATH=$root$libdir ./mpi) ||
            fail "the program with $name does not run"
        case $($pkg_config --modversion "$pc_file") in "$version") ;; *) fail "$name.pc is not of version $version" ;; esac
    done
    readelf -d "$root$libdir/libcnn.so" "$root$prefix/bin/mnist_cnn" | grep NEEDED | grep -i mpi && fail "libcnn or mnist_cnn links an MPI"
    [ -s "$root$prefix/share/man/man3/libcnn-mpi.3" ] || fail "the man page of libcnn-mpi is missing"
}

# The package for Python finds what is installed, and its siblings beside it: by the system's loader, and by pkg-config alone.
package() {
    [ -e "$tree/python/cnn" ] && command -v python3 >/dev/null 2>&1 || { echo "skipped: the package for Python (no python3 here)"; return; }
    python3 "$tree/tools/make-python.py" || fail "tools/make-python.py fails"
    siblings=$([ -e "$pc_dir/cnn-onnx.pc" ] && echo onnx || :) siblings="$siblings $([ -e "$pc_dir/cnn-image.pc" ] && echo image || :)"
    for path in "$root$libdir" ''; do
        [ -n "$path" ] || [ -z "$destdir" ] || continue # not every pkg-config puts the one before the variables that it prints
        # shellcheck disable=SC2086
        found=$(cd "$work/run" && env -u CNN_LIBRARY -u CNN_ONNX_LIBRARY -u CNN_IMAGE_LIBRARY LD_LIBRARY_PATH="$path" PYTHONDONTWRITEBYTECODE=1 \
            PYTHONPATH="$tree/python" PKG_CONFIG="$pkg_config" PKG_CONFIG_PATH="$pc_dir" python3 "$here/package.py" $siblings) ||
            fail "the package for Python does not find what is installed${path:+ by LD_LIBRARY_PATH}"
        for library in libcnn $(for sibling in $siblings; do echo "libcnn-$sibling"; done); do
            echo "$found" | grep -qx "$root$libdir/$library\.so\.[0-9.]*" || fail "the package for Python loads another $library: $found"
        done
    done
}

# What an installed tree must hold, and must not.
tree_is_whole() {
    for file in bin/mnist_cnn bin/cifar10 bin/cnn share/man/man1/cnn.1 share/bash-completion/completions/cnn share/zsh/site-functions/_cnn \
        include/cnn/cnn.h lib/libcnn.a lib/libcnn.so lib/pkgconfig/cnn.pc share/doc/libcnn/README.md \
        share/man/man1/mnist_cnn.1 share/man/man1/cifar10.1 share/man/man3/cnn.3 share/man/man3/cnn_tape.3 share/man/man3/cnn_backward.3; do
        [ -s "$root$prefix/$file" ] || fail "$prefix/$file is missing"
    done
    for page in "$root$prefix"/share/doc/libcnn/*.md; do
        for link in $(grep -oE '\]\([^)]*\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^https\?:'); do
            [ -e "$root$prefix/share/doc/libcnn/$link" ] || fail "the installed $(basename "$page") links to $link, which is not installed"
        done
    done
    for header in include/cnn/*.h include/cnn/*/*.h; do
        [ "$header" != include/cnn/image.h ] || [ -e "$pc_dir/cnn-image.pc" ] || continue
        case $header in include/cnn/group.h | include/cnn/mpi.h) [ -e "$pc_dir/cnn-mpi.pc" ] || continue ;; esac
        cmp "$header" "$root$prefix/$header" || fail "$header is not what was installed"
    done
    soname=$(readelf -d "$root$libdir/libcnn.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    [ -L "$root$libdir/$soname" ] && [ -L "$root$libdir/libcnn.so" ] || fail "the links of $soname are missing"
    grep -q "^prefix=$prefix\$" "$root$libdir/pkgconfig/cnn.pc" || fail "cnn.pc is not for $prefix"
    [ -z "$destdir" ] || ! grep -rlF "$destdir" "$root$prefix" || fail "DESTDIR is in these files"
    ! readelf -d "$root$prefix/bin/mnist_cnn" "$root$prefix/bin/cifar10" "$root$prefix/bin/cnn" "$root$libdir/libcnn.so" | grep -E 'R(UN)?PATH' | grep -F "$tree" ||
        fail "the build's folder is in what was installed"
    version=$($pkg_config --modversion "$root$libdir/pkgconfig/cnn.pc")
    for installed in mnist_cnn cifar10 cnn; do
        "$root$prefix/bin/$installed" --version | grep -qF "$version" || fail "the installed $installed does not run"
    done
}

# round PREFIX DESTDIR MAKE...
round() {
    prefix=$1 destdir=$2 root=$2 libdir=$1/lib
    shift 2
    pc_dir=$root$libdir/pkgconfig
    "$@" install PREFIX="$prefix" DESTDIR="$destdir" >"$work/log" 2>&1 || { cat "$work/log"; fail "make install fails"; }
    (cd "$root$prefix" && find . ! -type d | sort) >"$work/files"
    tree_is_whole
    if [ -n "$destdir" ]; then export PKG_CONFIG_SYSROOT_DIR="$destdir"; fi
    clients
    quick_start
    images
    onnx
    message_passing
    package
    back_ends
    unset PKG_CONFIG_SYSROOT_DIR
    "$@" uninstall PREFIX="$prefix" DESTDIR="$destdir" >"$work/log" 2>&1 || { cat "$work/log"; fail "make uninstall fails"; }
    left=$(cd "$root$prefix" && find . ! -type d; cd "$root$prefix" && find . -name cnn -o -name libcnn)
    [ -z "$left" ] || fail "make uninstall leaves" "$left"
}

round "$work/prefix" "" "$@"
mv "$work/files" "$work/first"
# A prefix that exists and holds a stranger's file, which stays.
mkdir -p "$work/stage/opt/cnn/include/cnn"
echo stranger >"$work/stage/opt/cnn/include/cnn/stranger.h"
"$@" install PREFIX=/opt/cnn DESTDIR="$work/stage" >/dev/null && "$@" uninstall PREFIX=/opt/cnn DESTDIR="$work/stage" >/dev/null
[ -s "$work/stage/opt/cnn/include/cnn/stranger.h" ] || fail "make uninstall takes files that it did not install"
rm -r "$work/stage"
mkdir "$work/stage"
round /opt/cnn "$work/stage" "$@"
cmp "$work/first" "$work/files" || fail "PREFIX and DESTDIR install different files"
echo "check-install: $(wc -l <"$work/files") files, C99, C11 and C++17 programs, shared and static"
