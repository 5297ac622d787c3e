"""Recurrent layers: a state that is carried from step to step.

Three cells share one loop. A cell takes what the input says at one step and the state before it,
and returns the state after it:

* :class:`RNN` replaces the state by a squashed sum (Elman, "Finding structure in time", Cognitive
  Science 14, 1990; with tanh, as PyTorch has it);
* :class:`LSTM` keeps a second state, to which is only added and of which is only forgotten, so that
  gradients pass many steps (Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation
  9, 1997; with the forget gate of Gers et al., 2000);
* :class:`GRU` mixes the old state with a new one by a single gate (Cho et al., EMNLP 2014; in the
  variant of PyTorch, which resets after the matrix product).

What the input says is one matrix product for all steps at once; only the product with the state has
to wait for the step before. Parameters have the names, shapes and order of :class:`torch.nn.RNN`,
:class:`torch.nn.LSTM` and :class:`torch.nn.GRU`, so that weights can be exchanged by
``load_state_dict``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrent(nn.Module):
    """The loop over time that :class:`RNN`, :class:`LSTM` and :class:`GRU` share.

    Parameters
    ----------
    input_size
        Channels of the input.
    hidden_size
        Channels of the state, H.
    num_layers
        Layers, each reading the outputs of the one below.
    bidirectional
        Whether every layer has a second loop from the end to the beginning; outputs are joined.
    dropout
        Probability with which outputs between two layers are set to zero in training.

    Raises
    ------
    ValueError
        If a size is not positive or `dropout` not in [0, 1).
    """

    gates: int  #: blocks of H rows in each weight
    states: int  #: tensors in the state
    one_sum = True  #: whether a gate needs only the sum of what the input and the state say

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} is {size}, expected at least 1.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}, expected a probability in [0, 1).")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bidirectional, self.dropout = bidirectional, dropout
        bound = 1 / math.sqrt(hidden_size)
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * self.directions
            for suffix in self._suffixes(layer):
                rows = self.gates * hidden_size
                for name, shape in {
                    "weight_ih": (rows, width),
                    "weight_hh": (rows, hidden_size),
                    "bias_ih": (rows,),
                    "bias_hh": (rows,),
                }.items():
                    weight = torch.empty(shape).uniform_(-bound, bound)
                    self.register_parameter(name + suffix, nn.Parameter(weight))

    @property
    def directions(self) -> int:
        """2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]

    def step(
        self, projected: Tensor, state: tuple[Tensor, ...], weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the state after one step; its first tensor is the output.

        Parameters
        ----------
        projected
            What the input says, ``(B, gates H)``; with the bias of the state if `one_sum`.
        state
            Tensors ``(B, H)``.
        weight, bias
            From state to gates, ``(H, gates H)`` and ``(gates H,)``.
        """
        raise NotImplementedError

    def forward(
        self,
        x: Tensor,
        state: Tensor | tuple[Tensor, ...] | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Read sequences.

        Parameters
        ----------
        x
            Inputs ``(B, T, input_size)``.
        state
            Where to begin, as returned by an earlier call; zeros without.
        lengths
            Steps that count of each sequence, ``(B,)``; behind them outputs are zero, and the
            state stays as it was (backwards, reading begins at each sequence's own end).

        Returns
        -------
        output : Tensor
            ``(B, T, directions H)`` of the last layer.
        state : Tensor or tuple of Tensor
            After the last step, ``(num_layers directions, B, H)``; a pair (h, c) for an LSTM.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        if x.ndim != 3 or x.shape[2] != self.input_size or not x.shape[1]:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, expected (batch, time, {self.input_size}) with at "
                "least one step."
            )
        batch, time, _ = x.shape
        rows = self.num_layers * self.directions
        expected = (rows, batch, self.hidden_size)
        if state is None:
            state = (x.new_zeros(expected),) * self.states
        elif self.states == 1 and isinstance(state, Tensor):
            state = (state,)
        if len(state) != self.states or any(tuple(s.shape) != expected for s in state):
            raise ValueError(
                f"state has shapes {[tuple(s.shape) for s in state]}, expected {self.states} "
                f"of {expected}: (layers x directions, batch, hidden)."
            )
        if lengths is not None and (tuple(lengths.shape) != (batch,) or lengths.max() > time):
            raise ValueError(
                f"lengths is {lengths.tolist()}, expected {batch} numbers of at most {time}."
            )

        final = []
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                row = layer * self.directions + direction
                begin = tuple(s[row] for s in state)
                output, end = self._scan(x, begin, suffix, direction == 1, lengths)
                outputs.append(output)
                final.append(end)
            x = torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]
            if layer + 1 < self.num_layers:
                x = F.dropout(x, self.dropout, self.training)
        ends = tuple(torch.stack(tensors) for tensors in zip(*final, strict=True))
        return x, ends if self.states > 1 else ends[0]

    def _scan(self, x, state, suffix, reverse, lengths):
        """Run one layer in one direction; return outputs ``(B, T, H)`` and the last state."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, name + suffix)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        bias = bias_ih + bias_hh if self.one_sum else bias_ih
        projected = F.linear(x, weight_ih, bias).transpose(0, 1).contiguous().unbind(0)
        weight_hh = weight_hh.t()
        order = range(len(projected) - 1, -1, -1) if reverse else range(len(projected))
        outputs: list[Tensor] = [x] * len(projected)
        for t in order:
            after = self.step(projected[t], state, weight_hh, bias_hh)
            outputs[t] = after[0]
            if lengths is not None:
                inside = (t < lengths)[:, None]
                outputs[t] = outputs[t] * inside
                after = tuple(torch.where(inside, a, s) for a, s in zip(after, state, strict=True))
            state = after
        return torch.stack(outputs, dim=1), state


class RNN(Recurrent):
    """A simple recurrent network: h' = tanh(W x + b + U h + c).

    Examples
    --------
    >>> output, state = RNN(3, 5)(torch.zeros(2, 7, 3))
    >>> output.shape, state.shape
    (torch.Size([2, 7, 5]), torch.Size([1, 2, 5]))
    """

    gates, states = 1, 1

    def step(self, projected, state, weight, bias):
        """Return the new state, see :meth:`Recurrent.step`."""
        return (torch.addmm(projected, state[0], weight).tanh(),)


class LSTM(Recurrent):
    """Long short-term memory: input, forget and output gate around an additive cell.

    Examples
    --------
    >>> output, (h, c) = LSTM(3, 5, num_layers=2, bidirectional=True)(torch.zeros(2, 7, 3))
    >>> output.shape, c.shape
    (torch.Size([2, 7, 10]), torch.Size([4, 2, 5]))
    """

    gates, states = 4, 2

    def step(self, projected, state, weight, bias):
        """Return the new output and cell, see :meth:`Recurrent.step`."""
        hidden, cell = state
        i, f, g, o = torch.addmm(projected, hidden, weight).chunk(4, dim=1)
        cell = torch.addcmul(f.sigmoid() * cell, i.sigmoid(), g.tanh())
        return o.sigmoid() * cell.tanh(), cell


class GRU(Recurrent):
    """Gated recurrent unit: one gate between the old state and a new one, one that resets.

    Examples
    --------
    >>> output, state = GRU(3, 5)(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 2]))
    >>> output[1, 2:].abs().sum().item()
    0.0
    """

    gates, states = 3, 1
    one_sum = False  # the reset gate multiplies what the state says, and not what the input says

    def step(self, projected, state, weight, bias):
        """Return the new state, see :meth:`Recurrent.step`."""
        hidden, two = state[0], 2 * self.hidden_size
        said = torch.addmm(bias, hidden, weight)
        r, z = (projected[:, :two] + said[:, :two]).sigmoid().chunk(2, dim=1)
        new = torch.addcmul(projected[:, two:], r, said[:, two:]).tanh()
        return (torch.lerp(new, hidden, z),)
