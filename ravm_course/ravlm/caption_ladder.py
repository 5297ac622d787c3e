"""What a captioner may be given to read: nothing, chance, another's, what was found, the truth.

The ladder of chapter 20 for captions. Each step changes only the captions that come with a picture,
so that a difference between two steps is due to what was read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ravm_course.ravlm.caption_batches import Found
from ravm_course.ravlm.caption_words import split_words
from ravm_course.ravlm.datastore import Datastore

STEPS = ("none", "random", "shuffled", "real", "oracle")


def retrieve_captions(
    store: Datastore, vectors: np.ndarray, k: int, *, tried: int = 64
) -> list[list[Found]]:
    """Return the `k` nearest different captions of each picture.

    Parameters
    ----------
    store
        Whose items have texts; several may have the same.
    vectors
        Of N pictures, made by the store's encoder, ``(N, D)``.
    k
        How many captions; fewer come back where the `tried` nearest items have fewer.
    tried
        How many items are looked at.

    Returns
    -------
    list of list of Found
        N lists, nearest first; a caption that several items have is as near as the nearest.

    Examples
    --------
    >>> store = Datastore(2, encoder="by hand")
    >>> store.add(["1", "2", "3"], [[1, 0], [0.9, 0.1], [0, 1]], texts=["cat", "cat", "dog"])
    >>> [[hit.caption for hit in hits] for hits in retrieve_captions(store, [[1.0, 0.0]], 2)]
    [['cat', 'dog']]
    """
    found = []
    for hits in store.search(vectors, min(tried, len(store))):
        best: dict[str, float] = {}
        for hit in hits:
            if hit.text is not None:
                best.setdefault(hit.text, hit.score)
        found.append([Found(*pair) for pair in list(best.items())[:k]])
    return found


def caption_ladder(
    store: Datastore, vectors: np.ndarray, right: Sequence[str], k: int, *, seed: int = 0
) -> dict[str, list[list[Found]]]:
    """Return for each of :data:`STEPS` what each picture comes with.

    Parameters
    ----------
    store, vectors, k
        As for :func:`retrieve_captions`.
    right
        The right caption of each picture, for the oracle.
    seed
        Of the random captions.

    Returns
    -------
    dict
        ``"none"``: empty lists; ``"random"``: captions of items drawn at random, as near as their
        items are; ``"shuffled"``: what was found for the next picture; ``"real"``: what was found;
        ``"oracle"``: the right caption, as near as can be, then what was found.

    Examples
    --------
    >>> store = Datastore(2, encoder="by hand")
    >>> store.add(["1", "2"], [[1.0, 0.0], [0.0, 1.0]], texts=["cat", "dog"])
    >>> ladder = caption_ladder(store, [[1.0, 0.1], [0.1, 1.0]], ["lion", "wolf"], 1)
    >>> [ladder[step][0] for step in ("none", "shuffled", "oracle")]
    [[], [Found(caption='dog', nearness=0.99...)], [Found(caption='lion', nearness=1.0)]]
    """
    real = retrieve_captions(store, vectors, k)
    rng, items = np.random.default_rng(seed), [store.get(id) for id in store]
    random = []
    for vector in np.asarray(vectors, dtype=np.float64):
        unit = vector / np.linalg.norm(vector)
        texts: dict[str, float] = {}
        for place in rng.permutation(len(items)):
            if len(texts) == k:
                break
            if items[place].text is not None:
                texts.setdefault(items[place].text, float(items[place].vector @ unit))
        random.append(sorted((Found(*pair) for pair in texts.items()), key=lambda hit: -hit[1]))
    return {
        "none": [[] for _ in real],
        "random": random,
        "shuffled": real[1:] + real[:1],
        "real": real,
        "oracle": [
            [Found(text, 1.0), *(hit for hit in hits if hit.caption != text)][:k]
            for text, hits in zip(right, real, strict=True)
        ],
    }


def is_copy(text: str, found: Sequence[Found]) -> bool:
    """Say whether a text is one of the captions that were found, case and spaces aside.

    Examples
    --------
    >>> is_copy("Cat face", [Found("dog face", 0.9), Found("cat  face", 0.8)])
    True
    """
    return split_words(text) in [split_words(hit.caption) for hit in found]
