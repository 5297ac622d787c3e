"""What a language model thinks at each token, as a vector, with the token that came next.

Pairs of such a state and the next token are the store of a nearest-neighbour language model
(Khandelwal et al., "Generalization through memorization", ICLR 2020): similar states are followed
by similar tokens. A text gives one vector a token, so such stores are large, which is why they need
the indexes of chapter 18.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ravm_course.lm.gpt import GPT


@torch.inference_mode()
def token_keys(
    model: GPT, ids: Tensor, *, skip: int = 16, most: int | None = None, batch: int = 16
) -> tuple[Tensor, Tensor]:
    """Return the last layer's states over a text, and the token that follows each.

    The text is read in windows as long as the context, side by side. The first tokens of a window
    have seen next to nothing, so they are left out.

    Parameters
    ----------
    model
        In evaluation mode.
    ids
        The text, ``(T,)``.
    skip
        Tokens left out at the beginning of each window.
    most
        How many pairs are wanted; None: all.
    batch
        Windows computed together.

    Returns
    -------
    tuple
        States ``(N, C)`` and tokens ``(N,)``.

    Raises
    ------
    ValueError
        If `skip` leaves nothing of a window, the text has no whole window with a token behind it,
        or fewer than `most` pairs come out.

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1)).eval()
    >>> keys, following = token_keys(model, torch.arange(20) % 10, skip=6)
    >>> keys.shape, following
    (torch.Size([4, 16]), tensor([7, 8, 5, 6]))
    """
    context = model.config.context
    windows = (len(ids) - 1) // context
    if not 0 <= skip < context or not windows:
        raise ValueError(
            f"skip is {skip} and the text has {len(ids)} tokens: expected 0 to {context - 1}, and "
            f"at least {context + 1} tokens."
        )
    a_window = context - skip
    if most is not None:
        if not 1 <= most <= windows * a_window:
            raise ValueError(f"most is {most} but the text gives {windows * a_window} pairs.")
        windows = -(-most // a_window)
    read = ids[: windows * context].view(windows, context)
    following = ids[1 : windows * context + 1].view(windows, context)[:, skip:].flatten()
    states = [model.features(some)[:, skip:].flatten(0, 1) for some in read.split(batch)]
    return torch.cat(states)[:most], following[:most]
