#!/usr/bin/env python3
"""Runs the tutorial's model, as ONNX, with ONNX Runtime or OpenVINO on command, speaking the protocol of bench_net.c; inference
only. Inputs and outputs are bound beforehand, so what is timed is the run itself."""
import argparse
import resource
import sys
import time

import numpy


def onnxruntime(args, inputs):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = args.t, 1
    options.log_severity_level = 3
    session = ort.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    bindings = []
    for x in inputs:
        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        binding.bind_output("y", "cpu")
        bindings.append(binding)
    return ort.__version__, bindings, session.run_with_iobinding


def openvino(args, inputs):
    import openvino as ov
    core = ov.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    if args.t:
        settings["INFERENCE_NUM_THREADS"] = args.t
    model = core.read_model(args.model)
    model.reshape(list(inputs[0].shape))
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return ov.__version__.split("-")[0], [ov.Tensor(x, shared_memory=True) for x in inputs], lambda x: request.infer([x])


def isa():
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith(("flags", "Features"))), [])
    return next((name for name, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2"), ("NEON", "asimd")) if flag in flags), "unknown")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runtime", choices=["onnxruntime", "openvino"])
    parser.add_argument("model")
    parser.add_argument("-n", help="ignored: the network is the model's")
    parser.add_argument("-t", type=int, default=0, help="threads; 0 leaves the runtime's default")
    parser.add_argument("-b", type=int, default=200, help="batch size")
    parser.add_argument("-i", action="store_true", help="ignored: there is nothing but inference")
    args = parser.parse_args()
    random = numpy.random.default_rng(1)
    pixels = random.integers(0, 256, (8, args.b, 1, 28, 28)) * (random.random((8, args.b, 1, 28, 28)) < 0.25)
    inputs = list(((pixels / 255 - 0.1307) / 0.3081).astype(numpy.float32))
    version, prepared, run = (onnxruntime if args.runtime == "onnxruntime" else openvino)(args, inputs)
    for i in range(3):
        run(prepared[i])
    print(f"ready {version}; kernels of its own, CPU {isa()}", flush=True)
    step = 0
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            x = prepared[step % len(prepared)]
            step += 1
            start = time.perf_counter()
            run(x)
            times.append("%.7f" % (time.perf_counter() - start))
        print(" ".join(times), flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
