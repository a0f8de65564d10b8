"""Recurrent networks whose activations have parameters, and onnxruntime's LSTM with weights of 8 bits, with what onnxruntime computes.

usage: recurrent_models.py FOLDER

FOLDER/exact is compared closely. onnxruntime quantises the inputs and states of FOLDER/quantised, too, which libcnn does not.
Without their parameters Affine, ScaledTanh and ThresholdedRelu are left out: onnxruntime takes 0 for each, ONNX the operators' defaults.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

HIDDEN, IN, BATCH, STEPS = 4, 3, 2, 5
CASES = [
    ("rnn_affine", "RNN", ["Affine"], [0.5], [0.1], "forward"),
    ("rnn_scaled_tanh", "RNN", ["ScaledTanh"], [1.5], [0.6], "forward"),
    ("rnn_thresholded_relu", "RNN", ["ThresholdedRelu"], [0.2], None, "reverse"),
    ("rnn_hard_sigmoid", "RNN", ["HardSigmoid"], [0.3], [0.4], "forward"),
    ("rnn_leaky_relu", "RNN", ["LeakyRelu"], None, None, "forward"),
    ("rnn_elu", "RNN", ["Elu"], [0.3], None, "forward"),
    ("rnn_softplus", "RNN", ["Softplus"], None, None, "forward"),
    ("rnn_both_ways", "RNN", ["Tanh", "Affine"], [0.4], [0.2], "bidirectional"),
    ("gru_mixed", "GRU", ["HardSigmoid", "ScaledTanh"], [0.3, 1.2], [0.4, 0.7], "forward"),
    ("lstm_mixed", "LSTM", ["Sigmoid", "ScaledTanh", "Affine"], [1.2, 0.8], [0.7, 0.05], "forward"),
    ("lstm_alpha_of_the_third", "LSTM", ["HardSigmoid", "Tanh", "LeakyRelu"], [0.3, 0.2], [0.45], "reverse"),
    ("lstm_both_ways", "LSTM", ["Sigmoid", "Tanh", "ScaledTanh", "HardSigmoid", "LeakyRelu", "Tanh"], [1.3, 0.25, 0.1], [0.6, 0.5],
     "bidirectional"),
]
rng = np.random.default_rng(1)


def normal(*shape):
    return (0.7 * rng.standard_normal(shape)).astype(np.float32)


def write(folder, node, outputs, weights, opsets):
    graph = helper.make_graph([node], "recurrent", [helper.make_tensor_value_info("x", 1, [STEPS, BATCH, IN])],
                              [helper.make_tensor_value_info(name, 1, None) for name in outputs],
                              [numpy_helper.from_array(value, name) for name, value in weights.items()])
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    x = normal(STEPS, BATCH, IN)
    results = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    for name, value in [("input_0", x)] + [(f"output_{i}", y) for i, y in enumerate(results)]:
        with open(os.path.join(data, name + ".pb"), "wb") as file:
            file.write(numpy_helper.from_array(value).SerializeToString())


def exact(folder, name, op, activations, alpha, beta, direction):
    directions, gates = 1 + (direction == "bidirectional"), {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    weights = {"w": normal(directions, gates * HIDDEN, IN), "r": normal(directions, gates * HIDDEN, HIDDEN),
               "b": normal(directions, 2 * gates * HIDDEN)}
    given = {name: value for name, value in (("activation_alpha", alpha), ("activation_beta", beta)) if value}
    node = helper.make_node(op, ["x", "w", "r", "b"], ["y", "y_h"], activations=activations, hidden_size=HIDDEN, direction=direction, **given)
    write(os.path.join(folder, "exact", name), node, ["y", "y_h"], weights, [helper.make_opsetid("", 14)])


def quantised(folder, direction, dtype, per_row):
    directions = 1 + (direction == "bidirectional")
    scales = (directions, 4 * HIDDEN) if per_row else (directions,)
    zero = (np.zeros(scales) if per_row else rng.integers(40, 70, scales)).astype(dtype)
    weights = {"w": rng.integers(0, 120, (directions, IN, 4 * HIDDEN)).astype(dtype),
               "r": rng.integers(0, 120, (directions, HIDDEN, 4 * HIDDEN)).astype(dtype), "b": normal(directions, 8 * HIDDEN),
               "w_scale": (0.005 + 0.004 * rng.random(scales)).astype(np.float32), "w_zero": zero,
               "r_scale": (0.006 + 0.004 * rng.random(scales)).astype(np.float32), "r_zero": zero}
    node = helper.make_node("DynamicQuantizeLSTM", ["x", "w", "r", "b", "", "", "", "", "w_scale", "w_zero", "r_scale", "r_zero"],
                            ["y", "y_h", "y_c"], domain="com.microsoft", hidden_size=HIDDEN, direction=direction)
    write(os.path.join(folder, "quantised", direction), node, ["y", "y_h", "y_c"], weights,
          [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)])


for case in CASES:
    exact(sys.argv[1], *case)
quantised(sys.argv[1], "forward", np.uint8, False)
quantised(sys.argv[1], "bidirectional", np.int8, False)
quantised(sys.argv[1], "reverse", np.int8, True)
