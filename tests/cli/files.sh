#!/bin/sh
# cnn info, convert and diff on files that NumPy and PyTorch wrote (tests/fixtures/numpy) and on a checkpoint.
. "$(dirname "$0")/../example/common.sh"
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)
numpy=$fixtures/numpy

# equal A B: the same by diff, both ways
equal()
{
    ok diff "$1" "$2"
    same "the output of diff $1 $2" "$out" ""
    ok diff "$2" "$1"
}

# ---- info ----
ok info "$numpy/stored.npz"
contains "the first line of info" "$(head -n 1 "$work/out")" ': npz, 29 tensors, 574 elements, 1958 bytes$'
contains "info" "$out" '^  f2big  >f2  \[2,3,4\]  24$'
contains "info" "$out" '^  scalar  <f8  \[\]  1$'
contains "info" "$out" '^  empty  <f4  \[3,0,2\]  0$'
ok info "$numpy/version2.npy"
contains "info of a .npy file" "$out" ': npy, 1 tensors, 24 elements, 96 bytes$'
contains "info of a .npy file" "$out" '^  arr_0  <f4  \[2,3,4\]  24$'
ok info "$numpy/torch.pt"
contains "info of PyTorch's file" "$out" ': pytorch, 20 tensors, '
contains "info of PyTorch's file" "$out" '^  state_dict\.transposed  float32  \[4,3,2\]  24$'
lacks "info of PyTorch's file" "$out" 'epoch'
python3 - "$program" "$numpy" <<'P' || fail "the JSON of info is not what it should be"
import json, subprocess, sys
program, numpy = sys.argv[1:]
def info(name):
    done = subprocess.run([program, "info", "--json", f"{numpy}/{name}"], capture_output=True, check=True)
    assert done.stderr == b"" and done.stdout.count(b"\n") == 1
    return json.loads(done.stdout)
npz = info("deflated.npz")
assert list(npz) == ["file", "format", "elements", "bytes", "tensors", "metadata"], list(npz)
assert npz["format"] == "npz" and npz["metadata"] == {} and len(npz["tensors"]) == 29
one = {t["name"]: t for t in npz["tensors"]}["é/x"]
assert one == {"name": "é/x", "dtype": "<f4", "shape": [3], "elements": 3, "bytes": 12}, one
assert sum(t["bytes"] for t in npz["tensors"]) == npz["bytes"]
assert [t["name"] for t in npz["tensors"]] == sorted((t["name"] for t in npz["tensors"]), key=str.encode)
assert info("torch.pt")["format"] == "pytorch"
P
checks=$((checks + 1))

# ---- convert and diff ----
for from in stored.npz deflated.npz truth.safetensors; do
    for to in a.safetensors a.npz; do
        ok convert "$numpy/$from" "$work/$to"
        same "the output of convert" "$out$err" ""
        equal "$numpy/truth.safetensors" "$work/$to"
    done
done
ok convert --compress "$numpy/truth.safetensors" "$work/small.npz"
equal "$work/small.npz" "$numpy/truth.safetensors"
[ "$(wc -c <"$work/small.npz")" -lt "$(wc -c <"$work/a.npz")" ] || fail "--compress does not compress"
ok convert --prefix state_dict. "$numpy/torch.pt" "$work/torch.safetensors"
equal "$work/torch.safetensors" "$numpy/torch.safetensors"
ok convert --tensor vector "$numpy/stored.npz" "$work/v.npy"
ok convert --json "$work/v.npy" "$work/v.npz"
same "the JSON of convert" "$out" "{\"from\": \"$work/v.npy\", \"to\": \"$work/v.npz\", \"format\": \"npz\", \"tensors\": 1, \"bytes\": 40}"
ok convert "$work/v.npz" "$work/v.npz" # onto itself
equal "$work/v.npz" "$work/v.npy"
ok info "$(dirname "$0")/../fuzz/corpus/checkpoint/seed-adam"
contains "info of a checkpoint" "$out" ': checkpoint, 19 tensors, 80 elements, 315 bytes$'
contains "info of a checkpoint" "$out" '^  epoch = 3$'

fails 1 'cnn: cannot open .*/none.npz: No such file or directory' info "$work/none.npz"
fails 1 'cnn: .*: not a regular file' info "$work"
fails 1 'cnn: .*/options.sh is no file of tensors that is known here, expected safetensors, .npz, .npy, .pt, .pth or .onnx$' info "$(dirname "$0")/options.sh"
fails 1 'cnn convert: .*/torch.pt: "state_dict" is followed by a dot, expected --prefix state_dict\.$' convert --prefix state_dict "$numpy/torch.pt" "$work/dots.npz"
fails 1 'cnn: file_open: .*/objects.npy: byte 24: objects, which are pickled and never read' info "$numpy/objects.npy"
fails 1 'cnn: file_read: .*/strings.npy: .* is <U2, expected f2' convert "$numpy/strings.npy" "$work/s.npz"
fails 1 'cnn convert: .*: 29 tensors, expected one for a .npy file; choose it with --tensor' convert "$numpy/stored.npz" "$work/s.npy"
fails 1 'cnn convert: .*: no tensor is named "no"$' convert --tensor no "$numpy/stored.npz" "$work/s.npy"
fails 1 'cnn convert: .*: no tensor has a name that begins with "no"$' convert --prefix no "$numpy/stored.npz" "$work/s.npz"
fails 1 'cnn: npz_save: .*/no/s.npz' convert "$numpy/stored.npz" "$work/no/s.npz"
[ ! -e "$work/s.npz" ] && [ ! -e "$work/s.npy" ] || fail "a failed convert leaves a file"
fails 2 'cnn: cannot open .*/none.npz' diff "$work/v.npy" "$work/none.npz"

# What differs: elements, shapes, names.
ok convert --tensor columns "$numpy/stored.npz" "$work/c.npz"
ok convert --prefix colum "$numpy/stored.npz" "$work/n.npz"
run diff "$work/c.npz" "$work/n.npz"
same "the exit status of diff" "$status" 1
same "the output of diff" "$out" "columns: only in A
ns: only in B
ns_big: only in B"
ok convert --tensor vector "$numpy/stored.npz" "$work/vector.npy"
ok convert --tensor columns "$numpy/stored.npz" "$work/columns.npy"
run diff "$work/vector.npy" "$work/columns.npy"
same "the exit status of diff" "$status" 1
same "the output of diff" "$out" 'arr_0: <i8 [5] and <f4 [2,3,4]'
ok convert --tensor f4little "$numpy/stored.npz" "$work/one.npy"
ok convert --tensor f4big "$numpy/stored.npz" "$work/other.npy"
run diff "$work/one.npy" "$work/other.npy"
same "the exit status of diff" "$status" 1
contains "the output of diff" "$out" '^arr_0: 24 of 24 elements differ, by [0-9.]+ at most$'
largest=$(echo "$out" | sed 's/.* by \([0-9.]*\) .*/\1/')
ok diff --tolerance 1000 "$work/one.npy" "$work/other.npy"
run diff --tolerance "$(echo "$largest" | awk '{ print $1 * 0.9 }')" "$work/one.npy" "$work/other.npy"
same "the exit status of diff with a lower tolerance" "$status" 1
run diff --json "$work/one.npy" "$work/other.npy"
same "the exit status of diff --json" "$status" 1
python3 -c 'import json, sys
found = json.load(sys.stdin)
assert list(found) == ["a", "b", "tensors", "differing"] and found["differing"] == 1, found
t, = found["tensors"]
assert t["name"] == "arr_0" and t["result"] == "different" and t["elements"] == t["different"] == 24, t
assert abs(t["largest"] - float(sys.argv[1])) < 1e-6, t' "$largest" <"$work/out" || fail "the JSON of diff is not what it should be: $out"
passed
