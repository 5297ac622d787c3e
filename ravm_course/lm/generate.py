"""Write on: draw a token, append it, ask again.

With a cache each step computes one position and looks at what is kept of the others; without, it
computes all of them again. The tokens are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ravm_course.lm.gpt import GPT
from ravm_course.lm.sampling import next_probabilities


@torch.inference_mode()
def generate(
    model: GPT,
    prompt: Tensor,
    new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
    cached: bool = True,
) -> Tensor:
    """Continue prompts.

    Parameters
    ----------
    model
        In evaluation mode.
    prompt
        Tokens ``(B, T)``, at least one each.
    new_tokens
        How many to add.
    temperature, top_k, top_p
        See :func:`ravm_course.lm.sampling.next_probabilities`; temperature 0 is greedy.
    stop
        A token after which a text has ended; its row is filled up with it.
    generator
        Source of randomness, on the model's device; torch's own without.
    cached
        Whether keys and values of earlier positions are kept.

    Returns
    -------
    Tensor
        ``(B, T + n)`` with ``n <= new_tokens``, fewer if every text has ended.

    Raises
    ------
    ValueError
        If prompt and new tokens together do not fit into the model's context.

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1)).eval()
    >>> generate(model, torch.tensor([[1, 2, 3]]), new_tokens=4, temperature=0).shape
    torch.Size([1, 7])
    """
    if new_tokens < 0:
        raise ValueError(f"new_tokens is {new_tokens}, expected at least 0.")
    if prompt.ndim != 2 or not prompt.shape[1]:
        raise ValueError(
            f"prompt has shape {tuple(prompt.shape)}, expected (batch, time) with at least one "
            "token: begin with the model's begin-of-text token."
        )
    total = prompt.shape[1] + new_tokens
    if total > model.config.context:
        raise ValueError(
            f"{prompt.shape[1]} tokens of prompt and {new_tokens} new ones do not fit into a "
            f"context of {model.config.context}: ask for at most "
            f"{max(0, model.config.context - prompt.shape[1])} new tokens, or cut the prompt."
        )
    ids = prompt.new_empty(prompt.shape[0], total)
    ids[:, : prompt.shape[1]] = prompt
    ended = torch.zeros(prompt.shape[0], dtype=torch.bool, device=prompt.device)
    cache = model.new_cache() if cached else None
    for end in range(prompt.shape[1], total):
        begin = len(cache[0]) if cached else 0
        last = model.features(ids[:, begin:end], cache)[:, -1]
        probabilities = next_probabilities(
            last @ model.token.weight.T, temperature=temperature, top_k=top_k, top_p=top_p
        )
        token = (
            probabilities.argmax(dim=-1)
            if temperature == 0
            else torch.multinomial(probabilities, 1, generator=generator)[:, 0]
        )
        if stop is not None:
            token = token.masked_fill(ended, stop)
            ended |= token == stop
        ids[:, end] = token
        if stop is not None and ended.all():
            return ids[:, : end + 1]
    return ids
