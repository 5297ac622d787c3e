"""Neural language models.

:mod:`ravm_course.lm.gpt` is the Transformer that predicts the next token;
:mod:`ravm_course.lm.sampling` turns its scores into a choice, and :mod:`ravm_course.lm.generate`
writes on.
"""

from ravm_course.lm.generate import generate
from ravm_course.lm.gpt import GPT, GPTConfig, next_token_loss
from ravm_course.lm.sampling import next_probabilities

__all__ = ["GPT", "GPTConfig", "generate", "next_probabilities", "next_token_loss"]
