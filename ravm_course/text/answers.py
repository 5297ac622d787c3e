"""Compare an answer with the right one: exact match and token F1, as SQuAD scores them.

Before two answers are compared, what does not matter is taken away: letter case, punctuation, the
articles *a*, *an* and *the*, and white space (Rajpurkar et al., "SQuAD: 100,000+ questions for
machine comprehension of text", EMNLP 2016, section 6.1). Exact match asks whether the rest is the
same; F1 is the harmonic mean of precision and recall over the words of both, so that
"Mount Everest" for "Everest" counts in part. An empty answer, which means a refusal, equals only
another (SQuAD 2.0: Rajpurkar et al., ACL 2018).
"""

from __future__ import annotations

import re
import string
from collections import Counter

_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_MARKS = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Return an answer without letter case, punctuation, English articles and needless spaces.

    Examples
    --------
    >>> normalise_answer("The  U.S. (since 1776)")
    'us since 1776'
    """
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_MARKS)).split())


def exact_match(answer: str, right: str) -> bool:
    """Say whether two answers are the same after :func:`normalise_answer`.

    Examples
    --------
    >>> exact_match("the Netherlands", "Netherlands"), exact_match("", "Netherlands")
    (True, False)
    """
    return normalise_answer(answer) == normalise_answer(right)


def token_f1(answer: str, right: str) -> float:
    """Return the F1 of the words of two answers; of two refusals 1.

    Examples
    --------
    >>> token_f1("Mount Everest", "the Everest")  # precision 1/2, recall 1
    0.6666666666666666
    >>> token_f1("", ""), token_f1("", "Everest")
    (1.0, 0.0)
    """
    ours, theirs = normalise_answer(answer).split(), normalise_answer(right).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = sum((Counter(ours) & Counter(theirs)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(ours), common / len(theirs)
    return 2 * precision * recall / (precision + recall)
