"""What each token of a text costs under a model that sees a limited context.

A text longer than the context is read in windows that overlap: each window predicts the tokens that
none before it has, and reads others only to look at. With a small step every token has nearly the
whole context before it, and the text is computed several times; with a step as long as the context
it is computed once, and the first tokens of a window know little.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.lm.gpt import GPT


@torch.inference_mode()
def token_log_probs(
    model: GPT, ids: Tensor, *, begin: int, step: int | None = None, batch: int = 16
) -> Tensor:
    """Return the log-probability of every token of a text, given those before it.

    Parameters
    ----------
    model
        In evaluation mode.
    ids
        The text, ``(T,)``.
    begin
        Token that stands before the first, such as the end of the text before.
    step
        Tokens that each window but the first predicts; half of the context without.
    batch
        Windows computed together.

    Returns
    -------
    Tensor
        Natural logarithms ``(T,)``, in single precision.

    Raises
    ------
    ValueError
        If `ids` is not one text of at least one token, or `step` is not between 1 and the context.
    IndexError
        If a token is not in the vocabulary.

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1)).eval()
    >>> token_log_probs(model, torch.arange(10), begin=0).shape
    torch.Size([10])
    """
    context = model.config.context
    step = max(1, context // 2) if step is None else step
    if ids.ndim != 1 or not len(ids):
        raise ValueError(
            f"ids has shape {tuple(ids.shape)}, expected one text (T,) of at least one token."
        )
    if not 1 <= step <= context:
        raise ValueError(f"step is {step}, expected 1 to {context}, the context of the model.")
    read = torch.cat([ids.new_tensor([begin]), ids[:-1]])
    costs = torch.empty(len(ids))
    # window (a, b, c): reads a to c and predicts what follows b to c
    windows = [(0, 0, min(context, len(ids)))]
    while windows[-1][2] < len(ids):
        done = windows[-1][2]
        stop = min(done + step, len(ids))
        windows.append((stop - context, done, stop))
    for first in range(0, len(windows), batch):
        group = windows[first : first + batch]
        rows = torch.stack([read[a:c] for a, _, c in group])
        logits = model(rows)
        targets = torch.stack([ids[a:c] for a, _, c in group])
        logs = -F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        for (a, b, c), row in zip(group, logs.view(len(group), -1), strict=True):
            costs[b:c] = row[b - a :]
    return costs
