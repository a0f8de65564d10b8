"""Layers and networks: torch.nn."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from .. import _ops
from .._context import default_context
from .._errors import handle
from .._library import lib
from .._tensor import Tensor
from . import _layers, functional, init, utils
from ._layers import *  # noqa: F401,F403
from ._layers import TransformerEncoderLayer
from ._module import Module, ModuleList, Parameter, Sequential, run


class LSTM(_layers.LSTM):  # type: ignore[no-redef]
    __doc__ = _layers.LSTM.__doc__

    def forward(
        self, x: Tensor, state: Optional[Tuple[Tensor, Tensor]] = None, lengths: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        """y, (h_n, c_n) = lstm(x, (h0, c0))"""
        h0, c0 = state or (None, None)
        y, h_n, c_n = run("cnn_lstm_forward", self, x, h0, c0, lengths, outputs=2)
        return y, (h_n, c_n)


class GRU(_layers.GRU):  # type: ignore[no-redef]
    __doc__ = _layers.GRU.__doc__

    def forward(
        self, x: Tensor, state: Optional[Tensor] = None, lengths: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """y, h_n = gru(x, h0)"""
        return run("cnn_rnn_forward", self, x, state, lengths, outputs=1)


class RNN(_layers.RNN):  # type: ignore[no-redef]
    __doc__ = _layers.RNN.__doc__

    def forward(
        self, x: Tensor, state: Optional[Tensor] = None, lengths: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """y, h_n = rnn(x, h0)"""
        return run("cnn_rnn_forward", self, x, state, lengths, outputs=1)


class MultiheadAttention(_layers.MultiheadAttention):  # type: ignore[no-redef]
    __doc__ = _layers.MultiheadAttention.__doc__

    def forward(
        self,
        query: Tensor,
        key: Optional[Tensor] = None,
        value: Optional[Tensor] = None,
        key_padding_mask: Optional[Tensor] = None,
        need_weights: bool = True,
        attn_mask: Optional[Tensor] = None,
        average_attn_weights: bool = True,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """y, weights = attention(query, key, value); weights are None where they are not needed."""
        result = run(
            "cnn_multihead_attention_forward",
            self,
            query,
            key,
            value,
            key_padding_mask,
            attn_mask,
            outputs=2,
            wanted=(need_weights and average_attn_weights, need_weights and not average_attn_weights),
        )
        return result if need_weights else (result, None)


class TransformerEncoder(Module):
    """torch.nn.TransformerEncoder: copies of a layer, one after the other, and a normalisation behind them."""

    def __init__(self, encoder_layer: TransformerEncoderLayer, num_layers: int, norm: Optional[Module] = None) -> None:
        context = default_context()
        given = [encoder_layer] + ([norm] if norm is not None else [])
        handles = [module._give() for module in given]
        h = lib.cnn_transformer_encoder_create(context._h, handles[0], num_layers, handles[1] if norm else None)
        for module in given:
            module._taken(None, "")
        self._adopt(handle(h, context._h), context)


class _Loss:
    """A loss of <cnn/ops.h> with its options, as PyTorch's class."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    @staticmethod
    def function(*_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def __call__(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors, **self.options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.options.items())})"


def _loss(name: str, operation: Any) -> Any:
    return type(
        name, (_Loss,), {"function": staticmethod(operation), "__doc__": operation.__doc__, "__module__": __name__}
    )


CrossEntropyLoss = _loss("CrossEntropyLoss", functional.cross_entropy)
NLLLoss = _loss("NLLLoss", _ops.nll_loss)
MSELoss = _loss("MSELoss", _ops.mse_loss)
L1Loss = _loss("L1Loss", _ops.l1_loss)
SmoothL1Loss = _loss("SmoothL1Loss", _ops.smooth_l1_loss)
HuberLoss = _loss("HuberLoss", _ops.huber_loss)
BCELoss = _loss("BCELoss", _ops.binary_cross_entropy)
BCEWithLogitsLoss = _loss("BCEWithLogitsLoss", _ops.binary_cross_entropy_with_logits)
KLDivLoss = _loss("KLDivLoss", _ops.kl_div)
CTCLoss = _loss("CTCLoss", _ops.ctc_loss)
SoftMarginLoss = _loss("SoftMarginLoss", _ops.soft_margin_loss)
PoissonNLLLoss = _loss("PoissonNLLLoss", _ops.poisson_nll_loss)
GaussianNLLLoss = _loss("GaussianNLLLoss", _ops.gaussian_nll_loss)
MarginRankingLoss = _loss("MarginRankingLoss", _ops.margin_ranking_loss)
HingeEmbeddingLoss = _loss("HingeEmbeddingLoss", _ops.hinge_embedding_loss)
CosineEmbeddingLoss = _loss("CosineEmbeddingLoss", _ops.cosine_embedding_loss)
TripletMarginLoss = _loss("TripletMarginLoss", _ops.triplet_margin_loss)
MultiMarginLoss = _loss("MultiMarginLoss", _ops.multi_margin_loss)

__all__ = [
    *_layers.__all__,
    "Module",
    "ModuleList",
    "Parameter",
    "Sequential",
    "TransformerEncoder",
    "functional",
    "init",
    "utils",
    *[name for name in dir() if name.endswith("Loss")],
]
