"""Several optimisers that step as one.

Muon (Jordan et al., 2024) is made for the matrices inside a network; embeddings, norms and biases
want AdamW. A training loop takes one optimiser, so the two are bound together.
"""

from __future__ import annotations

import torch


class Together:
    """Optimisers over disjoint parameters, behind the interface of one.

    Parameters
    ----------
    *optimizers
        Each with parameters of its own.

    Raises
    ------
    ValueError
        If there is none, or two share a parameter.

    Examples
    --------
    >>> matrix, vector = (torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,)))
    >>> both = Together(torch.optim.Muon([matrix], lr=0.1), torch.optim.AdamW([vector], lr=0.01))
    >>> [group["lr"] for group in both.param_groups]
    [0.1, 0.01]
    """

    def __init__(self, *optimizers: torch.optim.Optimizer):
        if not optimizers:
            raise ValueError("there is no optimiser: give at least one.")
        owned = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
        if len(set(owned)) < len(owned):
            raise ValueError("a parameter belongs to two optimisers: it would be moved twice.")
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict]:
        """All groups, in order; a change of a learning rate reaches the optimiser."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=set_to_none)

    def step(self) -> None:
        """Let every optimiser make its step."""
        for optimizer in self.optimizers:
            optimizer.step()

    def state_dict(self) -> dict:
        """Return the states as if it were one optimiser's: parameters are numbered through."""
        state, groups, first = {}, [], 0
        for optimizer in self.optimizers:
            own = optimizer.state_dict()
            state |= {first + index: values for index, values in own["state"].items()}
            for group in own["param_groups"]:
                groups.append(group | {"params": [first + index for index in group["params"]]})
            first += sum(len(group["params"]) for group in own["param_groups"])
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: dict) -> None:
        """Give every optimiser its part of what :meth:`state_dict` returned."""
        first, groups = 0, iter(saved["param_groups"])
        for optimizer in self.optimizers:
            own = [next(groups) for _ in optimizer.param_groups]
            numbers = [index for group in own for index in group["params"]]
            optimizer.load_state_dict(
                {
                    "state": {
                        index - first: saved["state"][index]
                        for index in numbers
                        if index in saved["state"]
                    },
                    "param_groups": [
                        group | {"params": [index - first for index in group["params"]]}
                        for group in own
                    ],
                }
            )
            first += len(numbers)
