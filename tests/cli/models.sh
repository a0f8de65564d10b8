#!/bin/sh
# cnn run and bench on a small model: outputs, what is refused, and what JSON they print. The model is a seed of the fuzzing harness.
. "$(dirname "$0")/../example/common.sh"
# The tree's folder may have a name that JSON or a pattern writes in another way.
model=$work/linear
cp "$(dirname "$0")/../fuzz/corpus/onnx/linear" "$model"

# npy FILE DTYPE SHAPE BYTES: an array as NumPy writes it; BYTES by printf
npy()
{
    header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
    printf '\223NUMPY\001\000\166\000%-117s\n' "$header" >"$1"
    # shellcheck disable=SC2059
    printf "$4" >>"$1"
}

# y = x · 1 + 1 for a matrix of ones of 3 × 2: a row of (1, 2, 3) gives (7, 7).
npy "$work/x.npy" '<f4' '2, 3' '\000\000\200\077\000\000\000\100\000\000\100\100\000\000\000\000\000\000\000\000\000\000\000\000'
npy "$work/expected.npy" '<f4' '2, 2' '\000\000\340\100\000\000\340\100\000\000\200\077\000\000\200\077'
npy "$work/wide.npy" '<f8' '1, 3' '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
ok run "$model" --input "x=$work/x.npy" --output-dir "$work/results"
same "what run says" "$out" "$work/results/y.npy: float32 [2,2]"
cmp -s "$work/results/y.npy" "$work/expected.npy" || fail "the output of run is not what it should be"
checks=$((checks + 1))
ok run --json --threads 1 "$model" -i "$work/x.npy" -o "$work/results"
same "the JSON of run" "$out" "{\"model\": \"$model\", \"frozen\": true, \"outputs\": [{\"name\": \"y\", \"file\": \"$work/results/y.npy\", \"dtype\": \"float32\", \"shape\": [2,2]}]}"
# One whose forward reads elements cannot be frozen: the places of the two numbers of a row that are not 0.
cp "$(dirname "$0")/../fuzz/corpus/onnx/nonzero" "$work/nonzero"
npy "$work/three.npy" '<f4' '1, 3' '\000\000\200\077\000\000\000\000\000\000\100\100'
npy "$work/places.npy" '<i8' '2, 2' '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\002\000\000\000\000\000\000\000'
ok run --json "$work/nonzero" -i "$work/three.npy" -o "$work/results"
contains "the JSON of run in steps" "$out" '"frozen": false, "outputs": \[\{"name": "y", '
cmp -s "$work/results/y.npy" "$work/places.npy" || fail "the places of what is not 0 are not what they should be"
checks=$((checks + 1))
fails 1 "cnn run: input x is missing, expected --input x=FILE.npy of float32 \[n,3\]$" run "$model"
fails 1 "cnn run: \"z=$work/x.npy\" names no input of .*linear, expected NAME=… with one of x$" run "$model" -i "z=$work/x.npy"
echo text >"$work/text.npy"
fails 1 "cnn run: .*/text.npy is neither an array of NumPy's nor a picture, expected a .npy, PNG or JPEG file for input x$" run "$model" -i "$work/text.npy"
fails 1 "cnn run: npy_load: .*/none.npy: open: No such file or directory$" run "$model" -i "$work/none.npy"
fails 1 "cnn run: npy_load: $work: .*" run "$model" -i "$work"
fails 1 "cnn run: input x is given twice$" run "$model" -i "$work/x.npy" -i "$work/x.npy" -o "$work/results"
fails 1 "cnn run: .*wide.npy is float64, but input x is float32$" run "$model" -i "$work/wide.npy" -o "$work/results"
fails 1 "cnn run: onnx_load: .*/none: " run "$work/none"
fails 2 'cnn run: --threads is "-1", expected 0 to 8192$' run "$model" --threads -1

cp "$model" "$work/m.onnx"
ok info "$work/m.onnx"
same "info of a model" "$out" "$work/m.onnx: onnx, 8 parameters
  0.000 MFLOP per run, with a batch of 1 where the file leaves it open
  version 8 of the format, opset 17
  input x  float32  [n,3]
  output y  float32  [n,2]
  operator Gemm  1
  fc.weight  float32  [2,3]  6
  fc.bias  float32  [2]  2"
ok info --json "$work/m.onnx"
contains "the JSON of info" "$out" '"parameters": 8, "flops": 12, '
contains "the JSON of info" "$out" '"inputs": \[\{"name": "x", "dtype": "float32", "shape": \["n", 3\]\}\]'
contains "the operators in JSON" "$out" '"operators": \[\{"operator": "Gemm", "domain": "", "count": 1, "function": false, "supported": true\}\], "tensors": \[\{"name": "fc.weight", "dtype": "float32", "kind": "parameter", "shape": \[2, 3\]\}'
ok info --nodes "$work/m.onnx"
contains "a node" "$out" '^  node 0  Gemm  \(x float32 \[n,3\], fc.weight float32 \[2,3\], fc.bias float32 \[2\]\) -> \(y float32 \[n,2\]\)$'
ok info --nodes --json "$work/m.onnx"
contains "a node in JSON" "$out" '"nodes": \[\{"name": "", "operator": "Gemm", "domain": "", "inside": null, "inputs": \[\{"name": "x", "dtype": "float32", "shape": \["n", 3\]\}, '
fails 2 'cnn info: --nodes is for models, whose names end with .onnx, given .*x.npy$' info --nodes "$work/x.npy"
# Graphs in nodes, and functions.
cp "$(dirname "$0")/../fuzz/corpus/onnx/if" "$work/if.onnx"
ok info --nodes "$work/if.onnx"
contains "a node in a node" "$out" '^  node 2  If.then_branch: Relu  \(x float32 \[2\]\) -> \(t float32\)$'
cp "$(dirname "$0")/../fuzz/corpus/onnx/function" "$work/function.onnx"
ok info --nodes "$work/function.onnx"
contains "a function" "$out" '^  function f\.Twice  2$'
contains "a node of a function" "$out" '^  node 3  Twice: Mul  \(a, k\) -> \(b\)$'
# What libcnn-onnx cannot run is described, and its weights are read.
LC_ALL=C sed 's/Gemm/Gemq/g' "$work/m.onnx" >"$work/other.onnx"
ok info "$work/other.onnx"
contains "a model that cannot be run" "$out" '^  cannot be run: onnx_load: .*/other.onnx: 1 node that is not supported: Gemq'
contains "an operator that is not supported" "$out" '^  operator Gemq  1  not supported$'
contains "weights of a model that cannot be run" "$out" '^  fc.bias  float32  \[2\]  2$'
ok info --json "$work/other.onnx"
contains "the JSON of a model that cannot be run" "$out" '"parameters": null, "flops": null, "cannot_be_run": "onnx_load: .*"supported": false\}'
ok convert "$work/other.onnx" "$work/other.npz"
ok diff "$work/other.npz" "$work/m.onnx"
# Constants are tensors like the parameters, those of quantised models too: 8-bit integers are held in 32 bits.
LC_ALL=C python3 - "$(dirname "$0")/../fuzz/corpus/onnx/qlinear_conv" "$work/q.onnx" <<'P'
import sys
data = open(sys.argv[1], "rb").read()
weights = data.index(b"\x10\x02\x42\x01w")  # data_type (2) of the weights, 2: uint8, and their name (8); 3 is int8
open(sys.argv[2], "wb").write(data[:weights + 1] + b"\x03" + data[weights + 2:])
P
ok convert "$work/q.onnx" "$work/q.npz"
ok info "$work/q.npz"
contains "int8 weights" "$out" '^  w  <i4  \[1,1,2,2\]  4$'
contains "a scale" "$out" '^  s  <f4  \[\]  1$'
ok convert --into "$work/q.onnx" "$work/q.npz" "$work/q2.onnx"
cmp -s "$work/q.onnx" "$work/q2.onnx" || fail "a quantised model with its own weights is another one"
npy "$work/w300.npy" '<i4' '1, 1, 2, 2' '\000\001\000\000\001\000\000\000\002\000\000\000\003\000\000\000'
(cd "$work" && mv w300.npy w.npy && python3 -c 'import zipfile
with zipfile.ZipFile("w300.npz", "w") as z:
    z.write("w.npy")')
fails 1 'cnn convert: tensor "w" cannot be written into a copy of .*/q.onnx: its dtype there does not hold the elements$' convert --into "$work/q.onnx" "$work/w300.npz" "$work/o.onnx"

ok bench "$model" --batch 5 --steps 3 --threads 1
contains "bench" "$out" '^.*linear: x \[5,3\]; 8 parameters, 1 thread, '
contains "bench" "$out" '^median [0-9.]+ ms, 99 of 100 within [0-9.]+ ms, least [0-9.]+ ms \(3 steps\)$'
contains "the operations of bench" "$out" '^operation launches   median ms   share   GFLOP/s$'
contains "the operations of bench" "$out" '^linear +1 +[0-9.]+ +100.0 % +[0-9.]+$'
ok bench --json "$model" --size 4,3 --steps 2
contains "the JSON of bench" "$out" '"inputs": \{"x": \[4,3\]\}, "threads": '
contains "the JSON of bench" "$out" '"frozen": true, "steps": 2, "ms_median": [0-9.]+, '
contains "the JSON of bench" "$out" '"operations": \[\{"name": "linear", "launches": 1, "ms_median": [0-9.]+, "flops": 48\}\]\}$'
fails 1 'cnn bench: the sizes of input x are "4,x", expected numbers such as 1,3,224,224$' bench "$model" --size 4,x
fails 1 'cnn bench: onnx_load: .*x.npy: it is an array of NumPy.s, expected an ONNX model$' bench "$work/x.npy"
npy "$work/four.npy" '<f4' '1, 4' '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
fails 1 'cnn run: .*input "x" is \[1,4\], expected \[n,3\]$' run "$model" -i "$work/four.npy" -o "$work/results"
fails 2 'cnn bench: --batch is "0", expected 1 to 1048576$' bench "$model" --batch 0
# JSON is UTF-8, whatever bytes a file has in its names.
LC_ALL=C sed 's/fc\.bias/f\xc3\xa4\xffia\xed/g' "$work/m.onnx" >"$work/bytes.onnx"
ok info --json "$work/bytes.onnx"
same "a name of other bytes in JSON" "$(echo "$out" | python3 -c 'import json, sys
print(ascii([t["name"] for t in json.loads(sys.stdin.buffer.read())["tensors"] if t["name"] != "fc.weight"][0]))')" "'f\\xe4\\ufffdia\\ufffd'"
# Weights out of a model, and into a copy of one.
ok convert "$work/m.onnx" "$work/w.safetensors"
ok info "$work/w.safetensors"
contains "the weights of a model" "$out" '^  fc\.weight  F32  \[2,3\]  6$'
ok diff "$work/m.onnx" "$work/w.safetensors"
same "what differs between a model and its weights" "$out" ""
ok convert --tensor fc.bias "$work/w.safetensors" "$work/bias.npy"
npy "$work/new.npy" '<f4' '2' '\000\000\200\100\000\000\200\277'
python3 - "$work/new.npz" "$work/new.npy" <<'P'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.write(sys.argv[2], "fc.bias.npy")
P
ok convert --into "$work/m.onnx" "$work/new.npz" "$work/n.onnx"
ok convert --tensor fc.bias "$work/n.onnx" "$work/bias.npy"
run diff "$work/bias.npy" "$work/new.npy"
same "what differs between a weight and that in the copy of a model" "$out$err" ""
same "the size of the copy" "$(wc -c <"$work/n.onnx")" "$(wc -c <"$work/m.onnx")"
same "how many bytes of it are others" "$(cmp -l "$work/m.onnx" "$work/n.onnx" | wc -l)" 2
ok convert --json --into "$work/m.onnx" "$work/w.safetensors" "$work/n.onnx"
contains "the JSON of convert" "$out" '"format": "onnx", "tensors": 2, "bytes": 32\}$'
cmp -s "$work/m.onnx" "$work/n.onnx" || fail "a model with its own weights is another one"
fails 1 'cnn convert: .*/m.onnx has no initializer "arr_0"; choose what it has with --tensor or --prefix$' convert --into "$work/m.onnx" "$work/new.npy" "$work/o.onnx"
npy "$work/fc.bias.npy" '<f4' '1, 2' '\000\000\200\100\000\000\200\277'
(cd "$work" && python3 -c 'import sys, zipfile
with zipfile.ZipFile("shape.npz", "w") as z:
    z.write("fc.bias.npy")')
fails 1 'cnn convert: tensor "fc.bias" cannot be written into a copy of .*/m.onnx: it has another shape there$' convert --into "$work/m.onnx" "$work/shape.npz" "$work/o.onnx"
LC_ALL=C sed 's/fc\.bias/fc.b\x00as/g' "$work/m.onnx" >"$work/nul.onnx" # a name with a NUL is none of a tensor
npy "$work/fc.b.npy" '<f4' '2' '\000\000\200\100\000\000\200\277'
(cd "$work" && python3 -c 'import sys, zipfile
with zipfile.ZipFile("nul.npz", "w") as z:
    z.write("fc.b.npy")')
fails 1 'cnn convert: .*/nul.onnx has no initializer "fc.b"; choose what it has with --tensor or --prefix$' convert --into "$work/nul.onnx" "$work/nul.npz" "$work/o.onnx"
head -c 60 "$work/m.onnx" >"$work/short.onnx"
fails 1 'cnn convert: .*/short.onnx is no ONNX model, or a malformed one$' convert --into "$work/short.onnx" "$work/w.safetensors" "$work/o.onnx"
fails 1 'cnn: onnx_load: .*/short.onnx: ' convert "$work/short.onnx" "$work/o.npz"
[ ! -e "$work/o.onnx" ] && [ ! -e "$work/o.npz" ] || fail "a failed convert leaves a file"
echo "$name: $checks checks"
