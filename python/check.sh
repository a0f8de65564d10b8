#!/bin/sh
# Checks the package for Python: usage: BUILD=build SHARED=lib/libcnn.so.0.2.0 WHEEL_SHARED=… python/check.sh PYTHON
# What follows from the headers is what they make; the tests pass; the wheel, and the package without a library, are
# installed into fresh environments and work there, out of reach of this tree.
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
SHARED=$(absolute "$SHARED") WHEEL_SHARED=$(absolute "$WHEEL_SHARED") BUILD=$(absolute "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
failures=0

fail() {
    echo "check-python: $1"
    failures=$((failures + 1))
}

"$python" tools/make-python.py --check || fail "what tools/make-python.py writes is stale"

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

# try_in NAME INSTALL…: a fresh environment, and a step of training in it
try_in() {
    name=$1
    shift
    "$python" -m venv "$work/$name" >"$work/$name.log" 2>&1 &&
        "$work/$name/bin/pip" install -q --no-index --disable-pip-version-check "$@" >>"$work/$name.log" 2>&1 || {
        cat "$work/$name.log"
        fail "$name: pip install failed"
        return
    }
    (cd "$work" && unset PYTHONPATH && "$work/$name/bin/python" -c '
import cnn
w = cnn.ones(2, requires_grad=True)
(w * 3).sum().backward()
assert w.grad.tolist() == [3.0, 3.0]
assert cnn.nn.Linear(2, 1)(w).shape == (1,)
print("  " + cnn._lib._dll._name)') || fail "$name: does not work"
}

if "$python" -c 'import ensurepip' >/dev/null 2>&1; then
    wheel=$("$python" python/backend/cnn_build.py "$work" "$WHEEL_SHARED") || fail "no wheel"
    try_in wheel "$wheel"
    CNN_LIBRARY=$SHARED try_in package ./python
else
    echo "skipped: check-python's installation (no python3-venv here)"
fi

[ $failures = 0 ] && echo "check-python: the package works, as a wheel and with an installed library"
