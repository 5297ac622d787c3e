"""Apply the merges of byte-pair encoding to one pre-token.

The merge that was learned first goes first, and of equal ones the leftmost. Trying all pairs for
each merge takes time that grows with the square of the length; a pre-token can be megabytes long
(a line of letters without a space). A heap of the pairs that could be merged, and links to the
neighbours of each token, bring it down to a little more than linear.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

#: For each pair of token numbers that can be merged: its rank, and the number of what it becomes.
Ranks = Mapping[tuple[int, int], tuple[int, int]]


def apply_merges(tokens: list[int], ranks: Ranks) -> list[int]:
    """Merge neighbouring tokens until no pair can be merged.

    Parameters
    ----------
    tokens
        Numbers of the tokens to start from, shape ``(T,)``.
    ranks
        For each pair of numbers that can be merged, its rank (the lowest goes first) and the
        number of the token that it becomes.

    Returns
    -------
    list of int
        The numbers of what is left.

    Examples
    --------
    >>> ranks = {(1, 2): (0, 3), (3, 1): (1, 4)}
    >>> apply_merges([1, 2, 1, 2, 1], ranks)
    [3, 4]
    """
    if len(tokens) < 2:
        return tokens
    get = ranks.get
    heap = []
    for at in range(len(tokens) - 1):
        found = get((tokens[at], tokens[at + 1]))
        if found:
            heap.append((found[0], at))
    heapq.heapify(heap)

    token: list[int | None] = [*tokens]  # None where a token was merged into the one before
    after = list(range(1, len(token) + 1))
    before = list(range(-1, len(token) - 1))
    end = len(token)
    while heap:
        rank, at = heapq.heappop(heap)
        right = after[at]
        if right == end:
            continue
        found = get((token[at], token[right]))
        if found is None or found[0] != rank:  # a neighbour was merged since it was pushed
            continue
        token[at], token[right] = found[1], None
        after[at] = next_one = after[right]
        if next_one != end:
            before[next_one] = at
            found = get((token[at], token[next_one]))
            if found:
                heapq.heappush(heap, (found[0], at))
        previous = before[at]
        if previous >= 0:
            found = get((token[previous], token[at]))
            if found:
                heapq.heappush(heap, (found[0], previous))
    return [number for number in token if number is not None]
