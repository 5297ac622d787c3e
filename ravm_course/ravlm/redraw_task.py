"""Draw a thing as OpenMoji would, given its name and what other artists drew: data and judges.

The targets are openmoji's drawings of concepts that the towers know, but for some that are held out
(``"held"``): of these the towers know the name and the generator knows nothing. Of the concepts
that are held out from the towers as well (``"new"``) nobody knows anything but what lies in the
store: drawings by the five training artists, under their names.

A drawing is judged three ways, none of which sees what the generator was shown:

- *concept*: of all concepts of its set, is the right one, as emojione drew it, among the five that
  are nearest by the vectors of the towers;
- *hand*: does its palette, a histogram of colours, look like openmoji's rather than the others';
- *truth*: the correlation of its pixels with openmoji's own drawing.

A copy of a neighbour may show the concept, but in another's hand; both at once shut it out. They do
not shut out a copy that is recoloured, and one constant picture has a high correlation: the judges
compare generators that were trained alike, and do not say how well one draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.ravlm.drawing import redraw_drawer, shrink
from ravm_course.vlm import CLIP, hits, pixel_features

SIZE, PICTURES, NEAREST = 16, 2, 5
CONDITIONS = ("random", "shuffled", "retrieved", "named")
_HELD, _SEED, _BINS = 200, 24, 5


@dataclass(frozen=True)
class RedrawTask:
    """What is drawn, what is stored, and how a drawing is judged; see :func:`load_redraw_task`.

    Attributes
    ----------
    train, held, new
        Rows of the emoji: openmoji's drawings to learn, and those of the two tests.
    store
        Rows of the emoji: what may be shown at a test. In training only drawings of known concepts
        are shown.
    small
        All emoji in [-1, 1], ``(N, 3, 16, 16)``.
    names
        Unit vectors of the names of all concepts, ``(C, D)``.
    vectors
        Unit vectors of the pictures of all emoji, ``(N, D)``.
    """

    train: np.ndarray
    held: np.ndarray
    new: np.ndarray
    store: np.ndarray
    known: np.ndarray
    small: Tensor = field(repr=False)
    names: Tensor = field(repr=False)
    vectors: Tensor = field(repr=False)
    hand: LogisticRegression = field(repr=False)

    def drawer(self, batch: int, *, blank: bool = False) -> Callable:
        """Return the batches of training; see :func:`ravm_course.ravlm.drawing.redraw_drawer`."""
        concept = load_emoji().concept
        return redraw_drawer(
            self.small[self.train],
            concept[self.train],
            self.small[self.known],
            concept[self.known],
            self.names[concept[self.train]],
            batch=batch,
            pictures=PICTURES,
            blank=blank,
        )

    def shown(self, rows: np.ndarray, condition: str, *, seed: int = 0) -> np.ndarray:
        """Return which stored drawings are shown beside each target.

        Parameters
        ----------
        rows
            Targets, shape ``(Q,)``.
        condition
            ``"named"``: drawings stored under the target's name. ``"shuffled"``: those of the
            target before it in `rows` (the first gets the last's). ``"retrieved"``: those whose
            vectors are nearest to the vector of the name. ``"random"``: any.
        seed
            Of what is drawn at random.

        Returns
        -------
        numpy.ndarray
            Rows of the emoji, ``(Q, 2)``.

        Raises
        ------
        ValueError
            If there is no such condition.
        """
        rng, concept = np.random.default_rng(seed), load_emoji().concept
        if condition == "random":
            return rng.choice(self.store, (len(rows), PICTURES))
        if condition == "retrieved":
            scores = self.names[torch.from_numpy(concept[rows])] @ self.vectors[self.store].T
            return self.store[scores.topk(PICTURES, dim=1).indices.numpy()]
        if condition not in ("named", "shuffled"):
            raise ValueError(f"condition is {condition!r}: expected one of {CONDITIONS}.")
        stored = concept[self.store]
        named = [rng.permutation(self.store[stored == c]) for c in concept[rows]]
        shown = np.stack([np.resize(some, PICTURES) for some in named])
        return np.roll(shown, 1, axis=0) if condition == "shuffled" else shown

    def judge(
        self, drawings: Tensor, rows: np.ndarray, shown: np.ndarray, model: CLIP
    ) -> dict[str, np.ndarray]:
        """Judge drawings.

        Parameters
        ----------
        drawings
            In [0, 1], shape ``(Q, 3, 16, 16)``.
        rows
            Their targets, all of one test: the choices are their concepts.
        shown
            What was shown beside them, as :meth:`shown` returns it.
        model
            The towers that made :attr:`vectors`.

        Returns
        -------
        dict
            For each drawing whether ``"concept"``, ``"hand"`` and ``"both"`` are right, and the
            correlations of its pixels with ``"truth"`` and with the more similar one ``"shown"``.
        """
        emoji = load_emoji()
        judges = np.flatnonzero((emoji.artist == "emojione") & np.isin(emoji.concept, _of(rows)))
        with torch.no_grad():
            large = F.interpolate(drawings, size=64, mode="bilinear", align_corners=False)
            seen = torch.cat([model.encode_image(part) for part in large.split(40)])  # the quickest
        drawn, judged = emoji.concept[rows], emoji.concept[judges]
        concept = hits(seen, self.vectors[judges], drawn, judged, k=NEAREST)
        hand = self.hand.predict(palette(drawings))
        pixels, truth = _pixels(drawings), _pixels((self.small[rows] + 1) / 2)
        stored = _pixels((self.small[shown.reshape(-1)] + 1) / 2).view(*shown.shape, -1)
        return {
            "concept": concept,
            "hand": hand,
            "both": concept & hand,
            "truth": (pixels * truth).sum(1).numpy(),
            "shown": (pixels[:, None] * stored).sum(2).amax(1).numpy(),
        }


def load_redraw_task(vectors: Tensor, names: Tensor) -> RedrawTask:
    """Return the task.

    Parameters
    ----------
    vectors
        Unit vectors of the pictures of all emoji, ``(N, D)``; rows that the task does not use (by
        emojione-v1) may hold anything.
    names
        Unit vectors of the names of all concepts, ``(C, D)``.

    Returns
    -------
    RedrawTask

    Raises
    ------
    ValueError
        If the numbers of vectors are others.

    Examples
    --------
    >>> task = load_redraw_task(torch.zeros(len(load_emoji()), 2),
    ...                         torch.zeros(len(load_emoji().concepts), 2))
    >>> len(task.train), len(task.held), len(task.new), len(task.store)
    (1161, 200, 148, 6485)
    """
    emoji, splits = load_emoji(), load_emoji_splits()
    if len(vectors) != len(emoji) or len(names) != len(emoji.concepts):
        raise ValueError(
            f"{len(vectors)} vectors and {len(names)} names, expected {len(emoji)} and "
            f"{len(emoji.concepts)}: one for each emoji and each concept, used or not."
        )
    judged = emoji.concept[emoji.artist == "emojione"]
    stored = np.isin(emoji.artist, splits.train_artists)
    new = np.isin(emoji.concept, splits.unseen) & np.isin(emoji.concept, judged)
    known = splits.validation[
        np.isin(emoji.concept[splits.validation], emoji.concept[splits.train])
    ]
    order = np.random.default_rng(_SEED).permutation(len(known))
    can_be_judged = np.isin(emoji.concept[known[order]], judged)
    held = np.sort(known[order[can_be_judged][:_HELD]])
    train = np.setdiff1d(known, held)
    small = shrink(emoji.images, SIZE)
    others = np.random.default_rng(_SEED).permutation(splits.train)[: 2 * len(train)]
    examples = np.concatenate([train, others])
    hand = LogisticRegression(max_iter=300).fit(
        palette((small[examples] + 1) / 2), emoji.artist[examples] == "openmoji"
    )
    return RedrawTask(
        train=train,
        held=held,
        new=np.flatnonzero(new & (emoji.artist == "openmoji")),
        store=np.flatnonzero(stored & np.isin(emoji.concept, [*splits.unseen, *_of(splits.train)])),
        known=splits.train.copy(),  # may be written to, as torch wants it
        small=small,
        names=names,
        vectors=vectors,
        hand=hand,
    )


def palette(drawings: Tensor) -> np.ndarray:
    """Return the square roots of the shares of 125 colours.

    Parameters
    ----------
    drawings
        In [0, 1], shape ``(N, 3, H, W)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(N, 125)``.

    Examples
    --------
    >>> palette(torch.ones(1, 3, 2, 2)).argmax(), palette(torch.zeros(1, 3, 2, 2)).argmax()
    (np.int64(124), np.int64(0))
    """
    step = (drawings * _BINS).long().clamp(max=_BINS - 1)
    colour = ((step[:, 0] * _BINS + step[:, 1]) * _BINS + step[:, 2]).flatten(1)
    shares = torch.zeros(len(colour), _BINS**3)
    shares.scatter_add_(1, colour, torch.ones(colour.shape) / colour.shape[1])
    return shares.sqrt().numpy()


def _of(rows: np.ndarray) -> np.ndarray:
    return np.unique(load_emoji().concept[rows])


def _pixels(drawings: Tensor) -> Tensor:
    stored = (drawings.clamp(0, 1) * 255).round().to(torch.uint8)
    return pixel_features(stored.permute(0, 2, 3, 1).numpy(), SIZE)
