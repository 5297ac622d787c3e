"""From a language model to a classifier: pool vectors, add a linear layer, choose what learns.

Four ways, from cheap to dear. *Frozen*: the model is only read, and the vectors may be computed
once. *Top*: the last block learns as well. *LoRA*: every block learns, but only by a difference of
low rank. *Full*: everything learns (Howard & Ruder, "Universal language model fine-tuning for text
classification", ACL 2018; Peters, Ruder & Smith, "To tune or not to tune?", RepL4NLP 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ravm_course.lm.bert import BERT
from ravm_course.lm.gpt import GPT
from ravm_course.lm.lora import add_lora
from ravm_course.lm.t5 import T5
from ravm_course.training import History, fit, half_precision

#: what may learn beside the linear layer
WAYS = ("frozen", "top", "lora", "full")

#: linear maps of a block that get a difference, by the names that the models give them
_LORA_MAPS = {
    GPT: ("project_in", "project_out", "widen", "narrow"),
    BERT: ("project_in", "project_out", "widen", "narrow"),
    T5: ("query", "key", "value", "out", "widen", "narrow"),
}


def fill_up(texts: Sequence[Sequence[int]], filler: int) -> tuple[Tensor, Tensor]:
    """Bring texts to one length.

    Parameters
    ----------
    texts
        Tokens of each text.
    filler
        Token that stands behind the shorter ones.

    Returns
    -------
    ids, present : Tensor
        ``(B, T)``, the second false where a text is only filled up.

    Raises
    ------
    ValueError
        If there is no text, or one has no token.

    Examples
    --------
    >>> fill_up([[1, 2], [3]], filler=0)
    (tensor([[1, 2],
            [3, 0]]), tensor([[ True,  True],
            [ True, False]]))
    """
    lengths = torch.tensor([len(text) for text in texts])
    if not len(lengths) or not lengths.min():
        raise ValueError("expected at least one text, and in each at least one token.")
    present = torch.arange(int(lengths.max())) < lengths[:, None]
    ids = torch.full(present.shape, filler)
    ids[present] = torch.tensor([token for text in texts for token in text])
    return ids, present


def text_vectors(encoder: GPT | BERT | T5, ids: Tensor, present: Tensor) -> Tensor:
    """Return one vector for each text: the mean of the vectors of its tokens.

    Parameters
    ----------
    encoder
        A language model. Of a T5 only the half that reads is used.
    ids, present
        From :func:`fill_up`.

    Returns
    -------
    Tensor
        ``(B, C)``. What fills up a text has no influence.

    Raises
    ------
    TypeError
        If the model is none of the three.

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> text_vectors(model, *fill_up([[1, 2], [3]], filler=0)).shape
    torch.Size([2, 16])
    """
    if isinstance(encoder, GPT):  # what fills up comes later, and nobody looks ahead
        vectors = encoder.features(ids)
    elif isinstance(encoder, BERT):
        vectors = encoder.features(ids, present)
    elif isinstance(encoder, T5):
        vectors = encoder.encode(ids, present)
    else:
        raise TypeError(f"encoder is a {type(encoder).__name__}, expected a GPT, BERT or T5.")
    weights = present[:, :, None].to(vectors.dtype)
    return (vectors * weights).sum(dim=1) / weights.sum(dim=1)


class TextClassifier(nn.Module):
    """A language model whose pooled vectors are read by a linear layer.

    Parameters
    ----------
    encoder
        The language model; it is not copied.
    classes
        Number of classes, K.
    way
        What learns beside the linear layer, one of :data:`WAYS`.
    rank
        Of LoRA's differences.

    Raises
    ------
    ValueError
        If there is no such way.

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> classifier = TextClassifier(model, classes=4, way="frozen")
    >>> classifier(*fill_up([[1, 2], [3]], filler=0)).shape
    torch.Size([2, 4])
    >>> sum(p.numel() for p in classifier.parameters() if p.requires_grad)
    68
    """

    def __init__(self, encoder: GPT | BERT | T5, classes: int, way: str, *, rank: int = 4):
        super().__init__()
        if way not in WAYS:
            raise ValueError(f"way is {way!r}, expected one of {WAYS}.")
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.channels, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        read = encoder.encoder if isinstance(encoder, T5) else encoder
        encoder.requires_grad_(False)
        if way == "full":
            read.requires_grad_(True)
            encoder.token.requires_grad_(True)
            if isinstance(encoder, BERT):  # what restores tokens is not used
                for unused in (encoder.restore, encoder.restore_norm):
                    unused.requires_grad_(False)
                encoder.restore_bias.requires_grad_(False)
        elif way == "top":
            read.blocks[-1].requires_grad_(True)
            if not isinstance(encoder, BERT):  # its norm stands before the blocks
                read.norm.requires_grad_(True)
        elif way == "lora":
            add_lora(read, _LORA_MAPS[type(encoder)], rank)

    def forward(self, ids: Tensor, present: Tensor) -> Tensor:
        """Score the classes of texts from :func:`fill_up`, ``(B, K)``."""
        return self.head(text_vectors(self.encoder, ids, present))


def train_classifier(
    classifier: TextClassifier,
    texts: Sequence[Sequence[int]],
    labels: Sequence[int],
    *,
    steps: int,
    lr: float,
    filler: int,
    batch: int = 16,
    seed: int = 0,
) -> History:
    """Train what may learn on labelled texts; products are computed in bfloat16.

    Parameters
    ----------
    classifier
        Trained in place.
    texts, labels
        Tokens of each text, and its class.
    steps, lr
        Number of updates and learning rate, which falls along half a cosine.
    filler
        See :func:`fill_up`.
    batch
        Texts a step, drawn without replacement; all of them if there are fewer.
    seed
        Of the draws.

    Returns
    -------
    History

    Examples
    --------
    >>> from ravm_course.lm.gpt import GPTConfig
    >>> _ = torch.manual_seed(0)
    >>> model = GPT(GPTConfig(vocab_size=10, context=8, channels=16, heads=2, layers=1))
    >>> classifier = TextClassifier(model, classes=2, way="full")
    >>> _ = train_classifier(classifier, [[1, 2], [3]], [0, 1], steps=20, lr=0.01, filler=0)
    >>> classify(classifier, [[3], [1, 2]], filler=0)
    array([1, 0])
    """
    answers = torch.tensor(labels)

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        places = torch.randperm(len(texts), generator=generator)[:batch]
        return *fill_up([texts[i] for i in places], filler), answers[places]

    def loss(model: nn.Module, drawn: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        with half_precision(drawn[0].device):
            return F.cross_entropy(model(*drawn[:2]), drawn[2])

    free = [p for p in classifier.parameters() if p.requires_grad]
    return fit(
        classifier, loss, draw, steps=steps, warmup=min(10, steps - 1), clip_norm=1.0, seed=seed,
        optimizer=torch.optim.AdamW(free, lr=lr, weight_decay=0.01, fused=True), progress=False,
    )  # fmt: skip


@torch.no_grad()
def in_batches(
    function: Callable[[Tensor, Tensor], Tensor],
    texts: Sequence[Sequence[int]],
    filler: int,
    batch: int = 64,
) -> np.ndarray:
    """Apply a function of filled-up texts to many, those of like length together.

    Parameters
    ----------
    function
        From ids and present ``(B, T)`` to ``(B, ...)``, such as a classifier.
    texts, filler
        See :func:`fill_up`.
    batch
        Texts together.

    Returns
    -------
    numpy.ndarray
        ``(N, ...)``, in the order of the texts.

    Examples
    --------
    >>> in_batches(lambda ids, present: present.sum(1), [[4, 4, 4], [4]], filler=0, batch=1)
    array([3, 1])
    """
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = [
        function(*fill_up([texts[i] for i in order[first : first + batch]], filler))
        for first in range(0, len(order), batch)
    ]
    return torch.cat(parts)[torch.tensor(order).argsort()].numpy()


def classify(classifier: TextClassifier, texts: Sequence[Sequence[int]], filler: int) -> np.ndarray:
    """Return the class with the highest score for each text, ``(N,)``."""
    return in_batches(classifier, texts, filler).argmax(axis=1)
