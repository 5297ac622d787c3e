"""The patch graph network: patches as nodes, joined where they look alike.

A convolution joins a place to its neighbours in the picture, attention joins it to all places. A
graph network can choose: here every patch is joined to the k patches whose *vectors* are nearest,
anew in every layer, wherever in the picture they are (Han et al., "Vision GNN: an image is worth
graph of nodes", NeurIPS 2022). A node takes, channel by channel, the largest difference between a
neighbour and itself ("max-relative", Li et al., "DeepGCNs", ICCV 2019), and thinks about it.

``graph="grid"`` joins neighbours in the picture instead, ``graph="random"`` any patches, drawn
once: the controls that tell what choosing neighbours by likeness is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ravm_course.nn import FeedForward
from ravm_course.vision.patches import to_patches
from ravm_course.vision.pixels import around_zero

GRAPHS = ("alike", "grid", "random")


@dataclass(frozen=True)
class PatchGraphConfig:
    """Shape of a patch graph network.

    Attributes
    ----------
    classes
        Outputs, K.
    channels_in
        Channels of the pictures.
    image
        Height and width of the pictures in pixels.
    patch
        Height and width of a patch; divides `image`.
    channels, layers
        Of the network.
    neighbours
        Patches that each is joined to, k.
    graph
        ``"alike"``, ``"grid"`` or ``"random"``.
    """

    classes: int = 10
    channels_in: int = 1
    image: int = 28
    patch: int = 4
    channels: int = 64
    layers: int = 3
    neighbours: int = 8
    graph: str = "alike"


def nearest(x: Tensor, k: int) -> Tensor:
    """Return which `k` other nodes lie nearest to each node.

    Parameters
    ----------
    x
        Vectors of the nodes, ``(B, T, C)``.
    k
        Fewer than T.

    Returns
    -------
    Tensor
        Indices ``(B, T, k)``, by Euclidean distance, a node itself never among them.

    Raises
    ------
    ValueError
        If there are not k others.

    Examples
    --------
    >>> nearest(torch.tensor([[[0.0], [1.0], [10.0]]]), 1)
    tensor([[[1],
             [0],
             [1]]])
    """
    if x.ndim != 3 or not 1 <= k < x.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and k is {k}: expected (B, T, C), k < T.")
    with torch.no_grad():
        square = x.square().sum(2)
        distance = square[:, None] - 2 * x @ x.transpose(1, 2)  # the node's own square is left out
        own = torch.arange(x.shape[1], device=x.device)
        distance[:, own, own] = torch.inf
        return distance.topk(k, dim=2, largest=False).indices


def gather_nodes(x: Tensor, index: Tensor) -> Tensor:
    """Return the vectors that an index names, ``(B, T, k, C)``.

    Examples
    --------
    >>> x = torch.tensor([[[0.0], [1.0], [10.0]]])
    >>> gather_nodes(x, nearest(x, 1)).flatten().tolist()
    [1.0, 0.0, 1.0]
    """
    batch = torch.arange(len(x), device=x.device)[:, None, None]
    return x[batch, index]


def grid_neighbours(rows: int, columns: int, k: int) -> Tensor:
    """Return the k patches nearest in the picture for each, ``(T, k)``; of equals, the first.

    Examples
    --------
    >>> grid_neighbours(1, 4, 2)
    tensor([[1, 2],
            [0, 2],
            [1, 3],
            [2, 1]])
    """
    at = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double()
    distance = torch.cdist(at, at).fill_diagonal_(torch.inf)
    return distance.sort(dim=1, stable=True).indices[:, :k]


class GraphBlock(nn.Module):
    """Hear the neighbours, then think; each is normalised before and added after.

    Parameters
    ----------
    channels
        C.
    neighbours
        k.

    Examples
    --------
    >>> GraphBlock(4, neighbours=2)(torch.rand(1, 5, 4)).shape
    torch.Size([1, 5, 4])
    """

    def __init__(self, channels: int, neighbours: int):
        super().__init__()
        self.neighbours = neighbours
        self.hear_norm = nn.LayerNorm(channels)
        self.enter = nn.Linear(channels, channels)
        self.hear = nn.Linear(2 * channels, channels)
        self.feed_forward_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels)

    def forward(self, x: Tensor, index: Tensor | None = None) -> Tensor:
        """Map ``(B, T, C)`` to the same shape.

        `index` ``(B, T, k)`` says who hears whom; without, the nearest vectors.
        """
        nodes = self.enter(self.hear_norm(x))
        index = nearest(nodes, self.neighbours) if index is None else index
        # the largest difference is the difference to the largest
        heard = gather_nodes(nodes, index).amax(dim=2) - nodes
        x = x + self.hear(torch.cat([nodes, heard], dim=2))
        return x + self.feed_forward(self.feed_forward_norm(x))


class PatchGraph(nn.Module):
    """From pictures to scores of classes, by a graph of patches.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If patches do not divide the picture, there are too few for the neighbours, or the kind of
        graph is unknown.

    Examples
    --------
    >>> PatchGraph(PatchGraphConfig())(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, config: PatchGraphConfig):
        super().__init__()
        side, rest = divmod(config.image, config.patch)
        if rest:
            raise ValueError(
                f"patches of {config.patch} do not divide {config.image} pixels evenly."
            )
        if config.graph not in GRAPHS:
            raise ValueError(f"graph is {config.graph!r}: expected one of {', '.join(GRAPHS)}.")
        if not 1 <= config.neighbours < side**2:
            raise ValueError(f"{config.neighbours} neighbours of {side**2} patches: take fewer.")
        self.config = config
        self.embed = nn.Linear(config.channels_in * config.patch**2, config.channels)
        self.position = nn.Parameter(torch.randn(1, side**2, config.channels) * 0.5)
        self.blocks = nn.ModuleList(
            GraphBlock(config.channels, config.neighbours) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.classify = nn.Linear(config.channels, config.classes)
        fixed = grid_neighbours(side, side, config.neighbours)
        if config.graph == "random":
            draw = torch.Generator().manual_seed(0)
            fixed = torch.stack(  # any others, none twice
                [
                    (node + 1 + torch.randperm(side**2 - 1, generator=draw)[: config.neighbours])
                    % side**2
                    for node in range(side**2)
                ]
            )
        self.register_buffer("fixed", fixed, persistent=False)

    def features(self, images: Tensor) -> Tensor:
        """Return a vector for each patch, ``(B, T, C)``.

        Parameters
        ----------
        images
            ``(B, channels_in, H, W)``, floating point in [0, 1].

        Raises
        ------
        ValueError
            If the shape is not that of the configuration.
        """
        c = self.config
        x = (
            self.embed(to_patches(around_zero(images, c.channels_in, c.image), c.patch))
            + self.position
        )
        index = None if c.graph == "alike" else self.fixed.expand(len(x), -1, -1)
        for block in self.blocks:
            x = block(x, index)
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the classes, ``(B, K)``, from the mean over patches."""
        return self.classify(self.norm(self.features(images)).mean(dim=1))
