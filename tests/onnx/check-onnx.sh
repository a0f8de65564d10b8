#!/bin/sh
# Models of others through libcnn-onnx: usage: check-onnx.sh NODE_TESTS TESTDATA FOLDER all|quick
# "quick" leaves out the larger nets, PyTorch's current exporter and all opsets but 17 of PyTorch's older one.
set -eu
program=$1 data=$2 work=$3 extent=$4
here=$(dirname "$0")
failed=0

run() {
    "$program" "$@" || failed=1
}

has() { # INTERPRETER MODULE...
    python=$1
    shift
    for module; do
        "$python" -c "import $module" >/dev/null 2>&1 || return 1
    done
}

# ---- operators ----
if [ -d "$data/node" ]; then
    run --skip "$here/does-not-apply.txt" "$data/node" "$data/simple" "$data/pytorch-converted" "$data/pytorch-operator"
else
    echo "skipped: the ONNX project's tests to opset 17: no $data (Debian: libonnx-testdata)"
fi
if has "$TRACE_PYTHON" onnx.backend.test.case.node; then
    [ -e "$work/generated/test_abs/model.onnx" ] || "$TRACE_PYTHON" "$here/generate_node_tests.py" "$work/generated" >"$work/generated.log" 2>&1
    run --skip "$here/does-not-apply.txt" "$work/generated"
else
    echo "skipped: the ONNX project's tests from opset 18 on: $TRACE_PYTHON has no onnx"
fi

# ---- light models, which PyPI's onnx brings with their outputs ----
if ! has "$TRACE_PYTHON" onnx.backend.test.runner; then
    echo "skipped: the ONNX project's light models: $TRACE_PYTHON has no onnx"
elif [ -e "$work/light/light_zfnet512/test_data_set_0/output_0.pb" ] || "$TRACE_PYTHON" "$here/light_models.py" "$work/light"; then
    run "$work/light"
else
    failed=1
fi

# ---- recurrent networks, beside onnxruntime ----
if has "$TRACE_PYTHON" onnxruntime onnx; then
    "$TRACE_PYTHON" "$here/recurrent_models.py" "$work/recurrent" || failed=1
    run --tolerance 1e-5 "$work/recurrent/exact"
    run --tolerance 1e-2 "$work/recurrent/quantised" # onnxruntime quantises inputs and states to 8 bits, too
else
    echo "skipped: recurrent networks: $TRACE_PYTHON has no onnxruntime"
fi

# ---- training on ----
if has "$EXPORT_PYTHON" torch torchvision; then
    "$EXPORT_PYTHON" "$here/train_nets.py" "$(dirname "$program")/train_net" "$work/training" || failed=1
else
    echo "skipped: nets that are trained on: $EXPORT_PYTHON has no torchvision"
fi

# ---- nets ----
if ! has "$TRACE_PYTHON" onnxruntime onnx; then
    echo "skipped: nets that PyTorch exports: $TRACE_PYTHON has no onnxruntime and onnx"
    exit $failed
fi
# The nets of the zoo by both exporters. What is exported is run and removed: the larger nets take 500 MB per model.
nets=$work/nets
early='' late=''
if has "$EXPORT_PYTHON" torch torchvision; then
    early='11 13 17'
    [ "$extent" = all ] || early=17
else
    echo "skipped: nets of opset 11 to 17: $EXPORT_PYTHON has no torch and torchvision"
fi
if [ "$extent" = quick ]; then
    :
elif has "$TRACE_PYTHON" torch onnxscript; then
    late='18 20'
    has "$TRACE_PYTHON" torchvision || echo "skipped: torchvision's nets of opset 18 on: $TRACE_PYTHON has no torchvision"
else
    echo "skipped: nets of opset 18 on: $TRACE_PYTHON has no torch and onnxscript"
fi
# exported PYTHON NETS OPSET...: writes them; nets that cannot be exported have been named
exported() {
    python=$1
    shift
    "$python" "$here/export_nets.py" "$nets" "$@" 2>"$work/export.log" || {
        grep -v '^  \|Warning' "$work/export.log" | tail -n 5
        failed=1
    }
}
if [ -z "$early$late" ]; then
    exit $failed
fi
lister=$TRACE_PYTHON
[ -z "$early" ] || lister=$EXPORT_PYTHON
groups=quick
[ "$extent" = quick ] || groups="small $("$lister" "$here/export_nets.py" --large)"
for chosen in $groups; do
    rm -rf "$nets"
    mkdir -p "$nets"
    # shellcheck disable=SC2086
    [ -z "$early" ] || exported "$EXPORT_PYTHON" "$chosen" $early
    # shellcheck disable=SC2086
    [ -z "$late" ] || exported "$TRACE_PYTHON" "$chosen" $late
    [ -n "$(ls "$nets")" ] || continue
    "$TRACE_PYTHON" "$here/run_nets.py" "$nets" || failed=1
    run --tolerance 1e-4 "$nets"
done
rm -rf "$nets"
exit $failed
