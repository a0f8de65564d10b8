#!/bin/sh
# Checks the package for Python: usage: BUILD=build SHARED=lib/libcnn.so.0.2.0 WHEEL_SHARED="libcnn.so… …" python/check.sh PYTHON
# What follows from the headers is made; the tests pass; the wheel, with the libraries that WHEEL_SHARED names,
# and the package without a library, from its folder and from its source archive, are installed into fresh environments
# and work there, out of reach of this tree.
set -u
cd "$(dirname "$0")/.." || exit 1
python=$1
here=$(pwd)
absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$here/$1" ;;
    esac
}
SHARED=$(absolute "$SHARED") BUILD=$(absolute "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
unset CNN_LIBRARY CNN_ONNX_LIBRARY CNN_IMAGE_LIBRARY
failures=0

fail() {
    echo "check-python: $1"
    failures=$((failures + 1))
}

"$python" tools/make-python.py || fail "tools/make-python.py fails"

CNN_LIBRARY=$SHARED CNN_EXAMPLE=$BUILD/examples/mnist_cnn PYTHONPATH=$here/python \
    "$python" -m unittest discover -s python/tests -t python >"$work/log" 2>&1 || fail "tests failed"
if [ $failures != 0 ]; then
    cat "$work/log"
fi
sed -n '/^skipped: /p' "$work/log"
for module in numpy torch; do
    "$python" -c "import $module" 2>/dev/null || echo "skipped: check-python's round trips with $module (no python3-$module here)"
done
tail -n 3 "$work/log"

if "$python" -m mypy --version >/dev/null 2>&1; then
    "$python" -m mypy --config-file python/mypy.ini python/cnn || fail "mypy"
else
    echo "skipped: check-python's type hints (no mypy here)"
fi

# What a program does in such an environment: a step of training; and with "onnx" and "image" in its arguments a
# model and a picture, by libraries that lie beside libcnn, in the package where it is a wheel.
program='
import os, sys
import cnn
w = cnn.ones(2, requires_grad=True)
(w * 3).sum().backward()
assert w.grad.tolist() == [3.0, 3.0]
net = cnn.nn.Linear(2, 1)
assert net(w).shape == (1,)
libraries = [cnn._lib]
if "onnx" in sys.argv:
    import cnn.onnx
    cnn.onnx.save(net, "net.onnx", cnn.zeros(1, 2))
    assert (cnn.onnx.load("net.onnx")(cnn.ones(3, 2)) - net(cnn.ones(3, 2))).abs().max().item() < 1e-6
    libraries.append(cnn.onnx._onnx)
if "image" in sys.argv:
    import cnn.image
    cnn.image.write_png(cnn.ones(3, 4, 5, dtype="uint8"), "ones.png")
    assert cnn.image.read("ones.png", "gray").shape == (1, 4, 5)
    libraries.append(cnn.image._image)
folders = {os.path.dirname(os.path.realpath(library._dll._name)) for library in libraries}
assert len(folders) == 1, folders
if "wheel" in sys.argv:
    assert folders.pop().startswith(os.path.realpath(os.path.dirname(cnn.__file__))), folders
assert os.path.exists(os.path.join(os.path.dirname(cnn.__file__), "py.typed"))
print("  " + ", ".join(library._dll._name for library in libraries))'
siblings=
case " $WHEEL_SHARED " in *libcnn-onnx*) siblings=onnx ;; *) echo "skipped: check-python's wheel with libcnn-onnx (not built here)" ;; esac
case " $WHEEL_SHARED " in *libcnn-image*) siblings="$siblings image" ;; *) echo "skipped: check-python's wheel with libcnn-image (not built here)" ;; esac

# try_in NAME INSTALL…: a fresh environment, and the program in it
try_in() {
    name=$1
    shift
    "$python" -m venv "$work/$name" >"$work/$name.log" 2>&1 &&
        "$work/$name/bin/pip" install -q --no-index --disable-pip-version-check "$@" >>"$work/$name.log" 2>&1 || {
        cat "$work/$name.log"
        fail "$name: pip install failed"
        return
    }
    # shellcheck disable=SC2086
    (mkdir -p "$work/$name-run" && cd "$work/$name-run" && unset PYTHONPATH &&
        "$work/$name/bin/python" -c "$program" "$name" $siblings) || fail "$name: does not work"
}

if "$python" -c 'import ensurepip' >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    wheel=$("$python" python/backend/cnn_build.py "$work" $WHEEL_SHARED) || fail "no wheel"
    try_in wheel "$wheel"
    CNN_LIBRARY=$SHARED try_in package ./python
    archive=$(cd python/backend && "$python" -c "import cnn_build, sys; print(cnn_build.build_sdist(sys.argv[1]))" "$work") || fail "no source archive"
    CNN_LIBRARY=$SHARED try_in archive "$work/$archive"
else
    echo "skipped: check-python's installation (no python3-venv here)"
fi

[ $failures = 0 ] && echo "check-python: the package works, as a wheel and with an installed library"
