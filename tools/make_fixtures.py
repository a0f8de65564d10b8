#!/usr/bin/env python3
"""Writes tests/fixtures with PyTorch (1.13, Debian's python3-torch) and torchvision (0.14.1, python3-torchvision): values that the tests compare libcnn's with.

What is here makes ops/*.safetensors, values and gradients of every operation in f64, for tests/test_ops.c: each case has its
operands `name/in0`, …, its result `name/out`, and, where it is differentiable, the gradient of the result `name/seed` and of the
operands `name/grad0`, …. The rest is in tools/fixtures/, a module for each test program.

Usage: tools/make_fixtures.py [folder [family...]]: all of it; with families, such as softsign, only ops/softsign.safetensors, where the
cases that src/ops/*.def list under names with that beginning are. PyTorch on another CPU rounds some of the others differently in their last
bits, so a new case is written alone.
"""
import math
import os
import pathlib
import re
import sys
import zlib

import torch
import torch.nn.functional as F

from fixtures import attention, attention_current, augment, averages, batch_norm, bfloat16, clip_grad, composed_losses, init, lstm, metrics, nn, nonfinite, norms, numpy_files, optim, rnn, schedules, text, training, zoo
from fixtures.write import save_safetensors

torch.manual_seed(20)
torch.set_num_threads(1)
tensors = {}


def case(name, function, *operands):
    """Operands that are f64 want a gradient, if the result has one."""
    operands = [o.clone() for o in operands]
    for i, o in enumerate(operands):
        tensors[f"{name}/in{i}"] = o.clone()
        o.requires_grad_(o.dtype == torch.float64)
    out = function(*operands)
    tensors[f"{name}/out"] = out.detach().clone()
    if not out.requires_grad:
        return
    seed = torch.randn(out.shape, dtype=torch.float64)
    tensors[f"{name}/seed"] = seed
    wanted = [o for o in operands if o.requires_grad]
    grads = iter(torch.autograd.grad(out, wanted, seed, allow_unused=True))
    for i, o in enumerate(operands):
        if o.requires_grad:
            grad = next(grads)
            if grad is not None:
                tensors[f"{name}/grad{i}"] = grad.clone()


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def positive(*shape):
    return torch.rand(*shape, dtype=torch.float64) + 0.2


def distinct(*shape):
    n = torch.Size(shape).numel()
    return ((torch.randperm(n) - n / 2 + 0.25) * 0.3).double().reshape(shape)


def far():
    """Operands of every size, where functions have kinks, and what is no finite number; the NaN is last."""
    return torch.tensor([-math.inf, -1e300, -100, -60, -40, -20, -6, -3, -1, -1e-9, -0.0, 0, 1e-9, 0.5, 1, 3, 6, 20, 40, 100, 1e300,
                         math.inf, math.nan]).double()


def elementwise():
    x = randn(2, 3, 4)
    for name in ("neg", "exp", "abs", "tanh", "sigmoid", "relu"):
        case(name, getattr(torch, name), x)
    case("log", torch.log, positive(2, 3, 4))
    case("sqrt", torch.sqrt, positive(2, 3, 4))
    case("clamp", lambda a: a.clamp(-0.5, 0.7), x)
    case("clamp_low", lambda a: a.clamp(min=-0.2), x)
    case("pow_scalar", lambda a: a ** 2.5, positive(2, 3, 4))
    case("pow_scalar_negative_base", lambda a: a ** 3.0, x)
    case("pow_scalar_zero_exponent", lambda a: a ** 0.0, torch.tensor([0.0, -1.0, 2.0], dtype=torch.float64))
    case("add_scalar", lambda a: a + 3.25, x)
    case("mul_scalar", lambda a: a * -1.75, x)
    a, b = randn(2, 3, 4), randn(3, 1)
    case("add", torch.add, a, b)
    case("sub", torch.sub, b, a)
    case("mul", torch.mul, a, b)
    case("div", torch.div, a, positive(3, 1))
    case("pow", torch.pow, positive(2, 3, 4), b)
    case("add_scalar_tensor", torch.add, a, randn(()))
    case("mul_outer", torch.mul, randn(4, 1), randn(1, 5))
    case("mul_eight_dimensions", torch.mul, randn(1, 2, 1, 2, 1, 2, 1, 2), randn(2, 1, 2, 1, 2, 1, 2, 1))
    p, q = torch.randint(0, 3, (3, 4)).double(), torch.randint(0, 3, (4,)).double()
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        case(name, getattr(torch, name), p.detach(), q.detach())
    case("where", torch.where, torch.rand(2, 1, 4) < 0.5, randn(2, 3, 4), randn(3, 1))


def reductions():
    x = randn(2, 3, 4)
    case("sum_all", torch.sum, x)
    case("sum_dims", lambda a: a.sum((0, 2)), x)
    case("sum_keepdim", lambda a: a.sum(1, keepdim=True), x)
    case("mean_all", torch.mean, x)
    case("mean_dims", lambda a: a.mean((1, 2), keepdim=True), x)
    d = distinct(2, 3, 4)
    case("max_all", lambda a: torch.amax(a, (0, 1, 2)), d)
    case("max_dim", lambda a: torch.amax(a, 1), d)
    case("min_dims", lambda a: torch.amin(a, (0, 2), keepdim=True), d)
    case("max_ties", lambda a: torch.amax(a, 1), torch.tensor([[1.0, 3, 3], [2, 2, 2]], dtype=torch.float64))
    case("argmax_dim", lambda a: a.argmax(1), d)
    case("argmax_all", lambda a: a.argmax(), d)
    case("argmax_keepdim", lambda a: a.argmax(2, keepdim=True), d)


def products():
    case("matmul", torch.matmul, randn(5, 7), randn(7, 3))
    case("matmul_batched", torch.matmul, randn(2, 3, 4), randn(2, 4, 5))
    case("matmul_broadcast", torch.matmul, randn(2, 1, 3, 4), randn(5, 4, 2))
    case("matmul_shared_right", torch.matmul, randn(2, 3, 4), randn(4, 5))
    case("matmul_row", torch.matmul, randn(4), randn(2, 4, 3))
    case("matmul_column", torch.matmul, randn(2, 3, 4), randn(4))
    case("matmul_dot", torch.matmul, randn(6), randn(6))
    case("matmul_empty_sum", torch.matmul, randn(3, 0), randn(0, 2))
    case("linear", F.linear, randn(5, 7), randn(3, 7), randn(3))
    case("linear_no_bias", F.linear, randn(5, 7), randn(3, 7))
    case("linear_leading", F.linear, randn(2, 3, 4), randn(5, 4), randn(5))
    case("linear_vector", F.linear, randn(4), randn(5, 4), randn(5))


def shapes():
    x = randn(2, 3, 4)
    case("reshape", lambda a: a.reshape(4, -1), x)
    case("reshape_of_transposed", lambda a: a.transpose(0, 2).reshape(6, 4), x)
    case("view", lambda a: a.view(2, 1, -1, 4), x)
    case("flatten", lambda a: a.flatten(1), x)
    case("transpose", lambda a: a.transpose(0, -1), x)
    case("permute", lambda a: a.permute(2, 0, 1), x)
    case("slice", lambda a: a[:, :, 1::2], x)
    case("slice_negative", lambda a: a[:, -2:-1], x)
    case("slice_past_the_end", lambda a: a[0:99], x)
    case("expand", lambda a: a.expand(2, -1, 3, 4), randn(2, 1, 4))
    case("squeeze", lambda a: a.squeeze(1), randn(2, 1, 4))
    case("unsqueeze", lambda a: a.unsqueeze(-1), x)
    case("contiguous", lambda a: a.transpose(0, 1).contiguous(), x)
    case("clone", lambda a: a.clone(), x)
    case("cast", lambda a: a.double(), x)
    case("cast_to_integer", lambda a: (a * 3).long(), x)
    case("concat", lambda a, b: torch.cat([a, b], 1), x, randn(2, 1, 4))
    case("stack", lambda a, b: torch.stack([a, b], 1), x, randn(2, 3, 4))
    case("detach", lambda a: a.detach(), x)


def networks():
    x, w, b = randn(2, 4, 7, 6), randn(6, 4, 3, 2), randn(6)
    case("conv2d", F.conv2d, x, w, b)
    case("conv2d_no_bias", F.conv2d, x, w)
    case("conv2d_stride", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), x, w, b)
    case("conv2d_stride_per_side", lambda x, w, b: F.conv2d(x, w, b, stride=(3, 2)), x, w, b)
    case("conv2d_padding_per_side", lambda x, w, b: F.conv2d(F.pad(x, (1, 2, 3, 0)), w, b), x, w, b)
    case("conv2d_same", lambda x, w, b: F.conv2d(x, w, b, padding="same"), x, w, b)
    case("conv2d_same_dilated", lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=(2, 3)), x, w, b)
    case("conv2d_dilation", lambda x, w, b: F.conv2d(x, w, b, dilation=2, padding=2), x, w, b)
    case("conv2d_groups", lambda x, w, b: F.conv2d(x, w, b, groups=2, padding=1), x, randn(6, 2, 3, 3), b)
    case("conv2d_depthwise", lambda x, w, b: F.conv2d(x, w, b, groups=4, padding=1, stride=2), x, randn(4, 1, 3, 3), randn(4))
    case("conv2d_one_image", lambda x, w, b: F.conv2d(x, w, b), randn(4, 5, 5), w, b)
    case("conv2d_stride_and_dilation", lambda x, w: F.conv2d(x, w, stride=2, dilation=2, padding=3), x, w)
    d = distinct(2, 3, 7, 6)
    case("maxpool2d", lambda a: F.max_pool2d(a, 2), d)
    case("maxpool2d_stride_padding", lambda a: F.max_pool2d(a, 3, 2, 1), d)
    case("maxpool2d_ceil", lambda a: F.max_pool2d(a, 2, 2, ceil_mode=True), d)
    case("maxpool2d_dilation", lambda a: F.max_pool2d(a, (3, 2), (1, 2), (1, 0), (2, 1)), d)
    case("maxpool2d_ties", lambda a: F.max_pool2d(a, 2), torch.ones(1, 1, 4, 4, dtype=torch.float64))
    chain = lambda x, w, b: F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=1)), 2)
    case("conv2d_relu_maxpool2d", chain, x, randn(6, 4, 3, 3), b)
    odd = lambda x, w, b: F.max_pool2d(F.relu(F.conv2d(x, w, b, stride=2)), 3, 1)
    case("conv2d_relu_maxpool2d_as_chain", odd, randn(2, 4, 11, 12), w, b)
    case("dropout_of_nothing", lambda a: F.dropout(a, 0.0), randn(3, 4))
    case("dropout_of_all", lambda a: F.dropout(a, 1.0), randn(3, 4))
    case("softmax", lambda a: a.softmax(1), randn(3, 5, 2))
    case("softmax_large", lambda a: a.softmax(-1), randn(3, 5) * 500)
    case("log_softmax", lambda a: a.log_softmax(-1), randn(3, 5))


def losses():
    logits, target = randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    ignored = torch.tensor([0, -100, 2, -100, 1, 3])
    weight = positive(5)
    images, labels = randn(3, 4, 2, 3), torch.randint(0, 4, (3, 2, 3))
    probabilities = torch.rand(6, 5, dtype=torch.float64).softmax(1)
    case("cross_entropy", F.cross_entropy, logits, target)
    for reduction in ("sum", "none"):
        case(f"cross_entropy_{reduction}", lambda a, t: F.cross_entropy(a, t, reduction=reduction), logits, target)
    for reduction in ("mean", "sum", "none"):
        case(f"cross_entropy_weight_{reduction}",
             lambda a, t, w: F.cross_entropy(a, t, w.detach(), reduction=reduction, label_smoothing=0.1),
             logits, target, weight)
        case(f"cross_entropy_ignored_{reduction}", lambda a, t: F.cross_entropy(a, t, reduction=reduction), logits, ignored)
    case("cross_entropy_ignore_index", lambda a, t: F.cross_entropy(a, t, ignore_index=2), logits, target)
    case("cross_entropy_smoothing", lambda a, t: F.cross_entropy(a, t, label_smoothing=0.3), logits, target)
    case("cross_entropy_images", F.cross_entropy, images, labels)
    case("cross_entropy_images_none",
         lambda a, t: F.cross_entropy(a, t, reduction="none", label_smoothing=0.2), images, labels)
    case("cross_entropy_probabilities", lambda a, t: F.cross_entropy(a, t.detach()), logits, probabilities)
    case("cross_entropy_probabilities_weight",
         lambda a, t, w: F.cross_entropy(a, t.detach(), w.detach(), label_smoothing=0.1, reduction="sum"),
         logits, probabilities, weight)
    case("cross_entropy_one", F.cross_entropy, randn(5), torch.tensor(3))
    case("cross_entropy_large", F.cross_entropy, logits * 1000, target)


def value(name, function, *operands):
    """A case without gradients."""
    with torch.no_grad():
        case(name, lambda *a: function(*(o.detach() for o in a)), *operands)


def border_values():
    """NaN, infinities, zeros, ties and bounds."""
    inf, nan = float("inf"), float("nan")
    odd = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 1000.0, -1000.0], dtype=torch.float64)
    for name in ("neg", "exp", "log", "sqrt", "abs", "tanh", "sigmoid", "relu"):
        value(f"{name}_odd", getattr(torch, name), odd)
    value("clamp_odd", lambda a: a.clamp(-0.5, 0.7), odd)
    value("pow_scalar_odd", lambda a: a ** 0.5, odd)
    value("pow_scalar_odd_two", lambda a: a ** 2.0, odd)
    value("pow_scalar_odd_inverse", lambda a: a ** -1.0, odd)
    for name in ("add", "sub", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge"):
        value(f"{name}_odd", getattr(torch, name), odd.reshape(9, 1), odd)
    value("where_odd", lambda a: torch.where(a > 0, a, torch.zeros_like(a)), odd)
    with_nan = torch.tensor([[1.0, nan, 3.0], [-inf, -inf, -inf], [inf, 2.0, nan]], dtype=torch.float64)
    value("max_odd", lambda a: torch.amax(a, 1), with_nan)
    value("min_odd", lambda a: torch.amin(a, 1), with_nan)
    value("argmax_odd", lambda a: a.argmax(1), with_nan)
    value("sum_odd", lambda a: a.sum(1), with_nan)
    value("softmax_odd", lambda a: a.softmax(1), torch.tensor([[0.0, -inf, 1.0], [nan, 0.0, 1.0]], dtype=torch.float64))
    value("maxpool2d_odd", lambda a: F.max_pool2d(a, 2, 1),
          torch.tensor([[1.0, nan, -inf], [-inf, -inf, -inf], [-inf, -inf, inf]], dtype=torch.float64).reshape(1, 3, 3))
    edges = torch.tensor([0.0, -0.5, 0.7, 1.0, -1.0], dtype=torch.float64)
    case("abs_edges", torch.abs, edges)
    case("relu_edges", torch.relu, edges)
    case("clamp_edges", lambda a: a.clamp(-0.5, 0.7), edges)
    case("sqrt_edges", torch.sqrt, torch.tensor([0.0, 4.0], dtype=torch.float64))
    case("pow_edges", torch.pow, torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0], dtype=torch.float64),
         torch.tensor([0.0, 1.0, 2.0, 0.0, 3.0], dtype=torch.float64).detach())
    case("min_ties", lambda a: torch.amin(a, (0, 1)), torch.tensor([[1.0, 3, 1], [2, 1, 2]], dtype=torch.float64))
    value("argmax_ties", lambda a: a.argmax(1), torch.tensor([[1.0, 3, 3], [2, 2, 2]], dtype=torch.float64))


def integers():
    a = torch.tensor([[7, -7, 0], [2**62, -2**63, 2**63 - 1]])
    b = torch.tensor([2, -2, 3])
    whole = {"i64": (a, b), "i32": (torch.tensor([[7, -7, 0], [2**30, -2**31, 2**31 - 1]], dtype=torch.int32), b.int()),
             "u8": (torch.tensor([[7, 250, 0], [128, 255, 1]], dtype=torch.uint8), torch.tensor([2, 9, 3], dtype=torch.uint8))}
    for kind, (x, y) in whole.items():
        case(f"add_{kind}", torch.add, x, y)
        case(f"sub_{kind}", torch.sub, x, y)
        case(f"mul_{kind}", torch.mul, x, y)
        case(f"div_{kind}", lambda a, b: torch.div(a, b, rounding_mode="trunc"), x, y)
        case(f"neg_{kind}", torch.neg, x)
        case(f"abs_{kind}", torch.abs, x)
        case(f"clamp_{kind}", lambda a: a.clamp(1, 100), x)
        case(f"lt_{kind}", torch.lt, x, y)
        case(f"eq_{kind}", torch.eq, x, y)
        case(f"sum_{kind}", lambda a: a.sum(0), x)
        case(f"max_{kind}", lambda a: torch.amax(a, 1), x)
        case(f"min_{kind}", lambda a: torch.amin(a, (0, 1)), x)
        case(f"argmax_{kind}", lambda a: a.argmax(1), x)
        case(f"concat_{kind}", lambda a: torch.cat([a, a], 1), x)
        case(f"where_{kind}", lambda a, b: torch.where(a > b, a, b.expand_as(a)), x, y)
    truth = torch.tensor([[True, False, True], [False, False, True]])
    case("sum_bool", lambda a: a.sum(1), truth)
    case("eq_bool", lambda a: a == a[0], truth)
    case("stack_bool", lambda a: torch.stack([a, a == a[0:1]]), truth)


def more_shapes():
    x = randn(2, 3, 4)
    case("add_both_ways", torch.add, randn(3, 1, 4), randn(2, 1))
    case("div_both_ways", torch.div, randn(2, 1, 3), positive(4, 1))
    case("pow_both_ways", torch.pow, positive(2, 1), randn(1, 3))
    case("where_all_ways", torch.where, torch.rand(3, 1, 1) < 0.5, randn(2, 1), randn(4))
    case("add_empty", torch.add, randn(2, 0, 3), randn(1, 3))
    case("sum_negative_dims", lambda a: a.sum((-1, -3), keepdim=True), x)
    case("sum_empty", lambda a: a.sum(1), randn(2, 0, 3))
    case("mean_keepdim_all", lambda a: a.mean((0, 1, 2), keepdim=True), x)
    value("mean_empty", lambda a: a.mean(1), randn(2, 0, 3))
    case("sum_of_scalar", torch.sum, randn(()))
    case("sum_of_transposed", lambda a: a.transpose(0, 2).sum(1), x)
    case("max_of_transposed", lambda a: torch.amax(a.transpose(0, 2), (0, 2)), distinct(2, 3, 4))
    case("argmax_of_transposed", lambda a: a.transpose(0, 1).argmax(0), x)
    case("matmul_vector_of_batches", torch.matmul, randn(2, 1, 3, 4), randn(4))
    case("matmul_shared_left", torch.matmul, randn(3, 4), randn(2, 4, 5))
    case("matmul_both_broadcast", torch.matmul, randn(2, 1, 3, 4), randn(1, 3, 4, 2))
    case("matmul_no_batches", torch.matmul, randn(0, 3, 4), randn(4, 5))
    case("matmul_transposed", lambda a, b: a.transpose(0, 1) @ b.transpose(1, 2), randn(4, 3), randn(2, 5, 4))
    case("linear_no_rows", F.linear, randn(0, 4), randn(5, 4), randn(5))
    case("linear_transposed", lambda x, w, b: F.linear(x.transpose(0, 1), w.transpose(0, 1), b), randn(4, 3), randn(4, 5), randn(5))
    case("permute_negative", lambda a: a.permute(-1, 0, 1), x)
    case("squeeze_of_another_size", lambda a: a.squeeze(1), x)
    case("slice_step_past_the_end", lambda a: a[:, ::9], x)
    case("slice_of_nothing", lambda a: a[:, 2:1], x)
    case("slice_of_slice", lambda a: a[:, 1:][:, :, ::3], x)
    case("expand_scalar", lambda a: a.expand(2, 3), randn(()))
    case("flatten_middle", lambda a: a.flatten(0, 1), x)
    case("stack_last", lambda a, b: torch.stack([a, b], -1), x, randn(2, 3, 4))
    case("concat_with_nothing", lambda a, b: torch.cat([a, b], 1), x, randn(2, 0, 4))
    case("softmax_first", lambda a: a.softmax(0), randn(3, 2, 2))
    case("log_softmax_large", lambda a: a.log_softmax(0), randn(5, 3) * 500)


def more_networks():
    x, w, b = randn(2, 4, 7, 6), randn(6, 4, 3, 2), randn(6)
    case("conv2d_padding_directions", lambda x, w, b: F.conv2d(x, w, b, padding=(2, 1)), x, w, b)
    case("conv2d_everything", lambda x, w: F.conv2d(x, w, None, (2, 1), (1, 3), (2, 1), 2), x, randn(6, 2, 3, 2))
    case("conv2d_sides_stride_dilation",
         lambda x, w, b: F.conv2d(F.pad(x, (0, 3, 2, 1)), w, b, stride=(1, 2), dilation=(2, 1)), x, w, b)
    case("conv2d_same_groups", lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=2, groups=2), x, randn(6, 2, 3, 3), b)
    case("conv2d_pointwise", F.conv2d, x, randn(6, 4, 1, 1), b)
    case("conv2d_pointwise_stride", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), x, randn(6, 4, 1, 1), b)
    case("conv2d_whole_image", F.conv2d, x, randn(6, 4, 7, 6), b)
    case("conv2d_row", lambda x, w, b: F.conv2d(x, w, b, padding=(0, 2)), x, randn(6, 4, 1, 5), b)
    case("conv2d_depthwise_double", lambda x, w: F.conv2d(x, w, None, padding=1, groups=4), x, randn(8, 1, 3, 3))
    case("conv2d_one_image_groups", lambda x, w, b: F.conv2d(x, w, b, groups=2), randn(4, 5, 5), randn(6, 2, 3, 3), b)
    case("conv2d_no_images", F.conv2d, randn(0, 4, 7, 6), w, b)
    case("conv2d_of_transposed", lambda x, w, b: F.conv2d(x.transpose(2, 3), w, b), x, w, b)
    d = distinct(2, 3, 7, 6)
    case("maxpool2d_ceil_padding", lambda a: F.max_pool2d(a, 3, 2, 1, ceil_mode=True), d)
    case("maxpool2d_ceil_in_padding", lambda a: F.max_pool2d(a, 2, 3, 1, ceil_mode=True), d)
    case("maxpool2d_ceil_dilation", lambda a: F.max_pool2d(a, 2, 3, 1, 2, ceil_mode=True), d)
    case("maxpool2d_overlap", lambda a: F.max_pool2d(a, 3, 1), d)
    case("maxpool2d_gaps", lambda a: F.max_pool2d(a, 2, 3), d)
    case("maxpool2d_directions", lambda a: F.max_pool2d(a, (1, 3), (2, 1), (0, 1)), d)
    case("maxpool2d_one_image", lambda a: F.max_pool2d(a, 2), distinct(3, 5, 4))
    case("maxpool2d_no_images", lambda a: F.max_pool2d(a, 2), randn(0, 3, 4, 4))
    chain = lambda x, w, b=None, **o: F.max_pool2d(F.relu(F.conv2d(x, w, b, **o)), 2)
    case("conv2d_relu_maxpool2d_no_bias", chain, x, randn(6, 4, 3, 3))
    case("conv2d_relu_maxpool2d_sides", lambda x, w, b: chain(F.pad(x, (2, 0, 1, 3)), w, b), x, randn(6, 4, 3, 3), b)
    case("conv2d_relu_maxpool2d_one_image", chain, randn(4, 7, 7), randn(6, 4, 2, 2), b)
    case("conv2d_relu_maxpool2d_groups", lambda x, w, b: chain(x, w, b, groups=2, dilation=2), x, randn(6, 2, 2, 2), b)


def more_losses():
    logits, target = randn(6, 5), torch.tensor([0, -100, 2, -100, 1, 3])
    weight, inside = positive(5), torch.tensor([0, 4, 2, 2, 1, 3])
    images, labels = randn(3, 4, 2, 3), torch.randint(0, 4, (3, 2, 3))
    labels[0, 0, 0] = labels[2, 1, 1] = -100
    chances = torch.rand(3, 4, 2, 3, dtype=torch.float64).softmax(1)
    for reduction in ("mean", "sum", "none"):
        options = dict(reduction=reduction, label_smoothing=0.1)
        case(f"cross_entropy_all_options_{reduction}",
             lambda a, t, w: F.cross_entropy(a, t, w.detach(), ignore_index=-100, **options), logits, target, weight)
        case(f"cross_entropy_images_all_options_{reduction}",
             lambda a, t, w: F.cross_entropy(a, t, w.detach(), **options), images, labels, weight[:4])
        case(f"cross_entropy_images_probabilities_{reduction}",
             lambda a, t, w: F.cross_entropy(a, t, w.detach(), **options), images, chances, weight[:4])
        case(f"cross_entropy_weight_only_{reduction}",
             lambda a, t, w: F.cross_entropy(a, t, w.detach(), reduction=reduction), logits, inside, weight)
        value(f"cross_entropy_all_ignored_{reduction}", lambda a, t: F.cross_entropy(a, t, reduction=reduction),
              logits, torch.full((6,), -100))
    case("cross_entropy_one_probabilities", F.cross_entropy, randn(5), torch.rand(5, dtype=torch.float64).softmax(0))
    case("cross_entropy_one_none", lambda a, t: F.cross_entropy(a, t, reduction="none"), randn(5), torch.tensor(2))
    case("cross_entropy_smoothing_of_all", lambda a, t: F.cross_entropy(a, t, label_smoothing=1.0), logits, inside)
    case("cross_entropy_of_transposed", lambda a, t: F.cross_entropy(a.transpose(0, 1), t), randn(5, 6), inside)
    case("cross_entropy_one_class", F.cross_entropy, randn(3, 1), torch.zeros(3, dtype=torch.int64))


def along():
    """max and min along one dimension: the result and where it is."""
    inf, nan = float("inf"), float("nan")
    d = distinct(2, 3, 4)
    odd = torch.tensor([[1.0, nan, 3.0, nan], [-inf, -inf, -inf, -inf], [inf, 2.0, inf, -inf]], dtype=torch.float64)
    ties = torch.tensor([[1.0, 3, 3], [2, 2, 2], [3, 1, 1]], dtype=torch.float64)
    kinds = {"": d, "_odd": odd, "_i64": torch.tensor([[7, -2**63, 2**63 - 1], [0, 0, -1]]),
             "_i32": torch.tensor([[7, -2**31, 2**31 - 1], [0, 0, -1]], dtype=torch.int32),
             "_u8": torch.tensor([[7, 0, 255], [128, 127, 128]], dtype=torch.uint8)}
    for name, function in (("max_along", torch.max), ("min_along", torch.min)):
        for dim in range(3):
            case(f"{name}_{dim}", lambda a: function(a, dim)[0], d)
        case(f"{name}_keepdim", lambda a: function(a, -2, keepdim=True)[0], d)
        case(f"{name}_ties", lambda a: function(a, 1)[0], ties)
        case(f"{name}_of_transposed", lambda a: function(a.transpose(0, 2), 1)[0], d)
        value(f"{name}_odd", lambda a: function(a, 1)[0], odd)
        for kind, x in kinds.items():
            value(f"{name}_indices{kind}", lambda a: function(a, 1)[1], x)
        case(f"{name}_i64", lambda a: function(a, 1)[0], kinds["_i64"])
        value(f"{name}_indices_of_ties", lambda a: function(a, 1)[1], ties)


def embeddings():
    weight, flat = randn(5, 3), torch.tensor([4, 0, 2, 0, 0])
    grid = torch.tensor([[1, 1, 3], [0, 4, 1]])
    case("embedding", lambda w, i: F.embedding(i, w), weight, flat)
    case("embedding_grid", lambda w, i: F.embedding(i, w), weight, grid)
    case("embedding_i32", lambda w, i: F.embedding(i, w), weight, grid.int())
    case("embedding_scalar", lambda w, i: F.embedding(i, w), weight, torch.tensor(3))
    case("embedding_padding", lambda w, i: F.embedding(i, w, padding_idx=1), weight, grid)
    case("embedding_padding_from_the_end", lambda w, i: F.embedding(i, w, padding_idx=-5), weight, flat)
    case("embedding_of_matrices", lambda w, i: w[i], randn(4, 2, 3), torch.tensor([3, 0, 3]))
    case("embedding_of_numbers", lambda w, i: w[i], randn(4), torch.tensor([[3, 0], [3, 1]]))
    case("embedding_of_nothing", lambda w, i: F.embedding(i, w), weight, flat[:0])
    case("embedding_of_transposed", lambda w, i: F.embedding(i.transpose(0, 1), w.transpose(0, 1)), randn(3, 5), grid)


def listed():
    """The cases that src/ops/*.def list. Each draws from a stream of its own, so that a new one changes no other."""
    ops = pathlib.Path(__file__).parent.parent / "src/ops"
    text = "".join(path.read_text() for path in sorted(ops.glob("*.def")))
    for line in re.findall(r"^CNN_OP_CASE\((.*?)\)$", text, flags=re.M | re.S):
        name, operands, torch_call = re.match(r'(\w+),.*"([^"]*)",\s*"([^"]*)"$', line, flags=re.S).groups()
        torch.manual_seed(zlib.crc32(name.encode()))
        given = eval(f"({operands},)")
        case(name, lambda *x: eval(torch_call, globals(), dict(zip("abcd", x))), *given)


def write(folder, wanted=()):
    families = {}
    for name, t in tensors.items():
        families.setdefault(re.match("[a-z0-9]+", name)[0], {})[name] = t
    missing = set(wanted) - set(families)
    if missing:
        sys.exit(f"make_fixtures: no case that src/ops/*.def list has a name that begins with {', '.join(sorted(missing))}")
    os.makedirs(f"{folder}/ops", exist_ok=True)
    for family in wanted or families:
        save_safetensors(f"{folder}/ops/{family}.safetensors", families[family])


folder = sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures"
makers = (elementwise, reductions, products, shapes, networks, losses, border_values, integers, more_shapes, more_networks, more_losses, along, embeddings, listed)
for make in makers:
    make()
write(folder, sys.argv[2:])
if len(sys.argv) <= 2:
    for module in (text, nn, nonfinite, optim, schedules, training, batch_norm, lstm, bfloat16, clip_grad, composed_losses, init, norms, metrics, attention, attention_current, rnn, augment, averages, numpy_files, zoo):
        module.make(folder)
