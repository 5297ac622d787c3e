"""Emoji of many hands: the same concepts drawn by eight artists, named in two languages.

Unicode defines what an emoji means, not what it looks like, so that each vendor draws its own. The
same thing in different hands is what a model of pictures has to see through, and it makes two
different tests: pictures by an artist who is not in the training set, and concepts that are not.
Names and keywords are those of Unicode's Common Locale Data Repository (CLDR); skin tones are left
out, and so are the flags, which :func:`ravm_course.data.load_flags` holds.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ravm_course.data import files, sheets


@dataclass(frozen=True)
class Concept:
    """One emoji: what is drawn, apart from who draws it.

    Attributes
    ----------
    codepoint
        Code points in lower-case hexadecimal joined by ``-``, such as ``"1f42f"``.
    emoji
        The character itself.
    group, subgroup
        Unicode's sorting: 8 groups, 90 subgroups.
    name_en, name_zh
        The short name, unique within a language.
    keywords_en, keywords_zh
        Words that people search for it with.
    """

    codepoint: str
    emoji: str
    group: str
    subgroup: str
    name_en: str
    name_zh: str
    keywords_en: tuple[str, ...]
    keywords_zh: tuple[str, ...]

    def captions(self, language: str) -> list[str]:
        """Return the name and then the keywords that differ from it.

        Parameters
        ----------
        language
            ``"en"`` or ``"zh"``.

        Raises
        ------
        ValueError
            If `language` is another one.
        """
        if language not in ("en", "zh"):
            raise ValueError(f"language is {language!r}, expected 'en' or 'zh'.")
        name, keywords = (
            (self.name_en, self.keywords_en)
            if language == "en"
            else (self.name_zh, self.keywords_zh)
        )
        return list(dict.fromkeys(text for text in (name, *keywords) if text))


@dataclass(frozen=True)
class Emoji:
    """All drawings, one row for each artist and concept.

    Attributes
    ----------
    images
        uint8 of shape ``(N, 64, 64, 3)``, red green blue on white; read-only.
    artist
        Name of the artist of each image, shape ``(N,)``.
    concept
        Index into `concepts` of each image, shape ``(N,)``.
    concepts
        What is drawn, in Unicode's order.
    """

    images: np.ndarray = field(repr=False)
    artist: np.ndarray = field(repr=False)
    concept: np.ndarray = field(repr=False)
    concepts: tuple[Concept, ...] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


@dataclass(frozen=True)
class EmojiSplits:
    """Which images and concepts are for training, and which for validation and test.

    Attributes
    ----------
    train
        Seen concepts by the training artists. All index arrays point into :class:`Emoji`.
    validation
        Seen concepts by openmoji: for choosing, stopping and tuning.
    test_artist
        Seen concepts by emojione, an artist who is not in training.
    test_concept
        Held-out concepts by noto, an artist who is in training.
    test_both
        Held-out concepts by emojione.
    seen, unseen
        Indices of concepts.
    set_aside
        The few concepts in no split: those whose very name is a caption of a held-out concept
        (the name "goat" is a keyword of Capricorn), and those that no training artist drew.
    train_artists
        Names of the five training artists. emojione-v1 is of emojione's family and in no split.
    dropped
        How many images each split lost because a training image looks like them, as they are,
        mirrored, or moved by two pixels.
    blocked
        By language, captions that no training caption may equal (normalised).
    """

    train: np.ndarray = field(repr=False)
    validation: np.ndarray = field(repr=False)
    test_artist: np.ndarray = field(repr=False)
    test_concept: np.ndarray = field(repr=False)
    test_both: np.ndarray = field(repr=False)
    seen: np.ndarray = field(repr=False)
    unseen: np.ndarray = field(repr=False)
    set_aside: np.ndarray = field(repr=False)
    train_artists: tuple[str, ...]
    dropped: dict[str, int]
    blocked: dict[str, frozenset[str]] = field(repr=False)

    def training_captions(self, concept: int, language: str = "en") -> list[str]:
        """Return what a seen concept may be called in training, its name first.

        No caption that is returned equals a name or keyword of a held-out concept, or contains
        the whole name of one.

        Parameters
        ----------
        concept
            An index of :attr:`Emoji.concepts`, one of `seen`.
        language
            ``"en"`` or ``"zh"``.

        Returns
        -------
        list of str

        Raises
        ------
        ValueError
            If the concept is held out or in no split, or the language unknown.

        Examples
        --------
        >>> splits = load_emoji_splits()
        >>> splits.training_captions(int(splits.seen[0]))[0]
        'grinning face'
        """
        if concept not in self._seen:
            name = load_concepts()[concept].name_en
            raise ValueError(
                f"concept {concept} ({name}) is not seen in training: ask for one of `seen`, "
                "or take Concept.captions to evaluate."
            )
        texts = load_concepts()[concept].captions(language)
        return [text for text in texts if normalise_caption(text) not in self.blocked[language]]

    @functools.cached_property
    def _seen(self) -> frozenset[int]:
        return frozenset(self.seen.tolist())


def normalise_caption(text: str) -> str:
    """Return a caption with compatible characters, cases and spaces made equal.

    Examples
    --------
    >>> normalise_caption("  Tiger   FACE ")
    'tiger face'
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def near_duplicate_features(images: np.ndarray) -> np.ndarray:
    """Return unit vectors whose inner products tell how alike images look.

    Each image is reduced to 16 x 16 pixels by averaging, its mean is taken off, and the rest is
    scaled to length one. Above 0.95, pairs were found to be the same drawing, or one so plain
    (a disc, a heart) that nothing is left to be learned.

    Parameters
    ----------
    images
        uint8 of shape ``(N, 64, 64, 3)``.

    Returns
    -------
    numpy.ndarray
        float32 of shape ``(N, 768)``.

    Examples
    --------
    >>> a = np.zeros((1, 64, 64, 3), np.uint8); a[0, :32] = 200
    >>> float((near_duplicate_features(a) @ near_duplicate_features(a // 2).T).round(3)[0, 0])
    1.0
    """
    n = len(images)
    small = images.reshape(n, 16, 4, 16, 4, 3).mean((2, 4), dtype=np.float32).reshape(n, -1)
    small -= small.mean(1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


@functools.cache
def load_concepts() -> tuple[Concept, ...]:
    """Return the concepts alone, without decoding any image.

    Examples
    --------
    >>> [c.name_zh for c in load_concepts() if c.name_en == "tiger"]
    ['老虎']
    """
    rows = json.loads(files.path("emoji/concepts.json").read_text(encoding="utf-8"))
    return tuple(
        Concept(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})
        for row in rows
    )


@functools.cache
def load_emoji() -> Emoji:
    """Return the drawings of eight artists.

    Returns
    -------
    Emoji
        About 10,300 images of 1,644 concepts. The arrays are shared and read-only.

    Raises
    ------
    ravm_course.data.files.DataError
        If a bundled file is missing or damaged.

    Examples
    --------
    >>> emoji = load_emoji()
    >>> emoji.images.shape[1:], len(set(emoji.artist.tolist()))
    ((64, 64, 3), 8)
    """
    index = json.loads(files.path("emoji/index.json").read_text(encoding="utf-8"))
    concept = np.concatenate([np.asarray(rows, np.int64) for rows in index.values()])
    artist = np.concatenate([np.full(len(rows), name) for name, rows in index.items()])
    images = np.empty((len(concept), 64, 64, 3), np.uint8)
    ends = np.cumsum([len(rows) for rows in index.values()])

    def unpack(name: str, end: int) -> None:
        count = len(index[name])
        sheets.unpack(f"emoji/{name}.webp", count, out=images[end - count : end])

    with ThreadPoolExecutor() as pool:  # decoding leaves the interpreter free
        list(pool.map(unpack, index, ends))
    for array in (images, artist, concept):
        array.setflags(write=False)
    return Emoji(images, artist, concept, load_concepts())


@functools.cache
def load_emoji_splits() -> EmojiSplits:
    """Return the division of the emoji by artist and by concept.

    It was drawn once, with a seed, by ``tools/sets/_emoji_splits.py``, and is stored; the tests
    prove that it does not leak.

    Examples
    --------
    >>> splits = load_emoji_splits()
    >>> emoji = load_emoji()
    >>> sorted(set(emoji.artist[splits.test_artist].tolist()))
    ['emojione']
    """
    stored = json.loads(files.path("emoji/splits.json").read_text(encoding="utf-8"))
    names = ("train", "validation", "test_artist", "test_concept", "test_both")
    names += ("seen", "unseen", "set_aside")
    arrays = {name: np.asarray(stored[name], np.int64) for name in names}
    for array in arrays.values():
        array.setflags(write=False)
    blocked = {key: frozenset(texts) for key, texts in stored["blocked_captions"].items()}
    return EmojiSplits(
        **arrays,
        train_artists=tuple(stored["train_artists"]),
        dropped=stored["dropped_near_duplicates"],
        blocked=blocked,
    )


def training_captions(concept: int, language: str = "en") -> list[str]:
    """Return :meth:`EmojiSplits.training_captions` of the stored division."""
    return load_emoji_splits().training_captions(concept, language)
