#!/bin/sh
# Installs what the named groups of tools and libraries lack: usage: install-dependencies.sh GROUP...
# Quiet, and without a call to apt, where everything is there. Where there is no apt it names the packages; it fails if one
# that cannot be done without is still missing.

# group | needed or wanted | how to see it: a command, a header, a shared library, a module of Python's, or a path | package
table='
build    wanted header  zlib.h                                  zlib1g-dev
image    wanted header  png.h                                   libpng-dev
image    wanted header  jpeglib.h                               libjpeg-dev
test     needed command pkg-config                              pkg-config
test     needed header  check.h                                 check
test     wanted header  jansson.h                               libjansson-dev
test     wanted command g++                                     g++
test     wanted command cmake                                   cmake
test     wanted command meson                                   meson
test     wanted command ninja                                   ninja-build
test     wanted command mandoc                                  mandoc
test     needed command python3                                 python3
test     needed either  curl:wget                               curl
test     wanted path    /usr/share/i18n/locales/ps_AF           locales
mpi      wanted command mpirun.openmpi                          openmpi-bin
mpi      wanted command mpicc.openmpi                           libopenmpi-dev
mpi      wanted command mpirun.mpich                            mpich
mpi      wanted command mpicc.mpich                             libmpich-dev
fetch    wanted either  curl:wget                               curl
fetch    wanted path    /etc/ssl/certs/ca-certificates.crt      ca-certificates
valgrind needed command valgrind                                valgrind
abi      needed command abidiff                                 abigail-tools
clang    needed command clang                                   clang
lint     needed command clang-tidy                              clang-tidy
lint     needed command cppcheck                                cppcheck
coverage needed command gcovr                                   gcovr
format   needed command clang-format                            clang-format
workflows needed command yamllint                               yamllint
docs     needed command doxygen                                 doxygen
docs     wanted path    /usr/share/doxygen-awesome-css          doxygen-awesome-css
docs     wanted command dot                                     graphviz
python   wanted command python3                                 python3
python   wanted path    /usr/lib/python3/dist-packages/numpy    python3-numpy
python   wanted path    /usr/lib/python3/dist-packages/torch    python3-torch
python   wanted path    /usr/lib/python3/dist-packages/mypy     python3-mypy
python   wanted module  ensurepip                               python3-venv
predict  wanted path    /usr/lib/python3/dist-packages/PIL      python3-pil
predict  wanted path    /usr/share/fonts/truetype/dejavu        fonts-dejavu-core
predict  wanted path    /usr/share/fonts/truetype/liberation    fonts-liberation
predict  wanted path    /usr/share/fonts/truetype/freefont      fonts-freefont-ttf
predict  wanted path    /usr/share/fonts/truetype/lato          fonts-lato
pictures needed command chromium                                chromium
pictures needed path    /usr/lib/python3/dist-packages/PIL      python3-pil
wasm     needed command emcc                                    emscripten
wasm     needed command node                                    nodejs
web      needed command emcc                                    emscripten
web      needed command python3                                 python3
browser  needed command chromium                                chromium
browser  needed command node                                    nodejs
browser  wanted either  firefox-esr:firefox                     firefox-esr
win32    needed command x86_64-w64-mingw32-gcc                  gcc-mingw-w64-x86-64
win32    needed command wine                                    wine
onnx     wanted path    /usr/share/libonnx-testdata/data         libonnx-testdata
onnx     wanted path    /usr/lib/python3/dist-packages/numpy    python3-numpy
onnx     wanted path    /usr/lib/python3/dist-packages/torch    python3-torch
onnx     wanted path    /usr/lib/python3/dist-packages/torchvision python3-torchvision
onnx     wanted module  ensurepip                               python3-venv
peers    wanted command python3                                 python3
peers    wanted path    /usr/lib/python3/dist-packages/torch    python3-torch
peers    wanted header  dnnl.h                                  libdnnl-dev
peers    wanted library libopenblas.so.0                        libopenblas-dev
peers    wanted command g++                                     g++
peers    wanted module  ensurepip                               python3-venv
'

say() {
    echo "install-dependencies: $*" >&2
}

present() {
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    either) command -v "${2%:*}" >/dev/null 2>&1 || command -v "${2#*:}" >/dev/null 2>&1 ;;
    path) [ -e "$2" ] ;;
    library) ${LDCONFIG:-/sbin/ldconfig} -p 2>/dev/null | grep -q "^[[:space:]]*$2 " ;;
    module) python3 -c "import $2" >/dev/null 2>&1 ;;
    header) printf '#include <%s>\n' "$2" | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    esac
}

# missing LEVEL GROUP...: the packages of these groups that are not there
missing() {
    level=$1
    shift
    for group in "$@"; do
        printf '%s\n' "$table" | while read -r of need how what package; do
            if [ "$of" = "$group" ] && { [ "$level" = any ] || [ "$need" = "$level" ]; }; then
                present "$how" "$what" || printf ' %s' "$package"
            fi
        done
    done
}

install() {
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || return 1
        as_root=sudo
    fi
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing$*"
    options='-qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0'
    # shellcheck disable=SC2086,SC2048
    $as_root apt-get -qq -o DPkg::Lock::Timeout=600 update >&2 &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options install $* >&2
}

for group in "$@"; do
    if ! printf '%s\n' "$table" | grep -q "^$group "; then
        say "there is no group \"$group\"; the groups are" \
            "$(printf '%s\n' "$table" | awk 'NF { print $1 }' | uniq | paste -sd ' ' -)"
        exit 2
    fi
done

packages=$(missing any "$@")
[ -n "$packages" ] || exit 0
install "$packages" || say "these packages (Debian's names) are missing and could not be installed:$packages"
needed=$(missing needed "$@")
[ -z "$needed" ] || {
    say "cannot go on without:$needed"
    exit 1
}
