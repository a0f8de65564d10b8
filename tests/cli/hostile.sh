#!/bin/sh
# PyTorch's files and ONNX models by readers of our own: each is refused with one line, whatever is changed in it, nothing of it is
# executed, and a small file does not take much memory.
. "$(dirname "$0")/../example/common.sh"
numpy=$(cd "$(dirname "$0")/../fixtures/numpy" && pwd)
python3 - "$program" "$numpy/torch.pt" "$work" <<'P' || fail "a file of PyTorch's is not refused as it should be"
import io, os, pickle, random, resource, struct, subprocess, sys, zipfile
program, valid, work = sys.argv[1:]
path = os.path.join(work, "hostile.pt")
def limits():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
def run(data, command="convert"):
    with open(path, "wb") as f:
        f.write(data)
    arguments = [program, "info", path] if command == "info" else [program, "convert", path, os.path.join(work, "out.npz")]
    # A sanitizer's shadow is more than any limit.
    done = subprocess.run(arguments, capture_output=True, preexec_fn=None if os.environ.get("CNN_NO_LIMITS") else limits)
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    assert done.returncode == 0 or (done.stdout == b"" and done.stderr.count(b"\n") == 1 and done.stderr.startswith(b"cnn: ")), done
    return done.returncode, done.stderr.decode()
def archive(pickled, storage=bytes(64), **other):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", other.get("method", zipfile.ZIP_STORED)) as z:
        z.writestr("archive/data.pkl", pickled)
        for name, data in other.get("members", {"archive/data/0": storage}).items():
            z.writestr(name, data)
    return out.getvalue()
def refused(pickled, text, **other):
    status, message = run(archive(pickled, **other))
    assert status == 1 and text in message, (pickled, status, message)

original = open(valid, "rb").read()
assert run(original)[0] == 0
checks = 0
for size in list(range(0, len(original), 37)) + [len(original) - 1]:
    assert run(original[:size], "info")[0] == 1, size
    checks += 1
random.seed(3)
for _ in range(250):
    data = bytearray(original)
    for _ in range(random.choice((1, 1, 2, 8))):
        data[random.randrange(len(data))] = random.randrange(256)
    run(bytes(data))
    checks += 1

# Tensors by hand: a global, a storage, a shape.
P = b"\x80\x02"
def persistent(key=b"0", dtype=b"FloatStorage", count=16):
    return b"(X\x07\0\0\0storagectorch\n" + dtype + b"\nX" + struct.pack("<I", len(key)) + key + b"X\x03\0\0\0cpuJ" + struct.pack("<i", count) + b"tQ"
def tensor(offset=0, shape=b"K\x02K\x03\x86", strides=b"K\x03K\x01\x86", storage=None):
    storage = storage or persistent()
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"J" + struct.pack("<i", offset) + shape + strides + b"\x89ccollections\nOrderedDict\n)RtR"
def entry(t, name=b"a"):
    return P + b"}X" + struct.pack("<I", len(name)) + name + t + b"s."
assert run(archive(entry(tensor())))[0] == 0
assert run(archive(entry(tensor(offset=10))))[0] == 0
refused(entry(tensor(offset=11)), "does not fit into its storage")
refused(entry(tensor(offset=-1)), "does not fit into its storage")
refused(entry(tensor(strides=b"K\x03J\xff\xff\xff\xff\x86")), "does not fit into its storage")
refused(entry(tensor(shape=b"K\x02J\xfe\xff\xff\xff\x86")), "does not fit into its storage")
refused(entry(tensor(shape=b"K\x02K\x64\x86")), "does not fit into its storage")
refused(entry(tensor(shape=b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x03\x86")), "does not fit into its storage")
refused(entry(tensor(shape=b"J\xff\xff\xff\x0fJ\xff\xff\xff\x0f\x86", strides=b"K\0K\0\x86")), "does not fit into its storage")
refused(entry(tensor(shape=b"(" + b"K\1" * 9 + b"t", strides=b"(" + b"K\1" * 9 + b"t")), "more than 8 dimensions")
refused(entry(tensor(shape=b"K\x02\x85")), "a tensor that is not understood")
refused(entry(tensor(shape=b"NN\x86")), "a tensor that is not understood")
refused(entry(tensor(storage=persistent(key=b"7"))), "its storage is missing or too short")
refused(entry(tensor(storage=persistent(count=17))), "its storage is missing or too short")
refused(entry(tensor(storage=persistent(dtype=b"DoubleStorage"))), "its storage is missing or too short")
refused(entry(tensor(storage=persistent(dtype=b"ComplexFloatStorage", count=8), shape=b"K\1\x85", strides=b"K\1\x85")), "is complex64, which libcnn cannot hold")
refused(entry(tensor(storage=persistent(dtype=b"BoolStorage", count=64))), "a bool is neither 0 nor 1", storage=bytes([2] * 64))
refused(entry(tensor(storage=persistent(dtype=b"Size"))), "a storage that is not understood")
# What would be executed.
marker = os.path.join(work, "executed")
for bad in (b"cos\nsystem\n", b"cposix\nsystem\n", b"cbuiltins\neval\n", b"c__builtin__\nexec\n"):
    refused(P + bad + b"X" + struct.pack("<I", len(marker) + 6) + b"touch " + marker.encode() + b"\x85R.", "which is not executed")
class Evil:
    def __reduce__(self):
        return os.system, ("touch " + marker,)
for protocol in (2, 3, 4, 5):
    refused(pickle.dumps({"a": Evil()}, protocol), "is not")
assert not os.path.exists(marker)
# The stack, the memo, nesting.
refused(P + b".", "a stack of another size than 1")
refused(P + b"NN.", "a stack of another size than 1")
refused(P + b"(.", "missing on the stack")
refused(P + b"N", "the pickle does not end")
refused(P, "the pickle does not end")
refused(P + b"s.", "missing on the stack")
refused(P + b"(u.", "missing on the stack")
refused(P + b"}(Nu.", "pairs for a dictionary")
refused(P + b"t.", "a mark is missing")
refused(P + b"R.", "missing on the stack")
refused(P + b"Q.", "missing on the stack")
refused(P + b"NQ.", "a storage that is not understood")
refused(P + b"NNR.", "a call that is not understood")
refused(P + b"h\5.", "nothing of that number in the memo")
refused(P + b"Nr\xff\xff\xff\x7f.", "too far away")
refused(P + b"X\xff\xff\xff\xffab.", "the pickle ends early")
refused(P + b"cnolines", "the pickle ends early")
refused(P + b"\x8a\x09123456789.", "more than 64 bits")
refused(b"\x80\x06N.", "a protocol past 5")
refused(P + b"i.", "operation 0x69 of the pickle is not read")
refused(P + b"]q\0h\0a.", "nested too deep, or holds the same values too often")
# A pickle that doubles forty times: 2^40 visits if nobody counts them.
doubling = P + b"]q\0" + b"".join(b"]q" + bytes([i + 1]) + b"(h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(25))
status, message = run(archive(doubling + b"h\x19\x85" + b"." ))
assert status == 1, message
refused(P + b"(" * 1000000 + b".", "")
two = P + b"}(X\3\0\0\0a.b" + tensor() + b"X\1\0\0\0a}X\1\0\0\0b" + tensor() + b"su."
refused(two, 'two tensors are named "a.b"')
# What a small file repeats: the same storage in thousands of tensors, one tensor under thousands of names, long names, long shapes.
# Time and memory follow the size of the file.
def measured(data, text, megabytes, command="convert"):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(path, "wb") as f:
        f.write(data)
    peak = os.path.join(work, "peak")
    program_and_peak = ("import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL)\n"
        "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
        "sys.exit(done.returncode)")
    arguments = [program, command, path] + ([os.path.join(work, "out.npz")] if command == "convert" else [])
    done = subprocess.run([sys.executable, "-c", program_and_peak, peak] + arguments, capture_output=True,
                          preexec_fn=None if os.environ.get("CNN_NO_LIMITS") else limits)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, memory = after.ru_utime - before.ru_utime, int(open(peak).read()) / 1024
    assert done.returncode == (1 if text else 0) and (not text or text in done.stderr.decode()), (done, text)
    assert os.environ.get("CNN_NO_LIMITS") or (memory < megabytes and seconds < 5), (text, len(data), memory, seconds)
    print(f"hostile: {len(data)} bytes, {memory:.0f} MB, {seconds:.2f} s: {text or 'converted'}")
def text(s):
    return b"X" + struct.pack("<I", len(s)) + s
def named(count, make):
    return P + b"}(" + b"".join(text(b"%d" % i) + make(i) for i in range(count)) + b"u."
big = bytes(1 << 20)
first = tensor(shape=b"J\0\0\4\0\x85", strides=b"K\1\x85", storage=persistent(count=1 << 18)) + b"q\1"
measured(archive(named(20000, lambda i: first if i == 0 else b"h\1"), storage=big), "take more than 64 times the file", 80)
measured(archive(named(2000, lambda i: tensor(shape=b"J\0\0\4\0\x85", strides=b"K\1\x85", storage=persistent(count=1 << 18))), storage=big),
         "take more than 64 times the file", 80)
measured(archive(named(40, lambda i: first if i == 0 else b"h\1"), storage=big), "", 120)
many = P + text(b"k" * 1000) + b"q\2" + tensor() + b"q\1" + b"\x86" + b"}(h\2}(" + b"".join(text(b"%05d" % i) + b"h\1" for i in range(60000)) + b"uu\x86."
measured(archive(many), "holds the same values too often", 80)
inner = b"}q\3(" + b"".join(text(b"%d" % i) + b"h\1" for i in range(1000)) + b"u"
shared = P + tensor() + b"q\1" + inner + b"\x86" + b"}(" + b"".join(text(b"%d" % i) + b"h\3" for i in range(20000)) + b"u\x86."
measured(archive(shared), "holds the same values too often", 80)
shape = b"(" + b"K\1" * 200000 + b"tq\4"
wide = P + shape + persistent() + b"q\5" + b"\x86" + b"".join(b"ctorch._utils\n_rebuild_tensor_v2\n(h\5K\0h\4h\4tR0" for i in range(20000)) + b"."
measured(archive(wide), "a tensor that is not understood", 60)
measured(archive(P + b"]" * 10000000 + b"."), "more values than are read", 900)
refused(entry(tensor()), "a member is compressed or encrypted", method=zipfile.ZIP_DEFLATED)
refused(entry(tensor()), "not little-endian", members={"archive/data/0": bytes(64), "archive/byteorder": b"big"})
refused(entry(tensor()), "there is no data.pkl in the archive", members={"archive/data/0": bytes(64), "other/data.pkl": b"N."})
print(f"hostile: {checks} changed files, and those made by hand")
P
python3 "$(dirname "$0")/hostile-models.py" "$program" "$(dirname "$0")/../fuzz/corpus/onnx" "$work" || fail "a model is not refused as it should be"
checks=$((checks + 2))
passed
