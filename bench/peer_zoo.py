#!/usr/bin/env python3
"""Trains or runs a net of zoo_nets.py on command with PyTorch, or runs its ONNX export with ONNX Runtime, speaking the protocol of
bench_zoo.c. `--export FILE` writes that export and ends."""
import argparse
import resource
import sys
import time


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def export(args, size):
    import torch
    from zoo_nets import NETS, batch
    torch.manual_seed(1)
    torch.onnx.export(NETS[args.n]().eval(), batch(args.n, size, args.b)[0], args.export, opset_version=13, input_names=["x"],
                      output_names=["y"])


def pytorch(args, size):
    import torch
    from peer_pytorch import described
    from zoo_nets import NETS, batch, loss
    torch.set_num_threads(args.t)
    before = peak()
    torch.manual_seed(1)
    model = NETS[args.n]().train(not args.i)
    x, target = batch(args.n, size, args.b)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def train():
        value = loss(args.n, model(x), target)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            model(x)

    return described(), infer if args.i else train, before


def onnxruntime(args, size):
    import numpy
    import onnxruntime as ort
    before = peak()
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.t, 1
    options.log_severity_level = 3
    session = ort.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(1)
    x = random.integers(0, 256, (args.b, *size)) if args.n == "lstm" else random.standard_normal((args.b, *size)).astype(numpy.float32)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu")
    return ort.__version__, lambda: session.run_with_iobinding(binding), before


def serve(step, clock):
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            step()
            times.append("%.7f" % (clock() - start))
        print(" ".join(times), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", required=True, help="net")
    parser.add_argument("-t", type=int, default=1, help="threads")
    parser.add_argument("-b", type=int, default=8, help="batch size")
    parser.add_argument("-z", default="3x224x224", help="CxHxW, or the number of tokens")
    parser.add_argument("-i", action="store_true", help="inference")
    parser.add_argument("-c", action="store_true", help="CPU time of the process instead of the time that passes")
    parser.add_argument("--model", help="an ONNX file, for ONNX Runtime")
    parser.add_argument("--export", help="write this ONNX file and end")
    args = parser.parse_args()
    size = tuple(int(n) for n in args.z.split("x"))
    if args.export:
        export(args, size)
        return
    version, step, before = (onnxruntime if args.model else pytorch)(args, size)
    for _ in range(2):
        step()
    print("ready", version, flush=True)
    serve(step, time.process_time if args.c else time.perf_counter)
    print(peak(), before)


if __name__ == "__main__":
    main()
