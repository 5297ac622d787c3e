"""BERT: a Transformer that looks both ways, trained to restore hidden tokens.

Without a causal mask every position sees the whole text, so the next token cannot be the exercise:
it is in plain sight. Instead some tokens are hidden, see
:func:`ravm_course.lm.objectives.hide_tokens`, and the model restores them (Devlin et al., "BERT:
Pre-training of deep bidirectional Transformers", NAACL 2019, section 3.1). Its blocks normalise
after each sum ("post-norm"), as the original Transformer did.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.lm.exchange import require
from ravm_course.nn import FeedForward, MultiHeadAttention


@dataclass(frozen=True)
class BERTConfig:
    """Shape of a BERT.

    Attributes
    ----------
    vocab_size
        Tokens, V.
    context
        Positions, T at most.
    channels, heads, layers
        As for :class:`ravm_course.lm.gpt.GPTConfig`.
    hidden
        Channels inside the feed-forward networks.
    segments
        Kinds of segment (first and second sentence, for instance).
    dropout
        Probability of dropping, in training.
    """

    vocab_size: int
    context: int = 256
    channels: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 512
    segments: int = 2
    dropout: float = 0.0


class PostNormBlock(nn.Module):
    """Self-attention and a feed-forward network, each added and then normalised."""

    def __init__(self, config: BERTConfig):
        super().__init__()
        width = config.channels
        self.attention = MultiHeadAttention(width, config.heads, dropout=config.dropout)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.feed_forward = FeedForward(width, config.hidden, approximate="none")
        self.feed_forward_norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map ``(B, T, C)`` to ``(B, T, C)``; `mask` as for :class:`MultiHeadAttention`."""
        x = self.attention_norm(x + self.dropout(self.attention(x, mask=mask)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))


class BERT(nn.Module):
    """A bidirectional encoder with a head that restores tokens.

    Parameters
    ----------
    config
        Its shape.

    Examples
    --------
    >>> import torch
    >>> model = BERT(BERTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 10])
    """

    def __init__(self, config: BERTConfig):
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocab_size, config.channels)
        self.position = nn.Embedding(config.context, config.channels)
        self.segment = nn.Embedding(config.segments, config.channels)
        self.norm = nn.LayerNorm(config.channels, eps=1e-12)
        self.blocks = nn.ModuleList(PostNormBlock(config) for _ in range(config.layers))
        self.restore = nn.Linear(config.channels, config.channels)
        self.restore_norm = nn.LayerNorm(config.channels, eps=1e-12)
        self.restore_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.apply(_start)

    def features(
        self, ids: Tensor, present: Tensor | None = None, segment: Tensor | None = None
    ) -> Tensor:
        """Return a vector for each token that knows the whole text.

        Parameters
        ----------
        ids
            Tokens ``(B, T)``.
        present
            Boolean ``(B, T)``; false where a text is only filled up. All true without.
        segment
            Kind of each token's segment, ``(B, T)``; zeros without.

        Returns
        -------
        Tensor
            ``(B, T, C)``.

        Raises
        ------
        ValueError
            If `ids` is no batch of sequences, is empty, or is longer than the context.
        """
        if ids.ndim != 2 or not ids.shape[1]:
            raise ValueError(
                f"ids has shape {tuple(ids.shape)}, expected (batch, time) with at least one token."
            )
        if ids.shape[1] > self.config.context:
            raise ValueError(
                f"{ids.shape[1]} tokens do not fit into a context of {self.config.context}: cut "
                "the text, or make a model with a longer context."
            )
        segment = torch.zeros_like(ids) if segment is None else segment
        x = self.token(ids) + self.position.weight[: ids.shape[1]] + self.segment(segment)
        x = F.dropout(self.norm(x), self.config.dropout, self.training)
        mask = None if present is None else present[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        return x

    def forward(
        self, ids: Tensor, present: Tensor | None = None, segment: Tensor | None = None
    ) -> Tensor:
        """Score every token at every position, ``(B, T, V)``; see :meth:`features`."""
        return self.score(self.features(ids, present, segment))

    def score(self, features: Tensor) -> Tensor:
        """Score every token, ``(..., V)``, where the vectors ``(..., C)`` stand."""
        x = self.restore_norm(F.gelu(self.restore(features)))
        return F.linear(x, self.token.weight, self.restore_bias)

    @classmethod
    def from_transformers(cls, model: nn.Module) -> BERT:
        """Return this model with the weights of a ``transformers.BertForMaskedLM``.

        Raises
        ------
        ValueError
            If the other model computes something that this one does not.
        """
        theirs = model.config
        require(
            theirs, model_type="bert", hidden_act="gelu", is_decoder=False, layer_norm_eps=1e-12
        )
        own = cls(
            BERTConfig(
                vocab_size=theirs.vocab_size,
                context=theirs.max_position_embeddings,
                channels=theirs.hidden_size,
                heads=theirs.num_attention_heads,
                layers=theirs.num_hidden_layers,
                hidden=theirs.intermediate_size,
                segments=theirs.type_vocab_size,
                dropout=theirs.hidden_dropout_prob,
            )
        )
        weights = model.state_dict()
        state = {
            "token.weight": weights["bert.embeddings.word_embeddings.weight"],
            "position.weight": weights["bert.embeddings.position_embeddings.weight"],
            "segment.weight": weights["bert.embeddings.token_type_embeddings.weight"],
            "restore_bias": weights["cls.predictions.bias"],
        }
        modules = {
            "norm": "bert.embeddings.LayerNorm",
            "restore": "cls.predictions.transform.dense",
            "restore_norm": "cls.predictions.transform.LayerNorm",
        }
        for layer in range(theirs.num_hidden_layers):
            own_layer, other = f"blocks.{layer}", f"bert.encoder.layer.{layer}"
            modules |= {
                f"{own_layer}.attention.project_out": f"{other}.attention.output.dense",
                f"{own_layer}.attention_norm": f"{other}.attention.output.LayerNorm",
                f"{own_layer}.feed_forward.widen": f"{other}.intermediate.dense",
                f"{own_layer}.feed_forward.narrow": f"{other}.output.dense",
                f"{own_layer}.feed_forward_norm": f"{other}.output.LayerNorm",
            }
            for kind in ("weight", "bias"):
                state[f"{own_layer}.attention.project_in.{kind}"] = torch.cat(
                    [weights[f"{other}.attention.self.{part}.{kind}"] for part in _PARTS]
                )
        for ours, other in modules.items():
            for kind in ("weight", "bias"):
                state[f"{ours}.{kind}"] = weights[f"{other}.{kind}"]
        own.load_state_dict(state)
        return own.eval()


_PARTS = ("query", "key", "value")


def _start(module: nn.Module) -> None:
    """Draw first weights as BERT does."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
