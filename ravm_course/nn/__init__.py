"""Layers of sequence models: recurrence, attention, and the Transformer's block.

:mod:`ravm_course.nn.recurrent` holds RNN, LSTM and GRU; :mod:`ravm_course.nn.attention` has
attention in one and in many heads, and its cache; :mod:`ravm_course.nn.positions` ways to say where
a token stands; :mod:`ravm_course.nn.transformer` the block that is stacked.
"""

from ravm_course.nn.attention import KeyValueCache, MultiHeadAttention, attention, causal_mask
from ravm_course.nn.positions import Rotary, sinusoidal
from ravm_course.nn.recurrent import GRU, LSTM, RNN
from ravm_course.nn.transformer import Block, FeedForward

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Block",
    "FeedForward",
    "KeyValueCache",
    "MultiHeadAttention",
    "Rotary",
    "attention",
    "causal_mask",
    "sinusoidal",
]
