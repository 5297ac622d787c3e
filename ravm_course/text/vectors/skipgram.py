r"""word2vec: learn vectors by telling true pairs of words from invented ones.

Each word has two vectors, :math:`v_w` as a centre and :math:`u_c` as a context. A pair (w, c) that
stood together in the text should have a large dot product, and pairs of w with contexts drawn at
random a small one. The loss of a true pair with k negative examples is

.. math:: \ell(w, c) = -\ln \sigma(v_w^\top u_c)
          - k\, \mathbb{E}_{c' \sim q} \ln \sigma(-v_w^\top u_{c'}),

where q are the word frequencies to the power 0.75 (Mikolov et al. 2013, "Distributed
representations of words and phrases and their compositionality", section 2.2). No layer lies
between the two tables and nothing in them is bent: the dot products at the optimum of unrestricted
vectors are :math:`\ln \frac{p(c \mid w)}{k\, q(c)}`, a shifted PMI (Levy and Goldberg 2014,
"Neural word embedding as implicit matrix factorization").

Pairs are taken in batches. The pairs of one batch share their negative examples (Ji et al. 2016,
"Parallelizing word2vec in shared and distributed memory"), so that most of the work is matrix
products; the expected loss is the same. Adam replaces plain gradient descent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ravm_course.text.vectors.cooccurrence import Corpus


@dataclass(frozen=True)
class SkipGramConfig:
    """How to train.

    Attributes
    ----------
    n_dims : int
        Length D of a vector.
    window : int
        Largest distance of a pair; each token's window is drawn from 1 to this.
    negatives : int
        k, the weight of the negative examples.
    subsample : float
        Tokens of words with a larger share of the text than this are dropped at random, in each
        epoch anew; 0 drops none.
    epochs : int
        How often the text is read.
    batch : int
        True pairs in a step.
    shared : int
        Negative examples drawn for all pairs of a batch.
    lr : float
        Learning rate of the first step; it falls in a straight line to zero.
    seed : int
        Of the start, the dropping, the windows, the order and the negative examples.
    """

    n_dims: int = 100
    window: int = 5
    negatives: int = 5
    subsample: float = 1e-4
    epochs: int = 3
    batch: int = 4096
    shared: int = 32
    lr: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class SkipGram:
    """What was learned.

    Attributes
    ----------
    centres, contexts : numpy.ndarray
        The vectors of each word in its two roles, each of shape ``(V, D)``, float32.
    losses : numpy.ndarray
        Mean loss of the pairs of each epoch, in nats.
    n_pairs : int
        True pairs seen in all.
    """

    centres: np.ndarray
    contexts: np.ndarray
    losses: np.ndarray
    n_pairs: int


def draw_pairs(
    corpus: Corpus, window: int, subsample: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw the pairs of one reading of the text.

    Tokens are dropped first, and the gaps close; then each token that is left draws a window.

    Parameters
    ----------
    corpus
        N tokens over V words.
    window, subsample
        As in :class:`SkipGramConfig`. A word with the share f of all tokens is kept with
        probability ``sqrt(t / f) + t / f`` for ``t = subsample``, as in word2vec's code (the paper
        has the square root alone).
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        Centre and context of each pair, shape ``(P, 2)``, in random order.

    Raises
    ------
    ValueError
        If `window` is below 1 or `subsample` is negative.

    Examples
    --------
    >>> corpus = Corpus.from_sentences([["we", "the"], ["people"]], words=["we", "the", "people"])
    >>> sorted(draw_pairs(corpus, 5, 0.0, np.random.default_rng(0)).tolist())
    [[0, 1], [1, 0]]
    """
    if window < 1 or subsample < 0:
        raise ValueError(f"window {window} must be at least 1, subsample {subsample} at least 0.")
    ids, sentence = corpus.ids, corpus.sentence
    if subsample:
        share = np.maximum(corpus.counts, 1) / max(len(corpus), 1)
        keep = np.sqrt(subsample / share) + subsample / share
        kept = rng.random(len(ids)) < keep[ids]
        ids, sentence = ids[kept], sentence[kept]
    reach = rng.integers(1, window + 1, size=len(ids))
    pairs = []
    for distance in range(1, min(window, len(ids) - 1) + 1):
        together = sentence[:-distance] == sentence[distance:]
        left, right = ids[:-distance], ids[distance:]
        after = together & (reach[:-distance] >= distance)
        before = together & (reach[distance:] >= distance)
        pairs.append(np.stack([left[after], right[after]], axis=1))
        pairs.append(np.stack([right[before], left[before]], axis=1))
    found = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)
    return found[rng.permutation(len(found))]


def loss_and_gradients(
    centre: Tensor, context: Tensor, negative: Tensor, k: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""Return the loss of a batch and its gradients, by hand.

    The derivative of :math:`-\ln \sigma(x)` is :math:`\sigma(x) - 1`: how wrong the guess was. So
    each vector moves along its partner, as far as the guess was wrong.

    Parameters
    ----------
    centre, context
        Vectors of the true pairs, both of shape ``(B, D)``.
    negative
        Vectors of the negative examples that all pairs share, shape ``(K, D)``.
    k
        Weight of the mean over the negative examples.

    Returns
    -------
    loss, d_centre, d_context, d_negative : Tensor
        The sum over pairs of the loss, shape ``()``, and its derivatives, shaped like the inputs.

    Examples
    --------
    >>> one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> loss, d_centre, _, _ = loss_and_gradients(one, other, other, k=1)
    >>> round(loss.item(), 4), d_centre.tolist()
    (1.3863, [[0.0, 0.0]])
    """
    true = (centre * context).sum(dim=1)  # (B,)
    false = centre @ negative.T  # (B, K)
    weight = k / len(negative)
    softplus = torch.nn.functional.softplus
    loss = softplus(-true).sum() + weight * softplus(false).sum()
    wrong_true = (torch.sigmoid(true) - 1)[:, None]  # (B, 1), below 0
    wrong_false = torch.sigmoid(false).mul_(weight)  # (B, K), above 0
    d_centre = wrong_true * context + wrong_false @ negative
    return loss, d_centre, wrong_true * centre, wrong_false.T @ centre


def train_skipgram(corpus: Corpus, config: SkipGramConfig = SkipGramConfig()) -> SkipGram:
    """Train word2vec's skip-gram with negative sampling.

    Parameters
    ----------
    corpus
        The text.
    config
        How to train.

    Returns
    -------
    SkipGram

    Raises
    ------
    ValueError
        If no pair stands in the text.

    Examples
    --------
    >>> ways = [["ships", "carry", "gold"], ["ships", "carry", "silver"], ["farms", "grow", "corn"]]
    >>> corpus = Corpus.from_sentences(ways * 50)
    >>> learned = train_skipgram(corpus, SkipGramConfig(n_dims=8, subsample=0, batch=64))
    >>> learned.centres.shape, bool(learned.losses[-1] < learned.losses[0])
    ((7, 8), True)
    """
    rng = np.random.default_rng(config.seed)
    n_words = len(corpus.words)
    start = (rng.random((n_words, config.n_dims)) - 0.5) / config.n_dims
    tables = [torch.from_numpy(start).float(), torch.zeros(n_words, config.n_dims)]
    q = torch.from_numpy(corpus.counts.astype(np.float64) ** 0.75)
    generator = torch.Generator().manual_seed(config.seed)
    optimizer = torch.optim.Adam(tables, lr=config.lr, fused=True)
    for table in tables:
        table.grad = torch.zeros_like(table)
    losses, n_pairs = [], 0
    for epoch in range(config.epochs):
        pairs = torch.from_numpy(draw_pairs(corpus, config.window, config.subsample, rng))
        if not len(pairs):
            raise ValueError(
                f"no pair is left in the text: no two words of the vocabulary stand together, or "
                f"subsample {config.subsample} dropped too many tokens."
            )
        total = torch.zeros(())
        batches = pairs.split(config.batch)
        noise = torch.multinomial(
            q, len(batches) * config.shared, replacement=True, generator=generator
        ).view(len(batches), config.shared)
        for step, (batch, drawn) in enumerate(zip(batches, noise, strict=True)):
            w, c = batch.T
            loss, *gradients = loss_and_gradients(
                *(
                    tables[table].index_select(0, rows)
                    for table, rows in ((0, w), (1, c), (1, drawn))
                ),
                config.negatives,
            )
            for table in tables:
                table.grad.zero_()
            for table, rows, gradient in zip((0, 1, 1), (w, c, drawn), gradients, strict=True):
                tables[table].grad.index_add_(0, rows, gradient, alpha=1 / len(batch))
            progress = (epoch + step / len(batches)) / config.epochs
            optimizer.param_groups[0]["lr"] = config.lr * (1 - progress)
            optimizer.step()
            total += loss
        losses.append(total.item() / len(pairs))
        n_pairs += len(pairs)
    return SkipGram(tables[0].numpy(), tables[1].numpy(), np.array(losses), n_pairs)
