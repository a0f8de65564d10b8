#!/usr/bin/env python3
"""Writes small ONNX models, one for each operator or family, into a folder: the first inputs of fuzz_onnx.

    python3 tests/fuzz/onnx_seeds.py tests/fuzz/corpus/onnx

It needs Python's package onnx. The models are valid, and as small as they can be, so that few bytes of a mutation are
wasted on elements.
"""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

F, I, B, U8, I8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.UINT8, TensorProto.INT8
TYPES = {F: np.float32, I: np.int64, B: np.bool_, U8: np.uint8, I8: np.int8}


def constant(name, values, type=F, shape=None):
    array = np.array(values, TYPES[type])
    return numpy_helper.from_array(array if shape is None else np.resize(array, shape), name)


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(" ") if inputs else [], outputs.split(" "), **attributes)


def value(name, shape, type=F):
    return helper.make_tensor_value_info(name, type, shape)


def graph(nodes, inputs, outputs, constants=()):
    return helper.make_graph(nodes, "", inputs, outputs, list(constants))


def body(nodes, inputs, outputs, constants=()):
    return graph(nodes, [value(*v) for v in inputs], [value(*v) for v in outputs], constants)


SEEDS = {}


def seed(name, nodes, inputs, constants=(), opset=17, outputs=None):
    """`inputs` are (name, shape[, type]); the outputs are those of the last node, of any type."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    outputs = outputs or [o for o in nodes[-1].output if o]
    model = helper.make_model(graph(nodes, [value(*v) for v in inputs], [value(o, None) for o in outputs], constants),
                              opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="")
    for o in model.graph.output:
        o.ClearField("type")
    SEEDS[name] = model.SerializeToString()


def unary(name, operators, shape=(2, 3), type=F, opset=17):
    """Several operators, one after the other."""
    nodes = [node(op if isinstance(op, str) else op[0], "x%d" % i, "x%d" % (i + 1), **({} if isinstance(op, str) else op[1]))
             for i, op in enumerate(operators)]
    seed(name, nodes, [("x0", shape, type)], opset=opset)


X = ("x", ["n", 3])
IMAGE = ("x", ["n", 2, 5, 4])


def elements():
    unary("unary_rounding", ["Abs", "Neg", "Ceil", "Floor", "Round", "Sign"])
    unary("unary_exponential", ["Exp", "Log", "Sqrt", "Reciprocal", "Erf"])
    unary("unary_trigonometric", ["Sin", "Cos", "Tan", "Asin", "Acos", "Atan"])
    unary("unary_hyperbolic", ["Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh"])
    unary("activations", ["Sigmoid", "Softsign", "Softplus", "Mish", "HardSwish", ("HardSigmoid", dict(alpha=0.3, beta=0.4))],
          opset=18)
    unary("activations_leaky", [("LeakyRelu", dict(alpha=0.1)), ("Elu", dict(alpha=2.0)), ("Celu", dict(alpha=1.5)),
                                ("Selu", dict(gamma=2.0)), ("ThresholdedRelu", dict(alpha=0.2)), ("Shrink", dict(lambd=0.4, bias=0.1))])
    unary("gelu", [("Gelu", dict(approximate="tanh")), "Gelu"], opset=20)
    unary("swish", [("Swish", dict(alpha=2.0))], opset=24)
    unary("softmax", [("Softmax", dict(axis=0)), ("LogSoftmax", dict(axis=-1)), ("Hardmax", dict(axis=1))])
    unary("softmax_old", [("Softmax", dict(axis=1))], (2, 3, 2), opset=9)
    unary("isinf", [("IsInf", dict(detect_negative=0))])
    unary("isnan", ["IsNaN", "Not"])
    seed("add", node("Add", "x w"), [X], [constant("w", [1, 2, 3])])
    seed("add_old", node("Add", "x w", broadcast=1, axis=1), [X], [constant("w", [1, 2, 3])], opset=6)
    seed("sub_mul_div", [node("Sub", "x w", "a"), node("Mul", "a x", "b"), node("Div", "b w")], [X], [constant("w", [1, 2, 3])])
    seed("pow", node("Pow", "x w"), [X], [constant("w", 3, I)])
    seed("mod", node("Mod", "x w", fmod=1), [X], [constant("w", 2)])
    seed("mod_integers", node("Mod", "x w"), [("x", [4], I)], [constant("w", [3, -3, 2, 1], I)])
    seed("comparisons", [node("Less", "x w", "a"), node("GreaterOrEqual", "x w", "b"), node("Xor", "a b", "c"), node("And", "a c")],
         [X], [constant("w", 0.5)])
    seed("comparisons_more", [node("Equal", "x w", "a"), node("Greater", "x w", "b"), node("LessOrEqual", "x w", "d"),
                              node("Or", "a b", "c"), node("And", "c d")], [X], [constant("w", 0.5)])
    seed("bits", [node("BitwiseAnd", "x w", "a"), node("BitwiseOr", "a x", "b"), node("BitwiseXor", "b w", "c"), node("BitwiseNot", "c")],
         [("x", [4], I)], [constant("w", [5], I)], opset=18)
    seed("bit_shift", node("BitShift", "x w", direction="LEFT"), [("x", [4], U8)], [constant("w", [1, 2, 3, 9], U8)])
    seed("where", node("Where", "c x w"), [("c", ["n", 1], B), X], [constant("w", [1, 2, 3])])
    seed("clip", node("Clip", "x a b"), [X], [constant("a", -1), constant("b", 1)])
    seed("clip_old", node("Clip", "x", min=-1.0, max=1.0), [X], opset=6)
    seed("prelu", node("PRelu", "x w"), [X], [constant("w", [0.1, 0.2, 0.3])])
    seed("variadic", [node("Max", "x w", "a"), node("Min", "a x w", "b"), node("Sum", "a b x", "c"), node("Mean", "c x")], [X],
         [constant("w", [1, 2, 3])])
    seed("dropout", node("Dropout", "x r t", "y m"), [X], [constant("r", 0.4), constant("t", True, B)])
    seed("dropout_old", node("Dropout", "x", "y m", ratio=0.3), [X], opset=10)


def types():
    seed("cast", [node("Cast", "x", "a", to=I), node("Cast", "a", "b", to=I8), node("Cast", "b", "c", to=B), node("CastLike", "c x")], [X])
    seed("quantize", [node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z")], [X],
         [constant("s", [0.1, 0.2, 0.5]), constant("z", [1, 2, 3], U8)], opset=13)
    seed("quantize_blocked", [node("QuantizeLinear", "x s", "q", axis=1, block_size=2, output_dtype=I8), node("DequantizeLinear", "q s", axis=1,
         block_size=2)], [("x", [2, 4])], [constant("s", [0.1, 0.2, 0.5, 1], shape=(2, 2))], opset=21)
    seed("dynamic_quantize", node("DynamicQuantizeLinear", "x", "y s z"), [X])
    seed("matmul_integer", node("MatMulInteger", "x w a b"), [("x", [2, 3], U8)],
         [constant("w", [1, 2, 3, 4], I8, (3, 2)), constant("a", 1, U8), constant("b", [2, 3], I8)])
    seed("conv_integer", node("ConvInteger", "x w z", kernel_shape=[2, 2]), [("x", [1, 1, 3, 3], U8)],
         [constant("w", [1, 2, 3, 4], U8, (1, 1, 2, 2)), constant("z", 1, U8)])
    seed("qlinear_matmul", node("QLinearMatMul", "x s z w s z s z"), [("x", [2, 2], U8)],
         [constant("w", [1, 2, 3, 4], U8, (2, 2)), constant("s", 0.5), constant("z", 3, U8)])
    seed("qlinear_conv", node("QLinearConv", "x s z w s z s z", pads=[1, 1, 1, 1]), [("x", [1, 1, 3, 3], U8)],
         [constant("w", [1, 2, 3, 4], U8, (1, 1, 2, 2)), constant("s", 0.5), constant("z", 3, U8)])
    seed("identity", node("Identity", "x"), [X])


def shapes():
    seed("reshape", [node("Shape", "x", "s", start=0, end=1), node("Concat", "s m", "t", axis=0), node("Reshape", "x t", allowzero=0)], [X],
         [constant("m", [-1, 1], I)])
    seed("flatten", node("Flatten", "x", axis=2), [IMAGE])
    seed("transpose", node("Transpose", "x", perm=[2, 0, 3, 1]), [IMAGE])
    seed("squeeze", [node("Unsqueeze", "x a", "b"), node("Squeeze", "b a")], [X], [constant("a", [0, -1], I)])
    seed("squeeze_old", [node("Unsqueeze", "x", "b", axes=[0, 2]), node("Squeeze", "b", axes=[2])], [X], opset=11)
    seed("expand", node("Expand", "x s"), [X], [constant("s", [2, 1, 3], I)])
    seed("tile", node("Tile", "x s"), [X], [constant("s", [2, 3], I)])
    seed("concat", node("Concat", "x x w", axis=-2), [X], [constant("w", [1, 2, 3], shape=(1, 3))])
    seed("split", node("Split", "x s", "y z", axis=1), [X], [constant("s", [1, 2], I)])
    seed("split_even", node("Split", "x", "y z", axis=1, num_outputs=2), [X], opset=18)
    seed("split_old", node("Split", "x", "y z", axis=1, split=[1, 2]), [X], opset=11)
    seed("slice", node("Slice", "x a b d s"), [IMAGE], [constant("a", [0, -1], I), constant("b", [2, -9], I), constant("d", [2, 3], I),
                                                        constant("s", [1, -1], I)])
    seed("slice_old", node("Slice", "x", starts=[0, 1], ends=[1, -1], axes=[0, 3]), [IMAGE], opset=9)
    seed("slice_of_shape", [node("Shape", "x", "s"), node("Slice", "s a b", "t"), node("ConstantOfShape", "t")], [IMAGE],
         [constant("a", [2], I), constant("b", [99], I)])
    seed("constant_of_shape", node("ConstantOfShape", "s", value=constant("", [2], I)), [], [constant("s", [2, 3], I)])
    seed("range", node("Range", "a n b"), [("n", [], I)], [constant("a", 1, I), constant("b", 2, I)])
    seed("range_real", node("Range", "a n b"), [("n", [])], [constant("a", 1), constant("b", 0.25)])
    seed("range_long", node("Range", "a n b"), [], [constant("a", 1, I), constant("b", 2, I), constant("n", 9000, I)])
    seed("eye_like", node("EyeLike", "x", k=1, dtype=I), [X])
    seed("trilu", node("Trilu", "x k", upper=0), [X], [constant("k", 1, I)])
    seed("depth_to_space", [node("SpaceToDepth", "x", "a", blocksize=2), node("DepthToSpace", "a", blocksize=2, mode="CRD")],
         [("x", ["n", 2, 4, 4])])
    seed("pad", node("Pad", "x p v a", mode="constant"), [IMAGE], [constant("p", [1, 0, 0, 2], I), constant("v", 0.5), constant("a", [2, -1], I)],
         opset=18)
    seed("pad_reflect", node("Pad", "x p", mode="reflect"), [X], [constant("p", [0, 1, 0, 2], I)])
    seed("pad_edge", node("Pad", "x p", mode="edge"), [X], [constant("p", [1, 1, 0, 2], I)])
    seed("pad_wrap", node("Pad", "x p", mode="wrap"), [X], [constant("p", [1, 1, 0, 2], I)], opset=19)
    seed("pad_old", node("Pad", "x", mode="constant", pads=[0, 1, 0, -1], value=1.0), [X], opset=9)
    seed("center_crop_pad", node("CenterCropPad", "x s", axes=[2, 3]), [IMAGE], [constant("s", [3, 7], I)], opset=18)
    seed("reverse_sequence", node("ReverseSequence", "x l", time_axis=1, batch_axis=0), [("x", [2, 4])], [constant("l", [3, 2], I)])
    seed("compress", node("Compress", "x c", axis=1), [X], [constant("c", [1, 0, 1], B)])
    seed("size_cumsum", [node("Size", "x", "n"), node("CumSum", "x a", "b", exclusive=1, reverse=1), node("Cast", "b", "c", to=I),
                         node("Add", "c n")], [X], [constant("a", 1, I)])
    seed("cumprod", node("CumProd", "x a"), [X], [constant("a", 1, I)], opset=26)


def indices():
    seed("gather", node("Gather", "x i", axis=1), [X], [constant("i", [0, -1, 2], I)])
    seed("gather_elements", node("GatherElements", "x i", axis=1), [("x", [2, 3])], [constant("i", [0, -1, 2, 1], I, (2, 2))])
    seed("gather_nd", node("GatherND", "x i", batch_dims=1), [("x", [2, 3])], [constant("i", [0, 2], I, (2, 1))])
    seed("scatter_elements", node("ScatterElements", "x i u", axis=1, reduction="add"), [("x", [2, 3])],
         [constant("i", [0, 2, 1, 1], I, (2, 2)), constant("u", [1, 2, 3, 4], shape=(2, 2))])
    seed("scatter_nd", node("ScatterND", "x i u", reduction="mul"), [("x", [4])], [constant("i", [0, 2], I, (2, 1)), constant("u", [1, 2])])
    seed("scatter_old", node("Scatter", "x i u", axis=1), [("x", [2, 3])], [constant("i", [0, 1], I, (2, 1)), constant("u", [5, 6], shape=(2, 1))],
         opset=10)
    seed("topk", node("TopK", "x k", "y i", axis=1, largest=0, sorted=1), [X], [constant("k", [2], I)])
    seed("topk_old", node("TopK", "x", "y i", axis=1, k=2), [X], opset=9)
    seed("one_hot", node("OneHot", "x d v", axis=-1), [("x", [3], I)], [constant("d", 4, I), constant("v", [0, 1])])
    seed("nonzero", node("NonZero", "x"), [X])
    seed("argmax", [node("ArgMax", "x", "a", axis=1, keepdims=0, select_last_index=1), node("ArgMin", "x", "b", axis=1, keepdims=0),
                    node("Add", "a b")], [X])
    seed("unique", node("Unique", "x", "y a b c", sorted=0), [("x", [5])])
    seed("suppression", node("NonMaxSuppression", "x s m t u", center_point_box=1), [("x", [1, 4, 4]), ("s", [1, 1, 4])],
         [constant("m", 3, I), constant("t", 0.5), constant("u", 0.1)])


def linear():
    seed("gemm", node("Gemm", "x w b", alpha=2.0, beta=0.5, transB=1), [X], [constant("w", [1, 2, 3], shape=(2, 3)), constant("b", [1, 2])])
    seed("gemm_old", node("Gemm", "x w b", transA=1, broadcast=1), [("x", [3, 2])], [constant("w", [1, 2, 3], shape=(3, 2)), constant("b", [1, 2])],
         opset=6)
    seed("matmul", node("MatMul", "x w"), [("x", ["n", 2, 3])], [constant("w", [1, 2, 3], shape=(3, 2))])
    seed("einsum", node("Einsum", "x w", equation="bij,jk->bik"), [("x", ["n", 2, 3])], [constant("w", [1, 2, 3], shape=(3, 2))])
    seed("det", node("Det", "x"), [("x", [2, 3, 3])])
    for op in ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]:
        seed("reduce_" + op.lower(), node("Reduce" + op, "x a", keepdims=0), [IMAGE], [constant("a", [1, -1], I)], opset=18)
    seed("reduce_old", node("ReduceMean", "x", axes=[2, 3], keepdims=1), [IMAGE], opset=13)
    seed("reduce_all", node("ReduceSum", "x a", keepdims=0, noop_with_empty_axes=1), [X], [constant("a", [], I)])


def layers():
    weight = constant("w", [1, -1, 0.5, 2], shape=(2, 2, 3, 2))
    seed("conv_options", node("Conv", "x w b", dilations=[1, 2], group=1, kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1]), [IMAGE],
         [weight, constant("b", [1, 2])])
    seed("conv_same", node("Conv", "x w", auto_pad="SAME_UPPER", group=2), [IMAGE], [constant("w", [1, 2], shape=(2, 1, 3, 3))])
    seed("conv_1d", node("Conv", "x w"), [("x", ["n", 1, 5])], [constant("w", [1, 2], shape=(2, 1, 2))])
    seed("conv_3d", node("Conv", "x w"), [("x", [1, 1, 3, 3, 3])], [constant("w", [1, 2], shape=(1, 1, 2, 2, 2))])
    seed("conv_transpose", node("ConvTranspose", "x w b", strides=[2, 1], pads=[1, 0, 0, 0], output_padding=[1, 0]), [IMAGE],
         [weight, constant("b", [1, 2])])
    seed("conv_transpose_shape", node("ConvTranspose", "x w", output_shape=[9, 8], strides=[2, 2]), [IMAGE], [weight])
    seed("max_pool", node("MaxPool", "x", "y i", kernel_shape=[2, 2], strides=[2, 1], pads=[0, 1, 1, 0], ceil_mode=1), [IMAGE])
    seed("max_pool_dilated", node("MaxPool", "x", kernel_shape=[2], dilations=[2], storage_order=0), [("x", [1, 2, 6])])
    seed("average_pool", node("AveragePool", "x", kernel_shape=[3, 2], pads=[1, 0, 1, 1], count_include_pad=1, ceil_mode=1), [IMAGE], opset=19)
    seed("average_pool_dilated", node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 1], pads=[1, 1, 0, 0]), [IMAGE], opset=19)
    seed("lp_pool", node("LpPool", "x", kernel_shape=[2, 2], p=3, auto_pad="SAME_LOWER"), [IMAGE])
    seed("global_pools", [node("GlobalAveragePool", "x", "a"), node("GlobalMaxPool", "x", "b"), node("GlobalLpPool", "x", "c", p=2),
                          node("Sum", "a b c")], [IMAGE])
    seed("max_unpool", [node("MaxPool", "x", "a i", kernel_shape=[2, 2], strides=[2, 2]), node("MaxUnpool", "a i", kernel_shape=[2, 2],
         strides=[2, 2])], [("x", [1, 1, 4, 4])])
    seed("batch_norm", node("BatchNormalization", "x s b m v", epsilon=1e-3, momentum=0.9), [IMAGE],
         [constant(n, [1, 2]) for n in "sbmv"])
    seed("batch_norm_training", node("BatchNormalization", "x s b m v", "y p q", training_mode=1), [IMAGE], [constant(n, [1, 2]) for n in "sbmv"])
    seed("instance_norm", node("InstanceNormalization", "x s b"), [IMAGE], [constant("s", [1, 2]), constant("b", [1, 2])])
    seed("layer_norm", node("LayerNormalization", "x s b", "y m v", axis=-2), [("x", ["n", 2, 2])],
         [constant("s", [1, 2], shape=(2, 2)), constant("b", [1, 2], shape=(2, 2))])
    seed("group_norm", node("GroupNormalization", "x s b", num_groups=2), [IMAGE], [constant("s", [1, 2]), constant("b", [1, 2])], opset=21)
    seed("rms_norm", node("RMSNormalization", "x s", axis=-1), [X], [constant("s", [1, 2, 3])], opset=23)
    seed("lrn", node("LRN", "x", size=3, alpha=0.1, beta=0.5, bias=2.0), [IMAGE])
    seed("normalisations", [node("LpNormalization", "x", "a", axis=1, p=1), node("MeanVarianceNormalization", "a", axes=[0, 2, 3])], [IMAGE])
    seed("resize_sizes", node("Resize", "x   s", mode="linear", coordinate_transformation_mode="align_corners"), [IMAGE],
         [constant("s", [2, 2, 3, 7], I)], opset=18)
    seed("resize_cubic", node("Resize", "x  s", mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5), [IMAGE], [constant("s", [1, 1, 0.6, 2.0])],
         opset=13)
    seed("resize_antialias", node("Resize", "x  s", mode="linear", antialias=1, axes=[2, 3]), [IMAGE], [constant("s", [0.6, 0.7])], opset=18)
    seed("resize_crop", node("Resize", "x r s", mode="linear", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=3.0),
         [("x", [1, 1, 4, 4])], [constant("r", [0, 0, 0.2, 0.1, 1, 1, 0.9, 1.5]), constant("s", [1, 1, 2, 1.5])])
    seed("resize_nearest", node("Resize", "x  s", mode="nearest", nearest_mode="ceil"), [IMAGE], [constant("s", [1, 1, 2, 0.5])])
    seed("resize_policy", node("Resize", "x   s", mode="nearest", keep_aspect_ratio_policy="not_larger", axes=[2, 3]), [IMAGE],
         [constant("s", [8, 9], I)], opset=18)
    seed("upsample", node("Upsample", "x s", mode="linear"), [IMAGE], [constant("s", [1, 1, 2, 3])], opset=9)
    seed("upsample_old", node("Upsample", "x", mode="nearest", scales=[1.0, 1.0, 2.0, 2.0]), [IMAGE], opset=7)
    seed("grid_sample", node("GridSample", "x g", mode="bilinear", padding_mode="reflection", align_corners=1),
         [("x", [1, 1, 3, 3]), ("g", [1, 2, 2, 2])], opset=16)
    seed("grid_sample_cubic", node("GridSample", "x g", mode="cubic", padding_mode="border"), [("x", [1, 1, 3, 3]), ("g", [1, 2, 2, 2])], opset=20)
    seed("affine_grid", node("AffineGrid", "t s", align_corners=1), [("t", [1, 2, 3])], [constant("s", [1, 1, 3, 2], I)], opset=20)
    seed("col2im", node("Col2Im", "x i b", pads=[1, 1, 1, 1], strides=[1, 1]), [("x", [1, 4, 16])], [constant("i", [3, 3], I), constant("b", [2, 2], I)],
         opset=18)
    seed("roi_align", node("RoiAlign", "x r i", output_height=2, output_width=2, sampling_ratio=2, spatial_scale=0.5, mode="max"),
         [("x", [1, 1, 4, 4])], [constant("r", [0, 0, 6, 5], shape=(1, 4)), constant("i", [0], I)], opset=16)
    recurrent = [constant("w", [0.1, -0.2], shape=(1, 8, 2)), constant("r", [0.3, 0.2], shape=(1, 8, 2)), constant("b", [0.1], shape=(1, 16))]
    seed("lstm", node("LSTM", "x w r b", "y h c", hidden_size=2, clip=3.0), [("x", [3, 1, 2])], recurrent)
    seed("lstm_lengths", node("LSTM", "x w r b l h c p", "y", hidden_size=2, direction="reverse", input_forget=1), [("x", [3, 1, 2])],
         recurrent + [constant("l", [2], I), constant("h", [0.1], shape=(1, 1, 2)), constant("c", [0.1], shape=(1, 1, 2)),
                      constant("p", [0.1], shape=(1, 6))])
    seed("gru", node("GRU", "x w r", "y h", hidden_size=2, linear_before_reset=1, layout=1), [("x", [1, 3, 2])],
         [constant("w", [0.1, -0.2], shape=(1, 6, 2)), constant("r", [0.3, 0.2], shape=(1, 6, 2))])
    seed("rnn", node("RNN", "x w r", "y h", hidden_size=2, direction="bidirectional", activations=["Relu", "Tanh"]), [("x", [3, 1, 2])],
         [constant("w", [0.1, -0.2], shape=(2, 2, 2)), constant("r", [0.3, 0.2], shape=(2, 2, 2))])
    seed("rnn_affine", node("RNN", "x w r", "y h", hidden_size=2, activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.1]),
         [("x", [3, 1, 2])], [constant("w", [0.1, -0.2], shape=(1, 2, 2)), constant("r", [0.3, 0.2], shape=(1, 2, 2))])
    seed("cross_entropy", node("SoftmaxCrossEntropyLoss", "x t w", "y l", reduction="mean", ignore_index=1), [X, ("t", ["n"], I)],
         [constant("w", [1, 2, 3])])
    seed("nll_loss", node("NegativeLogLikelihoodLoss", "x t", reduction="none"), [X, ("t", ["n"], I)])


def signals():
    seed("dft", node("DFT", "x n", axis=1, onesided=1), [("x", [1, 5, 1])], [constant("n", 4, I)])
    seed("dft_inverse", node("DFT", "x  a", inverse=1), [("x", [1, 5, 2])], [constant("a", 1, I)], opset=20)
    seed("stft", node("STFT", "x s w"), [("x", [1, 9, 1])], [constant("s", 2, I), constant("w", [1, 2, 1, 1])])
    seed("windows", [node("HannWindow", "n", "a", periodic=0), node("HammingWindow", "n", "b"), node("BlackmanWindow", "n", "c"),
                     node("Sum", "a b c")], [], [constant("n", 6, I)])
    seed("random", [node("RandomNormal", "", "a", shape=[2, 3], mean=1.0, scale=0.5), node("RandomUniform", "", "b", shape=[2, 3], low=-1.0),
                    node("Add", "a b")], [])
    seed("random_like", [node("RandomNormalLike", "x", "a", seed=1.0), node("RandomUniformLike", "x", "b", high=2.0), node("Bernoulli", "b", "c"),
                         node("Sum", "a b c")], [X])


def attention():
    q, k, v = ("q", [1, 2, 3, 4]), ("k", [1, 1, 5, 4]), ("v", [1, 1, 5, 2])
    seed("attention_causal", node("Attention", "q k v", is_causal=1, scale=0.3), [q, k, v], opset=23)
    seed("attention_mask", node("Attention", "q k v m p w", "y a b s", softcap=2.0, qk_matmul_output_mode=2), [q, k, v],
         [constant("m", [0, -1], shape=(3, 7)), constant("p", [1, 2], shape=(1, 1, 2, 4)), constant("w", [1], shape=(1, 1, 2, 2))], opset=23)
    seed("attention_joined", node("Attention", "q k v m", q_num_heads=2, kv_num_heads=1), [("q", [1, 3, 8]), ("k", [1, 5, 4]), ("v", [1, 5, 2])],
         [constant("m", [True, False], B, (3, 5))], opset=23)
    seed("attention_lengths", node("Attention", "q k v    n", left_window_size=1, right_window_size=1, is_causal=1), [q, k, v],
         [constant("n", [4], I)], opset=24)
    seed("rotary_positions", node("RotaryEmbedding", "x c s p", interleaved=1, rotary_embedding_dim=2), [("x", [1, 2, 3, 4])],
         [constant("c", [0.5], shape=(4, 1)), constant("s", [0.5], shape=(4, 1)), constant("p", [0, 1, 2], I, (1, 3))], opset=23)


def control():
    half = body([node("Mul", "x w", "z")], [], [("z", None)], [constant("w", 0.5)])
    twice = body([node("Add", "x x", "z")], [], [("z", None)])
    seed("if_sum", [node("ReduceSum", "x", "s", keepdims=0), node("Greater", "s l", "c"), node("If", "c", then_branch=half, else_branch=twice)],
         [X], [constant("l", 0)])
    step = body([node("Add", "a x", "b"), node("Less", "i m", "d"), node("Identity", "b", "e")], [("i", [], I), ("c", [], B), ("a", None)],
                [("d", [], B), ("b", None), ("e", None)])
    seed("loop_scan", node("Loop", "n t x", "y z", body=step), [X], [constant("n", 3, I), constant("t", True, B), constant("m", 2, I)])
    inner = body([node("Add", "h e", "k"), node("Relu", "k", "o")], [("h", [3]), ("e", [3])], [("k", [3]), ("o", [3])])
    seed("scan", node("Scan", "h x", "y z", body=inner, num_scan_inputs=1, scan_input_directions=[1], scan_output_axes=[1]), [("h", [3]), X])
    nested = body([node("Loop", "n c a", "b", body=body([node("Add", "p q", "r"), node("Identity", "v", "u")], [("j", [], I), ("v", [], B), ("p", None)],
                                                         [("u", [], B), ("r", None)], [constant("q", 1)])), node("Identity", "c", "d")],
                  [("i", [], I), ("c", [], B), ("a", None)], [("d", [], B), ("b", None)])
    seed("loop_nested", node("Loop", "n t x", body=nested), [X], [constant("n", 2, I), constant("t", True, B)])


def functions():
    f = helper.make_function("f", "F", ["a", "b"], ["c"], [node("Mul", "a b", "t"), helper.make_node("LeakyRelu", ["t"], ["c"])],
                             [helper.make_opsetid("", 17)], ["alpha"])
    f.node[1].attribute.add(name="alpha", ref_attr_name="alpha", type=1)
    call = helper.make_node("F", ["x", "x"], ["y"], domain="f", alpha=0.2)
    model = helper.make_model(graph([call], [value(*X)], [value("y", None)]), functions=[f], ir_version=8, producer_name="",
                              opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("f", 1)])
    SEEDS["function_attribute"] = model.SerializeToString()
    seed("constants", [node("Constant", "", "a", value_floats=[1.0, 2.0, 3.0]), node("Constant", "", "b", value_int=2), node("Cast", "b", "c", to=F),
                       node("Mul", "a c", "d"), node("Add", "x d")], [X])


def main():
    for write in (elements, types, shapes, indices, linear, layers, signals, attention, control, functions):
        write()
    for name, data in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(data)
    print("%d models, %d bytes, the largest of %d" % (len(SEEDS), sum(map(len, SEEDS.values())), max(map(len, SEEDS.values()))))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
