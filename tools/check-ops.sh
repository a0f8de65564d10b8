#!/bin/sh
# Fails when an operation of include/cnn/ops/*.h lacks its line in src/ops/ops.def, its function or descriptor in the file that
# the line names, its backward (unless the line's operands are all lower-case: not differentiable, or it is a composition), or a
# mention in tests/. A row of src/ops/activations.def makes function, descriptor and backward. It also fails
# when the list holds what the headers do not declare. Usage: tools/check-ops.sh [root of the source tree]
set -eu
cd "${1:-$(dirname "$0")/..}"
list=src/ops/ops.def rows=src/ops/activations.def
failures=0

fail() {
    echo "check-ops: $1" >&2
    failures=$((failures + 1))
}

# An operation returns its result, or how many parts it wrote.
declared=$(sed -n 's/^CNN_API \(cnn_tensor \*\|int \)cnn_\([a-z0-9_]*\)(.*/\2/p' include/cnn/ops/*.h)
listed=$(sed -n 's/^CNN_OP(\([a-z0-9_]*\),.*/\1/p' $list $rows)

# The fields of an operation's line.
file_of() { sed -n "s/^CNN_OP($1, \([a-z0-9_]*\),.*/\1/p" $list $rows; }
operands_of() { sed -n "s/^CNN_OP($1, [a-z0-9_]*, \"\([A-Za-z]*\)\",.*/\1/p" $list $rows; }

# The function and the descriptor of cnn_$name in $file.
check_file() {
    grep -q "^\(cnn_tensor \*\|int \)cnn_$name(" "$file" 2>/dev/null || fail "cnn_$name is not defined in $file"
    # An operation with two entries, cnn_f() and cnn_f_with(), has one descriptor.
    # A family's descriptors are made by a macro: CNN__UNARY_OP(exp, exp_backward, …).
    descriptor=$(awk -v names="(${name}|${name%_with})" '
        $0 ~ "[.]name = \"" names "\"" || $0 ~ "(^|[^a-z_A-Z0-9])[A-Z0-9_]+[(]" names "," { inside = 1 }
        inside { print }
        inside && /}|;/ { exit }' "$file")
    case $operands in
    *[A-Z]*)
        printf '%s\n' "$descriptor" | grep -q '_backward\|CNN__COMPOSITION' || fail "cnn_$name has no backward in $file, operands \"$operands\" say it is differentiable"
        ;;
    *)
        [ -n "$descriptor" ] || fail "cnn_$name has no descriptor in $file"
        ! printf '%s\n' "$descriptor" | grep -q '_backward' || fail "cnn_$name has a backward in $file, operands \"$operands\" say it is not differentiable"
        ;;
    esac
}

check() {
    name=$1
    count=$(printf '%s\n' "$listed" | grep -cx "$name" || true)
    if [ "$count" != 1 ]; then
        fail "cnn_$name has $count lines in $list, expected 1"
        return
    fi
    file=src/ops/$(file_of "$name").c
    operands=$(operands_of "$name")
    if [ -z "$operands" ]; then
        fail "the line of $name in $list does not name its operands"
        return
    fi
    if grep -q "^CNN_ACTIVATION[_1]*($name," $rows; then
        [ "$file $operands" = "src/ops/activation.c R" ] || fail "$name is a row of $rows, its line says $file and \"$operands\""
    else
        check_file
    fi
    grep -rqw "cnn_$name" tests --include='*.c' --include='*.h' || grep -q "^CNN_OP_CASE(.*cnn_$name(" src/ops/*.def ||
        fail "no test in tests/ and no case in $list calls cnn_$name"
}

[ -n "$declared" ] || fail "include/cnn/ops/*.h declare no operation"
for name in $declared; do
    check "$name"
done
for name in $listed; do
    printf '%s\n' "$declared" | grep -qx "$name" || fail "$list lists $name, which include/cnn/ops/*.h do not declare"
done
[ "$failures" = 0 ] || exit 1
echo "check-ops: $(printf '%s\n' "$declared" | wc -l) operations, each with its line, function, gradient and test"
