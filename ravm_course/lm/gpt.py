"""GPT: a stack of causal blocks that predicts the next token at every position.

The architecture of GPT-2 (Radford et al., "Language models are unsupervised multitask learners",
2019): token and position vectors are added, pass through pre-norm blocks, and are compared with the
token vectors again, which are the weights of the last layer too (Press & Wolf, "Using the output
embedding to improve language models", EACL 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.lm.exchange import require
from ravm_course.nn import Block, KeyValueCache, Rotary, sinusoidal

POSITIONS = ("learned", "sinusoidal", "rotary", "none")
_STD = 0.02  # of first weights, as in GPT-2


@dataclass(frozen=True)
class GPTConfig:
    """Shape of a GPT.

    Attributes
    ----------
    vocab_size
        Tokens, V.
    context
        Positions that the model can see, T at most.
    channels
        C.
    heads
        Attention heads a block; must divide `channels`.
    layers
        Blocks.
    dropout
        Probability of dropping a channel of the embeddings and of what a block adds, in training.
    attention_dropout
        Probability of dropping an attention weight, in training; on CPUs it rules out the fused
        kernel, and so costs time.
    bias
        Whether linear maps have one.
    positions
        ``"learned"`` (GPT-2), ``"sinusoidal"``, ``"rotary"`` or ``"none"``.
    """

    vocab_size: int
    context: int = 256
    channels: int = 128
    heads: int = 4
    layers: int = 4
    dropout: float = 0.0
    attention_dropout: float = 0.0
    bias: bool = True
    positions: str = "learned"


class GPT(nn.Module):
    """A causal Transformer language model.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If the shape is impossible.

    Examples
    --------
    >>> import torch
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> model(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 10])
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        if config.positions not in POSITIONS:
            raise ValueError(f"positions is {config.positions!r}, expected one of {POSITIONS}.")
        for name in ("vocab_size", "context", "channels", "heads", "layers"):
            if getattr(config, name) < 1:
                raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1.")
        self.config = config
        self.token = nn.Embedding(config.vocab_size, config.channels)
        if config.positions == "learned":
            self.position = nn.Embedding(config.context, config.channels)
        elif config.positions == "sinusoidal":
            # As large as the token vectors are at first: the paper enlarges those instead, by the
            # root of the channels (section 3.4). Otherwise the waves drown the tokens.
            table = _STD * 2**0.5 * sinusoidal(config.context, config.channels)
            self.register_buffer("wave", table, persistent=False)
        rotate = None
        if config.positions == "rotary":
            rotate = Rotary(config.channels // config.heads, config.context)
        self.blocks = nn.ModuleList(
            Block(
                config.channels,
                config.heads,
                bias=config.bias,
                dropout=config.dropout,
                attention_dropout=config.attention_dropout,
                rotate=rotate,
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.apply(_start)
        for block in self.blocks:  # every layer adds twice: keep the sum's variance
            for last in (block.attention.project_out, block.feed_forward.narrow):
                nn.init.normal_(last.weight, std=_STD / (2 * config.layers) ** 0.5)

    def forward(self, ids: Tensor, cache: list[KeyValueCache] | None = None) -> Tensor:
        """Score every token at every position.

        Parameters
        ----------
        ids
            Tokens ``(B, T)``.
        cache
            What :meth:`new_cache` returned, holding the positions before `ids`; they are not
            computed again.

        Returns
        -------
        Tensor
            Logits ``(B, T, V)``; row t scores the token after ``ids[:, t]``.

        Raises
        ------
        ValueError
            If `ids` is no batch of sequences, is empty, or is longer than the context.
        IndexError
            If a token is not in the vocabulary.
        """
        return F.linear(self.features(ids, cache), self.token.weight)

    def features(self, ids: Tensor, cache: list[KeyValueCache] | None = None) -> Tensor:
        """Return what the last layer sees, ``(B, T, C)``; see :meth:`forward`."""
        if ids.ndim != 2 or not ids.shape[1]:
            raise ValueError(
                f"ids has shape {tuple(ids.shape)}, expected (batch, time) with at least one token."
            )
        start = len(cache[0]) if cache else 0
        end = start + ids.shape[1]
        if end > self.config.context:
            raise ValueError(
                f"{end} tokens do not fit into a context of {self.config.context}: cut the text, "
                "or make a model with a longer context."
            )
        x = self.token(ids)
        if self.config.positions == "learned":
            x = x + self.position.weight[start:end]
        elif self.config.positions == "sinusoidal":
            x = x + self.wave[start:end]
        x = F.dropout(x, self.config.dropout, self.training)
        for block, kept in zip(self.blocks, cache or [None] * len(self.blocks), strict=True):
            x = block(x, causal=True, cache=kept)
        return self.norm(x)

    def new_cache(self) -> list[KeyValueCache]:
        """Return an empty cache for a text of up to `context` tokens, one part a block."""
        return [KeyValueCache(self.config.context) for _ in self.blocks]

    @classmethod
    def from_transformers(cls, model: nn.Module) -> GPT:
        """Return this model with the weights of a ``transformers.GPT2LMHeadModel``.

        Parameters
        ----------
        model
            Of any size, with the activation ``"gelu_new"``.

        Returns
        -------
        GPT
            In evaluation mode; its logits equal the other's.

        Raises
        ------
        ValueError
            If the other model computes something that this one does not.
        """
        theirs = model.config
        require(
            theirs,
            model_type="gpt2",
            activation_function="gelu_new",
            n_inner=None,
            layer_norm_epsilon=1e-5,
            scale_attn_weights=True,
            scale_attn_by_inverse_layer_idx=False,
            add_cross_attention=False,
            tie_word_embeddings=True,
        )
        own = cls(
            GPTConfig(
                vocab_size=theirs.vocab_size,
                context=theirs.n_positions,
                channels=theirs.n_embd,
                heads=theirs.n_head,
                layers=theirs.n_layer,
                dropout=theirs.resid_pdrop,
                attention_dropout=theirs.attn_pdrop,
            )
        )
        weights = model.transformer.state_dict()
        state = {
            "token.weight": weights["wte.weight"],
            "position.weight": weights["wpe.weight"],
            "norm.weight": weights["ln_f.weight"],
            "norm.bias": weights["ln_f.bias"],
        }
        names = {
            "attention_norm": "ln_1",
            "attention.project_in": "attn.c_attn",
            "attention.project_out": "attn.c_proj",
            "feed_forward_norm": "ln_2",
            "feed_forward.widen": "mlp.c_fc",
            "feed_forward.narrow": "mlp.c_proj",
        }
        for layer in range(theirs.n_layer):
            for ours, other in names.items():
                weight = weights[f"h.{layer}.{other}.weight"]  # GPT-2 stores (in, out)
                state[f"blocks.{layer}.{ours}.weight"] = weight.T if weight.ndim == 2 else weight
                state[f"blocks.{layer}.{ours}.bias"] = weights[f"h.{layer}.{other}.bias"]
        own.load_state_dict(state)
        return own.eval()


def next_token_loss(model: nn.Module, ids: Tensor) -> Tensor:
    """Return the mean cross-entropy, in nats, of predicting each token from those before it.

    Parameters
    ----------
    model
        From ``(B, T)`` tokens to ``(B, T, V)`` logits.
    ids
        ``(B, T + 1)``: the first T are read, the last T predicted.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> import torch
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> loss = next_token_loss(model, torch.randint(10, (32, 9)))
    >>> abs(loss.item() - 2.303) < 0.1  # ln 10: nothing learned yet
    True
    """
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def _start(module: nn.Module) -> None:
    """Draw first weights as GPT-2 does."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=_STD)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
