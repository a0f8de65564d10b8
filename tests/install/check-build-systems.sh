#!/bin/sh
# Other people's projects find an installed libcnn: CMake by find_package(cnn), Meson by dependency('cnn'), shared and static, in C
# and C++, also after the installed tree was moved: usage: check-build-systems.sh MAKE... (the make command with its variables).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix="$work/a prefix"
checked=0

fail() {
    echo "check-build-systems: $*" >&2
    [ ! -s "$work/log" ] || sed 's/^/    /' "$work/log" >&2
    exit 1
}

# quietly WHAT COMMAND...: its output is shown if it fails
quietly() {
    what=$1
    shift
    "$@" >"$work/log" 2>&1 || fail "$what fails"
}

# run PROGRAM LINKED: it works, and is linked in that way
run() {
    quietly "$1" env LD_LIBRARY_PATH="$prefix/lib" "$1" "$work/saved.safetensors"
    linked=static
    ! readelf -d "$1" | grep -q 'NEEDED.*libcnn' || linked=shared
    [ "$linked" = "$2" ] || fail "$1 is linked in the $linked way"
    checked=$((checked + 1))
}

# ---- CMake ----

cmake_project() {
    mkdir -p "$work/cmake"
    cp "$here/client.c" "$here/client.cpp" "$work/cmake"
    cat >"$work/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(client C CXX)
find_package(cnn ${1-} REQUIRED)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 17)
foreach(kind cnn cnn_static)
  add_executable(\${kind}_c client.c)
  target_link_libraries(\${kind}_c PRIVATE cnn::\${kind})
  add_executable(\${kind}_cxx client.cpp)
  target_link_libraries(\${kind}_cxx PRIVATE cnn::\${kind})
endforeach()
END
}

configure() {
    rm -rf "$work/cmake/build"
    CC="${CC:-cc}" CXX="${CXX:-c++}" cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix"
}

# libcnn-image, where it was built.
image_with_cmake() {
    [ -e "$prefix/lib/cmake/cnn-image" ] || { echo "skipped: CMake's find_package(cnn-image) (not built here)"; return; }
    mkdir -p "$work/image"
    cp "$here/image.c" "$work/image"
    cat >"$work/image/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(image C)
find_package(cnn-image REQUIRED)
foreach(kind image image_static)
  add_executable(program_\${kind} image.c)
  target_link_libraries(program_\${kind} PRIVATE cnn::\${kind})
endforeach()
END
    rm -rf "$work/image/build"
    quietly "CMake with cnn-image" env CC="${CC:-cc}" cmake -S "$work/image" -B "$work/image/build" -DCMAKE_PREFIX_PATH="$prefix"
    quietly "the build with cnn-image" cmake --build "$work/image/build"
    for kind in image image_static; do
        rm -rf "$work/pictures" && mkdir "$work/pictures"
        quietly "program_$kind" env LD_LIBRARY_PATH="$prefix/lib" "$work/image/build/program_$kind" "$work/pictures"
        checked=$((checked + 1))
    done
}

# libcnn-mpi likewise.
mpi_with_cmake() {
    [ -e "$prefix/lib/cmake/cnn-mpi" ] || { echo "skipped: CMake with libcnn-mpi (not built here)"; return; }
    mkdir -p "$work/mpi"
    cp "$here/mpi.c" "$work/mpi"
    cat >"$work/mpi/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(mpi C)
find_package(cnn-mpi REQUIRED)
add_executable(program mpi.c)
target_link_libraries(program PRIVATE cnn::mpi)
END
    rm -rf "$work/mpi/build"
    quietly "CMake with cnn-mpi" env CC="${CC:-cc}" cmake -S "$work/mpi" -B "$work/mpi/build" -DCMAKE_PREFIX_PATH="$prefix"
    quietly "the build with cnn-mpi" cmake --build "$work/mpi/build"
    quietly "the program with cnn-mpi" env LD_LIBRARY_PATH="$prefix/lib" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "$work/mpi/build/program"
    checked=$((checked + 1))
}

# libcnn-onnx.
onnx_with_cmake() {
    mkdir -p "$work/onnx"
    cp "$here/onnx.c" "$work/onnx"
    cat >"$work/onnx/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(onnx C)
find_package(cnn-onnx REQUIRED)
foreach(kind onnx onnx_static)
  add_executable(program_\${kind} onnx.c)
  target_link_libraries(program_\${kind} PRIVATE cnn::\${kind})
endforeach()
END
    rm -rf "$work/onnx/build"
    quietly "CMake with cnn-onnx" env CC="${CC:-cc}" cmake -S "$work/onnx" -B "$work/onnx/build" -DCMAKE_PREFIX_PATH="$prefix"
    quietly "the build with cnn-onnx" cmake --build "$work/onnx/build"
    for kind in onnx onnx_static; do
        quietly "program_$kind" env LD_LIBRARY_PATH="$prefix/lib" "$work/onnx/build/program_$kind"
        checked=$((checked + 1))
    done
}

with_cmake() {
    if ! command -v cmake >/dev/null 2>&1 || ! command -v "${CXX:-c++}" >/dev/null 2>&1; then
        echo "skipped: CMake's find_package (no cmake or no C++ here)"
        return
    fi
    cmake_project "${version%.*}"
    quietly "CMake's find_package" configure
    quietly "the project of CMake" cmake --build "$work/cmake/build"
    for language in c cxx; do
        run "$work/cmake/build/cnn_$language" shared
        run "$work/cmake/build/cnn_static_$language" static
    done
    cmake_project
    quietly "CMake's find_package without a version" configure
    for other in 0.1 "${version%.*}.9" 99; do
        cmake_project "$other"
        ! configure >"$work/log" 2>&1 || fail "CMake's find_package takes $version for $other"
    done
    image_with_cmake
    onnx_with_cmake
    mpi_with_cmake
}

# ---- Meson ----

with_meson() {
    if ! command -v meson >/dev/null 2>&1 || ! command -v ninja >/dev/null 2>&1 || ! command -v pkg-config >/dev/null 2>&1; then
        echo "skipped: Meson's dependency() (no meson, ninja or pkg-config here)"
        return
    fi
    rm -rf "$work/meson"
    mkdir "$work/meson"
    cp "$here/client.c" "$work/meson"
    cat >"$work/meson/meson.build" <<END
project('client', 'c', default_options: ['c_std=c11', 'warning_level=3', 'werror=true'])
executable('client', 'client.c', dependencies: dependency('cnn', version: '>=${version%.*}'))
executable('client_static', 'client.c', dependencies: dependency('cnn', static: true))
assert(not dependency('cnn', version: '>99', required: false).found())
END
    quietly "Meson's dependency()" env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" CC="${CC:-cc}" meson setup "$work/meson/build" "$work/meson"
    quietly "the project of Meson" ninja -C "$work/meson/build"
    run "$work/meson/build/client" shared
    run "$work/meson/build/client_static" static
}

# Whatever the shell has set for builds of its own must not find another libcnn.
unset CMAKE_PREFIX_PATH PKG_CONFIG_PATH cnn_DIR 2>/dev/null || true
quietly "make install" "$@" install PREFIX="$prefix"
version=$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")$/\1/p' "$prefix/lib/cmake/cnn/cnnConfigVersion.cmake" | head -n 1)
[ -n "$version" ] || fail "cnnConfigVersion.cmake says no version"
with_cmake
with_meson
# CMake's files name no prefix; pkg-config's does, which is what it is for.
mv "$prefix" "$work/moved"
prefix="$work/moved"
! grep -rF "$work" "$prefix/lib/cmake" || fail "the prefix is in CMake's files"
with_cmake
cmake_project
rm "$prefix/lib/libcnn.a"
if command -v cmake >/dev/null 2>&1 && configure >"$work/log" 2>&1; then
    fail "CMake's find_package takes a tree without libcnn.a"
fi
echo "check-build-systems: $checked programs found libcnn $version"
