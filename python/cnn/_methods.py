"""Operations as methods of a tensor.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Tuple, Union

from . import _bindings as B
from ._convert import Dims, Sizes, varargs

if TYPE_CHECKING:
    from ._tensor import Tensor

# The module _ops, once it is there: it needs tensors itself.
ops: Any = None


class TensorMethods:
    """The operations whose first operand is the tensor itself."""

    __slots__ = ()

    def leaky_relu(self: Any, negative_slope: float = 0.01) -> Tensor:
        """x where x > 0, else negative_slope · x (Maas et al."""
        return ops.leaky_relu(self, negative_slope)

    def prelu(self: Any, weight: Tensor) -> Tensor:
        """x where x > 0, else weight · x (He et al."""
        return ops.prelu(self, weight)

    def elu(self: Any, alpha: float = 1.0) -> Tensor:
        """x where x > 0, else alpha · (exp(x) − 1) (Clevert et al."""
        return ops.elu(self, alpha)

    def celu(self: Any, alpha: float = 1.0) -> Tensor:
        """x where x > 0, else alpha · (exp(x / alpha) − 1), alpha ≠ 0 (Barron 2017, "Continuously
        Differentiable Exponential Linear Units")."""
        return ops.celu(self, alpha)

    def selu(self: Any) -> Tensor:
        """s · x where x > 0, else s · α · (exp(x) − 1), with s = 1.0507009873554805 and α = 1.6732632423543772
        (Klambauer et al."""
        return ops.selu(self)

    def silu(self: Any) -> Tensor:
        """x · σ(x), σ being cnn_sigmoid(); also called swish (Elfwing et al."""
        return ops.silu(self)

    def mish(self: Any) -> Tensor:
        """x · tanh(log(1 + exp(x))) (Misra 2019, "Mish: A Self Regularized Non-Monotonic Activation Function")."""
        return ops.mish(self)

    def softplus(self: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
        """log(1 + exp(beta · x)) / beta, and x where beta · x > threshold."""
        return ops.softplus(self, beta, threshold)

    def logsigmoid(self: Any) -> Tensor:
        """log(σ(x)) = −log(1 + exp(−x))."""
        return ops.logsigmoid(self)

    def softsign(self: Any) -> Tensor:
        """x / (1 + |x|), which is NaN for an infinite x, as in PyTorch."""
        return ops.softsign(self)

    def hardtanh(self: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
        """min(max(x, min_val), max_val), min_val ≤ max_val."""
        return ops.hardtanh(self, min_val, max_val)

    def relu6(self: Any) -> Tensor:
        """min(max(x, 0), 6); the gradient at 0 and 6 is 0."""
        return ops.relu6(self)

    def hardsigmoid(self: Any) -> Tensor:
        """min(max(x + 3, 0), 6) / 6; the gradient at −3 and 3 is 0."""
        return ops.hardsigmoid(self)

    def hardswish(self: Any) -> Tensor:
        """x · min(max(x + 3, 0), 6) / 6 (Howard et al."""
        return ops.hardswish(self)

    def tanhshrink(self: Any) -> Tensor:
        """x − tanh(x); the gradient is tanh(x)². Near 0 the difference cancels, as in PyTorch: its error is
        that of tanh(x)."""
        return ops.tanhshrink(self)

    def softshrink(self: Any, lambd: float) -> Tensor:
        """x − lambd where x > lambd, x + lambd where x < −lambd, else 0; lambd ≥ 0."""
        return ops.softshrink(self, lambd)

    def hardshrink(self: Any, lambd: float) -> Tensor:
        """0 where |x| ≤ lambd, else x."""
        return ops.hardshrink(self, lambd)

    def scaled_dot_product_attention(
            self: Any, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None, *,
            scale: Optional[float] = None, dropout_p: Optional[float] = None, is_causal: Optional[bool] = None,
            enable_gqa: Optional[bool] = None, return_weights: bool = False) -> Any:
        """torch.nn.functional.scaled_dot_product_attention:."""
        return ops.scaled_dot_product_attention(
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
        return ops.conv2d(
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
        return ops.conv1d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, padding_left=padding_left,
                padding_right=padding_right, groups=groups, padding_mode=padding_mode)

    def conv3d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *,
            stride: Optional[Union[int, Sequence[int]]] = None, dilation: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None) -> Tensor:
        """3-D convolution (torch.nn.functional.conv3d): x [N,C,D,H,W], weight [O,C/groups,kd,kh,kw], bias [O]
        or NULL → [N,O,D',H',W'], each size by the formula of cnn_conv2d()."""
        return ops.conv3d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, groups=groups,
                padding_mode=padding_mode)

    def conv_transpose1d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *, stride: Optional[int] = None,
            dilation: Optional[int] = None, padding: Optional[int] = None, output_padding: Optional[int] = None,
            output_size: Optional[int] = None, groups: Optional[int] = None) -> Tensor:
        """Transposed 1-D convolution (torch.nn.functional.conv_transpose1d), the gradient of cnn_conv1d() with
        respect to its input: x [N,C,L], weight [C,O/groups,k], bias [O] or NULL → [N,O,L'] with L' = (L − 1) ·
        stride − 2 · padding + dilation · (k − 1) + output_padding + 1."""
        return ops.conv_transpose1d(
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
        return ops.conv_transpose2d(
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
        return ops.conv_transpose3d(
                self, weight, bias, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups)

    def neg(self: Any) -> Tensor:
        """−x."""
        return ops.neg(self)

    def exp(self: Any) -> Tensor:
        """exp(x)."""
        return ops.exp(self)

    def log(self: Any) -> Tensor:
        """The natural logarithm."""
        return ops.log(self)

    def sqrt(self: Any) -> Tensor:
        """√x."""
        return ops.sqrt(self)

    def abs(self: Any) -> Tensor:
        """The gradient at 0 is 0."""
        return ops.abs(self)

    def tanh(self: Any) -> Tensor:
        """tanh(x)."""
        return ops.tanh(self)

    def sigmoid(self: Any) -> Tensor:
        """1 / (1 + exp(−x))."""
        return ops.sigmoid(self)

    def gelu(self: Any, *, approximate_tanh: Optional[bool] = None) -> Tensor:
        """x · Φ(x), Φ being the standard normal distribution function (Hendrycks & Gimpel 2016, "Gaussian Error
        Linear Units")."""
        return ops.gelu(self, approximate_tanh=approximate_tanh)

    def relu(self: Any) -> Tensor:
        """max(x, 0); NaN stays NaN; the gradient at 0 is 0."""
        return ops.relu(self)

    def clamp(self: Any, low: float, high: float) -> Tensor:
        """min(max(x, low), high); pass -INFINITY or INFINITY for an open side."""
        return ops.clamp(self, low, high)

    def pow_scalar(self: Any, exponent: float) -> Tensor:
        """x ^ exponent."""
        return ops.pow_scalar(self, exponent)

    def add_scalar(self: Any, value: float) -> Tensor:
        """x + value."""
        return ops.add_scalar(self, value)

    def mul_scalar(self: Any, value: float) -> Tensor:
        """x · value."""
        return ops.mul_scalar(self, value)

    def erf(self: Any) -> Tensor:
        """2/√π · ∫₀ˣ exp(−t²) dt, the error function."""
        return ops.erf(self)

    def sin(self: Any) -> Tensor:
        """the sine of x radians."""
        return ops.sin(self)

    def cos(self: Any) -> Tensor:
        """the cosine of x radians."""
        return ops.cos(self)

    def tan(self: Any) -> Tensor:
        """the tangent of x radians."""
        return ops.tan(self)

    def asin(self: Any) -> Tensor:
        """the inverse of the sine, in [−π/2, π/2]."""
        return ops.asin(self)

    def acos(self: Any) -> Tensor:
        """the inverse of the cosine, in [0, π]."""
        return ops.acos(self)

    def atan(self: Any) -> Tensor:
        """the inverse of the tangent, in [−π/2, π/2]."""
        return ops.atan(self)

    def log2(self: Any) -> Tensor:
        """the logarithm to base 2; exact for powers of 2."""
        return ops.log2(self)

    def log10(self: Any) -> Tensor:
        """the logarithm to base 10; exact for powers of 10."""
        return ops.log10(self)

    def log1p(self: Any) -> Tensor:
        """log(1 + x), accurate for a small x."""
        return ops.log1p(self)

    def exp2(self: Any) -> Tensor:
        """2 ^ x; exact for integers."""
        return ops.exp2(self)

    def expm1(self: Any) -> Tensor:
        """exp(x) − 1, accurate for a small x."""
        return ops.expm1(self)

    def reciprocal(self: Any) -> Tensor:
        """1 / x."""
        return ops.reciprocal(self)

    def rsqrt(self: Any) -> Tensor:
        """1 / √x."""
        return ops.rsqrt(self)

    def square(self: Any) -> Tensor:
        """x · x."""
        return ops.square(self)

    def floor(self: Any) -> Tensor:
        """the largest integer that is not above x; its gradient is 0."""
        return ops.floor(self)

    def ceil(self: Any) -> Tensor:
        """the smallest integer that is not below x; its gradient is 0."""
        return ops.ceil(self)

    def round(self: Any) -> Tensor:
        """the nearest integer, halves to the even one; its gradient is 0."""
        return ops.round(self)

    def trunc(self: Any) -> Tensor:
        """x without its fraction; its gradient is 0."""
        return ops.trunc(self)

    def sign(self: Any) -> Tensor:
        """−1, 0 or 1, and 0 for a NaN; its gradient is 0."""
        return ops.sign(self)

    def add(self: Any, b: Tensor) -> Tensor:
        """a + b."""
        return ops.add(self, b)

    def sub(self: Any, b: Tensor) -> Tensor:
        """a − b."""
        return ops.sub(self, b)

    def mul(self: Any, b: Tensor) -> Tensor:
        """a · b."""
        return ops.mul(self, b)

    def div(self: Any, b: Tensor) -> Tensor:
        """a / b."""
        return ops.div(self, b)

    def pow(self: Any, b: Tensor) -> Tensor:
        """a ^ b; f32, f64 and bf16."""
        return ops.pow(self, b)

    def minimum(self: Any, b: Tensor) -> Tensor:
        """The smaller of a and b; a NaN wins."""
        return ops.minimum(self, b)

    def maximum(self: Any, b: Tensor) -> Tensor:
        """The larger of a and b; a NaN wins."""
        return ops.maximum(self, b)

    def eq(self: Any, b: Tensor) -> Tensor:
        """a = b."""
        return ops.eq(self, b)

    def ne(self: Any, b: Tensor) -> Tensor:
        """a ≠ b."""
        return ops.ne(self, b)

    def lt(self: Any, b: Tensor) -> Tensor:
        """a < b."""
        return ops.lt(self, b)

    def le(self: Any, b: Tensor) -> Tensor:
        """a ≤ b."""
        return ops.le(self, b)

    def gt(self: Any, b: Tensor) -> Tensor:
        """a > b."""
        return ops.gt(self, b)

    def ge(self: Any, b: Tensor) -> Tensor:
        """a ≥ b."""
        return ops.ge(self, b)

    def where(self: Any, a: Tensor, b: Tensor) -> Tensor:
        """condition ? a : b; `condition` is bool, `a` and `b` share a dtype; all three are broadcast."""
        return ops.where(self, a, b)

    def logical_and(self: Any, b: Tensor) -> Tensor:
        """whether both are true."""
        return ops.logical_and(self, b)

    def logical_or(self: Any, b: Tensor) -> Tensor:
        """whether one is true, or both are."""
        return ops.logical_or(self, b)

    def logical_xor(self: Any, b: Tensor) -> Tensor:
        """whether exactly one is true."""
        return ops.logical_xor(self, b)

    def logical_not(self: Any) -> Tensor:
        """whether x is 0."""
        return ops.logical_not(self)

    def isnan(self: Any) -> Tensor:
        """whether x is a NaN."""
        return ops.isnan(self)

    def isinf(self: Any) -> Tensor:
        """whether x is an infinity."""
        return ops.isinf(self)

    def isfinite(self: Any) -> Tensor:
        """whether x is neither."""
        return ops.isfinite(self)

    def bitwise_and(self: Any, b: Tensor) -> Tensor:
        """bits that both have."""
        return ops.bitwise_and(self, b)

    def bitwise_or(self: Any, b: Tensor) -> Tensor:
        """bits that one has, or both have."""
        return ops.bitwise_or(self, b)

    def bitwise_xor(self: Any, b: Tensor) -> Tensor:
        """bits that exactly one has."""
        return ops.bitwise_xor(self, b)

    def bitwise_not(self: Any) -> Tensor:
        """every bit inverted; of bool: whether x is false."""
        return ops.bitwise_not(self)

    def bitwise_left_shift(self: Any, b: Tensor) -> Tensor:
        """a · 2^b as far as bits have room; 0 where b is negative or at least the number of bits."""
        return ops.bitwise_left_shift(self, b)

    def bitwise_right_shift(self: Any, b: Tensor) -> Tensor:
        """⌊a / 2^b⌋; for such b −1 where a is negative, else 0."""
        return ops.bitwise_right_shift(self, b)

    def dropout(self: Any, p: float = 0.5) -> Tensor:
        """In training steps: each element is multiplied by 0 with probability p in [0, 1], which hides no NaN,
        and the others by 1/(1 − p)."""
        return ops.dropout(self, p)

    def dropout1d(self: Any, p: float = 0.5) -> Tensor:
        """cnn_dropout() of whole channels of x [N,C,L] or [C,L], each with one draw."""
        return ops.dropout1d(self, p)

    def dropout2d(self: Any, p: float = 0.5) -> Tensor:
        """cnn_dropout() of whole channels of x [N,C,H,W], each with one draw."""
        return ops.dropout2d(self, p)

    def alpha_dropout(self: Any, p: float = 0.5) -> Tensor:
        """Alpha dropout (Klambauer et al., 2017; torch.nn.functional.alpha_dropout), for networks of
        cnn_selu(): in training steps an element becomes −1.7580993408473766 with probability p in [0, 1], and
        then a · x + b keeps mean 0 and variance 1."""
        return ops.alpha_dropout(self, p)

    def unfold(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
        """im2col, torch.nn.functional.unfold: x [N,C,H,W] or [C,H,W] → [N,C·kh·kw,L] or [C·kh·kw,L], one column
        for each of the L positions of the window."""
        return ops.unfold(self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)

    def fold(
            self: Any, output_size: Union[int, Sequence[int]], *,
            kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> Tensor:
        """col2im, torch.nn.functional.fold: x [N,C·kh·kw,L] or [C·kh·kw,L] → [N,C,output_h,output_w] or
        [C,output_h,output_w], where each pixel is the sum of its elements in all columns."""
        return ops.fold(self, output_size, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)

    def pixel_shuffle(self: Any, upscale_factor: int) -> Tensor:
        """torch.nn.functional.pixel_shuffle: x [*,C·r²,H,W] → [*,C,H·r,W·r]."""
        return ops.pixel_shuffle(self, upscale_factor)

    def pixel_unshuffle(self: Any, downscale_factor: int) -> Tensor:
        """torch.nn.functional.pixel_unshuffle, its inverse: x [*,C,H·r,W·r] → [*,C·r²,H,W]."""
        return ops.pixel_unshuffle(self, downscale_factor)

    def channel_shuffle(self: Any, groups: int) -> Tensor:
        """torch.nn.functional.channel_shuffle: channel g·(C/groups) + i of x [N,C,*] becomes channel i·groups +
        g."""
        return ops.channel_shuffle(self, groups)

    def conv2d_relu_maxpool2d(
            self: Any, weight: Tensor, bias: Optional[Tensor] = None, *, conv: Optional[Mapping[str, Any]] = None,
            pool: Optional[Mapping[str, Any]] = None) -> Tensor:
        """cnn_maxpool2d(cnn_relu(cnn_conv2d(x, weight, bias, conv)), pool) in one."""
        return ops.conv2d_relu_maxpool2d(self, weight, bias, conv=conv, pool=pool)

    def embedding(self: Any, indices: Tensor, *, padding_idx: Optional[int] = None) -> Tensor:
        """Rows of a table by their indices (torch.nn.functional.embedding): result[i…,d…] =
        weight[indices[i…],d…]. The gradient of a row is the sum over its uses, added up in double and in their
        order whatever the number of threads."""
        return ops.embedding(self, indices, padding_idx=padding_idx)

    def gather(self: Any, dim: int, index: Tensor) -> Tensor:
        """torch.gather: y[i,j,k] = x[i,index[i,j,k],k] for dim = 1."""
        return ops.gather(self, dim, index)

    def index_select(self: Any, dim: int, index: Tensor) -> Tensor:
        """torch.index_select: the elements of x along `dim` that a list of indices, [n] or [], names, for all
        other positions."""
        return ops.index_select(self, dim, index)

    def scatter(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """torch.scatter: a copy of x in which y[i,index[i,j,k],k] = src[i,j,k], for dim = 1, for all positions
        of the index."""
        return ops.scatter(self, dim, index, src)

    def scatter_value(self: Any, dim: int, index: Tensor, value: float) -> Tensor:
        """torch.scatter with a number in place of src, converted as cnn_tensor_fill() says."""
        return ops.scatter_value(self, dim, index, value)

    def scatter_add(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """torch.scatter_add: the same with +=. Any dtype but bool; integers wrap."""
        return ops.scatter_add(self, dim, index, src)

    def index_add(self: Any, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """torch.index_add: adds `source`, which has the shape of x but for n along `dim`, where the list of n
        indices says."""
        return ops.index_add(self, dim, index, source)

    def masked_fill(self: Any, mask: Tensor, value: float) -> Tensor:
        """torch.masked_fill: `value`, converted as cnn_tensor_fill() says, where the mask, which is bool, is
        true; else x."""
        return ops.masked_fill(self, mask, value)

    def one_hot(self: Any, num_classes: int) -> Tensor:
        """torch.nn.functional.one_hot: [indices' shape…,num_classes], i64, 1 where the index says."""
        return ops.one_hot(self, num_classes)

    def sort(self: Any, dim: int = -1, descending: bool = False) -> Tuple[Tensor, Tensor]:
        """torch.sort: the elements along `dim` in their order."""
        return ops.sort(self, dim, descending)

    def argsort(self: Any, dim: int = -1, descending: bool = False) -> Tensor:
        """torch.argsort: the indices alone."""
        return ops.argsort(self, dim, descending)

    def topk(self: Any, k: int, dim: int = -1, largest: bool = True) -> Tuple[Tensor, Tensor]:
        """torch.topk: the first `k` of cnn_sort(), from the largest down or, where `largest` is false, from the
        smallest up; k is 0 to the size of `dim`."""
        return ops.topk(self, k, dim, largest)

    def matmul(self: Any, b: Tensor) -> Tensor:
        """torch.matmul: [m,k]·[k,n] → [m,n]; leading dimensions are batches and are broadcast; a rank-1 operand
        is a row on the left, a column on the right."""
        return ops.matmul(self, b)

    def linear(self: Any, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        """x[…,in] · weight[out,in]ᵀ + bias[out] → […,out]; `bias` may be NULL. f32, f64 and bf16."""
        return ops.linear(self, weight, bias)

    def cosine_similarity(self: Any, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
        """Σ x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along `dim` of both operands, which are broadcast;
        PyTorch's eps is 1e-8."""
        return ops.cosine_similarity(self, x2, dim, eps)

    def cross_entropy_with(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
            label_smoothing: Optional[float] = None, reduction: Optional[Union[B.Reduction, str, int]] = None
    ) -> Tensor:
        """log-softmax and negative log-likelihood in one (torch.nn.functional.cross_entropy)."""
        return ops.cross_entropy_with(
                self, target, weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing,
                reduction=reduction)

    def cross_entropy(self: Any, target: Tensor) -> Tensor:
        """cnn_cross_entropy_with() the defaults: the mean."""
        return ops.cross_entropy(self, target)

    def nll_loss(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, ignore_index: Optional[int] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−weight[target] · input[target], for an input of logarithms of probabilities."""
        return ops.nll_loss(self, target, weight=weight, ignore_index=ignore_index, reduction=reduction)

    def multi_margin_loss(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, margin: Optional[float] = None,
            p: Optional[int] = None, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """weight[target] / C · Σ max(0, margin − input[target] + input[c])^p over the classes c but the target."""
        return ops.multi_margin_loss(self, target, weight=weight, margin=margin, p=p, reduction=reduction)

    def ctc_loss(
            self: Any, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, *, blank: Optional[int] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, zero_infinity: Optional[bool] = None) -> Tensor:
        """The connectionist temporal classification loss: −log of the probability that the classes of all
        steps, each run of equal ones taken once and blanks left out, are the labels
        (torch.nn.functional.ctc_loss)."""
        return ops.ctc_loss(
                self, targets, input_lengths, target_lengths, blank=blank, reduction=reduction,
                zero_infinity=zero_infinity)

    def mse_loss(self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """(input − target)²."""
        return ops.mse_loss(self, target, reduction=reduction)

    def l1_loss(self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """|input − target|, whose slope is 0 where they are equal."""
        return ops.l1_loss(self, target, reduction=reduction)

    def smooth_l1_loss(
            self: Any, target: Tensor, *, beta: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With d = |input − target|: d² / (2·beta) where d < beta, else d − beta / 2."""
        return ops.smooth_l1_loss(self, target, beta=beta, reduction=reduction)

    def huber_loss(
            self: Any, target: Tensor, *, delta: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With d = |input − target|: d² / 2 where d ≤ delta, else delta · (d − delta / 2)."""
        return ops.huber_loss(self, target, delta=delta, reduction=reduction)

    def binary_cross_entropy(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−target · log input − (1 − target) · log(1 − input), where a logarithm is at least −100."""
        return ops.binary_cross_entropy(self, target, weight=weight, reduction=reduction)

    def binary_cross_entropy_with_logits(
            self: Any, target: Tensor, *, weight: Optional[Tensor] = None, pos_weight: Optional[Tensor] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """−pos_weight · target · log σ(input) − (1 − target) · log(1 − σ(input)) with the sigmoid σ, computed
        without overflow."""
        return ops.binary_cross_entropy_with_logits(
                self, target, weight=weight, pos_weight=pos_weight, reduction=reduction)

    def kl_div(
            self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None,
            log_target: Optional[bool] = None) -> Tensor:
        """target · (log target − input), 0 · log 0 being 0; with `log_target` exp(target) · (target − input)."""
        return ops.kl_div(self, target, reduction=reduction, log_target=log_target)

    def soft_margin_loss(
            self: Any, target: Tensor, *, reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """log(1 + exp(−target · input)), computed without overflow; targets are 1 and −1."""
        return ops.soft_margin_loss(self, target, reduction=reduction)

    def poisson_nll_loss(
            self: Any, target: Tensor, *, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, log_input: Optional[bool] = None,
            full: Optional[bool] = None) -> Tensor:
        """exp(input) − target · input; with `no_log_input` input − target · log(input + eps)."""
        return ops.poisson_nll_loss(self, target, eps=eps, reduction=reduction, log_input=log_input, full=full)

    def gaussian_nll_loss(
            self: Any, target: Tensor, variance: Tensor, *, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, full: Optional[bool] = None) -> Tensor:
        """With v = max(variance, eps): (log v + (input − target)² / v) / 2."""
        return ops.gaussian_nll_loss(self, target, variance, eps=eps, reduction=reduction, full=full)

    def margin_ranking_loss(
            self: Any, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """max(0, margin − target · (input1 − input2)); targets are 1 and −1."""
        return ops.margin_ranking_loss(self, input2, target, margin=margin, reduction=reduction)

    def hinge_embedding_loss(
            self: Any, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """The input where the target is 1, max(0, margin − input) where it is −1."""
        return ops.hinge_embedding_loss(self, target, margin=margin, reduction=reduction)

    def cosine_embedding_loss(
            self: Any, input2: Tensor, target: Tensor, *, margin: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None) -> Tensor:
        """With the cosine Σ a·b / √((Σ a² + 1e-12) · (Σ b² + 1e-12)) of each row: 1 − cosine where the target
        is 1, and max(0, cosine − margin) where it is −1."""
        return ops.cosine_embedding_loss(self, input2, target, margin=margin, reduction=reduction)

    def triplet_margin_loss(
            self: Any, positive: Tensor, negative: Tensor, *, margin: Optional[float] = None,
            p: Optional[float] = None, eps: Optional[float] = None,
            reduction: Optional[Union[B.Reduction, str, int]] = None, swap: Optional[bool] = None) -> Tensor:
        """max(0, margin + d(anchor, positive) − d(anchor, negative)) of each row."""
        return ops.triplet_margin_loss(
                self, positive, negative, margin=margin, p=p, eps=eps, reduction=reduction, swap=swap)

    def batch_norm(
            self: Any, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
            running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
            momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
        """Batch normalisation (Ioffe & Szegedy, 2015; torch.nn.functional.batch_norm): per channel c of x [N,C]
        or [N,C,d1,…], (x − mean) / √(var + eps) · weight + bias, where weight and bias [C] may be NULL."""
        return ops.batch_norm(self, weight, bias, running_mean, running_var, momentum=momentum, eps=eps)

    def layer_norm(
            self: Any, shape: Sizes, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
            eps: Optional[float] = None) -> Tensor:
        """Layer normalisation (Ba et al., 2016; torch.nn.functional.layer_norm): the parts are the last `ndim`
        dimensions of x, which are `shape`, as those of weight and bias are."""
        return ops.layer_norm(self, shape, weight, bias, eps=eps)

    def rms_norm(self: Any, shape: Sizes, weight: Optional[Tensor] = None, *, eps: Optional[float] = None) -> Tensor:
        """RMS normalisation (Zhang & Sennrich, 2019; torch.nn.functional.rms_norm): x / √(mean(x²) + eps) ·
        weight over the last `ndim` dimensions of x, which are `shape`."""
        return ops.rms_norm(self, shape, weight, eps=eps)

    def group_norm(
            self: Any, groups: int, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None, *,
            eps: Optional[float] = None) -> Tensor:
        """Group normalisation (Wu & He, 2018; torch.nn.functional.group_norm) of x [N,C] or [N,C,d1,…]: a part
        is one of the `groups` groups of C / groups neighbouring channels of one sample."""
        return ops.group_norm(self, groups, weight, bias, eps=eps)

    def instance_norm(
            self: Any, weight: Optional[Tensor] = None, bias: Optional[Tensor] = None,
            running_mean: Optional[Tensor] = None, running_var: Optional[Tensor] = None, *,
            momentum: Optional[float] = None, eps: Optional[float] = None) -> Tensor:
        """Instance normalisation (Ulyanov et al., 2016; torch.nn.functional.instance_norm) of x [N,C,d1,…]: a
        part is a channel of one sample, of two or more values."""
        return ops.instance_norm(self, weight, bias, running_mean, running_var, momentum=momentum, eps=eps)

    def local_response_norm(
            self: Any, size: int, *, alpha: Optional[float] = None, beta: Optional[float] = None,
            k: Optional[float] = None) -> Tensor:
        """Local response normalisation (Krizhevsky et al., 2012; torch.nn.functional.local_response_norm) of x
        [N,C,d1,…]: x / (k + alpha · Σ x² / size)^beta, where the sum is over the `size` channels around each,
        those that there are."""
        return ops.local_response_norm(self, size, alpha=alpha, beta=beta, k=k)

    def softmax(self: Any, dim: int) -> Tensor:
        """exp(x) / Σ exp(x) along `dim`; computed from x − max(x), so that nothing overflows."""
        return ops.softmax(self, dim)

    def log_softmax(self: Any, dim: int) -> Tensor:
        """log(softmax(x)) along `dim`, computed stably."""
        return ops.log_softmax(self, dim)

    def maxpool2d(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None) -> Tensor:
        """The largest element of each window: x [N,C,H,W] or [C,H,W]. The first of equal ones gets the
        gradient; NaN wins."""
        return ops.maxpool2d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def avg_pool2d(
            self: Any, *, kernel_size: Optional[Union[int, Sequence[int]]] = None,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, divisor_override: Optional[int] = None,
            ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None) -> Tensor:
        """The mean of each window, as torch.nn.functional.avg_pool2d: x [N,C,H,W] or [C,H,W]. Sums are made in
        double."""
        return ops.avg_pool2d(
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
        return ops.maxpool2d_with_indices(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def maxpool1d(
            self: Any, *, kernel_size: Optional[int] = None, stride: Optional[int] = None,
            padding: Optional[int] = None, dilation: Optional[int] = None, ceil_mode: Optional[bool] = None) -> Tensor:
        """The largest element of each window: x [N,C,L] or [C,L]. As cnn_maxpool2d() on images of height 1."""
        return ops.maxpool1d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)

    def avg_pool1d(
            self: Any, *, kernel_size: Optional[int] = None, stride: Optional[int] = None,
            padding: Optional[int] = None, ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None
    ) -> Tensor:
        """The mean of each window: x [N,C,L] or [C,L]. Sums are made in double."""
        return ops.avg_pool1d(
                self, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode,
                exclude_padding=exclude_padding)

    def adaptive_avg_pool1d(self: Any, output_size: int) -> Tensor:
        """The means: x [N,C,L] or [C,L] → [N,C,output_size] or [C,output_size], summed in double."""
        return ops.adaptive_avg_pool1d(self, output_size)

    def adaptive_avg_pool2d(self: Any, output_size: Union[int, Sequence[int]]) -> Tensor:
        """The means: x [N,C,H,W] or [C,H,W] → [N,C,output_h,output_w] or [C,output_h,output_w], summed in
        double."""
        return ops.adaptive_avg_pool2d(self, output_size)

    def adaptive_maxpool2d(self: Any, output_size: Union[int, Sequence[int]], *, return_indices: bool = False) -> Any:
        """The maxima, with their positions row · W + column as a second result, i64; `indices` may be NULL. The
        first of equal ones gets the gradient; NaN wins."""
        return ops.adaptive_maxpool2d(self, output_size, return_indices=return_indices)

    def sum(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The sum; integers and bool give i64."""
        return ops.sum(self, dim, keepdim)

    def mean(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The mean; f32, f64 and bf16."""
        return ops.mean(self, dim, keepdim)

    def max(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The largest element; NaN wins."""
        return ops.max(self, dim, keepdim)

    def min(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The smallest element, in the same manner (torch.amin)."""
        return ops.min(self, dim, keepdim)

    def argmax(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The row-major position of the first largest element among the reduced dimensions, i64."""
        return ops.argmax(self, dim, keepdim)

    def argmin(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The same of the first smallest element; a NaN wins here, too."""
        return ops.argmin(self, dim, keepdim)

    def max_along(self: Any, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
        """The largest elements along one dimension and where they are: torch.max(x, dim)."""
        return ops.max_along(self, dim, keepdim)

    def min_along(self: Any, dim: int, keepdim: bool = False) -> Tuple[Tensor, Tensor]:
        """The smallest elements along one dimension, in the same manner: torch.min(x, dim)."""
        return ops.min_along(self, dim, keepdim)

    def prod(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """The product; integers and bool give i64."""
        return ops.prod(self, dim, keepdim)

    def norm(self: Any, p: float = 2.0, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """torch.norm: (Σ |x|^p)^(1/p); the largest |x| for p = INFINITY, the smallest for −INFINITY, the number
        of elements that are not 0 for p = 0."""
        return ops.norm(self, p, dim, keepdim)

    def var(self: Any, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """torch.var: Σ (x − mean)² / max(0, n − correction), in two passes; 1 is Bessel's correction."""
        return ops.var(self, dim, keepdim, correction=correction)

    def std(self: Any, dim: Optional[Dims] = None, keepdim: bool = False, *, correction: int = 1) -> Tensor:
        """torch.std: the root of that."""
        return ops.std(self, dim, keepdim, correction=correction)

    def logsumexp(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """log Σ exp(x), without overflow."""
        return ops.logsumexp(self, dim, keepdim)

    def any(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """Whether any element is another number than 0, as a NaN is; bool."""
        return ops.any(self, dim, keepdim)

    def all(self: Any, dim: Optional[Dims] = None, keepdim: bool = False) -> Tensor:
        """Whether all are; over no elements: true."""
        return ops.all(self, dim, keepdim)

    def cumsum(self: Any, dim: int) -> Tensor:
        """Sums of x along `dim` up to each element."""
        return ops.cumsum(self, dim)

    def cumprod(self: Any, dim: int) -> Tensor:
        """Products in the same manner."""
        return ops.cumprod(self, dim)

    def pad(
            self: Any, *pads: Any, value: Optional[float] = None, mode: Optional[Union[B.PadMode, str, int]] = None
    ) -> Tensor:
        """Adds elements before and after those of the last dimensions, as torch.nn.functional.pad: `pads` has
        two numbers per dimension, those of the last dimension first."""
        return ops.pad(self, varargs(pads), value=value, mode=mode)

    def interpolate(
            self: Any, *, size: Optional[Union[int, Sequence[int]]] = None,
            scale_factor: Optional[Union[int, Sequence[int]]] = None,
            mode: Optional[Union[B.InterpolateMode, str, int]] = None, align_corners: Optional[bool] = None,
            recompute_scale_factor: Optional[bool] = None) -> Tensor:
        """torch.nn.functional.interpolate without antialias: x [N,C,L], [N,C,H,W] or [N,C,D,H,W] with every
        dimension from the third on resized."""
        return ops.interpolate(
                self, size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners,
                recompute_scale_factor=recompute_scale_factor)

    def lstm(
            self: Any, h0: Tensor, c0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor, Tensor]:
        """An LSTM (torch.nn.LSTM)."""
        return ops.lstm(self, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def gru(
            self: Any, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
        """A GRU (torch.nn.GRU)."""
        return ops.gru(self, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def rnn(
            self: Any, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
            bias_hh: Optional[Tensor] = None, lengths: Optional[Tensor] = None, *, reverse: Optional[bool] = None,
            relu: Optional[bool] = None) -> Tuple[Tensor, Tensor]:
        """Elman's network (torch.nn.RNN)."""
        return ops.rnn(self, h0, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reverse=reverse, relu=relu)

    def reshape(self: Any, *shape: Any) -> Tensor:
        """A view where the strides allow it, else a copy."""
        return ops.reshape(self, varargs(shape))

    def view(self: Any, *shape: Any) -> Tensor:
        """The same, but an error where a copy would be needed."""
        return ops.view(self, varargs(shape))

    def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Joins dimensions start to end, both included: flatten(x, 1, −1) gives [N, features]."""
        return ops.flatten(self, start_dim, end_dim)

    def unflatten(self: Any, dim: int, shape: Sizes) -> Tensor:
        """Splits dimension `dim` into sizes whose product is its own, one of which may be −1: torch.unflatten."""
        return ops.unflatten(self, dim, shape)

    def transpose(self: Any, dim0: int, dim1: int) -> Tensor:
        """Swaps two dimensions."""
        return ops.transpose(self, dim0, dim1)

    def permute(self: Any, *dims: Any) -> Tensor:
        """Dimension i of the result is dimension dims[i] of x; `count` is the rank."""
        return ops.permute(self, varargs(dims))

    def slice(self: Any, dim: int, start: int, end: int, step: int) -> Tensor:
        """Elements start, start + step, … before `end` along `dim`, as Python's x[start:end:step]: negative
        positions count from the end, positions past it are clipped; step ≥ 1."""
        return ops.slice(self, dim, start, end, step)

    def expand(self: Any, *shape: Any) -> Tensor:
        """Repeats dimensions of size 1 without a copy; −1 keeps a size; new leading dimensions may be added."""
        return ops.expand(self, varargs(shape))

    def squeeze(self: Any, dim: int) -> Tensor:
        """Removes dimension `dim` if its size is 1."""
        return ops.squeeze(self, dim)

    def unsqueeze(self: Any, dim: int) -> Tensor:
        """Inserts a dimension of size 1 before `dim` (−1: at the end)."""
        return ops.unsqueeze(self, dim)

    def contiguous(self: Any) -> Tensor:
        """x itself if it is contiguous, else a contiguous copy."""
        return ops.contiguous(self)

    def clone(self: Any) -> Tensor:
        """A contiguous copy."""
        return ops.clone(self)

    def cast(self: Any, dtype: Union[B.DType, str, int]) -> Tensor:
        """Converts the elements: to an integer toward zero (saturating; NaN gives 0), to bool by ≠ 0."""
        return ops.cast(self, dtype)

    def detach(self: Any) -> Tensor:
        """The same elements without history: gradients stop here."""
        return ops.detach(self)

    def flip(self: Any, *dims: Any) -> Tensor:
        """The elements in reversed order along `count` dimensions `dims`; `count` 0 means all of them."""
        return ops.flip(self, varargs(dims))

    def roll(self: Any, shift: int, dim: int) -> Tensor:
        """The elements `shift` positions further along `dim`; what leaves at one end comes in at the other."""
        return ops.roll(self, shift, dim)

    def tril(self: Any, diagonal: int = 0) -> Tensor:
        """Matrices [rows,columns] behind any leading dimensions with zeros above the diagonal, which is
        `diagonal` columns to the right of the main one."""
        return ops.tril(self, diagonal)

    def triu(self: Any, diagonal: int = 0) -> Tensor:
        """The same with zeros below the diagonal."""
        return ops.triu(self, diagonal)

    def repeat(self: Any, *repeats: Any) -> Tensor:
        """Copies of x beside each other, repeats[i] along dimension i of the result; `ndim` is its rank, at
        least that of x."""
        return ops.repeat(self, varargs(repeats))
