"""The vision Transformer: a picture read as a sentence of patches.

Patches are cut, mapped to vectors by one matrix, told where they stand by learned positions, and
passed through the blocks of chapter 8 without a causal mask (Dosovitskiy et al., "An image is worth
16x16 words", ICLR 2021). One more vector, which belongs to no patch, collects what is asked for.
Nothing in it knows which patches are neighbours: that has to be learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ravm_course.nn import Block
from ravm_course.vision.patches import to_patches
from ravm_course.vision.pixels import around_zero

_START = 0.5  # first positions are as large as embedded patches, so that places differ at once


@dataclass(frozen=True)
class ViTConfig:
    """Shape of a vision Transformer.

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
    channels, heads, layers
        Of the Transformer.
    """

    classes: int = 10
    channels_in: int = 1
    image: int = 28
    patch: int = 4
    channels: int = 64
    heads: int = 4
    layers: int = 3


class ViT(nn.Module):
    """From pictures to scores of classes, by attention between patches.

    Parameters
    ----------
    config
        Its shape.

    Raises
    ------
    ValueError
        If patches do not divide the picture, or heads the channels.

    Examples
    --------
    >>> ViT(ViTConfig())(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, config: ViTConfig):
        super().__init__()
        if config.image % config.patch:
            raise ValueError(
                f"patches of {config.patch} do not divide {config.image} pixels evenly."
            )
        self.config = config
        width, patches = config.channels, (config.image // config.patch) ** 2
        self.embed = nn.Linear(config.channels_in * config.patch**2, width)
        self.collect = nn.Parameter(torch.randn(1, 1, width) * _START)
        self.position = nn.Parameter(torch.randn(1, 1 + patches, width) * _START)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Linear(width, config.classes)
        for block in self.blocks:  # as in the paper: the exact GELU
            block.feed_forward.approximate = "none"

    def features(self, images: Tensor) -> Tensor:
        """Return the collecting vector, first, and that of each patch, before the last norm.

        Parameters
        ----------
        images
            ``(B, channels_in, H, W)``, floating point in [0, 1].

        Returns
        -------
        Tensor
            ``(B, 1 + T, C)``.

        Raises
        ------
        ValueError
            If the shape is not that of the configuration.
        """
        x = self._tokens(images)
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the classes, ``(B, K)``, read from the collecting vector."""
        return self.classify(self.norm(self.features(images)[:, 0]))

    def attention_maps(self, images: Tensor) -> Tensor:
        """Return what every head of every layer looks at.

        Parameters
        ----------
        images
            As for :meth:`features`.

        Returns
        -------
        Tensor
            ``(layers, B, heads, 1 + T, 1 + T)``, rows sum to one; index 0 is the collecting vector.
        """
        x, found = self._tokens(images), []
        for block in self.blocks:
            found.append(block.attention.weights(block.attention_norm(x)))
            x = block(x)
        return torch.stack(found)

    def _tokens(self, images: Tensor) -> Tensor:
        """Return what enters the first block."""
        c = self.config
        x = self.embed(to_patches(around_zero(images, c.channels_in, c.image), c.patch))
        return torch.cat([self.collect.expand(len(x), 1, -1), x], dim=1) + self.position

    @classmethod
    def from_transformers(cls, model: nn.Module) -> ViT:
        """Return this model with the weights of a ``transformers.ViTForImageClassification``.

        That one reads pixels that were brought to [-1, 1]; this one takes [0, 1] and does it
        itself.

        Parameters
        ----------
        model
            Of the other library.

        Returns
        -------
        ViT
            In evaluation mode.

        Raises
        ------
        ValueError
            If the other model computes something that this one does not.
        """
        theirs = model.config
        wanted = {
            "model_type": "vit",
            "hidden_act": "gelu",
            "qkv_bias": True,
            "intermediate_size": 4 * theirs.hidden_size,
        }
        for name, value in wanted.items():
            if getattr(theirs, name, None) != value:
                raise ValueError(
                    f"the model has {name} = {getattr(theirs, name, None)!r}, expected {value!r}: "
                    "this ViT computes only that."
                )
        own = cls(
            ViTConfig(
                classes=model.classifier.out_features,
                channels_in=theirs.num_channels,
                image=theirs.image_size,
                patch=theirs.patch_size,
                channels=theirs.hidden_size,
                heads=theirs.num_attention_heads,
                layers=theirs.num_hidden_layers,
            )
        )
        weights = model.state_dict()
        state = {
            "collect": weights["vit.embeddings.cls_token"],
            "position": weights["vit.embeddings.position_embeddings"],
            "embed.weight": weights["vit.embeddings.patch_embeddings.projection.weight"].flatten(1),
            "embed.bias": weights["vit.embeddings.patch_embeddings.projection.bias"],
        }
        modules = {"norm": "vit.layernorm", "classify": "classifier"}
        for layer in range(theirs.num_hidden_layers):
            block, other = f"blocks.{layer}", f"vit.layers.{layer}"
            modules |= {
                f"{block}.attention_norm": f"{other}.layernorm_before",
                f"{block}.attention.project_out": f"{other}.attention.o_proj",
                f"{block}.feed_forward_norm": f"{other}.layernorm_after",
                f"{block}.feed_forward.widen": f"{other}.mlp.fc1",
                f"{block}.feed_forward.narrow": f"{other}.mlp.fc2",
            }
            for kind in ("weight", "bias"):
                state[f"{block}.attention.project_in.{kind}"] = torch.cat(
                    [weights[f"{other}.attention.{part}_proj.{kind}"] for part in "qkv"]
                )
        for ours, other in modules.items():
            for kind in ("weight", "bias"):
                state[f"{ours}.{kind}"] = weights[f"{other}.{kind}"]
        own.load_state_dict(state)
        for module in own.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = theirs.layer_norm_eps
        return own.eval()
