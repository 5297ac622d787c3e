"""Beam search: follow several beginnings at once, and keep the most probable.

The most probable first token need not begin the most probable text. Greedy search finds out too
late; searching all texts is hopeless. A beam of width k keeps the k best beginnings of each length
(Lowerre, "The Harpy speech recognition system", 1976; for networks: Sutskever, Vinyals & Le,
NeurIPS 2014, section 3.2). Every further token costs probability, so the plain score prefers short
texts; dividing by the length to some power makes up for it (Wu et al., "Google's neural machine
translation system", 2016, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class State(Protocol):
    """What a step needs to know, for each row of a batch."""

    def select(self, rows: Tensor) -> State:
        """Return these rows, in this order, with repetitions."""


class Hypothesis(NamedTuple):
    """A text that was found.

    Attributes
    ----------
    tokens
        Without the first token, and without the last if the text has ended.
    log_prob
        Natural logarithm of its probability, the end included if it has ended.
    ended
        Whether it ended before there was no more room.
    """

    tokens: list[int]
    log_prob: float
    ended: bool


@torch.inference_mode()
def beam_search(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    state: State,
    *,
    begin: int,
    end: int,
    width: int = 4,
    max_tokens: int = 64,
    length_power: float = 0.0,
) -> list[Hypothesis]:
    """Search for probable texts, of one source.

    Parameters
    ----------
    step
        From the tokens written last ``(B,)`` and the state to log-probabilities ``(B, V)`` of the
        next token, and the state after.
    state
        Before the first token, with one row.
    begin, end
        The tokens before and after a text.
    width
        Beginnings that are kept.
    max_tokens
        Tokens at most, the end included.
    length_power
        The score is the log-probability divided by the number of tokens to this power; 0 compares
        probabilities.

    Returns
    -------
    list of Hypothesis
        At most `width`, best first.

    Raises
    ------
    ValueError
        If `width` or `max_tokens` is not positive.

    Examples
    --------
    >>> class Nothing:
    ...     def select(self, rows):
    ...         return self
    >>> p = torch.tensor([[0.4, 0.6], [0.9, 0.1]]).log()  # after 0 and after 1; 0 ends
    >>> best = beam_search(lambda last, s: (p[last], s), Nothing(), begin=0, end=0, width=2)
    >>> best[0].tokens, round(best[0].log_prob, 4)  # 0.6 x 0.9, although 0.4 ends at once
    ([1], -0.6162)
    """
    if width < 1 or max_tokens < 1:
        raise ValueError(f"width {width} and max_tokens {max_tokens} must both be at least 1.")

    def score(found: Hypothesis) -> float:
        return found.log_prob / (len(found.tokens) + found.ended) ** length_power

    alive: list[list[int]] = [[]]
    total = torch.zeros(1, dtype=torch.float64)
    last = torch.tensor([begin])
    finished: list[Hypothesis] = []
    for length in range(1, max_tokens + 1):
        log_probs, state = step(last, state)
        candidates = total[:, None] + log_probs.double().cpu()
        count = min(2 * width, candidates.numel())
        values, places = candidates.flatten().topk(count)
        rows, tokens = places // candidates.shape[1], places % candidates.shape[1]
        kept = []
        for place, (value, row, token) in enumerate(
            zip(values.tolist(), rows.tolist(), tokens.tolist(), strict=True)
        ):
            if value == -torch.inf:
                continue
            if token == end:
                if place < width or length_power:
                    finished.append(Hypothesis(alive[row], value, True))
            elif len(kept) < width:
                kept.append(place)
        finished = sorted(finished, key=score, reverse=True)[:width]
        if not kept:
            break
        alive = [[*alive[int(rows[i])], int(tokens[i])] for i in kept]
        total, last = values[kept], tokens[kept]
        state = state.select(rows[kept])
        longest = max_tokens if length_power else length
        bound = float(total[0]) / longest**length_power  # nothing alive can still do better
        if len(finished) == width and score(finished[-1]) >= bound:
            break
        if length == max_tokens:
            cut = [Hypothesis(t, v, False) for t, v in zip(alive, total.tolist(), strict=True)]
            finished = (finished + cut)[:width]
    return finished
