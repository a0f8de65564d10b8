#!/usr/bin/env python3
"""Times predictors of libcnn against ONNX Runtime and OpenVINO on the same files.

The nets are those of examples/zoo, written as ONNX files by tests/trace/write_zoo and read by all: libcnn loads the file
(libcnn-onnx), and freezes it for the shape. Each runtime is a process of its own; the processes of a row take turns, A B C A B C. A
row has the median of each and how many times libcnn's time the faster of the two others takes; a table ends with the geometric mean of
that, and with those of each of the others alone.

  make bench-predictor PREDICTOR_ARGS='--only resnet20 --threads 1 --batches 1'
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ["resnet50", "mobilenet_v2", "squeezenet1_1", "vgg16", "resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0", "resnet20",
        "unet_small", "vit"]


# ---- one runtime, in a process of its own ----

def libcnn(args, x):
    sys.path.insert(0, os.path.join(HERE, "..", "python"))
    import cnn
    import cnn.onnx
    cnn.set_default_context(cnn.Context(threads=args.threads))
    predictor = cnn.Predictor(cnn.onnx.load(args.model), cnn.tensor(x))
    import ctypes
    import numpy
    shape = predictor._outputs[0][0]
    y = numpy.empty(shape, numpy.float32)
    inputs, outputs = (ctypes.c_void_p * 1)(x.ctypes.data), (ctypes.c_void_p * 1)(y.ctypes.data)
    run = cnn._lib.cnn_predictor_run

    def step():
        if run(predictor._h, inputs, outputs):
            raise RuntimeError(cnn._lib.cnn_last_error(None))
        return y
    return cnn.__version__, step


def onnxruntime(args, x):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = args.threads, 1, 3
    session = ort.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, x)
    binding.bind_output(session.get_outputs()[0].name, "cpu")

    def step():
        session.run_with_iobinding(binding)
        return binding
    return ort.__version__, step


def openvino(args, x):
    import openvino as ov
    settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": args.threads}
    core = ov.Core()
    model = core.read_model(args.model)
    model.reshape(list(x.shape))
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    given = ov.Tensor(x, shared_memory=True)
    return ov.__version__.split("-")[0], lambda: request.infer([given])


RUNTIMES = {"libcnn": libcnn, "onnxruntime": onnxruntime, "openvino": openvino}


def first_output(result):
    """The elements, so that all can be seen to compute the same."""
    if hasattr(result, "copy_outputs_to_cpu"):
        return result.copy_outputs_to_cpu()[0]
    return result if hasattr(result, "ravel") else list(result.values())[0]


def child(args):
    import numpy
    x = numpy.random.default_rng(1).standard_normal(args.shape, numpy.float32)
    version, step = RUNTIMES[args.runtime](args, x)
    result = numpy.asarray(first_output(step()), numpy.float64).ravel()
    probe = [float(v) for v in result[:: max(1, len(result) // 16)][:16]]
    step()
    print(json.dumps({"version": version, "probe": probe}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(json.dumps(times), flush=True)


# ---- the table ----

class Runtime:
    def __init__(self, name, python, model, shape, threads, env):
        arguments = [python, os.path.abspath(__file__), "--runtime", name, "--model", model, "--threads", str(threads), "--shape"]
        self.name, self.times = name, []
        self.process = subprocess.Popen([*arguments, *map(str, shape)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError((self.process.stderr.read().strip().splitlines() or ["no answer"])[-1])
        self.about = json.loads(line)

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args, self.lines, self.versions, self.missing = args, [], {}, set()
        self.env = {**os.environ, "CNN_LIBRARY": os.environ.get("CNN_LIBRARY", os.path.abspath(os.path.join(args.lib, "libcnn.so")))}

    def model(self, net):
        """The net's file, and the sizes of a sample."""
        folder = os.path.join(self.args.build, "bench", "predictor")
        path = os.path.join(folder, f"{net}.onnx")
        if not os.path.exists(path):
            os.makedirs(folder, exist_ok=True)
            writer = os.path.join(self.args.build, "trace", "write_zoo")
            subprocess.run([writer, net, folder], check=True, stdout=subprocess.DEVNULL)
            for name in os.listdir(folder):  # it writes variants and their values besides
                if name.startswith(f"{net}.") and name not in (f"{net}.onnx", f"{net}.shape"):
                    os.unlink(os.path.join(folder, name))
        with open(os.path.join(folder, f"{net}.shape"), encoding="ascii") as file:
            return path, [int(size) for size in file.read().split()][1:]

    def start(self, net, batch, threads):
        path, sample = self.model(net)
        running = []
        for name in RUNTIMES:
            try:
                running.append(Runtime(name, self.args.python, path, [batch, *sample], threads, self.env))
            except RuntimeError as why:
                if name == "libcnn":
                    raise
                self.missing.add(f"{name}: {why}")
        return running

    @staticmethod
    def check(net, running):
        own = running[0].about["probe"]
        largest = max(abs(v) for v in own) or 1
        for other in running[1:]:
            worst = max(abs(a - b) for a, b in zip(own, other.about["probe"])) / largest
            if worst > 1e-3:
                raise SystemExit(f"{net}: {other.name} computes something else: {worst:.2g} of the largest number")

    def row(self, net, batch, threads):
        running = self.start(net, batch, threads)
        self.check(net, running)
        steps = [max(1, min(2000, int(self.args.seconds / self.args.rounds / len(running) / statistics.median(r.run(2)))))
                 for r in running]
        for _ in range(self.args.rounds):
            for runtime, count in zip(running, steps):
                runtime.times += runtime.run(count + 1)[1:]  # the first one finds the caches full of the others' data
        medians = {r.name: statistics.median(r.times) for r in running}
        for runtime in running:
            self.versions[runtime.name] = runtime.about["version"]
            runtime.close()
        own = medians["libcnn"]
        ratio = min((t for name, t in medians.items() if name != "libcnn"), default=math.nan) / own
        cells = " ".join(f"{1e3 * medians[n]:10.3f}" if n in medians else f"{'-':>10}" for n in RUNTIMES)
        print(f"  {net:22} batch {batch:3} {cells} {ratio:8.2f}", flush=True)
        self.lines.append({"bench": "predictor", "net": net, "batch": batch, "threads": threads, "median_seconds": medians,
                           "libcnn_speedup": ratio})
        return {"the faster": ratio, **{name: t / own for name, t in medians.items() if name != "libcnn"}}

    @staticmethod
    def means(ratios):
        """Lines with the geometric mean and the least of the rows, against the faster of the others and against each."""
        for name in ["the faster", *(name for name in RUNTIMES if name != "libcnn")]:
            known = {key: row[name] for key, row in ratios.items() if row.get(name, math.nan) > 0}
            if known:
                mean = math.exp(statistics.fmean(map(math.log, known.values())))
                least = min(known, key=known.get)
                yield f"  geometric mean against {name} {mean:.2f}, least {known[least]:.2f} ({least[0]}, batch {least[1]})"

    def run(self):
        print(f"load average {os.getloadavg()[0]:.2f}")
        for threads in self.args.threads:
            print(f"\n{threads} thread{'s' * (threads > 1)}: median ms of {', '.join(RUNTIMES)}; how many times libcnn's time the faster "
                  "of the others takes", flush=True)
            nets = [net for net in NETS if not self.args.only or re.fullmatch(self.args.only, net)]
            ratios = {(net, batch): self.row(net, batch, threads) for net in nets for batch in self.args.batches}
            for line in self.means(ratios):
                print(line, flush=True)
        for name, version in self.versions.items():
            print(f"    {name} {version}")
        for line in sorted(self.missing):
            print(f"skipped: {line}")
        with open(self.args.json or os.path.join(self.args.build, "bench", "predictor.jsonl"), "w", encoding="ascii") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if "--runtime" in sys.argv:
        parser.add_argument("--runtime", choices=RUNTIMES, required=True)
        parser.add_argument("--model", required=True)
        parser.add_argument("--threads", type=int, required=True)
        parser.add_argument("--shape", type=int, nargs="+", required=True)
        child(parser.parse_args())
        return
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"), help="the build's folder")
    parser.add_argument("--lib", default=os.path.join(HERE, "..", "lib"), help="the folder of the libraries")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has numpy, onnxruntime and openvino")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--only", default=None, metavar="REGEX", help="only the nets whose whole name matches")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each process of a row")
    parser.add_argument("--seconds", type=float, default=10, help="running time of each row, at least two steps per turn")
    parser.add_argument("--json", default=None, help="a file for JSON Lines; default predictor.jsonl beside the programs")
    Bench(parser.parse_args()).run()


if __name__ == "__main__":
    main()
