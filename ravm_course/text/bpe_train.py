"""Learn the merges of byte-pair encoding.

Start from single bytes. Again and again, take the pair of neighbouring tokens that occurs most
often in the text, and make it one token (Gage 1994, for compression; Sennrich, Haddow and Birch
2016, for language). Counting all pairs anew for each merge would take hours, so three things are
kept up to date instead:

- distinct pre-tokens with their counts, since the text itself is not needed any more;
- for each pair its count, and the pre-tokens in which it may stand: a merge changes only those;
- a heap of pairs by count, corrected late: a count that fell is noticed when the pair comes up.

Of pairs with equal counts the one with the smaller token numbers is merged first, as in Hugging
Face's trainer, so that both learn the same merges in the same order.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from ravm_course.text.pretokenise import BYTES, pretokenise


def count_pretokens(texts: Iterable[str]) -> Counter[str]:
    """Count the distinct pre-tokens of some texts.

    Parameters
    ----------
    texts
        Texts, of which no pre-token crosses the border.

    Returns
    -------
    collections.Counter

    Examples
    --------
    >>> count_pretokens(["to be or not", "to be"]).most_common(2)
    [('to', 2), (' be', 2)]
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(pretokenise(text))
    return counts


def learn_merges(counts: Mapping[bytes, int], n_merges: int) -> list[tuple[bytes, bytes]]:
    """Learn merges from counted pre-tokens.

    Parameters
    ----------
    counts
        How often each pre-token, as bytes, occurs.
    n_merges
        How many new tokens are wanted.

    Returns
    -------
    list of tuple
        The pairs of tokens merged, in order. There are fewer than `n_merges` if before that every
        pre-token has become one token.

    Examples
    --------
    >>> learn_merges({b"low": 5, b"lower": 2, b"newest": 6}, n_merges=4)
    [(b'w', b'e'), (b'l', b'o'), (b'e', b'we'), (b'n', b'ewe')]
    """
    tokens = list(BYTES)
    number = {token: i for i, token in enumerate(tokens)}
    of_byte = [number[bytes([byte])] for byte in range(256)]
    words = [[of_byte[byte] for byte in word] for word in counts]
    times = list(counts.values())

    pair_count: defaultdict[tuple[int, int], int] = defaultdict(int)
    places: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in itertools.pairwise(word):
            pair_count[pair] += times[i]
            places[pair].add(i)
    heap = [(-count, pair) for pair, count in pair_count.items()]
    heapq.heapify(heap)

    merges: list[tuple[bytes, bytes]] = []
    while len(merges) < n_merges and heap:
        count, pair = heapq.heappop(heap)
        now = pair_count[pair]
        if now != -count:  # it fell since it was pushed, or this is an old copy
            if 0 < now < -count:
                heapq.heappush(heap, (-now, pair))
            continue
        left, right = tokens[pair[0]], tokens[pair[1]]
        merged = len(tokens)
        tokens.append(left + right)
        merges.append((left, right))
        change: defaultdict[tuple[int, int], int] = defaultdict(int)
        for i in places.pop(pair):
            _merge_in_word(words[i], pair, merged, i, times[i], change, places)
        del pair_count[pair]
        for other, difference in change.items():
            if other != pair and difference:
                pair_count[other] += difference
                if difference > 0:
                    heapq.heappush(heap, (-pair_count[other], other))
    return merges


def _merge_in_word(
    word: list[int],
    pair: tuple[int, int],
    merged: int,
    i: int,
    times: int,
    change: dict[tuple[int, int], int],
    places: dict[tuple[int, int], set[int]],
) -> None:
    """Merge a pair from left to right in word `i`, and note which counts that changes."""
    first, second = pair
    at = 0
    while True:
        try:
            at = word.index(first, at, -1)
        except ValueError:
            return
        if word[at + 1] != second:
            at += 1
            continue
        if at:
            before = word[at - 1]
            change[before, first] -= times
            change[before, merged] += times
            places[before, merged].add(i)
        if at + 2 < len(word):
            after = word[at + 2]
            change[second, after] -= times
            change[merged, after] += times
            places[merged, after].add(i)
        word[at : at + 2] = [merged]
        at += 1
