"""Every operation of <cnn/ops.h> as a function, and as a method of its first operand.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Tuple, Union

from . import _bindings as B
from ._apply import apply
from ._convert import Dims, Sizes, enumerator, ints, options, pair, sizes, varargs

if TYPE_CHECKING:
    from ._tensor import Tensor

__all__ = [
    "abs", "acos", "acosh", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_maxpool2d", "add", "add_scalar",
    "all", "alpha_dropout", "any", "argmax", "argmin", "argsort", "asin", "asinh", "atan", "atanh", "avg_pool1d",
    "avg_pool2d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "cast", "ceil", "celu",
    "channel_shuffle", "clamp", "clone", "concat", "contiguous", "conv1d", "conv2d", "conv2d_relu_maxpool2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cos", "cosh", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "cross_entropy_with", "ctc_loss", "cumprod", "cumsum", "detach", "div",
    "dropout", "dropout1d", "dropout2d", "einsum", "elu", "embedding", "eq", "erf", "exp", "exp2", "expand",
    "expm1", "flatten", "flip", "floor", "fold", "frac", "gather", "gaussian_nll_loss", "ge", "gelu", "group_norm",
    "gru", "gt", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hinge_embedding_loss", "huber_loss",
    "index_add", "index_select", "instance_norm", "interpolate", "isfinite", "isinf", "isnan", "kl_div", "l1_loss",
    "layer_norm", "le", "leaky_relu", "linear", "local_response_norm", "log", "log10", "log1p", "log2",
    "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid", "logsumexp", "lstm",
    "lt", "margin_ranking_loss", "masked_fill", "matmul", "max", "max_along", "maximum", "maxpool1d", "maxpool2d",
    "maxpool2d_with_indices", "mean", "min", "min_along", "minimum", "mish", "mse_loss", "mul", "mul_scalar",
    "multi_margin_loss", "ne", "neg", "nll_loss", "norm", "one_hot", "pad", "permute", "pixel_shuffle",
    "pixel_unshuffle", "poisson_nll_loss", "pow", "pow_scalar", "prelu", "prod", "reciprocal", "relu", "relu6",
    "repeat", "reshape", "rms_norm", "rnn", "roll", "round", "rsqrt", "scaled_dot_product_attention", "scatter",
    "scatter_add", "scatter_value", "selu", "sigmoid", "sign", "silu", "sin", "sinh", "slice", "smooth_l1_loss",
    "soft_margin_loss", "softmax", "softplus", "softshrink", "softsign", "sort", "sqrt", "square", "squeeze",
    "stack", "std", "sub", "sum", "tan", "tanh", "tanhshrink", "topk", "transpose", "tril", "triplet_margin_loss",
    "triu", "trunc", "unflatten", "unfold", "unsqueeze", "var", "view", "where",
]


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x (Maas et al. 2013, "Rectifier Nonlinearities Improve Neural
    Network Acoustic Models"). PyTorch's default is 0.01. The gradient at 0 is negative_slope."""
    return apply("cnn_leaky_relu", x, negative_slope)


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight · x (He et al. 2015, "Delving Deep into Rectifiers"). `weight` has x's dtype
    and the shape [1], or [C] with a weight for each channel of x [N,C,…]. The gradient at 0 is weight."""
    return apply("cnn_prelu", x, weight)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha · (exp(x) − 1) (Clevert et al. 2016, "Fast and Accurate Deep Network Learning
    by Exponential Linear Units"). PyTorch's default is 1. The gradient at 0 is alpha."""
    return apply("cnn_elu", x, alpha)


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha · (exp(x / alpha) − 1), alpha ≠ 0 (Barron 2017, "Continuously Differentiable
    Exponential Linear Units"). PyTorch's default is 1."""
    return apply("cnn_celu", x, alpha)


def selu(x: Tensor) -> Tensor:
    """s · x where x > 0, else s · α · (exp(x) − 1), with s = 1.0507009873554805 and α = 1.6732632423543772
    (Klambauer et al. 2017, "Self-Normalizing Neural Networks"). The gradient at 0 is s · α."""
    return apply("cnn_selu", x)


def silu(x: Tensor) -> Tensor:
    """x · σ(x), σ being cnn_sigmoid(); also called swish (Elfwing et al. 2018, "Sigmoid-Weighted Linear
    Units")."""
    return apply("cnn_silu", x)


def mish(x: Tensor) -> Tensor:
    """x · tanh(log(1 + exp(x))) (Misra 2019, "Mish: A Self Regularized Non-Monotonic Activation Function")."""
    return apply("cnn_mish", x)


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · x)) / beta, and x where beta · x > threshold. PyTorch's defaults are 1 and 20."""
    return apply("cnn_softplus", x, beta, threshold)


def logsigmoid(x: Tensor) -> Tensor:
    """log(σ(x)) = −log(1 + exp(−x))"""
    return apply("cnn_logsigmoid", x)


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|), which is NaN for an infinite x, as in PyTorch."""
    return apply("cnn_softsign", x)


def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """min(max(x, min_val), max_val), min_val ≤ max_val. PyTorch's defaults are −1 and 1. The gradient passes
    where min_val < x < max_val; that of cnn_clamp() also passes at the bounds."""
    return apply("cnn_hardtanh", x, min_val, max_val)


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6); the gradient at 0 and 6 is 0."""
    return apply("cnn_relu6", x)


def hardsigmoid(x: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6) / 6; the gradient at −3 and 3 is 0."""
    return apply("cnn_hardsigmoid", x)


def hardswish(x: Tensor) -> Tensor:
    """x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, "Searching for MobileNetV3"). The gradient is 0 at −3
    and 1 at 3, as in PyTorch of today; its releases up to 2.6 give −1/2 and 3/2 there."""
    return apply("cnn_hardswish", x)


def tanhshrink(x: Tensor) -> Tensor:
    """x − tanh(x); the gradient is tanh(x)². Near 0 the difference cancels, as in PyTorch: its error is that of
    tanh(x)."""
    return apply("cnn_tanhshrink", x)


def softshrink(x: Tensor, lambd: float) -> Tensor:
    """x − lambd where x > lambd, x + lambd where x < −lambd, else 0; lambd ≥ 0. PyTorch's default is 0.5. The
    gradient at −lambd and lambd is 0."""
    return apply("cnn_softshrink", x, lambd)


def hardshrink(x: Tensor, lambd: float) -> Tensor:
    """0 where |x| ≤ lambd, else x. PyTorch's default is 0.5. The gradient at −lambd and lambd is 0."""
    return apply("cnn_hardshrink", x, lambd)


def scaled_dot_product_attention(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None, *,
        scale: Optional[float] = None, dropout_p: Optional[float] = None, is_causal: Optional[bool] = None,
        enable_gqa: Optional[bool] = None, return_weights: bool = False) -> Any:
    """torch.nn.functional.scaled_dot_product_attention:

        weights = dropout(softmax(scale · query · keyᵀ + attn_mask))     result = weights · value

    The weights are made block by block and not kept, unless the caller wants them. A query that sees no key has
    weights of 0 and a result of 0, as in PyTorch since 2.5. Dropped weights are those that cnn_dropout() would
    drop.

    @param query      [...,L,E], f32, f64 or bf16.
    @param key        [...,S,E], with the batch of the query. With `enable_gqa` [...,G,S,E] beside a query of
                      [...,H,L,E], where G divides H: each head of key and value serves H / G neighbours of the query's.
    @param value      [...,S,F].
    @param attn_mask  of a shape that broadcasts to [...,L,S]: bool, where true lets a query see a key, or of
        the query's
                      dtype, which is added and gets a gradient. May be NULL. Joins with `is_causal`.
    @param weights    receives the weights, [...,L,S], behind the dropout: a tensor of the same tape, nil on
        failure.
                      May be NULL.
    @return [...,L,F].

    scale: what the products are multiplied by; default 1/√E
    dropout_p: in [0, 1]: the chance that a weight is dropped, in training alone; default 0
    is_causal: query i sees keys 0 … i alone
    enable_gqa: a head (dimension −3) of key and value serves H / G of the query's, see there"""
    return apply(
            "cnn_scaled_dot_product_attention", query, key, value, attn_mask,
            options(B.cnn_scaled_dot_product_attention_options, scale=scale, dropout_p=dropout_p, is_causal=is_causal,
            enable_gqa=enable_gqa), outputs=1, wanted=(return_weights,))


def conv2d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *,
        stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
        padding: Optional[Union[int, str, Sequence[int]]] = None, padding_top: Optional[int] = None,
        padding_bottom: Optional[int] = None, padding_left: Optional[int] = None, padding_right: Optional[int] = None,
        groups: Optional[int] = None, padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
    """2-D convolution (cross-correlation, torch.nn.functional.conv2d): x [N,C,H,W], weight [O,C/groups,kh,kw],
    bias [O] or NULL → [N,O,H',W'] with H' = floor((H + top + bottom − dilation_h·(kh − 1) − 1) / stride_h) + 1.
    x may also be [C,H,W].

    In f32, where the CPU has a fused multiply-add, 3 × 3 and 5 × 5 kernels of stride 1 between at least 16
    channels and their gradients are computed by Winograd's minimal filtering, F(4 × 4, 3 × 3) and F(2 × 2, 5 ×
    5) (Lavin & Gray, 2016). An output is then computed from a tile, 6 × 6 inputs of each channel, of which its
    own window is a part, and its rounding error is relative to the largest element of the tile: up to about
    2⁻²² times that element times the sum of the sizes of the output channel's weights. Where the elements of a
    tile are of one magnitude, that is up to three times the error of a plain sum; beside an element that is a
    million times as large as its neighbours, their outputs keep no digit. A context with `math` CNN_MATH_STRICT
    computes plain sums only, whose error is relative to their own terms.

    Whatever computes it, an output or a gradient is NaN or infinite exactly where the sum of its own terms is:
    a NaN or an infinity reaches the outputs whose window holds it, and no others; padding is no term.

    stride: default 1
    dilation: default 1
    padding: zeros around the image; default 0
    padding_top: zeros above: if any of the four is given, they alone count
    padding_bottom: zeros below
    padding_left: zeros on the left
    padding_right: zeros on the right
    groups: The groups of channels, each convolved by itself: as many as there are input channels make a
        depthwise convolution; default 1
    padding_mode: default CNN_PADDING_EXPLICIT"""
    return apply(
            "cnn_conv2d", x, weight, bias, options(B.cnn_conv2d_options, stride=stride, dilation=dilation,
            padding=padding, padding_top=padding_top, padding_bottom=padding_bottom, padding_left=padding_left,
            padding_right=padding_right, groups=groups, padding_mode=padding_mode))


def conv1d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *, stride: Optional[int] = None,
        dilation: Optional[int] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        padding_left: Optional[int] = None, padding_right: Optional[int] = None, groups: Optional[int] = None,
        padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
    """1-D convolution (torch.nn.functional.conv1d): x [N,C,L], weight [O,C/groups,k], bias [O] or NULL →
    [N,O,L'] with L' = floor((L + left + right − dilation·(k − 1) − 1) / stride) + 1. x may also be [C,L]. A
    causal convolution is `.padding_left = dilation · (k − 1)`.

    stride: default 1
    dilation: default 1
    padding: zeros at both ends; default 0
    padding_left: zeros before the first element: if one of the two is given, they alone count
    padding_right: zeros behind the last
    groups: the groups of channels, each convolved by itself; default 1
    padding_mode: default CNN_PADDING_EXPLICIT"""
    return apply(
            "cnn_conv1d", x, weight, bias, options(B.cnn_conv1d_options, stride=stride, dilation=dilation,
            padding=padding, padding_left=padding_left, padding_right=padding_right, groups=groups,
            padding_mode=padding_mode))


def conv3d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *,
        stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
        padding: Optional[Union[int, str, Sequence[int]]] = None, groups: Optional[int] = None,
        padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
    """3-D convolution (torch.nn.functional.conv3d): x [N,C,D,H,W], weight [O,C/groups,kd,kh,kw], bias [O] or
    NULL → [N,O,D',H',W'], each size by the formula of cnn_conv2d(). x may also be [C,D,H,W].

    stride: default 1
    dilation: default 1
    padding: zeros around the volume; default 0
    groups: the groups of channels, each convolved by itself; default 1
    padding_mode: default CNN_PADDING_EXPLICIT"""
    return apply(
            "cnn_conv3d", x, weight, bias, options(B.cnn_conv3d_options, stride=stride, dilation=dilation,
            padding=padding, groups=groups, padding_mode=padding_mode))


def conv_transpose1d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *, stride: Optional[int] = None,
        dilation: Optional[int] = None, padding: Optional[int] = None, output_padding: Optional[int] = None,
        output_size: Optional[int] = None, groups: Optional[int] = None) -> Tensor:
    """Transposed 1-D convolution (torch.nn.functional.conv_transpose1d), the gradient of cnn_conv1d() with
    respect to its input: x [N,C,L], weight [C,O/groups,k], bias [O] or NULL → [N,O,L'] with L' = (L − 1) ·
    stride − 2 · padding + dilation · (k − 1) + output_padding + 1. x may also be [C,L].

    stride: elements of the result from one element of x to the next; default 1
    dilation: default 1
    padding: elements that the result lacks at both ends; default 0
    output_padding: elements that it has more at its end, less than stride or dilation; default 0
    output_size: the size of the result in place of output_padding, which then follows from it: fewer than
        `stride` elements more than without; default none
    groups: the groups of channels, each convolved by itself; default 1"""
    return apply(
            "cnn_conv_transpose1d", x, weight, bias, options(B.cnn_conv_transpose1d_options, stride=stride,
            dilation=dilation, padding=padding, output_padding=output_padding, output_size=output_size, groups=groups))


def conv_transpose2d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *,
        stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
        padding: Optional[Union[int, str, Sequence[int]]] = None,
        output_padding: Optional[Union[int, Sequence[int]]] = None,
        output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None) -> Tensor:
    """Transposed 2-D convolution (torch.nn.functional.conv_transpose2d): x [N,C,H,W], weight
    [C,O/groups,kh,kw], bias [O] or NULL → [N,O,H',W'], each size by the formula of cnn_conv_transpose1d(). x
    may also be [C,H,W].

    stride: pixels of the result from one pixel of x to the next; default 1
    dilation: default 1
    padding: rows and columns that the result lacks on each side; default 0
    output_padding: rows and columns that it has more at the bottom and on the right, less than stride or
        dilation; default 0
    output_size: height and width of the result in place of output_padding, which then follows from them: fewer
        than `stride` pixels more than without; default none
    groups: the groups of channels, each convolved by itself; default 1"""
    return apply(
            "cnn_conv_transpose2d", x, weight, bias, options(B.cnn_conv_transpose2d_options, stride=stride,
            dilation=dilation, padding=padding, output_padding=output_padding, output_size=output_size, groups=groups))


def conv_transpose3d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *,
        stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
        padding: Optional[Union[int, str, Sequence[int]]] = None,
        output_padding: Optional[Union[int, Sequence[int]]] = None,
        output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None) -> Tensor:
    """Transposed 3-D convolution (torch.nn.functional.conv_transpose3d): x [N,C,D,H,W], weight
    [C,O/groups,kd,kh,kw], bias [O] or NULL → [N,O,D',H',W'], each size by the formula of
    cnn_conv_transpose1d(). x may also be [C,D,H,W].

    stride: voxels of the result from one voxel of x to the next; default 1
    dilation: default 1
    padding: slices, rows and columns that the result lacks on each side; default 0
    output_padding: slices, rows and columns that it has more at the end, less than stride or dilation; default
        0
    output_size: sizes of the result in place of output_padding, which then follows from them: fewer than
        `stride` voxels more than without; default none
    groups: the groups of channels, each convolved by itself; default 1"""
    return apply(
            "cnn_conv_transpose3d", x, weight, bias, options(B.cnn_conv_transpose3d_options, stride=stride,
            dilation=dilation, padding=padding, output_padding=output_padding, output_size=output_size, groups=groups))


def neg(x: Tensor) -> Tensor:
    """−x"""
    return apply("cnn_neg", x)


def exp(x: Tensor) -> Tensor:
    """exp(x)"""
    return apply("cnn_exp", x)


def log(x: Tensor) -> Tensor:
    """The natural logarithm."""
    return apply("cnn_log", x)


def sqrt(x: Tensor) -> Tensor:
    """√x"""
    return apply("cnn_sqrt", x)


def abs(x: Tensor) -> Tensor:
    """The gradient at 0 is 0."""
    return apply("cnn_abs", x)


def tanh(x: Tensor) -> Tensor:
    """tanh(x)"""
    return apply("cnn_tanh", x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(−x))"""
    return apply("cnn_sigmoid", x)


def gelu(x: Tensor, *, approximate_tanh: Optional[bool] = None) -> Tensor:
    """x · Φ(x), Φ being the standard normal distribution function (Hendrycks & Gimpel 2016, "Gaussian Error
    Linear Units"). x is f32, f64 or bf16, of any shape; so is the result. `options` may be NULL.

    approximate_tanh: PyTorch's approximate='tanh': x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))"""
    return apply("cnn_gelu", x, options(B.cnn_gelu_options, approximate_tanh=approximate_tanh))


def relu(x: Tensor) -> Tensor:
    """max(x, 0); NaN stays NaN; the gradient at 0 is 0."""
    return apply("cnn_relu", x)


def clamp(x: Tensor, low: float, high: float) -> Tensor:
    """min(max(x, low), high); pass -INFINITY or INFINITY for an open side. The gradient passes where low ≤ x ≤
    high."""
    return apply("cnn_clamp", x, low, high)


def pow_scalar(x: Tensor, exponent: float) -> Tensor:
    """x ^ exponent"""
    return apply("cnn_pow_scalar", x, exponent)


def add_scalar(x: Tensor, value: float) -> Tensor:
    """x + value"""
    return apply("cnn_add_scalar", x, value)


def mul_scalar(x: Tensor, value: float) -> Tensor:
    """x · value"""
    return apply("cnn_mul_scalar", x, value)


def erf(x: Tensor) -> Tensor:
    """2/√π · ∫₀ˣ exp(−t²) dt, the error function"""
    return apply("cnn_erf", x)


def sin(x: Tensor) -> Tensor:
    """the sine of x radians"""
    return apply("cnn_sin", x)


def cos(x: Tensor) -> Tensor:
    """the cosine of x radians"""
    return apply("cnn_cos", x)


def tan(x: Tensor) -> Tensor:
    """the tangent of x radians"""
    return apply("cnn_tan", x)


def asin(x: Tensor) -> Tensor:
    """the inverse of the sine, in [−π/2, π/2]"""
    return apply("cnn_asin", x)


def acos(x: Tensor) -> Tensor:
    """the inverse of the cosine, in [0, π]"""
    return apply("cnn_acos", x)


def atan(x: Tensor) -> Tensor:
    """the inverse of the tangent, in [−π/2, π/2]"""
    return apply("cnn_atan", x)


def log2(x: Tensor) -> Tensor:
    """the logarithm to base 2; exact for powers of 2"""
    return apply("cnn_log2", x)


def log10(x: Tensor) -> Tensor:
    """the logarithm to base 10; exact for powers of 10"""
    return apply("cnn_log10", x)


def log1p(x: Tensor) -> Tensor:
    """log(1 + x), accurate for a small x"""
    return apply("cnn_log1p", x)


def exp2(x: Tensor) -> Tensor:
    """2 ^ x; exact for integers"""
    return apply("cnn_exp2", x)


def expm1(x: Tensor) -> Tensor:
    """exp(x) − 1, accurate for a small x"""
    return apply("cnn_expm1", x)


def reciprocal(x: Tensor) -> Tensor:
    """1 / x"""
    return apply("cnn_reciprocal", x)


def rsqrt(x: Tensor) -> Tensor:
    """1 / √x"""
    return apply("cnn_rsqrt", x)


def square(x: Tensor) -> Tensor:
    """x · x"""
    return apply("cnn_square", x)


def floor(x: Tensor) -> Tensor:
    """the largest integer that is not above x; its gradient is 0"""
    return apply("cnn_floor", x)


def ceil(x: Tensor) -> Tensor:
    """the smallest integer that is not below x; its gradient is 0"""
    return apply("cnn_ceil", x)


def round(x: Tensor) -> Tensor:
    """the nearest integer, halves to the even one; its gradient is 0"""
    return apply("cnn_round", x)


def trunc(x: Tensor) -> Tensor:
    """x without its fraction; its gradient is 0"""
    return apply("cnn_trunc", x)


def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1, and 0 for a NaN; its gradient is 0"""
    return apply("cnn_sign", x)


def sinh(x: Tensor) -> Tensor:
    """(exp(x) − exp(−x)) / 2, accurate for a small x"""
    return apply("cnn_sinh", x)


def cosh(x: Tensor) -> Tensor:
    """(exp(x) + exp(−x)) / 2"""
    return apply("cnn_cosh", x)


def asinh(x: Tensor) -> Tensor:
    """the inverse of cnn_sinh()"""
    return apply("cnn_asinh", x)


def acosh(x: Tensor) -> Tensor:
    """the inverse of cnn_cosh(), at least 0"""
    return apply("cnn_acosh", x)


def atanh(x: Tensor) -> Tensor:
    """the inverse of cnn_tanh()"""
    return apply("cnn_atanh", x)


def frac(x: Tensor) -> Tensor:
    """x − cnn_trunc(x), of the sign of x; exact; its gradient is 1"""
    return apply("cnn_frac", x)


def add(a: Tensor, b: Tensor) -> Tensor:
    """a + b"""
    return apply("cnn_add", a, b)


def sub(a: Tensor, b: Tensor) -> Tensor:
    """a − b"""
    return apply("cnn_sub", a, b)


def mul(a: Tensor, b: Tensor) -> Tensor:
    """a · b"""
    return apply("cnn_mul", a, b)


def div(a: Tensor, b: Tensor) -> Tensor:
    """a / b"""
    return apply("cnn_div", a, b)


def pow(a: Tensor, b: Tensor) -> Tensor:
    """a ^ b; f32, f64 and bf16."""
    return apply("cnn_pow", a, b)


def minimum(a: Tensor, b: Tensor) -> Tensor:
    """The smaller of a and b; a NaN wins. Equal operands get half of the gradient each."""
    return apply("cnn_minimum", a, b)


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger of a and b; a NaN wins. Equal operands get half of the gradient each."""
    return apply("cnn_maximum", a, b)


def eq(a: Tensor, b: Tensor) -> Tensor:
    """a = b"""
    return apply("cnn_eq", a, b)


def ne(a: Tensor, b: Tensor) -> Tensor:
    """a ≠ b"""
    return apply("cnn_ne", a, b)


def lt(a: Tensor, b: Tensor) -> Tensor:
    """a < b"""
    return apply("cnn_lt", a, b)


def le(a: Tensor, b: Tensor) -> Tensor:
    """a ≤ b"""
    return apply("cnn_le", a, b)


def gt(a: Tensor, b: Tensor) -> Tensor:
    """a > b"""
    return apply("cnn_gt", a, b)


def ge(a: Tensor, b: Tensor) -> Tensor:
    """a ≥ b"""
    return apply("cnn_ge", a, b)


def where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """condition ? a : b; `condition` is bool, `a` and `b` share a dtype; all three are broadcast.
    Differentiable in a, b."""
    return apply("cnn_where", condition, a, b)


def logical_and(a: Tensor, b: Tensor) -> Tensor:
    """whether both are true"""
    return apply("cnn_logical_and", a, b)


def logical_or(a: Tensor, b: Tensor) -> Tensor:
    """whether one is true, or both are"""
    return apply("cnn_logical_or", a, b)


def logical_xor(a: Tensor, b: Tensor) -> Tensor:
    """whether exactly one is true"""
    return apply("cnn_logical_xor", a, b)


def logical_not(x: Tensor) -> Tensor:
    """whether x is 0"""
    return apply("cnn_logical_not", x)


def isnan(x: Tensor) -> Tensor:
    """whether x is a NaN"""
    return apply("cnn_isnan", x)


def isinf(x: Tensor) -> Tensor:
    """whether x is an infinity"""
    return apply("cnn_isinf", x)


def isfinite(x: Tensor) -> Tensor:
    """whether x is neither"""
    return apply("cnn_isfinite", x)


def bitwise_and(a: Tensor, b: Tensor) -> Tensor:
    """bits that both have"""
    return apply("cnn_bitwise_and", a, b)


def bitwise_or(a: Tensor, b: Tensor) -> Tensor:
    """bits that one has, or both have"""
    return apply("cnn_bitwise_or", a, b)


def bitwise_xor(a: Tensor, b: Tensor) -> Tensor:
    """bits that exactly one has"""
    return apply("cnn_bitwise_xor", a, b)


def bitwise_not(x: Tensor) -> Tensor:
    """every bit inverted; of bool: whether x is false"""
    return apply("cnn_bitwise_not", x)


def bitwise_left_shift(a: Tensor, b: Tensor) -> Tensor:
    """a · 2^b as far as bits have room; 0 where b is negative or at least the number of bits."""
    return apply("cnn_bitwise_left_shift", a, b)


def bitwise_right_shift(a: Tensor, b: Tensor) -> Tensor:
    """⌊a / 2^b⌋; for such b −1 where a is negative, else 0."""
    return apply("cnn_bitwise_right_shift", a, b)


def dropout(x: Tensor, p: float = 0.5) -> Tensor:
    """In training steps: each element is multiplied by 0 with probability p in [0, 1], which hides no NaN, and
    the others by 1/(1 − p). In evaluation: x. Draws come from the step's random stream."""
    return apply("cnn_dropout", x, p)


def dropout1d(x: Tensor, p: float = 0.5) -> Tensor:
    """cnn_dropout() of whole channels of x [N,C,L] or [C,L], each with one draw."""
    return apply("cnn_dropout1d", x, p)


def dropout2d(x: Tensor, p: float = 0.5) -> Tensor:
    """cnn_dropout() of whole channels of x [N,C,H,W], each with one draw."""
    return apply("cnn_dropout2d", x, p)


def alpha_dropout(x: Tensor, p: float = 0.5) -> Tensor:
    """Alpha dropout (Klambauer et al., 2017; torch.nn.functional.alpha_dropout), for networks of cnn_selu(): in
    training steps an element becomes −1.7580993408473766 with probability p in [0, 1], and then a · x + b keeps
    mean 0 and variance 1. In evaluation: x."""
    return apply("cnn_alpha_dropout", x, p)


def unfold(
        x: Tensor, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
        stride: Optional[Union[int, Sequence[int]]] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
    """im2col, torch.nn.functional.unfold: x [N,C,H,W] or [C,H,W] → [N,C·kh·kw,L] or [C·kh·kw,L], one column for
    each of the L positions of the window.

    kernel_size: size of the window; required
    stride: default 1
    padding: zeros around the image; default 0
    dilation: default 1"""
    return apply(
            "cnn_unfold", x, options(B.cnn_unfold_options, kernel=kernel_size, stride=stride, padding=padding,
            dilation=dilation))


def fold(
        x: Tensor, output_size: Union[int, Sequence[int]], *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
        stride: Optional[Union[int, Sequence[int]]] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
    """col2im, torch.nn.functional.fold: x [N,C·kh·kw,L] or [C·kh·kw,L] → [N,C,output_h,output_w] or
    [C,output_h,output_w], where each pixel is the sum of its elements in all columns.

    kernel_size: size of the window; required
    stride: default 1
    padding: zeros around the image; default 0
    dilation: default 1"""
    return apply(
            "cnn_fold", x, *pair(output_size), options(B.cnn_unfold_options, kernel=kernel_size, stride=stride,
            padding=padding, dilation=dilation))


def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    """torch.nn.functional.pixel_shuffle: x [*,C·r²,H,W] → [*,C,H·r,W·r]."""
    return apply("cnn_pixel_shuffle", x, upscale_factor)


def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    """torch.nn.functional.pixel_unshuffle, its inverse: x [*,C,H·r,W·r] → [*,C·r²,H,W]."""
    return apply("cnn_pixel_unshuffle", x, downscale_factor)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """torch.nn.functional.channel_shuffle: channel g·(C/groups) + i of x [N,C,*] becomes channel i·groups + g."""
    return apply("cnn_channel_shuffle", x, groups)


def conv2d_relu_maxpool2d(
        x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, *, conv: Optional[Mapping[str, Any]] = None,
        pool: Optional[Mapping[str, Any]] = None) -> Tensor:
    """cnn_maxpool2d(cnn_relu(cnn_conv2d(x, weight, bias, conv)), pool) in one. With windows of 2 × 2, stride,
    dilation and groups of 1, the activations before pooling are never stored and the gradient is computed where
    windows have their maximum only: several times faster, equal to the three calls to rounding. Everything else
    runs as the three calls. Sequential modules find such chains by themselves. Messages name the part that is
    at fault: conv2d or maxpool2d.

    conv: options by name: stride, dilation, padding, padding_top, padding_bottom, padding_left, padding_right,
        groups, padding_mode
    pool: options by name: kernel_size, stride, padding, dilation, ceil_mode"""
    return apply(
            "cnn_conv2d_relu_maxpool2d", x, weight, bias, options(B.cnn_conv2d_options, **(conv or {})),
            options(B.cnn_maxpool2d_options, **(pool or {})))


def embedding(weight: Tensor, indices: Tensor, *, padding_idx: Optional[int] = None) -> Tensor:
    """Rows of a table by their indices (torch.nn.functional.embedding): result[i…,d…] = weight[indices[i…],d…].
    The gradient of a row is the sum over its uses, added up in double and in their order whatever the number of
    threads.

    @param weight   [n,d…], f32, f64 or bf16.
    @param indices  any shape, i64 or i32, each in [0, n): another one is CNN_ERROR_INVALID_ARGUMENT and names
        its position. @return [indices' shape…,d…]. Of PyTorch's options max_norm, scale_grad_by_freq and sparse
        are missing.

    padding_idx: a row that gets no gradient, counted from the end where it is negative"""
    return apply("cnn_embedding", weight, indices, options(B.cnn_embedding_options, padding_idx=padding_idx))


def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """torch.gather: y[i,j,k] = x[i,index[i,j,k],k] for dim = 1. The index has the rank of x, and its sizes are
    no larger than those of x, except along `dim`."""
    return apply("cnn_gather", x, dim, index)


def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """torch.index_select: the elements of x along `dim` that a list of indices, [n] or [], names, for all other
    positions."""
    return apply("cnn_index_select", x, dim, index)


def scatter(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """torch.scatter: a copy of x in which y[i,index[i,j,k],k] = src[i,j,k], for dim = 1, for all positions of
    the index. Its sizes are no larger than those of src and, except along `dim`, of x. As in PyTorch every
    element of src that is read gets a gradient, even one that a later element overwrites."""
    return apply("cnn_scatter", x, dim, index, src)


def scatter_value(x: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """torch.scatter with a number in place of src, converted as cnn_tensor_fill() says."""
    return apply("cnn_scatter_value", x, dim, index, value)


def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """torch.scatter_add: the same with +=. Any dtype but bool; integers wrap."""
    return apply("cnn_scatter_add", x, dim, index, src)


def index_add(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """torch.index_add: adds `source`, which has the shape of x but for n along `dim`, where the list of n
    indices says. For PyTorch's alpha, multiply the source first. Any dtype but bool."""
    return apply("cnn_index_add", x, dim, index, source)


def masked_fill(x: Tensor, mask: Tensor, value: float) -> Tensor:
    """torch.masked_fill: `value`, converted as cnn_tensor_fill() says, where the mask, which is bool, is true;
    else x. Both are broadcast."""
    return apply("cnn_masked_fill", x, mask, value)


def one_hot(index: Tensor, num_classes: int) -> Tensor:
    """torch.nn.functional.one_hot: [indices' shape…,num_classes], i64, 1 where the index says. The number of
    classes is not found in the elements: it is 1 or more."""
    return apply("cnn_one_hot", index, num_classes)


def sort(x: Tensor, dim: int = -1, descending: bool = False) -> Tuple[Tensor, Tensor]:
    """torch.sort: the elements along `dim` in their order. `indices` receives their positions in x, a tensor of
    the same tape, nil on failure; it may be NULL."""
    return apply("cnn_sort", x, dim, descending, outputs=1)


def argsort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """torch.argsort: the indices alone."""
    return apply("cnn_argsort", x, dim, descending)


def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True) -> Tuple[Tensor, Tensor]:
    """torch.topk: the first `k` of cnn_sort(), from the largest down or, where `largest` is false, from the
    smallest up; k is 0 to the size of `dim`. Of equal elements the first ones are taken."""
    return apply("cnn_topk", x, k, dim, largest, outputs=1)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """torch.matmul: [m,k]·[k,n] → [m,n]; leading dimensions are batches and are broadcast; a rank-1 operand is
    a row on the left, a column on the right. f32, f64 and bf16."""
    return apply("cnn_matmul", a, b)


def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """x[…,in] · weight[out,in]ᵀ + bias[out] → […,out]; `bias` may be NULL. f32, f64 and bf16."""
    return apply("cnn_linear", x, weight, bias)


def einsum(equation: str, a: Tensor, b: Optional[Tensor] = None) -> Tensor:
    """torch.einsum of one operand, where b is NULL, or two: "bik,bkj->bij". A label is a letter, of which an
    operand that has it twice gives its diagonal ("ii->i"); "..." stands for all dimensions that have no label,
    which are broadcast from the last one on and summed where the result has no "...". Without "->" the result
    has these, then the labels that stand once in the equation, in alphabetical order. A label of size 1 in one
    operand is broadcast. Products are made by cnn_matmul(). f32, f64 and bf16."""
    return apply("cnn_einsum", equation.encode(), a, b)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Σ x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim` of both operands, which are broadcast; PyTorch's
    eps is 1e-8. f32, f64 and bf16."""
    return apply("cnn_cosine_similarity", x1, x2, dim, eps)


def cross_entropy_with(
        logits: Tensor, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
        label_smoothing: Optional[float] = None, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy).

    @param logits  [C], [N,C] or [N,C,d1,…], unnormalised.
    @param target  class indices, i64, i32 or u8, shaped like the logits without C; or class probabilities of
        the logits'
                   shape and dtype.
    @return a scalar, or for CNN_REDUCE_NONE the losses in the shape of the logits without C. An index that is
        neither in
            [0, C) nor ignored is CNN_ERROR_INVALID_ARGUMENT and names its position.

    weight: [C], the dtype of the logits: a factor for each class; default none
    ignore_index: neither counts nor gets a gradient, whatever the logits; default −100
    label_smoothing: in [0, 1]; default 0
    reduction: default CNN_REDUCE_MEAN"""
    return apply(
            "cnn_cross_entropy_with", logits, target, options(B.cnn_cross_entropy_options, weight=weight,
            ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction))


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """cnn_cross_entropy_with() the defaults: the mean."""
    return apply("cnn_cross_entropy", logits, target)


def nll_loss(
        input: Tensor, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """−weight[target] · input[target], for an input of logarithms of probabilities.

    @param input   [C], [N,C] or [N,C,d1,…].
    @param target  class indices, i64, i32 or u8, shaped like the input without C.
    @param options  NULL for the defaults.
    @return as for cnn_cross_entropy_with().

    weight: [C], the dtype of the input: a factor for each class; default none
    ignore_index: neither counts nor gets a gradient; default −100
    reduction: default CNN_REDUCE_MEAN, which divides by the sum of the weights that count"""
    return apply(
            "cnn_nll_loss", input, target,
            options(B.cnn_nll_loss_options, weight=weight, ignore_index=ignore_index, reduction=reduction))


def multi_margin_loss(
        input: Tensor, target: Tensor, *, weight: Optional[Tensor] = None, margin: Optional[float] = None,
        p: Optional[int] = None, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """weight[target] / C · Σ max(0, margin − input[target] + input[c])^p over the classes c but the target.

    @param input   [C] or [N,C].
    @param target  class indices, i64, i32 or u8: [] or [N].
    @param options  NULL for the defaults.
    @return a scalar, or for CNN_REDUCE_NONE the target's shape. An index outside of [0, C) is
        CNN_ERROR_INVALID_ARGUMENT
            and names its position.

    weight: [C], the dtype of the input: a factor for each target's loss; default none
    margin: default 1
    p: 1 or 2; default 1
    reduction: default CNN_REDUCE_MEAN, which divides by the number of samples"""
    return apply(
            "cnn_multi_margin_loss", input, target,
            options(B.cnn_multi_margin_loss_options, weight=weight, margin=margin, p=p, reduction=reduction))


def ctc_loss(
        log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, *,
        blank: Optional[int] = None, reduction: Optional[Union[B.Reduction, str, int]] = None,
        zero_infinity: Optional[bool] = None) -> Tensor:
    """The connectionist temporal classification loss: −log of the probability that the classes of all steps,
    each run of equal ones taken once and blanks left out, are the labels (torch.nn.functional.ctc_loss). It is
    infinite where a sequence is too short for its labels. The gradient is that of PyTorch, which takes the
    logarithms for those that cnn_log_softmax() gives: exp(log_probs) − the probability of the class at the
    step, and 0 behind the input length.

    @param log_probs       [T,N,C] or [T,C], logarithms of probabilities.
    @param targets         labels, i64, i32 or u8: [N,S], padded with anything, or those of all sequences one
        after
                           another in one dimension; of [T,C] the one sequence's. A label that is the blank is not looked
                           for.
    @param input_lengths   [N] or, of [T,C], [] or [1]; i64, each in [0, T].
    @param target_lengths  like the input lengths, each in [0, S]; of concatenated targets their sum is that of
        the
                           labels.
    @param options         NULL for the defaults.
    @return a scalar, or for CNN_REDUCE_NONE [N] or []. A length or a label that is out of its bounds is
            CNN_ERROR_INVALID_ARGUMENT and names its position.

    blank: the class that stands for no label; default 0
    reduction: default CNN_REDUCE_MEAN: each loss is divided by its target length, or by 1 if that is 0, then
        their mean is taken
    zero_infinity: a sequence that is too short for its labels has the loss 0 and no gradient"""
    return apply(
            "cnn_ctc_loss", log_probs, targets, input_lengths, target_lengths,
            options(B.cnn_ctc_loss_options, blank=blank, reduction=reduction, zero_infinity=zero_infinity))


def mse_loss(input: Tensor, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """(input − target)².

    reduction: default CNN_REDUCE_MEAN"""
    return apply("cnn_mse_loss", input, target, options(B.cnn_loss_options, reduction=reduction))


def l1_loss(input: Tensor, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """|input − target|, whose slope is 0 where they are equal.

    reduction: default CNN_REDUCE_MEAN"""
    return apply("cnn_l1_loss", input, target, options(B.cnn_loss_options, reduction=reduction))


def smooth_l1_loss(
        input: Tensor, target: Tensor, *, beta: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """With d = |input − target|: d² / (2·beta) where d < beta, else d − beta / 2.

    beta: at least 0; CNN_ZERO: cnn_l1_loss(); default 1
    reduction: default CNN_REDUCE_MEAN"""
    return apply(
            "cnn_smooth_l1_loss", input, target, options(B.cnn_smooth_l1_loss_options, beta=beta, reduction=reduction))


def huber_loss(
        input: Tensor, target: Tensor, *, delta: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """With d = |input − target|: d² / 2 where d ≤ delta, else delta · (d − delta / 2).

    delta: above 0; default 1
    reduction: default CNN_REDUCE_MEAN"""
    return apply("cnn_huber_loss", input, target, options(B.cnn_huber_loss_options, delta=delta, reduction=reduction))


def binary_cross_entropy(
        input: Tensor, target: Tensor, *, weight: Optional[Tensor] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """−target · log input − (1 − target) · log(1 − input), where a logarithm is at least −100. The slope of the
    input is (input − target) / max(input · (1 − input), 1e-12); that of the target has no bound at inputs of 0
    and 1, as in PyTorch. Input and target have one shape. An input outside of [0, 1] makes the loss NaN, where
    PyTorch raises an error.

    weight: a factor of each loss, broadcast to the input; default none
    reduction: default CNN_REDUCE_MEAN, which divides by the number of elements"""
    return apply(
            "cnn_binary_cross_entropy", input, target, options(B.cnn_bce_options, weight=weight, reduction=reduction))


def binary_cross_entropy_with_logits(
        input: Tensor, target: Tensor, *, weight: Optional[Tensor] = None, pos_weight: Optional[Tensor] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """−pos_weight · target · log σ(input) − (1 − target) · log(1 − σ(input)) with the sigmoid σ, computed
    without overflow. Input and target have one shape.

    weight: a factor of each loss, broadcast to the input; default none
    pos_weight: a factor of the first term alone, broadcast to the input; default none
    reduction: default CNN_REDUCE_MEAN, which divides by the number of elements"""
    return apply(
            "cnn_binary_cross_entropy_with_logits", input, target, options(B.cnn_bce_with_logits_options,
            weight=weight, pos_weight=pos_weight, reduction=reduction))


def kl_div(
        input: Tensor, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None,
        log_target: Optional[bool] = None) -> Tensor:
    """target · (log target − input), 0 · log 0 being 0; with `log_target` exp(target) · (target − input). The
    input is of logarithms of probabilities. As in PyTorch, the gradient of a target is NaN where it is 0.

    reduction: default CNN_REDUCE_MEAN over all elements, as in PyTorch; the divergence of distributions is
        CNN_REDUCE_BATCH_MEAN
    log_target: the target is of logarithms, too"""
    return apply("cnn_kl_div", input, target, options(B.cnn_kl_div_options, reduction=reduction, log_target=log_target))


def soft_margin_loss(
        input: Tensor, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """log(1 + exp(−target · input)), computed without overflow; targets are 1 and −1.

    reduction: default CNN_REDUCE_MEAN"""
    return apply("cnn_soft_margin_loss", input, target, options(B.cnn_loss_options, reduction=reduction))


def poisson_nll_loss(
        input: Tensor, target: Tensor, *, eps: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None, log_input: Optional[bool] = None,
        full: Optional[bool] = None) -> Tensor:
    """exp(input) − target · input; with `no_log_input` input − target · log(input + eps). Stirling's
    approximation is target · log target − target + log(2π · target) / 2.

    eps: added to the rate in its logarithm, at least 0; default 1e-8
    reduction: default CNN_REDUCE_MEAN
    log_input: the input is the rate itself (PyTorch's log_input=False) where it is False; default True
    full: add Stirling's approximation of log(target!) where the target is above 1"""
    return apply(
            "cnn_poisson_nll_loss", input, target, options(B.cnn_poisson_nll_loss_options, eps=eps,
            reduction=reduction, no_log_input=log_input, full=full))


def gaussian_nll_loss(
        input: Tensor, target: Tensor, variance: Tensor, *, eps: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None, full: Optional[bool] = None) -> Tensor:
    """With v = max(variance, eps): (log v + (input − target)² / v) / 2. The gradient of the variance is that of
    v, as in PyTorch. A negative variance counts as eps, where PyTorch raises an error.

    @param variance  the input's shape, or that with 1 for its last size, or without that.

    eps: the variance counts as at least this, above 0; default 1e-6
    reduction: default CNN_REDUCE_MEAN
    full: add the constant log(2π) / 2"""
    return apply(
            "cnn_gaussian_nll_loss", input, target, variance,
            options(B.cnn_gaussian_nll_loss_options, eps=eps, reduction=reduction, full=full))


def margin_ranking_loss(
        input1: Tensor, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """max(0, margin − target · (input1 − input2)); targets are 1 and −1. All three have one rank and broadcast.

    margin: default 1 of cnn_hinge_embedding_loss(), else 0
    reduction: default CNN_REDUCE_MEAN"""
    return apply(
            "cnn_margin_ranking_loss", input1, input2, target,
            options(B.cnn_margin_loss_options, margin=margin, reduction=reduction))


def hinge_embedding_loss(
        input: Tensor, target: Tensor, *, margin: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """The input where the target is 1, max(0, margin − input) where it is −1. The target gets a gradient of
    zeros.

    margin: default 1 of cnn_hinge_embedding_loss(), else 0
    reduction: default CNN_REDUCE_MEAN"""
    return apply(
            "cnn_hinge_embedding_loss", input, target,
            options(B.cnn_margin_loss_options, margin=margin, reduction=reduction))


def cosine_embedding_loss(
        input1: Tensor, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
    """With the cosine Σ a·b / √((Σ a² + 1e-12) · (Σ b² + 1e-12)) of each row: 1 − cosine where the target is 1,
    and max(0, cosine − margin) where it is −1. The target gets a gradient of zeros.

    @param input1  [N,D] or [D], and so is input2.
    @param target  [N] or [], of the inputs' dtype.
    @return a scalar, or for CNN_REDUCE_NONE the target's shape.

    margin: default 1 of cnn_hinge_embedding_loss(), else 0
    reduction: default CNN_REDUCE_MEAN"""
    return apply(
            "cnn_cosine_embedding_loss", input1, input2, target,
            options(B.cnn_margin_loss_options, margin=margin, reduction=reduction))


def triplet_margin_loss(
        anchor: Tensor, positive: Tensor, negative: Tensor, *, margin: Optional[float] = None,
        p: Optional[float] = None, eps: Optional[float] = None,
        reduction: Optional[Union[B.Reduction, str, int]] = None, swap: Optional[bool] = None) -> Tensor:
    """max(0, margin + d(anchor, positive) − d(anchor, negative)) of each row. The distance d(a, b) is the
    p-norm of a − b + eps, whose gradient is 0 where it is 0.

    @param anchor  [N,D] or [D], and so are the others; any more dimensions may stand in front.
    @return a scalar, or for CNN_REDUCE_NONE the shape without D.

    margin: default 1
    p: the exponent of the norm, above 0, or INFINITY; default 2
    eps: added to each difference, at least 0; default 1e-6
    reduction: default CNN_REDUCE_MEAN
    swap: the distance of positive and negative counts if it is the smaller one"""
    return apply(
            "cnn_triplet_margin_loss", anchor, positive, negative, options(B.cnn_triplet_margin_loss_options,
            margin=margin, p=p, eps=eps, reduction=reduction, swap=swap))


def batch_norm(
        x: Tensor, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
        running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
        momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
    """Batch normalisation (Ioffe & Szegedy, 2015; torch.nn.functional.batch_norm): per channel c of x [N,C] or
    [N,C,d1,…], (x − mean) / √(var + eps) · weight + bias, where weight and bias [C] may be NULL.

    In training (cnn_tape_training()), and where there are no running statistics, mean and variance are those of
    the channel's elements in this batch (the variance biased), two or more of them, and gradients go through
    them. In training the running statistics then become (1 − momentum) · old + momentum · the batch's (the
    variance unbiased): they are written in place, seen by everybody at once, and put back if the step fails. In
    evaluation they are used and not written. Both are NULL, or tensors [C] that are neither results of
    operations nor ask for a gradient. Sums are made in double.

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5"""
    return apply(
            "cnn_batch_norm", x, weight, bias, running_mean, running_var,
            options(B.cnn_batch_norm_options, momentum=momentum, eps=eps))


def layer_norm(
        x: Tensor, shape: Sizes, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
        eps: Optional[float] = None) -> Tensor:
    """Layer normalisation (Ba et al., 2016; torch.nn.functional.layer_norm): the parts are the last `ndim`
    dimensions of x, which are `shape`, as those of weight and bias are. The shape is only read.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23"""
    return apply("cnn_layer_norm", x, *sizes(shape), weight, bias, options(B.cnn_norm_options, eps=eps))


def rms_norm(x: Tensor, shape: Sizes, weight: Optional[Tensor] = None, *, eps: Optional[float] = None) -> Tensor:
    """RMS normalisation (Zhang & Sennrich, 2019; torch.nn.functional.rms_norm): x / √(mean(x²) + eps) · weight
    over the last `ndim` dimensions of x, which are `shape`.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23"""
    return apply("cnn_rms_norm", x, *sizes(shape), weight, options(B.cnn_norm_options, eps=eps))


def group_norm(
        x: Tensor, groups: int, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
        eps: Optional[float] = None) -> Tensor:
    """Group normalisation (Wu & He, 2018; torch.nn.functional.group_norm) of x [N,C] or [N,C,d1,…]: a part is
    one of the `groups` groups of C / groups neighbouring channels of one sample. Weight and bias are [C]. There
    must be more than one value in a batch's group.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23"""
    return apply("cnn_group_norm", x, groups, weight, bias, options(B.cnn_norm_options, eps=eps))


def instance_norm(
        x: Tensor, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
        running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
        momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
    """Instance normalisation (Ulyanov et al., 2016; torch.nn.functional.instance_norm) of x [N,C,d1,…]: a part
    is a channel of one sample, of two or more values. Weight and bias are [C].

    Running statistics, NULL or tensors [C], are written and read as cnn_batch_norm() says: in training they
    move towards the mean of all samples' statistics, which are used; in evaluation they are used themselves.

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5"""
    return apply(
            "cnn_instance_norm", x, weight, bias, running_mean, running_var,
            options(B.cnn_batch_norm_options, momentum=momentum, eps=eps))


def local_response_norm(
        x: Tensor, size: int, *, alpha: Optional[float] = None, beta: Optional[float] = None,
        k: Optional[float] = None) -> Tensor:
    """Local response normalisation (Krizhevsky et al., 2012; torch.nn.functional.local_response_norm) of x
    [N,C,d1,…]: x / (k + alpha · Σ x² / size)^beta, where the sum is over the `size` channels around each, those
    that there are.

    alpha: factor of the mean square; default 1e-4
    beta: exponent; default 0.75
    k: added to the mean square; default 1"""
    return apply(
            "cnn_local_response_norm", x, size,
            options(B.cnn_local_response_norm_options, alpha=alpha, beta=beta, k=k))


def softmax(x: Tensor, dim: int) -> Tensor:
    """exp(x) / Σ exp(x) along `dim`; computed from x − max(x), so that nothing overflows."""
    return apply("cnn_softmax", x, dim)


def log_softmax(x: Tensor, dim: int) -> Tensor:
    """log(softmax(x)) along `dim`, computed stably."""
    return apply("cnn_log_softmax", x, dim)


def maxpool2d(
        x: Tensor, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
        stride: Optional[Union[int, Sequence[int]]] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None) -> Tensor:
    """The largest element of each window: x [N,C,H,W] or [C,H,W]. The first of equal ones gets the gradient;
    NaN wins.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of −infinity, at most half the window; default 0
    dilation: default 1
    ceil_mode: round the output's size up, as PyTorch does"""
    return apply(
            "cnn_maxpool2d", x, options(B.cnn_maxpool2d_options, kernel=kernel_size, stride=stride, padding=padding,
            dilation=dilation, ceil_mode=ceil_mode))


def avg_pool2d(
        x: Tensor, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
        stride: Optional[Union[int, Sequence[int]]] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        divisor_override: Optional[int] = None, ceil_mode: Optional[bool] = None,
        exclude_padding: Optional[bool] = None) -> Tensor:
    """The mean of each window, as torch.nn.functional.avg_pool2d: x [N,C,H,W] or [C,H,W]. Sums are made in
    double.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of zeros, at most half the window; default 0
    divisor_override: what sums are divided by; default: the number of elements in the window
    ceil_mode: round the output's size up, as PyTorch does
    exclude_padding: elements of the padding are not counted: PyTorch's count_include_pad=False"""
    return apply(
            "cnn_avg_pool2d", x, options(B.cnn_avg_pool2d_options, kernel=kernel_size, stride=stride, padding=padding,
            divisor_override=divisor_override, ceil_mode=ceil_mode, exclude_padding=exclude_padding))


def maxpool2d_with_indices(
        x: Tensor, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
        stride: Optional[Union[int, Sequence[int]]] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
        dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None
) -> Tuple[Tensor, Tensor]:
    """cnn_maxpool2d() with a second result of the same shape, i64: the position of each maximum in its plane of
    x, row · W + column, as torch.nn.functional.max_pool2d with return_indices gives it. `indices` receives it,
    a tensor of the same tape, nil on failure; it may be NULL.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of −infinity, at most half the window; default 0
    dilation: default 1
    ceil_mode: round the output's size up, as PyTorch does"""
    return apply(
            "cnn_maxpool2d_with_indices", x, options(B.cnn_maxpool2d_options, kernel=kernel_size, stride=stride,
            padding=padding, dilation=dilation, ceil_mode=ceil_mode), outputs=1)


def maxpool1d(
        x: Tensor, *, kernel_size: Optional[int] = None, stride: Optional[int] = None, padding: Optional[int] = None,
        dilation: Optional[int] = None, ceil_mode: Optional[bool] = None) -> Tensor:
    """The largest element of each window: x [N,C,L] or [C,L]. As cnn_maxpool2d() on images of height 1.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of −infinity, at most half the window; default 0
    dilation: default 1
    ceil_mode: round the output's size up, as PyTorch does"""
    return apply(
            "cnn_maxpool1d", x, options(B.cnn_maxpool1d_options, kernel=kernel_size, stride=stride, padding=padding,
            dilation=dilation, ceil_mode=ceil_mode))


def avg_pool1d(
        x: Tensor, *, kernel_size: Optional[int] = None, stride: Optional[int] = None, padding: Optional[int] = None,
        ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None) -> Tensor:
    """The mean of each window: x [N,C,L] or [C,L]. Sums are made in double.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of zeros, at most half the window; default 0
    ceil_mode: round the output's size up, as PyTorch does
    exclude_padding: elements of the padding are not counted: PyTorch's count_include_pad=False"""
    return apply(
            "cnn_avg_pool1d", x, options(B.cnn_avg_pool1d_options, kernel=kernel_size, stride=stride, padding=padding,
            ceil_mode=ceil_mode, exclude_padding=exclude_padding))


def adaptive_avg_pool1d(x: Tensor, output_size: int) -> Tensor:
    """The means: x [N,C,L] or [C,L] → [N,C,output_size] or [C,output_size], summed in double."""
    return apply("cnn_adaptive_avg_pool1d", x, output_size)


def adaptive_avg_pool2d(x: Tensor, output_size: Union[int, Sequence[int]]) -> Tensor:
    """The means: x [N,C,H,W] or [C,H,W] → [N,C,output_h,output_w] or [C,output_h,output_w], summed in double."""
    return apply("cnn_adaptive_avg_pool2d", x, *pair(output_size))


def adaptive_maxpool2d(x: Tensor, output_size: Union[int, Sequence[int]], *, return_indices: bool = False) -> Any:
    """The maxima, with their positions row · W + column as a second result, i64; `indices` may be NULL. The
    first of equal ones gets the gradient; NaN wins."""
    return apply("cnn_adaptive_maxpool2d", x, *pair(output_size), outputs=1, wanted=(return_indices,))


def sum(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The sum; integers and bool give i64."""
    return apply("cnn_sum", x, *ints(dim), keepdim)


def mean(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The mean; f32, f64 and bf16. Over no elements: NaN."""
    return apply("cnn_mean", x, *ints(dim), keepdim)


def max(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The largest element; NaN wins. Equal ones share the gradient evenly (torch.amax). Over no elements: an
    error."""
    return apply("cnn_max", x, *ints(dim), keepdim)


def min(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The smallest element, in the same manner (torch.amin)."""
    return apply("cnn_min", x, *ints(dim), keepdim)


def argmax(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The row-major position of the first largest element among the reduced dimensions, i64. Not
    differentiable."""
    return apply("cnn_argmax", x, *ints(dim), keepdim)


def argmin(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The same of the first smallest element; a NaN wins here, too."""
    return apply("cnn_argmin", x, *ints(dim), keepdim)


def max_along(x: Tensor, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
    """The largest elements along one dimension and where they are: torch.max(x, dim). Any dtype; a NaN wins,
    and so does the first of equal elements, which gets the whole gradient. A dimension of size 0: an error.
    @param indices  receives the positions along `dim`, i64, in the result's shape and without a gradient; a
        tensor of
                    the same tape, nil on failure. May be NULL."""
    return apply("cnn_max_along", x, dim, keepdim, outputs=1)


def min_along(x: Tensor, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
    """The smallest elements along one dimension, in the same manner: torch.min(x, dim)."""
    return apply("cnn_min_along", x, dim, keepdim, outputs=1)


def prod(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """The product; integers and bool give i64. Over no elements: 1. The gradient is right also where elements
    are 0."""
    return apply("cnn_prod", x, *ints(dim), keepdim)


def norm(x: Tensor, p: float = 2.0, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """torch.norm: (Σ |x|^p)^(1/p); the largest |x| for p = INFINITY, the smallest for −INFINITY, the number of
    elements that are not 0 for p = 0. f32, f64 and bf16. The gradient is 0 where the norm is. Over no elements:
    0, and an error where p is infinite or negative."""
    return apply("cnn_norm", x, p, *ints(dim), keepdim)


def var(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
    """torch.var: Σ (x − mean)² / max(0, n − correction), in two passes; 1 is Bessel's correction. f32, f64 and
    bf16."""
    return apply("cnn_var", x, correction, *ints(dim), keepdim)


def std(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
    """torch.std: the root of that. Where it is 0, so is the gradient."""
    return apply("cnn_std", x, correction, *ints(dim), keepdim)


def logsumexp(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """log Σ exp(x), without overflow. f32, f64 and bf16. Over no elements: −∞."""
    return apply("cnn_logsumexp", x, *ints(dim), keepdim)


def any(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """Whether any element is another number than 0, as a NaN is; bool. Any dtype. Over no elements: false. Not
    differentiable."""
    return apply("cnn_any", x, *ints(dim), keepdim)


def all(x: Tensor, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
    """Whether all are; over no elements: true."""
    return apply("cnn_all", x, *ints(dim), keepdim)


def cumsum(x: Tensor, dim: int) -> Tensor:
    """Sums of x along `dim` up to each element. Any dtype; integers and bool give i64. Each is made in double,
    whatever the number of threads."""
    return apply("cnn_cumsum", x, dim)


def cumprod(x: Tensor, dim: int) -> Tensor:
    """Products in the same manner. The gradient is right also where elements are 0."""
    return apply("cnn_cumprod", x, dim)


def pad(
        x: Tensor, pads: Sizes, *, value: Optional[float] = None, mode: Optional[Union[B.PadMode, str, int]] = None
) -> Tensor:
    """Adds elements before and after those of the last dimensions, as torch.nn.functional.pad: `pads` has two
    numbers per dimension, those of the last dimension first. cnn_pad(x, CNN_SHAPE(1, 2, 3, 4), NULL) adds one
    column on the left and two on the right, three rows above and four below. A negative number cuts elements
    off. Modes other than CNN_PAD_CONSTANT take f32, f64 and bf16 and pad up to three dimensions. `options` may
    be NULL. Dimension d of the result has size before + size of x + after. CNN_ERROR_SHAPE where that is
    negative, or where a mode does not allow so much padding.

    @param count  how many numbers: even, at most twice the rank.

    value: the elements that CNN_PAD_CONSTANT adds, converted as cnn_tensor_fill() says; default 0
    mode: default CNN_PAD_CONSTANT"""
    return apply("cnn_pad", x, *sizes(pads), options(B.cnn_pad_options, value=value, mode=mode))


def interpolate(
        x: Tensor, *, size: Optional[Union[int, Sequence[int]]] = None,
        scale_factor: Optional[Union[int, Sequence[int]]] = None,
        mode: Optional[Union[B.InterpolateMode, str, int]] = None, align_corners: Optional[bool] = None,
        recompute_scale_factor: Optional[bool] = None) -> Tensor:
    """torch.nn.functional.interpolate without antialias: x [N,C,L], [N,C,H,W] or [N,C,D,H,W] with every
    dimension from the third on resized. Sums are made in double.

    size: the size of the result; required, or else a scale factor
    scale_factor: the size is floor(size of x · scale_factor); sizes or scale factors are given
    mode: default CNN_INTERPOLATE_NEAREST
    align_corners: the first and the last elements of x and of the result coincide, instead of their outer
        edges; of the linear modes and CNN_INTERPOLATE_BICUBIC
    recompute_scale_factor: positions follow from the sizes, not from the scale factors given"""
    return apply(
            "cnn_interpolate", x, options(B.cnn_interpolate_options, size=size, scale_factor=scale_factor, mode=mode,
            align_corners=align_corners, recompute_scale_factor=recompute_scale_factor))


def lstm(
        x: Tensor, h0: Tensor, c0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
        bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
        relu: Optional[bool] = None) -> Tuple[Tensor, Tensor, Tensor]:
    """An LSTM (torch.nn.LSTM). For each step t, with h and c of the step before it:

        i, f, g, o = the four parts of weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh
        c = sigmoid(f) · c + sigmoid(i) · tanh(g)
        h = sigmoid(o) · tanh(c)

    `c0` is like h0.

    reverse: operations only: the last step first
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""
    return apply(
            "cnn_lstm", x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, lengths,
            options(B.cnn_lstm_options, reverse=reverse, relu=relu), outputs=2)


def gru(
        x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
        bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
        relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
    """A GRU (torch.nn.GRU). For each step t, with h of the step before it and a and b the three parts of
    weight_ih · x[t] + bias_ih and of weight_hh · h + bias_hh:

        r, z = sigmoid(a + b)
        n = tanh(a + r · b)
        h = (1 − z) · n + z · h

    reverse: operations only: the last step first
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""
    return apply(
            "cnn_gru", x, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths,
            options(B.cnn_gru_options, reverse=reverse, relu=relu), outputs=1)


def rnn(
        x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
        bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
        relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
    """Elman's network (torch.nn.RNN). For each step t, with h of the step before it:

        h = tanh(weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh), or ReLU of that

    reverse: operations only: the last step first
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""
    return apply(
            "cnn_rnn", x, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths,
            options(B.cnn_rnn_options, reverse=reverse, relu=relu), outputs=1)


def reshape(x: Tensor, shape: Sizes) -> Tensor:
    """A view where the strides allow it, else a copy. One size may be −1: it is inferred."""
    return apply("cnn_reshape", x, *sizes(shape))


def view(x: Tensor, shape: Sizes) -> Tensor:
    """The same, but an error where a copy would be needed. View."""
    return apply("cnn_view", x, *sizes(shape))


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Joins dimensions start to end, both included: flatten(x, 1, −1) gives [N, features]."""
    return apply("cnn_flatten", x, start_dim, end_dim)


def unflatten(x: Tensor, dim: int, shape: Sizes) -> Tensor:
    """Splits dimension `dim` into sizes whose product is its own, one of which may be −1: torch.unflatten. A
    view where the strides allow it, else a copy."""
    return apply("cnn_unflatten", x, dim, *sizes(shape))


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Swaps two dimensions. View."""
    return apply("cnn_transpose", x, dim0, dim1)


def permute(x: Tensor, dims: Dims) -> Tensor:
    """Dimension i of the result is dimension dims[i] of x; `count` is the rank. View."""
    return apply("cnn_permute", x, *ints(dims))


def slice(x: Tensor, dim: int, start: int, end: int, step: int) -> Tensor:
    """Elements start, start + step, … before `end` along `dim`, as Python's x[start:end:step]: negative
    positions count from the end, positions past it are clipped; step ≥ 1. View."""
    return apply("cnn_slice", x, dim, start, end, step)


def expand(x: Tensor, shape: Sizes) -> Tensor:
    """Repeats dimensions of size 1 without a copy; −1 keeps a size; new leading dimensions may be added. View."""
    return apply("cnn_expand", x, *sizes(shape))


def squeeze(x: Tensor, dim: int) -> Tensor:
    """Removes dimension `dim` if its size is 1. View."""
    return apply("cnn_squeeze", x, dim)


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """Inserts a dimension of size 1 before `dim` (−1: at the end). View."""
    return apply("cnn_unsqueeze", x, dim)


def contiguous(x: Tensor) -> Tensor:
    """x itself if it is contiguous, else a contiguous copy."""
    return apply("cnn_contiguous", x)


def clone(x: Tensor) -> Tensor:
    """A contiguous copy."""
    return apply("cnn_clone", x)


def cast(x: Tensor, dtype: Union[B.DType, str, int]) -> Tensor:
    """Converts the elements: to an integer toward zero (saturating; NaN gives 0), to bool by ≠ 0.
    Differentiable between f32, f64 and bf16."""
    return apply("cnn_cast", x, enumerator(B.DType, dtype))


def concat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Joins `count` tensors along `dim`; the other sizes and the dtype agree."""
    return apply("cnn_concat", list(tensors), len(tensors), dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Joins `count` tensors of one shape along a new dimension `dim`."""
    return apply("cnn_stack", list(tensors), len(tensors), dim)


def detach(x: Tensor) -> Tensor:
    """The same elements without history: gradients stop here. torch.Tensor.detach. View."""
    return apply("cnn_detach", x)


def flip(x: Tensor, dims: Dims) -> Tensor:
    """The elements in reversed order along `count` dimensions `dims`; `count` 0 means all of them."""
    return apply("cnn_flip", x, *ints(dims))


def roll(x: Tensor, shift: int, dim: int) -> Tensor:
    """The elements `shift` positions further along `dim`; what leaves at one end comes in at the other. For
    several dimensions roll several times. torch.roll."""
    return apply("cnn_roll", x, shift, dim)


def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices [rows,columns] behind any leading dimensions with zeros above the diagonal, which is `diagonal`
    columns to the right of the main one. torch.tril."""
    return apply("cnn_tril", x, diagonal)


def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The same with zeros below the diagonal. torch.triu."""
    return apply("cnn_triu", x, diagonal)


def repeat(x: Tensor, repeats: Sizes) -> Tensor:
    """Copies of x beside each other, repeats[i] along dimension i of the result; `ndim` is its rank, at least
    that of x. torch.Tensor.repeat. cnn_expand() makes no copies."""
    return apply("cnn_repeat", x, *sizes(repeats))


class TensorMethods:
    """The operations whose first operand is the tensor itself, as methods of it."""

    __slots__ = ()

    def leaky_relu(self: Any, negative_slope: float = 0.01) -> Tensor:
        """x where x > 0, else negative_slope · x (Maas et al."""
        return leaky_relu(self, negative_slope)

    def prelu(self: Any, weight: Tensor) -> Tensor:
        """x where x > 0, else weight · x (He et al."""
        return prelu(self, weight)

    def elu(self: Any, alpha: float = 1.0) -> Tensor:
        """x where x > 0, else alpha · (exp(x) − 1) (Clevert et al."""
        return elu(self, alpha)

    def celu(self: Any, alpha: float = 1.0) -> Tensor:
        """x where x > 0, else alpha · (exp(x / alpha) − 1), alpha ≠ 0 (Barron 2017, "Continuously
        Differentiable Exponential Linear Units")."""
        return celu(self, alpha)

    def selu(self: Any) -> Tensor:
        """s · x where x > 0, else s · α · (exp(x) − 1), with s = 1.0507009873554805 and α = 1.6732632423543772
        (Klambauer et al."""
        return selu(self)

    def silu(self: Any) -> Tensor:
        """x · σ(x), σ being cnn_sigmoid(); also called swish (Elfwing et al."""
        return silu(self)

    def mish(self: Any) -> Tensor:
        """x · tanh(log(1 + exp(x))) (Misra 2019, "Mish: A Self Regularized Non-Monotonic Activation Function")."""
        return mish(self)

    def softplus(self: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
        """log(1 + exp(beta · x)) / beta, and x where beta · x > threshold."""
        return softplus(self, beta, threshold)

    def logsigmoid(self: Any) -> Tensor:
        """log(σ(x)) = −log(1 + exp(−x))."""
        return logsigmoid(self)

    def softsign(self: Any) -> Tensor:
        """x / (1 + |x|), which is NaN for an infinite x, as in PyTorch."""
        return softsign(self)

    def hardtanh(self: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
        """min(max(x, min_val), max_val), min_val ≤ max_val."""
        return hardtanh(self, min_val, max_val)

    def relu6(self: Any) -> Tensor:
        """min(max(x, 0), 6); the gradient at 0 and 6 is 0."""
        return relu6(self)

    def hardsigmoid(self: Any) -> Tensor:
        """min(max(x + 3, 0), 6) / 6; the gradient at −3 and 3 is 0."""
        return hardsigmoid(self)

    def hardswish(self: Any) -> Tensor:
        """x · min(max(x + 3, 0), 6) / 6 (Howard et al."""
        return hardswish(self)

    def tanhshrink(self: Any) -> Tensor:
        """x − tanh(x); the gradient is tanh(x)². Near 0 the difference cancels, as in PyTorch: its error is
        that of tanh(x)."""
        return tanhshrink(self)

    def softshrink(self: Any, lambd: float) -> Tensor:
        """x − lambd where x > lambd, x + lambd where x < −lambd, else 0; lambd ≥ 0."""
        return softshrink(self, lambd)

    def hardshrink(self: Any, lambd: float) -> Tensor:
        """0 where |x| ≤ lambd, else x."""
        return hardshrink(self, lambd)

    def scaled_dot_product_attention(
            self: Any, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None, *,
            scale: Optional[float] = None, dropout_p: Optional[float] = None, is_causal: Optional[bool] = None,
            enable_gqa: Optional[bool] = None, return_weights: bool = False) -> Any:
        """torch.nn.functional.scaled_dot_product_attention:."""
        return scaled_dot_product_attention(
                self, key, value, attn_mask, scale=scale, dropout_p=dropout_p, is_causal=is_causal,
                enable_gqa=enable_gqa, return_weights=return_weights)

    def conv2d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *,
            stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, padding_top: Optional[int] = None,
            padding_bottom: Optional[int] = None, padding_left: Optional[int] = None,
            padding_right: Optional[int] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
        """2-D convolution (cross-correlation, torch.nn.functional.conv2d): x [N,C,H,W], weight
        [O,C/groups,kh,kw], bias [O] or NULL → [N,O,H',W'] with H' = floor((H + top + bottom − dilation_h·(kh −
        1) − 1) / stride_h) + 1."""
        return conv2d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, padding_top=padding_top,
                padding_bottom=padding_bottom, padding_left=padding_left, padding_right=padding_right, groups=groups,
                padding_mode=padding_mode)

    def conv1d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *, stride: Optional[int] = None,
            dilation: Optional[int] = None, padding: Optional[Union[int, str, Sequence[int]]] = None,
            padding_left: Optional[int] = None, padding_right: Optional[int] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
        """1-D convolution (torch.nn.functional.conv1d): x [N,C,L], weight [O,C/groups,k], bias [O] or NULL →
        [N,O,L'] with L' = floor((L + left + right − dilation·(k − 1) − 1) / stride) + 1."""
        return conv1d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, padding_left=padding_left,
                padding_right=padding_right, groups=groups, padding_mode=padding_mode)

    def conv3d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *,
            stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
        """3-D convolution (torch.nn.functional.conv3d): x [N,C,D,H,W], weight [O,C/groups,kd,kh,kw], bias [O]
        or NULL → [N,O,D',H',W'], each size by the formula of cnn_conv2d()."""
        return conv3d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, groups=groups,
                padding_mode=padding_mode)

    def conv_transpose1d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *, stride: Optional[int] = None,
            dilation: Optional[int] = None, padding: Optional[int] = None, output_padding: Optional[int] = None,
            output_size: Optional[int] = None, groups: Optional[int] = None) -> Tensor:
        """Transposed 1-D convolution (torch.nn.functional.conv_transpose1d), the gradient of cnn_conv1d() with
        respect to its input: x [N,C,L], weight [C,O/groups,k], bias [O] or NULL → [N,O,L'] with L' = (L − 1) ·
        stride − 2 · padding + dilation · (k − 1) + output_padding + 1."""
        return conv_transpose1d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups)

    def conv_transpose2d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *,
            stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            output_padding: Optional[Union[int, Sequence[int]]] = None,
            output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None) -> Tensor:
        """Transposed 2-D convolution (torch.nn.functional.conv_transpose2d): x [N,C,H,W], weight
        [C,O/groups,kh,kw], bias [O] or NULL → [N,O,H',W'], each size by the formula of cnn_conv_transpose1d()."""
        return conv_transpose2d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups)

    def conv_transpose3d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *,
            stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            output_padding: Optional[Union[int, Sequence[int]]] = None,
            output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None) -> Tensor:
        """Transposed 3-D convolution (torch.nn.functional.conv_transpose3d): x [N,C,D,H,W], weight
        [C,O/groups,kd,kh,kw], bias [O] or NULL → [N,O,D',H',W'], each size by the formula of
        cnn_conv_transpose1d()."""
        return conv_transpose3d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups)

    def neg(self: Any) -> Tensor:
        """−x."""
        return neg(self)

    def exp(self: Any) -> Tensor:
        """exp(x)."""
        return exp(self)

    def log(self: Any) -> Tensor:
        """The natural logarithm."""
        return log(self)

    def sqrt(self: Any) -> Tensor:
        """√x."""
        return sqrt(self)

    def abs(self: Any) -> Tensor:
        """The gradient at 0 is 0."""
        return abs(self)

    def tanh(self: Any) -> Tensor:
        """tanh(x)."""
        return tanh(self)

    def sigmoid(self: Any) -> Tensor:
        """1 / (1 + exp(−x))."""
        return sigmoid(self)

    def gelu(self: Any, *, approximate_tanh: Optional[bool] = None) -> Tensor:
        """x · Φ(x), Φ being the standard normal distribution function (Hendrycks & Gimpel 2016, "Gaussian Error
        Linear Units")."""
        return gelu(self, approximate_tanh=approximate_tanh)

    def relu(self: Any) -> Tensor:
        """max(x, 0); NaN stays NaN; the gradient at 0 is 0."""
        return relu(self)

    def clamp(self: Any, low: float, high: float) -> Tensor:
        """min(max(x, low), high); pass -INFINITY or INFINITY for an open side."""
        return clamp(self, low, high)

    def pow_scalar(self: Any, exponent: float) -> Tensor:
        """x ^ exponent."""
        return pow_scalar(self, exponent)

    def add_scalar(self: Any, value: float) -> Tensor:
        """x + value."""
        return add_scalar(self, value)

    def mul_scalar(self: Any, value: float) -> Tensor:
        """x · value."""
        return mul_scalar(self, value)

    def erf(self: Any) -> Tensor:
        """2/√π · ∫₀ˣ exp(−t²) dt, the error function."""
        return erf(self)

    def sin(self: Any) -> Tensor:
        """the sine of x radians."""
        return sin(self)

    def cos(self: Any) -> Tensor:
        """the cosine of x radians."""
        return cos(self)

    def tan(self: Any) -> Tensor:
        """the tangent of x radians."""
        return tan(self)

    def asin(self: Any) -> Tensor:
        """the inverse of the sine, in [−π/2, π/2]."""
        return asin(self)

    def acos(self: Any) -> Tensor:
        """the inverse of the cosine, in [0, π]."""
        return acos(self)

    def atan(self: Any) -> Tensor:
        """the inverse of the tangent, in [−π/2, π/2]."""
        return atan(self)

    def log2(self: Any) -> Tensor:
        """the logarithm to base 2; exact for powers of 2."""
        return log2(self)

    def log10(self: Any) -> Tensor:
        """the logarithm to base 10; exact for powers of 10."""
        return log10(self)

    def log1p(self: Any) -> Tensor:
        """log(1 + x), accurate for a small x."""
        return log1p(self)

    def exp2(self: Any) -> Tensor:
        """2 ^ x; exact for integers."""
        return exp2(self)

    def expm1(self: Any) -> Tensor:
        """exp(x) − 1, accurate for a small x."""
        return expm1(self)

    def reciprocal(self: Any) -> Tensor:
        """1 / x."""
        return reciprocal(self)

    def rsqrt(self: Any) -> Tensor:
        """1 / √x."""
        return rsqrt(self)

    def square(self: Any) -> Tensor:
        """x · x."""
        return square(self)

    def floor(self: Any) -> Tensor:
        """the largest integer that is not above x; its gradient is 0."""
        return floor(self)

    def ceil(self: Any) -> Tensor:
        """the smallest integer that is not below x; its gradient is 0."""
        return ceil(self)

    def round(self: Any) -> Tensor:
        """the nearest integer, halves to the even one; its gradient is 0."""
        return round(self)

    def trunc(self: Any) -> Tensor:
        """x without its fraction; its gradient is 0."""
        return trunc(self)

    def sign(self: Any) -> Tensor:
        """−1, 0 or 1, and 0 for a NaN; its gradient is 0."""
        return sign(self)

    def sinh(self: Any) -> Tensor:
        """(exp(x) − exp(−x)) / 2, accurate for a small x."""
        return sinh(self)

    def cosh(self: Any) -> Tensor:
        """(exp(x) + exp(−x)) / 2."""
        return cosh(self)

    def asinh(self: Any) -> Tensor:
        """the inverse of cnn_sinh()."""
        return asinh(self)

    def acosh(self: Any) -> Tensor:
        """the inverse of cnn_cosh(), at least 0."""
        return acosh(self)

    def atanh(self: Any) -> Tensor:
        """the inverse of cnn_tanh()."""
        return atanh(self)

    def frac(self: Any) -> Tensor:
        """x − cnn_trunc(x), of the sign of x; exact; its gradient is 1."""
        return frac(self)

    def add(self: Any, b: Tensor) -> Tensor:
        """a + b."""
        return add(self, b)

    def sub(self: Any, b: Tensor) -> Tensor:
        """a − b."""
        return sub(self, b)

    def mul(self: Any, b: Tensor) -> Tensor:
        """a · b."""
        return mul(self, b)

    def div(self: Any, b: Tensor) -> Tensor:
        """a / b."""
        return div(self, b)

    def pow(self: Any, b: Tensor) -> Tensor:
        """a ^ b; f32, f64 and bf16."""
        return pow(self, b)

    def minimum(self: Any, b: Tensor) -> Tensor:
        """The smaller of a and b; a NaN wins."""
        return minimum(self, b)

    def maximum(self: Any, b: Tensor) -> Tensor:
        """The larger of a and b; a NaN wins."""
        return maximum(self, b)

    def eq(self: Any, b: Tensor) -> Tensor:
        """a = b."""
        return eq(self, b)

    def ne(self: Any, b: Tensor) -> Tensor:
        """a ≠ b."""
        return ne(self, b)

    def lt(self: Any, b: Tensor) -> Tensor:
        """a < b."""
        return lt(self, b)

    def le(self: Any, b: Tensor) -> Tensor:
        """a ≤ b."""
        return le(self, b)

    def gt(self: Any, b: Tensor) -> Tensor:
        """a > b."""
        return gt(self, b)

    def ge(self: Any, b: Tensor) -> Tensor:
        """a ≥ b."""
        return ge(self, b)

    def where(self: Any, a: Tensor, b: Tensor) -> Tensor:
        """condition ? a : b; `condition` is bool, `a` and `b` share a dtype; all three are broadcast."""
        return where(self, a, b)

    def logical_and(self: Any, b: Tensor) -> Tensor:
        """whether both are true."""
        return logical_and(self, b)

    def logical_or(self: Any, b: Tensor) -> Tensor:
        """whether one is true, or both are."""
        return logical_or(self, b)

    def logical_xor(self: Any, b: Tensor) -> Tensor:
        """whether exactly one is true."""
        return logical_xor(self, b)

    def logical_not(self: Any) -> Tensor:
        """whether x is 0."""
        return logical_not(self)

    def isnan(self: Any) -> Tensor:
        """whether x is a NaN."""
        return isnan(self)

    def isinf(self: Any) -> Tensor:
        """whether x is an infinity."""
        return isinf(self)

    def isfinite(self: Any) -> Tensor:
        """whether x is neither."""
        return isfinite(self)

    def bitwise_and(self: Any, b: Tensor) -> Tensor:
        """bits that both have."""
        return bitwise_and(self, b)

    def bitwise_or(self: Any, b: Tensor) -> Tensor:
        """bits that one has, or both have."""
        return bitwise_or(self, b)

    def bitwise_xor(self: Any, b: Tensor) -> Tensor:
        """bits that exactly one has."""
        return bitwise_xor(self, b)

    def bitwise_not(self: Any) -> Tensor:
        """every bit inverted; of bool: whether x is false."""
        return bitwise_not(self)

    def bitwise_left_shift(self: Any, b: Tensor) -> Tensor:
        """a · 2^b as far as bits have room; 0 where b is negative or at least the number of bits."""
        return bitwise_left_shift(self, b)

    def bitwise_right_shift(self: Any, b: Tensor) -> Tensor:
        """⌊a / 2^b⌋; for such b −1 where a is negative, else 0."""
        return bitwise_right_shift(self, b)

    def dropout(self: Any, p: float = 0.5) -> Tensor:
        """In training steps: each element is multiplied by 0 with probability p in [0, 1], which hides no NaN,
        and the others by 1/(1 − p)."""
        return dropout(self, p)

    def dropout1d(self: Any, p: float = 0.5) -> Tensor:
        """cnn_dropout() of whole channels of x [N,C,L] or [C,L], each with one draw."""
        return dropout1d(self, p)

    def dropout2d(self: Any, p: float = 0.5) -> Tensor:
        """cnn_dropout() of whole channels of x [N,C,H,W], each with one draw."""
        return dropout2d(self, p)

    def alpha_dropout(self: Any, p: float = 0.5) -> Tensor:
        """Alpha dropout (Klambauer et al., 2017; torch.nn.functional.alpha_dropout), for networks of
        cnn_selu(): in training steps an element becomes −1.7580993408473766 with probability p in [0, 1], and
        then a · x + b keeps mean 0 and variance 1."""
        return alpha_dropout(self, p)

    def unfold(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
        """im2col, torch.nn.functional.unfold: x [N,C,H,W] or [C,H,W] → [N,C·kh·kw,L] or [C·kh·kw,L], one column
        for each of the L positions of the window."""
        return unfold(self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)

    def fold(
            self: Any, output_size: Union[int, Sequence[int]], *,
            kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
        """col2im, torch.nn.functional.fold: x [N,C·kh·kw,L] or [C·kh·kw,L] → [N,C,output_h,output_w] or
        [C,output_h,output_w], where each pixel is the sum of its elements in all columns."""
        return fold(self, output_size, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)

    def pixel_shuffle(self: Any, upscale_factor: int) -> Tensor:
        """torch.nn.functional.pixel_shuffle: x [*,C·r²,H,W] → [*,C,H·r,W·r]."""
        return pixel_shuffle(self, upscale_factor)

    def pixel_unshuffle(self: Any, downscale_factor: int) -> Tensor:
        """torch.nn.functional.pixel_unshuffle, its inverse: x [*,C,H·r,W·r] → [*,C·r²,H,W]."""
        return pixel_unshuffle(self, downscale_factor)

    def channel_shuffle(self: Any, groups: int) -> Tensor:
        """torch.nn.functional.channel_shuffle: channel g·(C/groups) + i of x [N,C,*] becomes channel i·groups +
        g."""
        return channel_shuffle(self, groups)

    def conv2d_relu_maxpool2d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *, conv: Optional[Mapping[str, Any]] = None,
            pool: Optional[Mapping[str, Any]] = None) -> Tensor:
        """cnn_maxpool2d(cnn_relu(cnn_conv2d(x, weight, bias, conv)), pool) in one."""
        return conv2d_relu_maxpool2d(self, weight, bias, conv=conv, pool=pool)

    def embedding(self: Any, indices: Tensor, *, padding_idx: Optional[int] = None) -> Tensor:
        """Rows of a table by their indices (torch.nn.functional.embedding): result[i…,d…] =
        weight[indices[i…],d…]. The gradient of a row is the sum over its uses, added up in double and in their
        order whatever the number of threads."""
        return embedding(self, indices, padding_idx=padding_idx)

    def gather(self: Any, dim: int, index: Tensor) -> Tensor:
        """torch.gather: y[i,j,k] = x[i,index[i,j,k],k] for dim = 1."""
        return gather(self, dim, index)

    def index_select(self: Any, dim: int, index: Tensor) -> Tensor:
        """torch.index_select: the elements of x along `dim` that a list of indices, [n] or [], names, for all
        other positions."""
        return index_select(self, dim, index)

    def scatter(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """torch.scatter: a copy of x in which y[i,index[i,j,k],k] = src[i,j,k], for dim = 1, for all positions
        of the index."""
        return scatter(self, dim, index, src)

    def scatter_value(self: Any, dim: int, index: Tensor, value: float) -> Tensor:
        """torch.scatter with a number in place of src, converted as cnn_tensor_fill() says."""
        return scatter_value(self, dim, index, value)

    def scatter_add(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """torch.scatter_add: the same with +=. Any dtype but bool; integers wrap."""
        return scatter_add(self, dim, index, src)

    def index_add(self: Any, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """torch.index_add: adds `source`, which has the shape of x but for n along `dim`, where the list of n
        indices says."""
        return index_add(self, dim, index, source)

    def masked_fill(self: Any, mask: Tensor, value: float) -> Tensor:
        """torch.masked_fill: `value`, converted as cnn_tensor_fill() says, where the mask, which is bool, is
        true; else x."""
        return masked_fill(self, mask, value)

    def one_hot(self: Any, num_classes: int) -> Tensor:
        """torch.nn.functional.one_hot: [indices' shape…,num_classes], i64, 1 where the index says."""
        return one_hot(self, num_classes)

    def sort(self: Any, dim: int = -1, descending: bool = False) -> Tuple[Tensor, Tensor]:
        """torch.sort: the elements along `dim` in their order."""
        return sort(self, dim, descending)

    def argsort(self: Any, dim: int = -1, descending: bool = False) -> Tensor:
        """torch.argsort: the indices alone."""
        return argsort(self, dim, descending)

    def topk(self: Any, k: int, dim: int = -1, largest: bool = True) -> Tuple[Tensor, Tensor]:
        """torch.topk: the first `k` of cnn_sort(), from the largest down or, where `largest` is false, from the
        smallest up; k is 0 to the size of `dim`."""
        return topk(self, k, dim, largest)

    def matmul(self: Any, b: Tensor) -> Tensor:
        """torch.matmul: [m,k]·[k,n] → [m,n]; leading dimensions are batches and are broadcast; a rank-1 operand
        is a row on the left, a column on the right."""
        return matmul(self, b)

    def linear(self: Any, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        """x[…,in] · weight[out,in]ᵀ + bias[out] → […,out]; `bias` may be NULL. f32, f64 and bf16."""
        return linear(self, weight, bias)

    def cosine_similarity(self: Any, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
        """Σ x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim` of both operands, which are broadcast;
        PyTorch's eps is 1e-8."""
        return cosine_similarity(self, x2, dim, eps)

    def cross_entropy_with(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
            label_smoothing: Optional[float] = None, reduction: Optional[Union[B.Reduction, str, int]] = None
    ) -> Tensor:
        """log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy)."""
        return cross_entropy_with(
                self, target, weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing,
                reduction=reduction)

    def cross_entropy(self: Any, target: Tensor) -> Tensor:
        """cnn_cross_entropy_with() the defaults: the mean."""
        return cross_entropy(self, target)

    def nll_loss(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−weight[target] · input[target], for an input of logarithms of probabilities."""
        return nll_loss(self, target, weight=weight, ignore_index=ignore_index, reduction=reduction)

    def multi_margin_loss(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, margin: Optional[float] = None,
            p: Optional[int] = None, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """weight[target] / C · Σ max(0, margin − input[target] + input[c])^p over the classes c but the target."""
        return multi_margin_loss(self, target, weight=weight, margin=margin, p=p, reduction=reduction)

    def ctc_loss(
            self: Any, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, *, blank: Optional[int] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, zero_infinity: Optional[bool] = None) -> Tensor:
        """The connectionist temporal classification loss: −log of the probability that the classes of all
        steps, each run of equal ones taken once and blanks left out, are the labels
        (torch.nn.functional.ctc_loss)."""
        return ctc_loss(
                self, targets, input_lengths, target_lengths, blank=blank, reduction=reduction,
                zero_infinity=zero_infinity)

    def mse_loss(self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """(input − target)²."""
        return mse_loss(self, target, reduction=reduction)

    def l1_loss(self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """|input − target|, whose slope is 0 where they are equal."""
        return l1_loss(self, target, reduction=reduction)

    def smooth_l1_loss(
            self: Any, target: Tensor, *, beta: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With d = |input − target|: d² / (2·beta) where d < beta, else d − beta / 2."""
        return smooth_l1_loss(self, target, beta=beta, reduction=reduction)

    def huber_loss(
            self: Any, target: Tensor, *, delta: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With d = |input − target|: d² / 2 where d ≤ delta, else delta · (d − delta / 2)."""
        return huber_loss(self, target, delta=delta, reduction=reduction)

    def binary_cross_entropy(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−target · log input − (1 − target) · log(1 − input), where a logarithm is at least −100."""
        return binary_cross_entropy(self, target, weight=weight, reduction=reduction)

    def binary_cross_entropy_with_logits(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, pos_weight: Optional[Tensor] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−pos_weight · target · log σ(input) − (1 − target) · log(1 − σ(input)) with the sigmoid σ, computed
        without overflow."""
        return binary_cross_entropy_with_logits(self, target, weight=weight, pos_weight=pos_weight, reduction=reduction)

    def kl_div(
            self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None,
            log_target: Optional[bool] = None) -> Tensor:
        """target · (log target − input), 0 · log 0 being 0; with `log_target` exp(target) · (target − input)."""
        return kl_div(self, target, reduction=reduction, log_target=log_target)

    def soft_margin_loss(
            self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """log(1 + exp(−target · input)), computed without overflow; targets are 1 and −1."""
        return soft_margin_loss(self, target, reduction=reduction)

    def poisson_nll_loss(
            self: Any, target: Tensor, *, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, log_input: Optional[bool] = None,
            full: Optional[bool] = None) -> Tensor:
        """exp(input) − target · input; with `no_log_input` input − target · log(input + eps)."""
        return poisson_nll_loss(self, target, eps=eps, reduction=reduction, log_input=log_input, full=full)

    def gaussian_nll_loss(
            self: Any, target: Tensor, variance: Tensor, *, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, full: Optional[bool] = None) -> Tensor:
        """With v = max(variance, eps): (log v + (input − target)² / v) / 2."""
        return gaussian_nll_loss(self, target, variance, eps=eps, reduction=reduction, full=full)

    def margin_ranking_loss(
            self: Any, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """max(0, margin − target · (input1 − input2)); targets are 1 and −1."""
        return margin_ranking_loss(self, input2, target, margin=margin, reduction=reduction)

    def hinge_embedding_loss(
            self: Any, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """The input where the target is 1, max(0, margin − input) where it is −1."""
        return hinge_embedding_loss(self, target, margin=margin, reduction=reduction)

    def cosine_embedding_loss(
            self: Any, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With the cosine Σ a·b / √((Σ a² + 1e-12) · (Σ b² + 1e-12)) of each row: 1 − cosine where the target
        is 1, and max(0, cosine − margin) where it is −1."""
        return cosine_embedding_loss(self, input2, target, margin=margin, reduction=reduction)

    def triplet_margin_loss(
            self: Any, positive: Tensor, negative: Tensor, *, margin: Optional[float] = None,
            p: Optional[float] = None, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, swap: Optional[bool] = None) -> Tensor:
        """max(0, margin + d(anchor, positive) − d(anchor, negative)) of each row."""
        return triplet_margin_loss(
                self, positive, negative, margin=margin, p=p, eps=eps, reduction=reduction, swap=swap)

    def batch_norm(
            self: Any, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
            running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
            momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
        """Batch normalisation (Ioffe & Szegedy, 2015; torch.nn.functional.batch_norm): per channel c of x [N,C]
        or [N,C,d1,…], (x − mean) / √(var + eps) · weight + bias, where weight and bias [C] may be NULL."""
        return batch_norm(self, weight, bias, running_mean, running_var, momentum=momentum, eps=eps)

    def layer_norm(
            self: Any, shape: Sizes, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
            eps: Optional[float] = None) -> Tensor:
        """Layer normalisation (Ba et al., 2016; torch.nn.functional.layer_norm): the parts are the last `ndim`
        dimensions of x, which are `shape`, as those of weight and bias are."""
        return layer_norm(self, shape, weight, bias, eps=eps)

    def rms_norm(self: Any, shape: Sizes, weight: Optional[Tensor] = None, *, eps: Optional[float] = None) -> Tensor:
        """RMS normalisation (Zhang & Sennrich, 2019; torch.nn.functional.rms_norm): x / √(mean(x²) + eps) ·
        weight over the last `ndim` dimensions of x, which are `shape`."""
        return rms_norm(self, shape, weight, eps=eps)

    def group_norm(
            self: Any, groups: int, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
            eps: Optional[float] = None) -> Tensor:
        """Group normalisation (Wu & He, 2018; torch.nn.functional.group_norm) of x [N,C] or [N,C,d1,…]: a part
        is one of the `groups` groups of C / groups neighbouring channels of one sample."""
        return group_norm(self, groups, weight, bias, eps=eps)

    def instance_norm(
            self: Any, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
            running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
            momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
        """Instance normalisation (Ulyanov et al., 2016; torch.nn.functional.instance_norm) of x [N,C,d1,…]: a
        part is a channel of one sample, of two or more values."""
        return instance_norm(self, weight, bias, running_mean, running_var, momentum=momentum, eps=eps)

    def local_response_norm(
            self: Any, size: int, *, alpha: Optional[float] = None, beta: Optional[float] = None,
            k: Optional[float] = None) -> Tensor:
        """Local response normalisation (Krizhevsky et al., 2012; torch.nn.functional.local_response_norm) of x
        [N,C,d1,…]: x / (k + alpha · Σ x² / size)^beta, where the sum is over the `size` channels around each,
        those that there are."""
        return local_response_norm(self, size, alpha=alpha, beta=beta, k=k)

    def softmax(self: Any, dim: int) -> Tensor:
        """exp(x) / Σ exp(x) along `dim`; computed from x − max(x), so that nothing overflows."""
        return softmax(self, dim)

    def log_softmax(self: Any, dim: int) -> Tensor:
        """log(softmax(x)) along `dim`, computed stably."""
        return log_softmax(self, dim)

    def maxpool2d(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None) -> Tensor:
        """The largest element of each window: x [N,C,H,W] or [C,H,W]. The first of equal ones gets the
        gradient; NaN wins."""
        return maxpool2d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def avg_pool2d(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, divisor_override: Optional[int] = None,
            ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None) -> Tensor:
        """The mean of each window, as torch.nn.functional.avg_pool2d: x [N,C,H,W] or [C,H,W]. Sums are made in
        double."""
        return avg_pool2d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, divisor_override=divisor_override,
                ceil_mode=ceil_mode, exclude_padding=exclude_padding)

    def maxpool2d_with_indices(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None
    ) -> Tuple[Tensor, Tensor]:
        """cnn_maxpool2d() with a second result of the same shape, i64: the position of each maximum in its
        plane of x, row · W + column, as torch.nn.functional.max_pool2d with return_indices gives it."""
        return maxpool2d_with_indices(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def maxpool1d(
            self: Any, *, kernel_size: Optional[int] = None, stride: Optional[int] = None,
            padding: Optional[int] = None, dilation: Optional[int] = None, ceil_mode: Optional[bool] = None) -> Tensor:
        """The largest element of each window: x [N,C,L] or [C,L]. As cnn_maxpool2d() on images of height 1."""
        return maxpool1d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def avg_pool1d(
            self: Any, *, kernel_size: Optional[int] = None, stride: Optional[int] = None,
            padding: Optional[int] = None, ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None
    ) -> Tensor:
        """The mean of each window: x [N,C,L] or [C,L]. Sums are made in double."""
        return avg_pool1d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode,
                exclude_padding=exclude_padding)

    def adaptive_avg_pool1d(self: Any, output_size: int) -> Tensor:
        """The means: x [N,C,L] or [C,L] → [N,C,output_size] or [C,output_size], summed in double."""
        return adaptive_avg_pool1d(self, output_size)

    def adaptive_avg_pool2d(self: Any, output_size: Union[int, Sequence[int]]) -> Tensor:
        """The means: x [N,C,H,W] or [C,H,W] → [N,C,output_h,output_w] or [C,output_h,output_w], summed in
        double."""
        return adaptive_avg_pool2d(self, output_size)

    def adaptive_maxpool2d(self: Any, output_size: Union[int, Sequence[int]], *, return_indices: bool = False) -> Any:
        """The maxima, with their positions row · W + column as a second result, i64; `indices` may be NULL. The
        first of equal ones gets the gradient; NaN wins."""
        return adaptive_maxpool2d(self, output_size, return_indices=return_indices)

    def sum(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The sum; integers and bool give i64."""
        return sum(self, dim, keepdim)

    def mean(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The mean; f32, f64 and bf16."""
        return mean(self, dim, keepdim)

    def max(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The largest element; NaN wins."""
        return max(self, dim, keepdim)

    def min(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The smallest element, in the same manner (torch.amin)."""
        return min(self, dim, keepdim)

    def argmax(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The row-major position of the first largest element among the reduced dimensions, i64."""
        return argmax(self, dim, keepdim)

    def argmin(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The same of the first smallest element; a NaN wins here, too."""
        return argmin(self, dim, keepdim)

    def max_along(self: Any, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
        """The largest elements along one dimension and where they are: torch.max(x, dim)."""
        return max_along(self, dim, keepdim)

    def min_along(self: Any, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
        """The smallest elements along one dimension, in the same manner: torch.min(x, dim)."""
        return min_along(self, dim, keepdim)

    def prod(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The product; integers and bool give i64."""
        return prod(self, dim, keepdim)

    def norm(self: Any, p: float = 2.0, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """torch.norm: (Σ |x|^p)^(1/p); the largest |x| for p = INFINITY, the smallest for −INFINITY, the number
        of elements that are not 0 for p = 0."""
        return norm(self, p, dim, keepdim)

    def var(self: Any, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """torch.var: Σ (x − mean)² / max(0, n − correction), in two passes; 1 is Bessel's correction."""
        return var(self, dim, keepdim, correction=correction)

    def std(self: Any, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """torch.std: the root of that."""
        return std(self, dim, keepdim, correction=correction)

    def logsumexp(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """log Σ exp(x), without overflow."""
        return logsumexp(self, dim, keepdim)

    def any(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """Whether any element is another number than 0, as a NaN is; bool."""
        return any(self, dim, keepdim)

    def all(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """Whether all are; over no elements: true."""
        return all(self, dim, keepdim)

    def cumsum(self: Any, dim: int) -> Tensor:
        """Sums of x along `dim` up to each element."""
        return cumsum(self, dim)

    def cumprod(self: Any, dim: int) -> Tensor:
        """Products in the same manner."""
        return cumprod(self, dim)

    def pad(
            self: Any, *pads: Any, value: Optional[float] = None, mode: Optional[Union[B.PadMode, str, int]] = None
    ) -> Tensor:
        """Adds elements before and after those of the last dimensions, as torch.nn.functional.pad: `pads` has
        two numbers per dimension, those of the last dimension first."""
        return pad(self, varargs(pads), value=value, mode=mode)

    def interpolate(
            self: Any, *, size: Optional[Union[int, Sequence[int]]] = None,
            scale_factor: Optional[Union[int, Sequence[int]]] = None,
            mode: Optional[Union[B.InterpolateMode, str, int]] = None, align_corners: Optional[bool] = None,
            recompute_scale_factor: Optional[bool] = None) -> Tensor:
        """torch.nn.functional.interpolate without antialias: x [N,C,L], [N,C,H,W] or [N,C,D,H,W] with every
        dimension from the third on resized."""
        return interpolate(
                self, size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners,
                recompute_scale_factor=recompute_scale_factor)

    def lstm(
            self: Any, h0: Tensor, c0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor, Tensor]:
        """An LSTM (torch.nn.LSTM)."""
        return lstm(self, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def gru(
            self: Any, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
        """A GRU (torch.nn.GRU)."""
        return gru(self, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def rnn(
            self: Any, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
        """Elman's network (torch.nn.RNN)."""
        return rnn(self, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def reshape(self: Any, *shape: Any) -> Tensor:
        """A view where the strides allow it, else a copy."""
        return reshape(self, varargs(shape))

    def view(self: Any, *shape: Any) -> Tensor:
        """The same, but an error where a copy would be needed."""
        return view(self, varargs(shape))

    def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Joins dimensions start to end, both included: flatten(x, 1, −1) gives [N, features]."""
        return flatten(self, start_dim, end_dim)

    def unflatten(self: Any, dim: int, shape: Sizes) -> Tensor:
        """Splits dimension `dim` into sizes whose product is its own, one of which may be −1: torch.unflatten."""
        return unflatten(self, dim, shape)

    def transpose(self: Any, dim0: int, dim1: int) -> Tensor:
        """Swaps two dimensions."""
        return transpose(self, dim0, dim1)

    def permute(self: Any, *dims: Any) -> Tensor:
        """Dimension i of the result is dimension dims[i] of x; `count` is the rank."""
        return permute(self, varargs(dims))

    def slice(self: Any, dim: int, start: int, end: int, step: int) -> Tensor:
        """Elements start, start + step, … before `end` along `dim`, as Python's x[start:end:step]: negative
        positions count from the end, positions past it are clipped; step ≥ 1."""
        return slice(self, dim, start, end, step)

    def expand(self: Any, *shape: Any) -> Tensor:
        """Repeats dimensions of size 1 without a copy; −1 keeps a size; new leading dimensions may be added."""
        return expand(self, varargs(shape))

    def squeeze(self: Any, dim: int) -> Tensor:
        """Removes dimension `dim` if its size is 1."""
        return squeeze(self, dim)

    def unsqueeze(self: Any, dim: int) -> Tensor:
        """Inserts a dimension of size 1 before `dim` (−1: at the end)."""
        return unsqueeze(self, dim)

    def contiguous(self: Any) -> Tensor:
        """x itself if it is contiguous, else a contiguous copy."""
        return contiguous(self)

    def clone(self: Any) -> Tensor:
        """A contiguous copy."""
        return clone(self)

    def cast(self: Any, dtype: Union[B.DType, str, int]) -> Tensor:
        """Converts the elements: to an integer toward zero (saturating; NaN gives 0), to bool by ≠ 0."""
        return cast(self, dtype)

    def detach(self: Any) -> Tensor:
        """The same elements without history: gradients stop here."""
        return detach(self)

    def flip(self: Any, *dims: Any) -> Tensor:
        """The elements in reversed order along `count` dimensions `dims`; `count` 0 means all of them."""
        return flip(self, varargs(dims))

    def roll(self: Any, shift: int, dim: int) -> Tensor:
        """The elements `shift` positions further along `dim`; what leaves at one end comes in at the other."""
        return roll(self, shift, dim)

    def tril(self: Any, diagonal: int = 0) -> Tensor:
        """Matrices [rows,columns] behind any leading dimensions with zeros above the diagonal, which is
        `diagonal` columns to the right of the main one."""
        return tril(self, diagonal)

    def triu(self: Any, diagonal: int = 0) -> Tensor:
        """The same with zeros below the diagonal."""
        return triu(self, diagonal)

    def repeat(self: Any, *repeats: Any) -> Tensor:
        """Copies of x beside each other, repeats[i] along dimension i of the result; `ndim` is its rank, at
        least that of x."""
        return repeat(self, varargs(repeats))
