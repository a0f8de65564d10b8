"""The layers of libcnn as classes, with PyTorch's names.

Written by tools/make-python.py from the headers; do not edit."""
from __future__ import annotations

from typing import Optional, Sequence, Union

from .. import _bindings as B
from .._convert import Sizes, options, pair, sizes
from .._tensor import Tensor
from ._module import Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AlphaDropout", "AvgPool1d", "AvgPool2d",
    "BatchNorm1d", "BatchNorm2d", "CELU", "ChannelShuffle", "ConstantPad2d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dropout", "Dropout1d", "Dropout2d", "ELU",
    "Embedding", "Flatten", "Fold", "GELU", "GRU", "GroupNorm", "Hardshrink", "Hardsigmoid", "Hardswish",
    "Hardtanh", "Identity", "InstanceNorm1d", "InstanceNorm2d", "LSTM", "LayerNorm", "LeakyReLU", "Linear",
    "LocalResponseNorm", "LogSigmoid", "LogSoftmax", "MaxPool1d", "MaxPool2d", "Mish", "MultiheadAttention",
    "PReLU", "PixelShuffle", "PixelUnshuffle", "RMSNorm", "RNN", "ReLU", "ReLU6", "ReflectionPad2d",
    "ReplicationPad2d", "SELU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softshrink", "Softsign", "Tanh",
    "Tanhshrink", "TransformerEncoderLayer", "Unflatten", "Unfold", "Upsample", "ZeroPad2d",
]


class PReLU(Module):
    """torch.nn.PReLU: cnn_prelu() with the parameter `weight` [num_parameters].

    num_parameters: 1, the default, or the channels of the input, which are its dimension 1
    init: the first value of every weight; default 0.25
    dtype: the dtype of the weight; default CNN_F32"""

    def __init__(
            self, num_parameters: Optional[int] = None, init: Optional[float] = None, *,
            dtype: Optional[Union[B.DType, str, int]] = None) -> None:
        self._create(
                "cnn_prelu_create",
                options(B.cnn_prelu_options, num_parameters=num_parameters, init=init, dtype=dtype))


class Sigmoid(Module):
    """torch.nn.Sigmoid: cnn_sigmoid() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_sigmoid_create", options(B.cnn_sigmoid_options))


class Tanh(Module):
    """torch.nn.Tanh: cnn_tanh() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_tanh_create", options(B.cnn_tanh_options))


class Softmax(Module):
    """torch.nn.Softmax: cnn_softmax() along `dim` as a layer. An input without that dimension is an error."""

    def __init__(self, dim: int) -> None:
        self._create("cnn_softmax_create", dim, options(B.cnn_softmax_options))


class LogSoftmax(Module):
    """torch.nn.LogSoftmax: cnn_log_softmax() along `dim` as a layer. An input without that dimension is an
    error."""

    def __init__(self, dim: int) -> None:
        self._create("cnn_log_softmax_create", dim, options(B.cnn_log_softmax_options))


class Identity(Module):
    """torch.nn.Identity: returns its input."""

    def __init__(self) -> None:
        self._create("cnn_identity_create", options(B.cnn_identity_options))


class MultiheadAttention(Module):
    """torch.nn.MultiheadAttention: `in_proj_weight` [3·E,E], or where kdim or vdim differ from E
    `q_proj_weight` [E,E], `k_proj_weight` [E,kdim] and `v_proj_weight` [E,vdim], all from Xavier's uniform
    distribution; `in_proj_bias` [3·E] of zeros, `bias_k` and `bias_v` [1,1,E]; and the linear layer `out_proj`,
    whose bias is 0.

    cnn_forward() attends to x itself. cnn_forward_many() takes query, key, value, key_padding_mask and
    attn_mask, of which the last ones may be missing: without a key it is the query, and without a value the
    key. It gives the result, the weights averaged over the heads and the weights of each head, as far as they
    are asked for. cnn_multihead_attention_forward() says what shapes they have.

    @param embed_dim  E, the features of the query and the result; a multiple of num_heads.

    kdim: features of the key; default embed_dim
    vdim: features of the value; default embed_dim
    dropout: in [0, 1], of the weights, in training; default 0
    dtype: the dtype of the parameters; default CNN_F32
    bias: no bias of the projections where it is False; default True
    add_bias_kv: adds one more key and value, `bias_k` and `bias_v`, to each sequence
    add_zero_attn: adds one more key and value of zeros
    batch_first: tensors are [N,L,E] instead of [L,N,E]
    is_causal: query i sees keys 0 … i alone, whatever the masks say"""

    def __init__(
            self, embed_dim: int, num_heads: int, *, kdim: Optional[int] = None, vdim: Optional[int] = None,
            dropout: Optional[float] = None, dtype: Optional[Union[B.DType, str, int]] = None,
            bias: Optional[bool] = None, add_bias_kv: Optional[bool] = None, add_zero_attn: Optional[bool] = None,
            batch_first: Optional[bool] = None, is_causal: Optional[bool] = None) -> None:
        self._create(
                "cnn_multihead_attention_create", embed_dim, num_heads, options(B.cnn_multihead_attention_options,
                kdim=kdim, vdim=vdim, dropout=dropout, dtype=dtype, no_bias=bias, add_bias_kv=add_bias_kv,
                add_zero_attn=add_zero_attn, batch_first=batch_first, is_causal=is_causal))


class TransformerEncoderLayer(Module):
    """torch.nn.TransformerEncoderLayer: `self_attn`, `linear1`, `linear2`, `norm1` and `norm2`. cnn_forward()
    takes x [L,N,E], or [N,L,E] with batch_first, or [L,E]. cnn_forward_many() takes x, a mask of attention and
    a mask of padding, which cnn_multihead_attention_forward() describes and of which the last ones may be
    missing, and gives one tensor.

    @param d_model  E, a multiple of nhead.

    dim_feedforward: features between the two linear layers; default 2048
    dropout: in [0, 1], in training; default 0.1
    layer_norm_eps: added to variances in the normalisations; default 1e-5
    dtype: the dtype of the parameters; default CNN_F32
    gelu: the activation is GELU instead of ReLU
    batch_first: tensors are [N,L,E] instead of [L,N,E]
    norm_first: normalises before attention and linear layers instead of behind their sums
    bias: no bias anywhere where it is False; default True
    is_causal: position i sees 0 … i alone, whatever the masks say"""

    def __init__(
            self, d_model: int, nhead: int, *, dim_feedforward: Optional[int] = None, dropout: Optional[float] = None,
            layer_norm_eps: Optional[float] = None, dtype: Optional[Union[B.DType, str, int]] = None,
            gelu: Optional[bool] = None, batch_first: Optional[bool] = None, norm_first: Optional[bool] = None,
            bias: Optional[bool] = None, is_causal: Optional[bool] = None) -> None:
        self._create(
                "cnn_transformer_encoder_layer_create", d_model, nhead,
                options(B.cnn_transformer_encoder_layer_options, dim_feedforward=dim_feedforward, dropout=dropout,
                layer_norm_eps=layer_norm_eps, dtype=dtype, gelu=gelu, batch_first=batch_first, norm_first=norm_first,
                no_bias=bias, is_causal=is_causal))


class MaxPool1d(Module):
    """torch.nn.MaxPool1d: cnn_maxpool1d() as a layer.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of −infinity, at most half the window; default 0
    dilation: default 1
    ceil_mode: round the output's size up, as PyTorch does"""

    def __init__(
            self, kernel_size: int, stride: Optional[int] = None, padding: Optional[int] = None, *,
            dilation: Optional[int] = None, ceil_mode: Optional[bool] = None) -> None:
        self._create(
                "cnn_maxpool1d_create", options(B.cnn_maxpool1d_options, kernel=kernel_size, stride=stride,
                padding=padding, dilation=dilation, ceil_mode=ceil_mode))


class AvgPool1d(Module):
    """torch.nn.AvgPool1d: cnn_avg_pool1d() as a layer.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of zeros, at most half the window; default 0
    ceil_mode: round the output's size up, as PyTorch does
    exclude_padding: elements of the padding are not counted: PyTorch's count_include_pad=False"""

    def __init__(
            self, kernel_size: int, stride: Optional[int] = None, padding: Optional[int] = None, *,
            ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None) -> None:
        self._create(
                "cnn_avg_pool1d_create", options(B.cnn_avg_pool1d_options, kernel=kernel_size, stride=stride,
                padding=padding, ceil_mode=ceil_mode, exclude_padding=exclude_padding))


class AdaptiveAvgPool1d(Module):
    """torch.nn.AdaptiveAvgPool1d: cnn_adaptive_avg_pool1d() as a layer."""

    def __init__(self, output_size: int) -> None:
        self._create("cnn_adaptive_avg_pool1d_create", output_size, options(B.cnn_adaptive_avg_pool1d_options))


class AdaptiveAvgPool2d(Module):
    """torch.nn.AdaptiveAvgPool2d: cnn_adaptive_avg_pool2d() as a layer. With size 1 × 1 it is global average
    pooling."""

    def __init__(self, output_size: Union[int, Sequence[int]]) -> None:
        self._create("cnn_adaptive_avg_pool2d_create", *pair(output_size), options(B.cnn_adaptive_avg_pool2d_options))


class AdaptiveMaxPool2d(Module):
    """torch.nn.AdaptiveMaxPool2d: cnn_adaptive_maxpool2d() as a layer, without the positions."""

    def __init__(self, output_size: Union[int, Sequence[int]]) -> None:
        self._create("cnn_adaptive_maxpool2d_create", *pair(output_size), options(B.cnn_adaptive_maxpool2d_options))


class ZeroPad2d(Module):
    """torch.nn.ZeroPad2d.

    padding: on every side; default 0
    padding_left: on the left: if any of the four is given, they alone count
    padding_right: on the right
    padding_top: above
    padding_bottom: below"""

    def __init__(
            self, padding: Union[int, str, Sequence[int]], *, padding_left: Optional[int] = None,
            padding_right: Optional[int] = None, padding_top: Optional[int] = None,
            padding_bottom: Optional[int] = None) -> None:
        self._create(
                "cnn_zero_pad2d_create", options(B.cnn_zero_pad2d_options, padding=padding, padding_left=padding_left,
                padding_right=padding_right, padding_top=padding_top, padding_bottom=padding_bottom))


class ConstantPad2d(Module):
    """torch.nn.ConstantPad2d.

    padding: on every side; default 0
    padding_left: on the left: if any of the four is given, they alone count
    padding_right: on the right
    padding_top: above
    padding_bottom: below
    value: the elements that are added; default 0"""

    def __init__(
            self, padding: Union[int, str, Sequence[int]], value: Optional[float] = None, *,
            padding_left: Optional[int] = None, padding_right: Optional[int] = None,
            padding_top: Optional[int] = None, padding_bottom: Optional[int] = None) -> None:
        self._create(
                "cnn_constant_pad2d_create", options(B.cnn_constant_pad2d_options, padding=padding,
                padding_left=padding_left, padding_right=padding_right, padding_top=padding_top,
                padding_bottom=padding_bottom, value=value))


class ReflectionPad2d(Module):
    """torch.nn.ReflectionPad2d.

    padding: on every side; default 0
    padding_left: on the left: if any of the four is given, they alone count
    padding_right: on the right
    padding_top: above
    padding_bottom: below"""

    def __init__(
            self, padding: Union[int, str, Sequence[int]], *, padding_left: Optional[int] = None,
            padding_right: Optional[int] = None, padding_top: Optional[int] = None,
            padding_bottom: Optional[int] = None) -> None:
        self._create(
                "cnn_reflection_pad2d_create", options(B.cnn_reflection_pad2d_options, padding=padding,
                padding_left=padding_left, padding_right=padding_right, padding_top=padding_top,
                padding_bottom=padding_bottom))


class ReplicationPad2d(Module):
    """torch.nn.ReplicationPad2d.

    padding: on every side; default 0
    padding_left: on the left: if any of the four is given, they alone count
    padding_right: on the right
    padding_top: above
    padding_bottom: below"""

    def __init__(
            self, padding: Union[int, str, Sequence[int]], *, padding_left: Optional[int] = None,
            padding_right: Optional[int] = None, padding_top: Optional[int] = None,
            padding_bottom: Optional[int] = None) -> None:
        self._create(
                "cnn_replication_pad2d_create", options(B.cnn_replication_pad2d_options, padding=padding,
                padding_left=padding_left, padding_right=padding_right, padding_top=padding_top,
                padding_bottom=padding_bottom))


class Upsample(Module):
    """torch.nn.Upsample: cnn_interpolate() as a layer.

    size: the size of the result; required, or else a scale factor
    scale_factor: the size is floor(size of x · scale_factor); sizes or scale factors are given
    mode: default CNN_INTERPOLATE_NEAREST
    align_corners: the first and the last elements of x and of the result coincide, instead of their outer
        edges; of the linear modes and CNN_INTERPOLATE_BICUBIC
    recompute_scale_factor: positions follow from the sizes, not from the scale factors given"""

    def __init__(
            self, size: Optional[Union[int, Sequence[int]]] = None,
            scale_factor: Optional[Union[int, Sequence[int]]] = None,
            mode: Optional[Union[B.InterpolateMode, str, int]] = None, *, align_corners: Optional[bool] = None,
            recompute_scale_factor: Optional[bool] = None) -> None:
        self._create(
                "cnn_upsample_create", options(B.cnn_upsample_options, size=size, scale_factor=scale_factor,
                mode=mode, align_corners=align_corners, recompute_scale_factor=recompute_scale_factor))


class PixelShuffle(Module):
    """torch.nn.PixelShuffle: cnn_pixel_shuffle() as a layer."""

    def __init__(self, upscale_factor: int) -> None:
        self._create("cnn_pixel_shuffle_create", upscale_factor, options(B.cnn_pixel_shuffle_options))


class PixelUnshuffle(Module):
    """torch.nn.PixelUnshuffle: cnn_pixel_unshuffle() as a layer."""

    def __init__(self, downscale_factor: int) -> None:
        self._create("cnn_pixel_unshuffle_create", downscale_factor, options(B.cnn_pixel_unshuffle_options))


class ChannelShuffle(Module):
    """torch.nn.ChannelShuffle: cnn_channel_shuffle() as a layer."""

    def __init__(self, groups: int) -> None:
        self._create("cnn_channel_shuffle_create", groups, options(B.cnn_channel_shuffle_options))


class Unfold(Module):
    """torch.nn.Unfold: cnn_unfold() as a layer.

    kernel_size: size of the window; required
    stride: default 1
    padding: zeros around the image; default 0
    dilation: default 1"""

    def __init__(
            self, kernel_size: Union[int, Sequence[int]], *, stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> None:
        self._create(
                "cnn_unfold_create", options(B.cnn_unfold_options, kernel=kernel_size, stride=stride, padding=padding,
                dilation=dilation))


class Fold(Module):
    """torch.nn.Fold: cnn_fold() as a layer.

    kernel_size: size of the window; required
    stride: default 1
    padding: zeros around the image; default 0
    dilation: default 1"""

    def __init__(
            self, output_size: Union[int, Sequence[int]], kernel_size: Union[int, Sequence[int]], *,
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None,
            dilation: Optional[Union[int, Sequence[int]]] = None) -> None:
        self._create(
                "cnn_fold_create", *pair(output_size), options(B.cnn_fold_options, kernel=kernel_size, stride=stride,
                padding=padding, dilation=dilation))


class Unflatten(Module):
    """torch.nn.Unflatten: cnn_unflatten() as a layer. The sizes are copied."""

    def __init__(self, dim: int, unflattened_size: Sizes) -> None:
        self._create("cnn_unflatten_create", dim, *sizes(unflattened_size), options(B.cnn_unflatten_options))


class Conv2d(Module):
    """torch.nn.Conv2d: `weight` [out, in/groups, kh, kw] and `bias` [out], uniform in ±1/√(in/groups·kh·kw).

    kernel_size: size of the kernel; cnn_conv2d() takes it from the weight
    stride: default 1
    dilation: default 1
    padding: zeros around the image; default 0
    padding_top: zeros above: if any of the four is given, they alone count
    padding_bottom: zeros below
    padding_left: zeros on the left
    padding_right: zeros on the right
    groups: The groups of channels, each convolved by itself: as many as there are input channels make a
        depthwise convolution; default 1
    padding_mode: default CNN_PADDING_EXPLICIT
    dtype: of the parameters; default CNN_F32
    pad_mode: what the padding is made of, as of cnn_pad(); default zeros
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: Union[int, Sequence[int]],
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *,
            dilation: Optional[Union[int, Sequence[int]]] = None, padding_top: Optional[int] = None,
            padding_bottom: Optional[int] = None, padding_left: Optional[int] = None,
            padding_right: Optional[int] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, pad_mode: Optional[Union[B.PadMode, str, int]] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv2d_create", in_channels, out_channels, options(B.cnn_conv2d_options, kernel=kernel_size,
                stride=stride, dilation=dilation, padding=padding, padding_top=padding_top,
                padding_bottom=padding_bottom, padding_left=padding_left, padding_right=padding_right, groups=groups,
                padding_mode=padding_mode, dtype=dtype, pad_mode=pad_mode, no_bias=bias))


class ReLU(Module):
    """torch.nn.ReLU. `options` may be NULL."""

    def __init__(self) -> None:
        self._create("cnn_relu_create", options(B.cnn_relu_options))


class GELU(Module):
    """torch.nn.GELU, cnn_gelu() as a layer. `options` may be NULL.

    approximate_tanh: PyTorch's approximate='tanh': x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))"""

    def __init__(self, *, approximate_tanh: Optional[bool] = None) -> None:
        self._create("cnn_gelu_create", options(B.cnn_gelu_options, approximate_tanh=approximate_tanh))


class MaxPool2d(Module):
    """torch.nn.MaxPool2d.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of −infinity, at most half the window; default 0
    dilation: default 1
    ceil_mode: round the output's size up, as PyTorch does"""

    def __init__(
            self, kernel_size: Union[int, Sequence[int]], stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *,
            dilation: Optional[Union[int, Sequence[int]]] = None, ceil_mode: Optional[bool] = None) -> None:
        self._create(
                "cnn_maxpool2d_create", options(B.cnn_maxpool2d_options, kernel=kernel_size, stride=stride,
                padding=padding, dilation=dilation, ceil_mode=ceil_mode))


class AvgPool2d(Module):
    """torch.nn.AvgPool2d.

    kernel_size: size of the window; required
    stride: default: the window's size
    padding: rows and columns of zeros, at most half the window; default 0
    divisor_override: what sums are divided by; default: the number of elements in the window
    ceil_mode: round the output's size up, as PyTorch does
    exclude_padding: elements of the padding are not counted: PyTorch's count_include_pad=False"""

    def __init__(
            self, kernel_size: Union[int, Sequence[int]], stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *, divisor_override: Optional[int] = None,
            ceil_mode: Optional[bool] = None, exclude_padding: Optional[bool] = None) -> None:
        self._create(
                "cnn_avg_pool2d_create", options(B.cnn_avg_pool2d_options, kernel=kernel_size, stride=stride,
                padding=padding, divisor_override=divisor_override, ceil_mode=ceil_mode,
                exclude_padding=exclude_padding))


class BatchNorm2d(Module):
    """torch.nn.BatchNorm2d over x [N,channels,H,W]: `weight` [channels] of ones, `bias` of zeros, and the
    buffers `running_mean` of zeros, `running_var` of ones and `num_batches_tracked`, an i64 scalar;
    cnn_batch_norm() says what it does with them.

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5
    dtype: of parameters and statistics; default CNN_F32
    affine: no weight and no bias where it is False; default True
    track_running_stats: no running statistics; evaluation uses the batch's, too where it is False; default True
    cumulative: the running statistics are the plain mean of all batches', see cnn_module_set_cumulative()"""

    def __init__(
            self, num_features: int, *, momentum: Optional[float] = None, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, affine: Optional[bool] = None,
            track_running_stats: Optional[bool] = None, cumulative: Optional[bool] = None) -> None:
        self._create(
                "cnn_batch_norm2d_create", num_features, options(B.cnn_batch_norm_options, momentum=momentum, eps=eps,
                dtype=dtype, no_affine=affine, no_running=track_running_stats, cumulative=cumulative))


class Dropout(Module):
    """torch.nn.Dropout: p in [0, 1], where 0 is 0. `options` may be NULL."""

    def __init__(self, p: float = 0.5) -> None:
        self._create("cnn_dropout_create", p, options(B.cnn_dropout_options))


class Linear(Module):
    """torch.nn.Linear: `weight` [out, in] and `bias` [out], uniform in ±1/√in.

    dtype: the dtype of the parameters; default CNN_F32
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_features: int, out_features: int, *, dtype: Optional[Union[B.DType, str, int]] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_linear_create", in_features, out_features,
                options(B.cnn_linear_options, dtype=dtype, no_bias=bias))


class Embedding(Module):
    """torch.nn.Embedding: `weight` [num_embeddings, embedding_dim], standard normal, with zeros in the padding
    row, which gets no gradient. Its input is i64 or i32: see cnn_embedding().

    padding_idx: a row that gets no gradient, counted from the end where it is negative
    dtype: of the parameters; default CNN_F32"""

    def __init__(
            self, num_embeddings: int, embedding_dim: int, *, padding_idx: Optional[int] = None,
            dtype: Optional[Union[B.DType, str, int]] = None) -> None:
        self._create(
                "cnn_embedding_create", num_embeddings, embedding_dim,
                options(B.cnn_embedding_options, padding_idx=padding_idx, dtype=dtype))


class Conv1d(Module):
    """torch.nn.Conv1d: `weight` [out, in/groups, k] and `bias` [out], uniform in ±1/√(in/groups·k).

    kernel_size: size of the kernel; cnn_conv1d() takes it from the weight
    stride: default 1
    dilation: default 1
    padding: zeros at both ends; default 0
    padding_left: zeros before the first element: if one of the two is given, they alone count
    padding_right: zeros behind the last
    groups: the groups of channels, each convolved by itself; default 1
    padding_mode: default CNN_PADDING_EXPLICIT
    dtype: of the parameters; default CNN_F32
    pad_mode: what the padding is made of, as of cnn_pad(); default zeros
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: int, stride: Optional[int] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *, dilation: Optional[int] = None,
            padding_left: Optional[int] = None, padding_right: Optional[int] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, pad_mode: Optional[Union[B.PadMode, str, int]] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv1d_create", in_channels, out_channels, options(B.cnn_conv1d_options, kernel=kernel_size,
                stride=stride, dilation=dilation, padding=padding, padding_left=padding_left,
                padding_right=padding_right, groups=groups, padding_mode=padding_mode, dtype=dtype, pad_mode=pad_mode,
                no_bias=bias))


class Conv3d(Module):
    """torch.nn.Conv3d: `weight` [out, in/groups, kd, kh, kw] and `bias` [out], uniform in
    ±1/√(in/groups·kd·kh·kw).

    kernel_size: size of the kernel; cnn_conv3d() takes it from the weight
    stride: default 1
    dilation: default 1
    padding: zeros around the volume; default 0
    groups: the groups of channels, each convolved by itself; default 1
    padding_mode: default CNN_PADDING_EXPLICIT
    dtype: of the parameters; default CNN_F32
    pad_mode: what the padding is made of, as of cnn_pad(); default zeros
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: Union[int, Sequence[int]],
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *,
            dilation: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None,
            padding_mode: Optional[Union[B.PaddingMode, str, int]] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, pad_mode: Optional[Union[B.PadMode, str, int]] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv3d_create", in_channels, out_channels, options(B.cnn_conv3d_options, kernel=kernel_size,
                stride=stride, dilation=dilation, padding=padding, groups=groups, padding_mode=padding_mode,
                dtype=dtype, pad_mode=pad_mode, no_bias=bias))


class ConvTranspose1d(Module):
    """torch.nn.ConvTranspose1d: `weight` [in, out/groups, k] and `bias` [out], uniform in ±1/√(out/groups·k).

    kernel_size: size of the kernel; cnn_conv_transpose1d() takes it from the weight
    stride: elements of the result from one element of x to the next; default 1
    dilation: default 1
    padding: elements that the result lacks at both ends; default 0
    output_padding: elements that it has more at its end, less than stride or dilation; default 0
    output_size: the size of the result in place of output_padding, which then follows from it: fewer than
        `stride` elements more than without; default none
    groups: the groups of channels, each convolved by itself; default 1
    dtype: of the parameters; default CNN_F32
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: int, stride: Optional[int] = None,
            padding: Optional[int] = None, *, dilation: Optional[int] = None, output_padding: Optional[int] = None,
            output_size: Optional[int] = None, groups: Optional[int] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv_transpose1d_create", in_channels, out_channels, options(B.cnn_conv_transpose1d_options,
                kernel=kernel_size, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups, dtype=dtype, no_bias=bias))


class ConvTranspose2d(Module):
    """torch.nn.ConvTranspose2d: `weight` [in, out/groups, kh, kw] and `bias` [out], uniform in
    ±1/√(out/groups·kh·kw).

    kernel_size: size of the kernel; cnn_conv_transpose2d() takes it from the weight
    stride: pixels of the result from one pixel of x to the next; default 1
    dilation: default 1
    padding: rows and columns that the result lacks on each side; default 0
    output_padding: rows and columns that it has more at the bottom and on the right, less than stride or
        dilation; default 0
    output_size: height and width of the result in place of output_padding, which then follows from them: fewer
        than `stride` pixels more than without; default none
    groups: the groups of channels, each convolved by itself; default 1
    dtype: of the parameters; default CNN_F32
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: Union[int, Sequence[int]],
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *,
            dilation: Optional[Union[int, Sequence[int]]] = None,
            output_padding: Optional[Union[int, Sequence[int]]] = None,
            output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv_transpose2d_create", in_channels, out_channels, options(B.cnn_conv_transpose2d_options,
                kernel=kernel_size, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups, dtype=dtype, no_bias=bias))


class ConvTranspose3d(Module):
    """torch.nn.ConvTranspose3d: `weight` [in, out/groups, kd, kh, kw] and `bias` [out], uniform in
    ±1/√(out/groups·kd·kh·kw).

    kernel_size: size of the kernel; cnn_conv_transpose3d() takes it from the weight
    stride: voxels of the result from one voxel of x to the next; default 1
    dilation: default 1
    padding: slices, rows and columns that the result lacks on each side; default 0
    output_padding: slices, rows and columns that it has more at the end, less than stride or dilation; default
        0
    output_size: sizes of the result in place of output_padding, which then follows from them: fewer than
        `stride` voxels more than without; default none
    groups: the groups of channels, each convolved by itself; default 1
    dtype: of the parameters; default CNN_F32
    bias: no bias parameter where it is False; default True"""

    def __init__(
            self, in_channels: int, out_channels: int, kernel_size: Union[int, Sequence[int]],
            stride: Optional[Union[int, Sequence[int]]] = None,
            padding: Optional[Union[int, str, Sequence[int]]] = None, *,
            dilation: Optional[Union[int, Sequence[int]]] = None,
            output_padding: Optional[Union[int, Sequence[int]]] = None,
            output_size: Optional[Union[int, Sequence[int]]] = None, groups: Optional[int] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_conv_transpose3d_create", in_channels, out_channels, options(B.cnn_conv_transpose3d_options,
                kernel=kernel_size, stride=stride, dilation=dilation, padding=padding, output_padding=output_padding,
                output_size=output_size, groups=groups, dtype=dtype, no_bias=bias))


class Flatten(Module):
    """torch.nn.Flatten: cnn_flatten() as a layer. `options` may be NULL. An input without these dimensions is
    an error.

    start_dim: the first dimension that is joined; negative ones count from the last; default 1
    end_dim: the last of them, included; default -1, the last of all"""

    def __init__(self, start_dim: Optional[int] = None, end_dim: Optional[int] = None) -> None:
        self._create("cnn_flatten_create", options(B.cnn_flatten_options, start_dim=start_dim, end_dim=end_dim))


class BatchNorm1d(Module):
    """torch.nn.BatchNorm1d over x [N,channels] or [N,channels,L]; parameters and buffers are those of
    cnn_batch_norm2d_create().

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5
    dtype: of parameters and statistics; default CNN_F32
    affine: no weight and no bias where it is False; default True
    track_running_stats: no running statistics; evaluation uses the batch's, too where it is False; default True
    cumulative: the running statistics are the plain mean of all batches', see cnn_module_set_cumulative()"""

    def __init__(
            self, num_features: int, *, momentum: Optional[float] = None, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, affine: Optional[bool] = None,
            track_running_stats: Optional[bool] = None, cumulative: Optional[bool] = None) -> None:
        self._create(
                "cnn_batch_norm1d_create", num_features, options(B.cnn_batch_norm1d_options, momentum=momentum,
                eps=eps, dtype=dtype, no_affine=affine, no_running=track_running_stats, cumulative=cumulative))


class InstanceNorm1d(Module):
    """torch.nn.InstanceNorm1d over x [N,channels,L] or [channels,L]: cnn_instance_norm(). With `affine` it has
    `weight` and `bias` [channels] of ones and zeros, with `track_running_stats` the buffers of BatchNorm1d, of
    which `num_batches_tracked` stays 0, as in PyTorch.

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5
    dtype: the dtype of parameters and statistics; default CNN_F32
    affine: weight and bias
    track_running_stats: running statistics, which evaluation uses"""

    def __init__(
            self, num_features: int, *, momentum: Optional[float] = None, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, affine: Optional[bool] = None,
            track_running_stats: Optional[bool] = None) -> None:
        self._create(
                "cnn_instance_norm1d_create", num_features, options(B.cnn_instance_norm1d_options, momentum=momentum,
                eps=eps, dtype=dtype, affine=affine, track_running_stats=track_running_stats))


class InstanceNorm2d(Module):
    """torch.nn.InstanceNorm2d over x [N,channels,H,W] or [channels,H,W]; else as InstanceNorm1d.

    momentum: share of the batch in the running statistics, in [0, 1]; default 0.1
    eps: added to the variance, at least 0; default 1e-5
    dtype: the dtype of parameters and statistics; default CNN_F32
    affine: weight and bias
    track_running_stats: running statistics, which evaluation uses"""

    def __init__(
            self, num_features: int, *, momentum: Optional[float] = None, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, affine: Optional[bool] = None,
            track_running_stats: Optional[bool] = None) -> None:
        self._create(
                "cnn_instance_norm2d_create", num_features, options(B.cnn_instance_norm2d_options, momentum=momentum,
                eps=eps, dtype=dtype, affine=affine, track_running_stats=track_running_stats))


class LayerNorm(Module):
    """torch.nn.LayerNorm: cnn_layer_norm() over the last `ndim` dimensions, of sizes `shape`, which is copied;
    `weight` of ones and `bias` of zeros have that shape.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23
    dtype: of the parameters; default CNN_F32
    elementwise_affine: no weight and no bias where it is False; default True
    bias: a weight alone; RMS normalisation has no bias anyway where it is False; default True"""

    def __init__(
            self, normalized_shape: Sizes, *, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, elementwise_affine: Optional[bool] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_layer_norm_create", *sizes(normalized_shape), options(B.cnn_layer_norm_options, eps=eps,
                dtype=dtype, no_affine=elementwise_affine, no_bias=bias))


class RMSNorm(Module):
    """torch.nn.RMSNorm: cnn_rms_norm() over the last `ndim` dimensions, of sizes `shape`, which is copied;
    `weight` of ones has that shape.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23
    dtype: of the parameters; default CNN_F32
    elementwise_affine: no weight and no bias where it is False; default True
    bias: a weight alone; RMS normalisation has no bias anyway where it is False; default True"""

    def __init__(
            self, normalized_shape: Sizes, *, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, elementwise_affine: Optional[bool] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_rms_norm_create", *sizes(normalized_shape), options(B.cnn_rms_norm_options, eps=eps, dtype=dtype,
                no_affine=elementwise_affine, no_bias=bias))


class GroupNorm(Module):
    """torch.nn.GroupNorm: cnn_group_norm() over x [N,channels,…]; `groups` divides `channels`. `weight` and
    `bias` [channels] are of ones and zeros.

    eps: added to the variance, at least 0; default 1e-5, of RMS normalisation the epsilon of the dtype that it
        is computed in: 2^-52 for f64, else 2^-23
    dtype: of the parameters; default CNN_F32
    affine: no weight and no bias where it is False; default True
    bias: a weight alone; RMS normalisation has no bias anyway where it is False; default True"""

    def __init__(
            self, num_groups: int, num_channels: int, *, eps: Optional[float] = None,
            dtype: Optional[Union[B.DType, str, int]] = None, affine: Optional[bool] = None,
            bias: Optional[bool] = None) -> None:
        self._create(
                "cnn_group_norm_create", num_groups, num_channels,
                options(B.cnn_group_norm_options, eps=eps, dtype=dtype, no_affine=affine, no_bias=bias))


class LocalResponseNorm(Module):
    """torch.nn.LocalResponseNorm: cnn_local_response_norm() over `size` channels, at least 1.

    alpha: factor of the mean square; default 1e-4
    beta: exponent; default 0.75
    k: added to the mean square; default 1"""

    def __init__(
            self, size: int, alpha: Optional[float] = None, beta: Optional[float] = None, *, k: Optional[float] = None
    ) -> None:
        self._create(
                "cnn_local_response_norm_create", size,
                options(B.cnn_local_response_norm_options, alpha=alpha, beta=beta, k=k))


class Dropout1d(Module):
    """torch.nn.Dropout1d: cnn_dropout1d() with p in [0, 1], where 0 is 0."""

    def __init__(self, p: float = 0.5) -> None:
        self._create("cnn_dropout1d_create", p, options(B.cnn_dropout1d_options))


class Dropout2d(Module):
    """torch.nn.Dropout2d: cnn_dropout2d() with p in [0, 1], where 0 is 0."""

    def __init__(self, p: float = 0.5) -> None:
        self._create("cnn_dropout2d_create", p, options(B.cnn_dropout2d_options))


class AlphaDropout(Module):
    """torch.nn.AlphaDropout: cnn_alpha_dropout() with p in [0, 1], where 0 is 0."""

    def __init__(self, p: float = 0.5) -> None:
        self._create("cnn_alpha_dropout_create", p, options(B.cnn_alpha_dropout_options))


class LeakyReLU(Module):
    """torch.nn.LeakyReLU: cnn_leaky_relu() as a layer.

    negative_slope: default 0.01"""

    def __init__(self, negative_slope: Optional[float] = None) -> None:
        self._create("cnn_leaky_relu_create", options(B.cnn_leaky_relu_options, negative_slope=negative_slope))


class ELU(Module):
    """torch.nn.ELU: cnn_elu() as a layer.

    alpha: default 1"""

    def __init__(self, alpha: Optional[float] = None) -> None:
        self._create("cnn_elu_create", options(B.cnn_elu_options, alpha=alpha))


class CELU(Module):
    """torch.nn.CELU: cnn_celu() as a layer.

    alpha: not CNN_ZERO; default 1"""

    def __init__(self, alpha: Optional[float] = None) -> None:
        self._create("cnn_celu_create", options(B.cnn_celu_options, alpha=alpha))


class Softplus(Module):
    """torch.nn.Softplus: cnn_softplus() as a layer.

    beta: default 1
    threshold: default 20"""

    def __init__(self, beta: Optional[float] = None, threshold: Optional[float] = None) -> None:
        self._create("cnn_softplus_create", options(B.cnn_softplus_options, beta=beta, threshold=threshold))


class Hardtanh(Module):
    """torch.nn.Hardtanh: cnn_hardtanh() as a layer.

    min_val: default −1
    max_val: above min_val; default 1"""

    def __init__(self, min_val: Optional[float] = None, max_val: Optional[float] = None) -> None:
        self._create("cnn_hardtanh_create", options(B.cnn_hardtanh_options, min_val=min_val, max_val=max_val))


class SELU(Module):
    """torch.nn.SELU: cnn_selu() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_selu_create", options(B.cnn_selu_options))


class SiLU(Module):
    """torch.nn.SiLU: cnn_silu() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_silu_create", options(B.cnn_silu_options))


class Mish(Module):
    """torch.nn.Mish: cnn_mish() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_mish_create", options(B.cnn_mish_options))


class LogSigmoid(Module):
    """torch.nn.LogSigmoid: cnn_logsigmoid() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_logsigmoid_create", options(B.cnn_logsigmoid_options))


class Softsign(Module):
    """torch.nn.Softsign: cnn_softsign() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_softsign_create", options(B.cnn_softsign_options))


class Hardswish(Module):
    """torch.nn.Hardswish: cnn_hardswish() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_hardswish_create", options(B.cnn_hardswish_options))


class Hardsigmoid(Module):
    """torch.nn.Hardsigmoid: cnn_hardsigmoid() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_hardsigmoid_create", options(B.cnn_hardsigmoid_options))


class ReLU6(Module):
    """torch.nn.ReLU6: cnn_relu6() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_relu6_create", options(B.cnn_relu6_options))


class Tanhshrink(Module):
    """torch.nn.Tanhshrink: cnn_tanhshrink() as a layer."""

    def __init__(self) -> None:
        self._create("cnn_tanhshrink_create", options(B.cnn_tanhshrink_options))


class Softshrink(Module):
    """torch.nn.Softshrink: cnn_softshrink() as a layer.

    lambd: at least 0; default 0.5"""

    def __init__(self, *, lambd: Optional[float] = None) -> None:
        self._create("cnn_softshrink_create", options(B.cnn_softshrink_options, lambd=lambd))


class Hardshrink(Module):
    """torch.nn.Hardshrink: cnn_hardshrink() as a layer.

    lambd: default 0.5"""

    def __init__(self, *, lambd: Optional[float] = None) -> None:
        self._create("cnn_hardshrink_create", options(B.cnn_hardshrink_options, lambd=lambd))


class LSTM(Module):
    """torch.nn.LSTM.

    num_layers: how many are stacked, at most 1000; default 1
    dropout: in [0, 1], of each layer's output but the last one's; default 0
    dtype: of the parameters; default CNN_F32
    reverse: operations only: the last step first
    bidirectional: each layer runs in both directions and joins what they give
    batch_first: x and y are [N,T,…] instead of [T,N,…]; the states are not
    bias: no bias parameters where it is False; default True
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""

    def __init__(
            self, input_size: int, hidden_size: int, *, num_layers: Optional[int] = None,
            dropout: Optional[float] = None, dtype: Optional[Union[B.DType, str, int]] = None,
            reverse: Optional[bool] = None, bidirectional: Optional[bool] = None, batch_first: Optional[bool] = None,
            bias: Optional[bool] = None, relu: Optional[bool] = None) -> None:
        self._create(
                "cnn_lstm_create", input_size, hidden_size, options(B.cnn_lstm_options, num_layers=num_layers,
                dropout=dropout, dtype=dtype, reverse=reverse, bidirectional=bidirectional, batch_first=batch_first,
                no_bias=bias, relu=relu))


class GRU(Module):
    """torch.nn.GRU.

    num_layers: how many are stacked, at most 1000; default 1
    dropout: in [0, 1], of each layer's output but the last one's; default 0
    dtype: of the parameters; default CNN_F32
    reverse: operations only: the last step first
    bidirectional: each layer runs in both directions and joins what they give
    batch_first: x and y are [N,T,…] instead of [T,N,…]; the states are not
    bias: no bias parameters where it is False; default True
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""

    def __init__(
            self, input_size: int, hidden_size: int, *, num_layers: Optional[int] = None,
            dropout: Optional[float] = None, dtype: Optional[Union[B.DType, str, int]] = None,
            reverse: Optional[bool] = None, bidirectional: Optional[bool] = None, batch_first: Optional[bool] = None,
            bias: Optional[bool] = None, relu: Optional[bool] = None) -> None:
        self._create(
                "cnn_gru_create", input_size, hidden_size, options(B.cnn_gru_options, num_layers=num_layers,
                dropout=dropout, dtype=dtype, reverse=reverse, bidirectional=bidirectional, batch_first=batch_first,
                no_bias=bias, relu=relu))


class RNN(Module):
    """torch.nn.RNN, with tanh or, as an option, ReLU.

    num_layers: how many are stacked, at most 1000; default 1
    dropout: in [0, 1], of each layer's output but the last one's; default 0
    dtype: of the parameters; default CNN_F32
    reverse: operations only: the last step first
    bidirectional: each layer runs in both directions and joins what they give
    batch_first: x and y are [N,T,…] instead of [T,N,…]; the states are not
    bias: no bias parameters where it is False; default True
    relu: cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh"""

    def __init__(
            self, input_size: int, hidden_size: int, *, num_layers: Optional[int] = None,
            dropout: Optional[float] = None, dtype: Optional[Union[B.DType, str, int]] = None,
            reverse: Optional[bool] = None, bidirectional: Optional[bool] = None, batch_first: Optional[bool] = None,
            bias: Optional[bool] = None, relu: Optional[bool] = None) -> None:
        self._create(
                "cnn_rnn_create", input_size, hidden_size, options(B.cnn_rnn_options, num_layers=num_layers,
                dropout=dropout, dtype=dtype, reverse=reverse, bidirectional=bidirectional, batch_first=batch_first,
                no_bias=bias, relu=relu))
