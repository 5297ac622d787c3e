"""T5: an encoder reads a text, a decoder writes another; every task is text to text.

Pretrained by *span corruption*: stretches of the text are cut out and replaced by numbered
sentinels, and the decoder writes what was cut, see
:func:`ravm_course.lm.objectives.cut_spans` (Raffel et al., "Exploring the limits of transfer
learning with a unified text-to-text Transformer", JMLR 21, 2020, sections 2.1 and 3.1.4).

It differs from GPT and BERT in details that this file spells out: norms only rescale (Zhang &
Sennrich, "Root mean square layer normalization", NeurIPS 2019), no linear map has a bias, scores
are not divided by a root, and positions enter as one learned number for each head and each range of
distances, which is added to the scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.lm.exchange import require
from ravm_course.nn import causal_mask


@dataclass(frozen=True)
class T5Config:
    """Shape of a T5.

    Attributes
    ----------
    vocab_size
        Tokens, V.
    channels, heads, layers
        C, attention heads, and blocks of the encoder and again of the decoder.
    hidden
        Channels inside the feed-forward networks.
    buckets
        Ranges of distances that are told apart.
    farthest
        Distances from here on share one bucket.
    dropout
        Probability of dropping, in training.
    """

    vocab_size: int
    channels: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 512
    buckets: int = 32
    farthest: int = 128
    dropout: float = 0.0


def distance_bucket(distance: Tensor, buckets: int, farthest: int, both: bool) -> Tensor:
    """Return the range into which a distance falls: single steps when near, wider when far.

    Parameters
    ----------
    distance
        Key position minus query position, any shape.
    buckets
        How many there are.
    farthest
        From this distance on everything falls into the last one.
    both
        Whether keys behind and ahead are told apart (encoder); otherwise those ahead count as 0.

    Returns
    -------
    Tensor
        Integers from 0 to ``buckets - 1``.

    Examples
    --------
    >>> distance_bucket(torch.tensor([0, -1, -7, -8, -127, -500]), 16, 128, both=False)
    tensor([ 0,  1,  7,  8, 15, 15])
    """
    offset = torch.zeros_like(distance)
    if both:
        buckets //= 2
        offset = (distance > 0) * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = buckets // 2
    ratio = (distance.clamp(min=1).float() / exact).log() / math.log(farthest / exact)
    wide = (exact + ratio * (buckets - exact)).long().clamp(max=buckets - 1)
    return offset + torch.where(distance < exact, distance, wide)


class T5Attention(nn.Module):
    """Attention whose scores are neither scaled nor biased but by distance.

    Parameters
    ----------
    config
        Shape of the model.
    """

    def __init__(self, config: T5Config):
        super().__init__()
        if config.channels % config.heads:
            raise ValueError(f"{config.heads} heads do not divide {config.channels} channels.")
        self.heads, self.dropout = config.heads, config.dropout
        for name in ("query", "key", "value", "out"):
            self.add_module(name, nn.Linear(config.channels, config.channels, bias=False))

    def forward(self, x: Tensor, source: Tensor, bias: Tensor | None) -> Tensor:
        """Let `x` ``(B, T, C)`` look at `source` ``(B, S, C)``; `bias` is added to the scores."""
        q, k, v = (
            layer(of).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, of in ((self.query, x), (self.key, source), (self.value, source))
        )
        drop = self.dropout if self.training else 0.0
        heard = F.scaled_dot_product_attention(q, k, v, bias, dropout_p=drop, scale=1.0)
        return self.out(heard.transpose(1, 2).flatten(2))


class T5Block(nn.Module):
    """Self-attention, in the decoder a look at the encoder, and a feed-forward network.

    Parameters
    ----------
    config
        Shape of the model.
    looks_at_source
        Whether the block stands in the decoder.
    """

    def __init__(self, config: T5Config, looks_at_source: bool):
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.channels, eps=1e-6)
        self.attention = T5Attention(config)
        if looks_at_source:
            self.source_norm = nn.RMSNorm(config.channels, eps=1e-6)
            self.source_attention = T5Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.channels, eps=1e-6)
        self.widen = nn.Linear(config.channels, config.hidden, bias=False)
        self.narrow = nn.Linear(config.hidden, config.channels, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        source: Tensor | None = None,
        source_bias: Tensor | None = None,
    ) -> Tensor:
        """Map ``(B, T, C)`` to ``(B, T, C)``."""
        inner = self.attention_norm(x)
        x = x + self.dropout(self.attention(inner, inner, bias))
        if source is not None:
            heard = self.source_attention(self.source_norm(x), source, source_bias)
            x = x + self.dropout(heard)
        inner = self.dropout(F.relu(self.widen(self.feed_forward_norm(x))))
        return x + self.dropout(self.narrow(inner))


class T5Stack(nn.Module):
    """The blocks of an encoder or of a decoder, with their bias by distance.

    Parameters
    ----------
    config
        Shape of the model.
    decoder
        Which of the two it is.
    """

    def __init__(self, config: T5Config, decoder: bool):
        super().__init__()
        self.config, self.decoder = config, decoder
        self.distance = nn.Embedding(config.buckets, config.heads)
        self.blocks = nn.ModuleList(T5Block(config, decoder) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.channels, eps=1e-6)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        present: Tensor | None = None,
        source: Tensor | None = None,
        source_present: Tensor | None = None,
    ) -> Tensor:
        """Map ``(B, T, C)`` to ``(B, T, C)``; `present` are boolean, ``(B, T)`` and ``(B, S)``."""
        place = torch.arange(x.shape[1], device=x.device)
        bucket = distance_bucket(
            place[None, :] - place[:, None],
            self.config.buckets,
            self.config.farthest,
            both=not self.decoder,
        )
        bias = self.distance(bucket).permute(2, 0, 1)[None]
        if self.decoder:
            bias = bias.masked_fill(~causal_mask(x.shape[1]).to(x.device), -math.inf)
        if present is not None:
            bias = bias.masked_fill(~present[:, None, None, :], -math.inf)
        source_bias = None
        if source is not None and source_present is not None:
            source_bias = torch.zeros_like(source_present, dtype=x.dtype)
            source_bias = source_bias.masked_fill(~source_present, -math.inf)[:, None, None, :]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, bias, source, source_bias)
        return self.dropout(self.norm(x))


class T5(nn.Module):
    """An encoder-decoder Transformer.

    Parameters
    ----------
    config
        Its shape.

    Examples
    --------
    >>> model = T5(T5Config(vocab_size=10, channels=16, heads=2, layers=1, hidden=32))
    >>> model(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 4]])).shape
    torch.Size([1, 2, 10])
    """

    def __init__(self, config: T5Config):
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocab_size, config.channels)
        self.encoder = T5Stack(config, decoder=False)
        self.decoder = T5Stack(config, decoder=True)
        width = config.channels
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                std = module.in_features**-0.5
                if name.endswith(".query"):  # takes the place of the missing division
                    std *= (width // config.heads) ** -0.5
                nn.init.normal_(module.weight, std=std)
            elif name.endswith(".distance"):
                nn.init.normal_(module.weight, std=width**-0.5)

    def encode(self, ids: Tensor, present: Tensor | None = None) -> Tensor:
        """Return what the decoder looks at, ``(B, S, C)``, from tokens ``(B, S)``."""
        _check(ids, "source")
        return self.encoder(self.token(ids), present)

    def decode(self, ids: Tensor, source: Tensor, source_present: Tensor | None = None) -> Tensor:
        """Score the next token after each of `ids` ``(B, T)``; return logits ``(B, T, V)``."""
        _check(ids, "target")
        x = self.decoder(self.token(ids), None, source, source_present)
        return F.linear(x * self.config.channels**-0.5, self.token.weight)

    def forward(self, source: Tensor, target: Tensor, present: Tensor | None = None) -> Tensor:
        """Score the next token after each of the target, given the source.

        Parameters
        ----------
        source
            Tokens that are read, ``(B, S)``.
        target
            Tokens that were written so far, ``(B, T)``, after a token that says "begin".
        present
            Boolean ``(B, S)``; false where a source is only filled up. All true without.

        Returns
        -------
        Tensor
            Logits ``(B, T, V)``.

        Raises
        ------
        ValueError
            If source or target is no batch of sequences or is empty.
        """
        return self.decode(target, self.encode(source, present), present)

    @classmethod
    def from_transformers(cls, model: nn.Module) -> T5:
        """Return this model with the weights of a ``transformers.T5ForConditionalGeneration``.

        Raises
        ------
        ValueError
            If the other model computes something that this one does not.
        """
        theirs = model.config
        require(
            theirs,
            model_type="t5",
            feed_forward_proj="relu",
            num_decoder_layers=theirs.num_layers,
            d_kv=theirs.d_model // theirs.num_heads,
            layer_norm_epsilon=1e-6,
            tie_word_embeddings=True,
        )
        own = cls(
            T5Config(
                vocab_size=theirs.vocab_size,
                channels=theirs.d_model,
                heads=theirs.num_heads,
                layers=theirs.num_layers,
                hidden=theirs.d_ff,
                buckets=theirs.relative_attention_num_buckets,
                farthest=theirs.relative_attention_max_distance,
                dropout=theirs.dropout_rate,
            )
        )
        weights = model.state_dict()
        state = {"token.weight": weights["shared.weight"]}
        parts = {"query": "q", "key": "k", "value": "v", "out": "o"}
        for stack in ("encoder", "decoder"):
            bias = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
            state[f"{stack}.distance.weight"] = weights[bias]
            state[f"{stack}.norm.weight"] = weights[f"{stack}.final_layer_norm.weight"]
            halves = {"attention": "SelfAttention"}
            if stack == "decoder":
                halves["source_attention"] = "EncDecAttention"
            for layer in range(theirs.num_layers):
                ours, other = f"{stack}.blocks.{layer}", f"{stack}.block.{layer}.layer"
                for i, (half, name) in enumerate(halves.items()):
                    state[f"{ours}.{half}_norm.weight".replace("source_attention", "source")] = (
                        weights[f"{other}.{i}.layer_norm.weight"]
                    )
                    for part, letter in parts.items():
                        state[f"{ours}.{half}.{part}.weight"] = weights[
                            f"{other}.{i}.{name}.{letter}.weight"
                        ]
                last = f"{other}.{len(halves)}"
                state[f"{ours}.feed_forward_norm.weight"] = weights[f"{last}.layer_norm.weight"]
                state[f"{ours}.widen.weight"] = weights[f"{last}.DenseReluDense.wi.weight"]
                state[f"{ours}.narrow.weight"] = weights[f"{last}.DenseReluDense.wo.weight"]
        own.load_state_dict(state)
        return own.eval()


def _check(ids: Tensor, name: str) -> None:
    if ids.ndim != 2 or not ids.shape[1]:
        raise ValueError(
            f"{name} has shape {tuple(ids.shape)}, expected (batch, time) with at least one token."
        )
