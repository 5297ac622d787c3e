r"""Losses that train a retriever by what its finds are worth to a reader.

A picture x is asked a question whose answer is a. The retriever gives each of K passages a score
:math:`s_z`, and so a probability :math:`p(z \mid x)`, the softmax of the scores. A reader gives the
right answer a probability :math:`p(a \mid x, z)` in each passage. Nobody says which passage is
right.

*Marginal likelihood* (Lewis et al., "Retrieval-augmented generation for knowledge-intensive NLP
tasks", NeurIPS 2020, section 2.1) sums over what is not known:

.. math:: L = -\log \sum_z p(z \mid x)\, p(a \mid x, z), \qquad
    \frac{\partial L}{\partial s_z} = p(z \mid x) - p(z \mid x, a).

A passage gains as far as its posterior exceeds its prior. *Distillation* (Izacard & Grave,
"Distilling knowledge from reader to retriever for question answering", ICLR 2021) takes what the
reader prefers as a target :math:`q` and the divergence from it as the loss, which leaves
:math:`\partial L / \partial s_z = p(z \mid x) - q(z)`. There the reader's attention is the target;
here it is its likelihood of the answer, as in Izacard et al., "Atlas", JMLR 2023, and Shi et al.,
"REPLUG", NAACL 2024.

The two differ where several passages explain the answer equally well: the first keeps whichever
the retriever liked already, the second asks for all of them alike.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def marginal_loss(scores: Tensor, log_reading: Tensor) -> Tensor:
    r"""Return :math:`-\log \sum_z p(z \mid x)\, p(a \mid x, z)`, averaged over questions.

    Gradients reach the retriever through `scores` and the reader through `log_reading`; detach
    either to train the other alone.

    Parameters
    ----------
    scores
        Of K passages, any real numbers, shape ``(B, K)``. Their softmax is the retriever's
        probability.
    log_reading
        Log-probability of the right answer in each passage, shape ``(B, K)``.

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    ValueError
        If the shapes differ, or no passage gives a question's answer any probability.

    Examples
    --------
    >>> scores = torch.zeros(1, 2, requires_grad=True)
    >>> loss = marginal_loss(scores, torch.tensor([[0.9, 0.3]]).log())
    >>> loss.exp().item()  # 1 / 0.6
    1.666...
    >>> loss.backward()
    >>> scores.grad  # 1/2 - 3/4 and 1/2 - 1/4
    tensor([[-0.2500,  0.2500]])
    """
    _check(scores, log_reading)
    together = torch.logsumexp(scores.log_softmax(-1) + log_reading, dim=-1)
    if not bool(together.isfinite().all()):
        row = int((~together.isfinite()).nonzero()[0])
        raise ValueError(
            f"no passage gives the answer of question {row} any probability, so its loss is "
            "infinite: let the reader guess a little (see with_guess), or leave the question out."
        )
    return -together.mean()


def posterior(scores: Tensor, log_reading: Tensor) -> Tensor:
    r"""Return :math:`p(z \mid x, a)`: how much each passage accounts for the right answer.

    Parameters
    ----------
    scores, log_reading
        As for :func:`marginal_loss`, shape ``(B, K)``.

    Returns
    -------
    Tensor
        Shape ``(B, K)``; rows sum to one.

    Examples
    --------
    >>> posterior(torch.zeros(1, 2), torch.tensor([[0.9, 0.3]]).log())
    tensor([[0.7500, 0.2500]])
    """
    _check(scores, log_reading)
    return (scores.log_softmax(-1) + log_reading).softmax(-1)


def distillation_loss(scores: Tensor, log_reading: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Return the divergence :math:`\mathrm{KL}(q \,\|\, p)` of the retriever from the reader.

    The target :math:`q` is the softmax of the log-likelihoods over the K passages: what the
    posterior would be had all passages the same prior. It is a constant: no gradient reaches the
    reader.

    Parameters
    ----------
    scores, log_reading
        As for :func:`marginal_loss`, shape ``(B, K)``.
    temperature
        What log-likelihoods are divided by; the smaller, the more the best passage counts.

    Returns
    -------
    Tensor
        A scalar, 0 where the retriever agrees with the reader.

    Raises
    ------
    ValueError
        If the shapes differ or the temperature is not positive.

    Examples
    --------
    >>> reading = torch.tensor([[0.9, 0.3]]).log()
    >>> distillation_loss(reading, reading).item()
    0.0
    >>> bool(distillation_loss(torch.zeros(1, 2), reading) > 0)
    True
    """
    _check(scores, log_reading)
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}: give a positive number.")
    target = (log_reading.detach() / temperature).log_softmax(-1)
    return F.kl_div(scores.log_softmax(-1), target, log_target=True, reduction="batchmean")


def with_guess(log_reading: Tensor, chance: float = 1e-3) -> Tensor:
    r"""Return :math:`\log((1 - \varepsilon)\, p + \varepsilon)`: a reader that may also guess.

    A passage in which the answer does not stand gives it probability zero, and a question none of
    whose passages holds it would have an infinite loss. With a little chance to guess, all its
    passages explain it equally badly, and the gradient of the retriever is zero: nothing is
    learned, as it should be.

    Parameters
    ----------
    log_reading
        Log-probabilities, of any shape; minus infinity is allowed.
    chance
        :math:`\varepsilon`, between 0 and 1.

    Returns
    -------
    Tensor
        The same shape, finite.

    Examples
    --------
    >>> with_guess(torch.tensor([-torch.inf, 0.0]), chance=0.1).exp()
    tensor([0.1000, 1.0000])
    """
    if not 0 < chance < 1:
        raise ValueError(f"chance is {chance}: give a number between 0 and 1.")
    return torch.log(chance + (1 - chance) * log_reading.exp())


def _check(scores: Tensor, log_reading: Tensor) -> None:
    if scores.ndim != 2 or scores.shape != log_reading.shape:
        raise ValueError(
            f"scores have shape {tuple(scores.shape)} and log_reading "
            f"{tuple(log_reading.shape)}: expected (B, K) for both, a row for each question."
        )
