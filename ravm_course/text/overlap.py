"""Compare a written text with right ones by the words and characters that they share.

Four measures that papers on captions, translation and summaries report. Each looks at n-grams,
stretches of n words or characters, and differs in what it forgives:

- :func:`bleu`: the share of the written n-grams that are right, for n up to 4, with a penalty for
  short texts (Papineni et al., "BLEU: a method for automatic evaluation of machine translation",
  ACL 2002). One number for a whole test set.
- :func:`rouge_l`: the longest common subsequence of words (Lin, "ROUGE: a package for automatic
  evaluation of summaries", 2004).
- :func:`chrf`: n-grams of characters, so that a word with another ending is half right (Popović,
  "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015).
- :class:`CIDEr`: n-grams weighted by how rare they are, so that what all captions share counts
  for little (Vedantam et al., "CIDEr: consensus-based image description evaluation", CVPR 2015).

All take words that were already split: how a text is split changes every one of them, so it is said
where it is done. All but BLEU give one number a text, so that intervals can be drawn over texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

Words = Sequence[str]


def ngrams(items: Sequence, n: int) -> Counter:
    """Return how often each stretch of `n` items occurs.

    Examples
    --------
    >>> ngrams(["a", "b", "a", "b"], 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def bleu(written: Sequence[Words], references: Sequence[Sequence[Words]], n: int = 4) -> float:
    """Return the BLEU of a whole set, between 0 and 1.

    Parameters
    ----------
    written
        N texts.
    references
        For each of them one right text or more.
    n
        Longest stretch that is looked at.

    Returns
    -------
    float
        Geometric mean of the precisions, times the penalty for brevity; 0 if one of them is 0
        (nothing is smoothed).

    Raises
    ------
    ValueError
        If the numbers of texts differ, are zero, or a text has no reference.

    Examples
    --------
    >>> round(bleu([["a", "red", "cat"]], [[["a", "red", "dog"]]], n=2), 4)  # sqrt(2/3 * 1/2)
    0.5774
    """
    _check(written, references)
    matched, made = np.zeros(n), np.zeros(n)
    own_length = right_length = 0
    for text, right in zip(written, references, strict=True):
        own_length += len(text)
        right_length += min((abs(len(r) - len(text)), len(r)) for r in right)[1]
        for m in range(1, n + 1):
            counts, allowed = ngrams(text, m), Counter()
            for reference in right:
                allowed |= ngrams(reference, m)  # the most that any reference has
            matched[m - 1] += (counts & allowed).total()
            made[m - 1] += counts.total()
    if not matched.all():
        return 0.0
    brevity = min(1.0, math.exp(1 - right_length / own_length))
    return float(brevity * np.exp(np.log(matched / made).mean()))


def rouge_l(written: Words, reference: Words) -> float:
    """Return ROUGE-L: the F1 of the longest common subsequence of words, between 0 and 1.

    Parameters
    ----------
    written, reference
        Words of both texts.

    Examples
    --------
    >>> rouge_l(["the", "red", "cat"], ["the", "cat"])
    0.8
    """
    if not written or not reference:
        return 0.0
    row = [0] * (len(reference) + 1)
    for word in written:
        above, row = row, [0]
        for j, other in enumerate(reference):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
    return 2 * row[-1] / (len(written) + len(reference))


def chrf(written: str, reference: str, n: int = 6, beta: float = 2.0) -> float:
    """Return the chrF of a text, between 0 and 1, with spaces left out.

    Parameters
    ----------
    written, reference
        Texts, not words.
    n
        Longest stretch of characters.
    beta
        How much more recall counts than precision.

    Returns
    -------
    float
        The F-score of the mean precision and the mean recall over the lengths that both texts
        have, as sacreBLEU computes it.

    Examples
    --------
    >>> round(chrf("cats", "cat"), 4)
    0.8984
    """
    a, b = ("".join(text.split()) for text in (written, reference))
    precision, recall = [], []
    for m in range(1, n + 1):
        own, right = ngrams(a, m), ngrams(b, m)
        if own and right:
            shared = (own & right).total()
            precision.append(shared / own.total())
            recall.append(shared / right.total())
    p, r = (float(np.mean(some)) if some else 0.0 for some in (precision, recall))
    return (1 + beta**2) * p * r / (beta**2 * p + r) if p + r else 0.0


class CIDEr:
    r"""CIDEr-D: how alike two captions are in their rare stretches of words.

    A caption becomes, for each n, a vector with one entry an n-gram: how often it occurs, times
    :math:`\ln(N / \mathrm{df})`, where df of the N captions of a corpus have it. Two captions are
    compared by the cosine, in which the written caption gains nothing by repeating a word more
    often than the right one, times :math:`e^{-d^2 / 2\sigma^2}` for a difference d in length; the
    mean over n and over references is multiplied by 10 (Vedantam et al., CVPR 2015, sections 3 and
    6; constants as in the code of the COCO captions).

    Parameters
    ----------
    corpus
        For each of N pictures the captions (split into words) that document frequencies are counted
        over.
    n
        Longest stretch.
    sigma
        Of the length.

    Raises
    ------
    ValueError
        If the corpus has fewer than two pictures: then every n-gram weighs nothing.

    Examples
    --------
    >>> measure = CIDEr([[["a", "cat"]], [["a", "dog"]]])
    >>> measure.score(["a", "cat"], [["a", "cat"]])  # two of four lengths, each ten
    5.0
    >>> measure.score(["a", "cow"], [["a", "cat"]])  # "a" is in all captions
    0.0
    """

    def __init__(self, corpus: Iterable[Sequence[Words]], n: int = 4, sigma: float = 6.0):
        pictures = [list(captions) for captions in corpus]
        if len(pictures) < 2:
            raise ValueError(f"a corpus of {len(pictures)} picture(s): give at least two.")
        self.n, self.sigma = n, sigma
        self._log_size = math.log(len(pictures))
        self._frequency: Counter = Counter()
        for captions in pictures:
            self._frequency.update(
                {gram for words in captions for m in range(1, n + 1) for gram in ngrams(words, m)}
            )

    def score(self, written: Words, references: Sequence[Words]) -> float:
        """Return how alike a written caption is to the right ones, from 0 to 10.

        Raises
        ------
        ValueError
            If there is no right caption.
        """
        if not references:
            raise ValueError("there is no right caption to compare with: give at least one.")
        own = self._vectors(written)
        return float(
            np.mean([self._alike(own, self._vectors(r), len(written) - len(r)) for r in references])
        )

    def matrix(self, captions: Sequence[Words]) -> np.ndarray:
        """Return the score of each caption against each as the right one, ``(K, K)``."""
        vectors = [self._vectors(words) for words in captions]
        return np.array(
            [
                [self._alike(a, b, len(x) - len(y)) for b, y in zip(vectors, captions, strict=True)]
                for a, x in zip(vectors, captions, strict=True)
            ]
        ).reshape(len(captions), len(captions))

    def _vectors(self, words: Words) -> list[dict[tuple, float]]:
        """Return the weighted n-grams of each length."""
        return [
            {
                gram: count * (self._log_size - math.log(max(1, self._frequency[gram])))
                for gram, count in ngrams(words, m).items()
            }
            for m in range(1, self.n + 1)
        ]

    def _alike(self, own: list[dict], right: list[dict], difference: int) -> float:
        """Return the score of two captions."""
        total = 0.0
        for a, b in zip(own, right, strict=True):
            norms = [math.sqrt(sum(v * v for v in some.values())) for some in (a, b)]
            if all(norms):
                shared = sum(min(value, b[g]) * b[g] for g, value in a.items() if g in b)
                total += shared / (norms[0] * norms[1])
        return 10 * total / self.n * math.exp(-(difference**2) / (2 * self.sigma**2))


def _check(written: Sequence[Words], references: Sequence[Sequence[Words]]) -> None:
    """Refuse sets that do not fit each other."""
    if len(written) != len(references) or not written or not all(references):
        raise ValueError(
            f"{len(written)} texts and {len(references)} lists of references: expected as many, at "
            "least one, and no empty list."
        )
