"""LoRA: learn a small difference to large weights that stay as they are.

Fine-tuning changes a matrix W by some difference. LoRA lets that difference have a low rank only,
B A with r columns and rows, and learns these (Hu et al., "LoRA: Low-rank adaptation of large
language models", ICLR 2022, section 4.1). At first B is zero, so nothing changes; afterwards the
product can be added to W, and the adapted model costs what the old one did.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """A linear map that is frozen, plus a trainable one of low rank.

    Parameters
    ----------
    linear
        The map; its weights no longer receive gradients.
    rank
        r, of the difference.
    alpha
        The difference is multiplied by ``alpha / rank``, so that the learning rate need not change
        with the rank.

    Raises
    ------
    ValueError
        If `rank` is not between 1 and the smaller side of the matrix.

    Examples
    --------
    >>> import torch
    >>> linear = nn.Linear(4, 6)
    >>> x = torch.randn(2, 4)
    >>> before = linear(x)
    >>> torch.equal(LoRALinear(linear, rank=2)(x), before)
    True
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        if not 1 <= rank <= min(linear.in_features, linear.out_features):
            raise ValueError(
                f"rank is {rank}, expected 1 to {min(linear.in_features, linear.out_features)}, "
                "the smaller side of the matrix."
            )
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.down = nn.Parameter(torch.empty(rank, linear.in_features, **like))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank, **like))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., in)`` to ``(..., out)``."""
        return self.linear(x) + self.scale * F.linear(F.linear(x, self.down), self.up)

    def merged(self) -> nn.Linear:
        """Return one linear map that computes the same."""
        with torch.no_grad():
            self.linear.weight += self.scale * self.up @ self.down
        return self.linear.requires_grad_(True)


def add_lora(
    model: nn.Module, names: Iterable[str], rank: int, alpha: float = 16.0
) -> list[nn.Parameter]:
    """Freeze a model and give some of its linear maps a trainable difference, in place.

    Parameters
    ----------
    model
        Any model.
    names
        Last part of the names of the maps, such as ``"project_in"``.
    rank, alpha
        See :class:`LoRALinear`.

    Returns
    -------
    list of nn.Parameter
        What is left to train.

    Raises
    ------
    ValueError
        If a name belongs to no linear map of the model.

    Examples
    --------
    >>> model = nn.ModuleDict({"first": nn.Linear(4, 4), "second": nn.Linear(4, 4)})
    >>> sum(p.numel() for p in add_lora(model, ["second"], rank=1))
    8
    """
    names = list(names)
    linear = {name for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    missing = [n for n in names if not any(name.split(".")[-1] == n for name in linear)]
    if missing:
        known = sorted({name.split(".")[-1] for name in linear})
        raise ValueError(f"no linear map is called {missing}; there are {known}.")
    model.requires_grad_(False)
    trainable = []
    for name in sorted(linear):
        parent, _, last = name.rpartition(".")
        if last in names:
            adapted = LoRALinear(model.get_submodule(name), rank, alpha)
            setattr(model.get_submodule(parent), last, adapted)
            trainable += [adapted.down, adapted.up]
    return trainable


def merge_lora(model: nn.Module) -> nn.Module:
    """Add every difference to its matrix, in place; the model computes the same as before.

    Examples
    --------
    >>> model = nn.ModuleDict({"map": nn.Linear(4, 4)})
    >>> _ = add_lora(model, ["map"], rank=1)
    >>> merge_lora(model)["map"]
    Linear(in_features=4, out_features=4, bias=True)
    """
    for name, module in list(model.named_modules()):
        if isinstance(module, LoRALinear):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.merged())
    return model.requires_grad_(True)
