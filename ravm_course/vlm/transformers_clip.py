"""A published CLIP, run by ``transformers``, in the place of ours.

Chapter 17's model and one of 400 million pairs differ in size, not in what they do: a picture or a
text goes in, a unit vector comes out (Radford et al., "Learning transferable visual models from
natural language supervision", ICML 2021). Everything that takes our model takes this one. It is
read from a folder on this machine; nothing is fetched, and weights are read as safetensors only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ravm_course.training.checkpoint import state_mismatch

if TYPE_CHECKING:
    from transformers import CLIPModel, PreTrainedTokenizerBase

SAVE = (
    "On a machine with a network: CLIPModel.from_pretrained(NAME).save_pretrained(FOLDER) and "
    "CLIPProcessor.from_pretrained(NAME).save_pretrained(FOLDER); then bring the folder here."
)
_WEIGHTS = "model.safetensors"
_PARTS = "model.safetensors.index.json"
_PICTURES = ("preprocessor_config.json", "processor_config.json")


class TransformersCLIP(nn.Module):
    """Two towers of ``transformers`` with the methods of :class:`ravm_course.vlm.clip.CLIP`.

    Parameters
    ----------
    model
        The towers.
    tokenizer
        What the text tower was trained with.
    shortest, size
        Side to which the shorter side of a picture is brought, and that of the square which is
        then cut out of its middle.
    mean, std
        Of the colours that the image tower was trained with, red, green and blue.
    """

    def __init__(
        self,
        model: CLIPModel,
        tokenizer: PreTrainedTokenizerBase,
        shortest: int,
        size: int,
        mean: Sequence[float],
        std: Sequence[float],
    ):
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.shortest, self.image_size = shortest, size
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.model.config.projection_dim

    @property
    def context(self) -> int:
        """Most tokens of a text that are read, the marks of its two ends among them."""
        return self.model.config.text_config.max_position_embeddings

    @property
    def logit_scale(self) -> Tensor:
        """What similarities are multiplied by."""
        return self.model.logit_scale.exp()

    def prepare(self, images: Tensor) -> Tensor:
        """Bring pictures to the size and the range of colours of the image tower.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``, floating point in [0, 1].

        Returns
        -------
        Tensor
            Shape ``(B, 3, image_size, image_size)``.

        Raises
        ------
        ValueError
            If the shape is another.
        TypeError
            If they are not floating point.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise ValueError(
                f"images have shape {tuple(images.shape)}, expected (B, 3, H, W) and none empty. "
                "to_float() turns uint8 (N, H, W, 3) into that."
            )
        if not images.is_floating_point():
            raise TypeError(
                f"images are {images.dtype}, expected floating point in [0, 1]: use to_float()."
            )
        height, width = images.shape[2:]
        if min(height, width) != self.shortest:
            scale = self.shortest / min(height, width)
            size = [int(n * scale + 1e-9) for n in (height, width)]
            images = F.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = ((n - self.image_size) // 2 for n in images.shape[2:])
        images = images[:, :, top : top + self.image_size, left : left + self.image_size]
        return (images - self.mean) / self.std

    def encode_image(self, images: Tensor) -> Tensor:
        """Return unit vectors of pictures.

        Parameters
        ----------
        images
            Shape ``(B, 3, H, W)``, floating point in [0, 1], of any size.

        Returns
        -------
        Tensor
            Shape ``(B, dim)``, rows of length one.
        """
        found = self.model.get_image_features(pixel_values=self.prepare(images))
        return F.normalize(found.pooler_output, dim=-1)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors of texts; what is longer than the tower reads is cut off.

        Parameters
        ----------
        texts
            B strings.

        Returns
        -------
        Tensor
            Shape ``(B, dim)``, rows of length one.

        Raises
        ------
        TypeError
            If `texts` is one string, or one of them is not a string.
        ValueError
            If there is none.
        """
        if isinstance(texts, str):
            raise TypeError(f"texts is one string, {texts!r}: pass a list, such as [{texts!r}].")
        if len(texts) == 0:
            raise ValueError("texts is empty: pass at least one.")
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"a text must be a str, got {type(text).__name__}: {text!r}.")
        tokens = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.context,
            return_tensors="pt",
        ).to(self.mean.device)
        found = self.model.get_text_features(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        )
        return F.normalize(found.pooler_output, dim=-1)


def load_transformers_clip(folder: str | os.PathLike[str]) -> TransformersCLIP:
    """Load a CLIP that ``transformers`` saved.

    Parameters
    ----------
    folder
        With ``config.json``, ``model.safetensors`` (or its parts and their index), the tokenizer
        (``tokenizer.json``, or ``vocab.json`` and ``merges.txt``), and ``preprocessor_config.json``
        or ``processor_config.json``.

    Returns
    -------
    TransformersCLIP
        In evaluation mode, in single precision, on the CPU, without gradients.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is missing; weights in pickle are not read.
    ValueError
        If the folder holds another model, a file is damaged, or the parts do not fit each other.

    Examples
    --------
    >>> load_transformers_clip("openai/clip-vit-base-patch32")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no folder 'openai/clip-vit-base-patch32' here, and nothing is ...
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(folder)!r} here, and nothing is fetched from a hub. {SAVE}"
        )
    kind = _json(folder, "config.json").get("model_type")
    if kind != "clip":
        raise ValueError(f"{str(folder)!r} holds a model of type {kind!r}, expected 'clip'.")
    if not (folder / "tokenizer.json").is_file():
        for name in ("vocab.json", "merges.txt"):
            _file(folder, name)

    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    # numbers have no meaning without what made them: read pictures and texts as in training
    pictures = _json(folder, next((n for n in _PICTURES if (folder / n).is_file()), _PICTURES[0]))
    pictures = CLIPImageProcessorPil(**pictures.get("image_processor", pictures))
    try:
        model = CLIPModel(CLIPConfig.from_pretrained(folder, local_files_only=True))
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers and tokenizers raise what their parts raise
        raise ValueError(f"the CLIP in {str(folder)!r} cannot be made ({error}). {SAVE}") from error
    rows = model.config.text_config.vocab_size
    if len(tokenizer) > rows:
        raise ValueError(
            f"the tokenizer of {str(folder)!r} has {len(tokenizer)} tokens, the text tower {rows}: "
            "they belong to two models."
        )
    weights = _weights(folder)
    mismatch = state_mismatch(weights, model.state_dict())
    if mismatch:
        raise ValueError(f"the weights in {str(folder)!r} do not fit its config.json: {mismatch}")
    model.load_state_dict(weights)
    size, crop = pictures.size, pictures.crop_size
    square = crop["height"] == crop["width"] == model.config.vision_config.image_size
    if not square or size.get("shortest_edge", 0) < crop["height"]:
        raise ValueError(
            f"{str(folder)!r} asks for pictures of {dict(size)}, cut to {dict(crop)}; expected a "
            "shortest_edge and a square of the side that config.json names, "
            f"{model.config.vision_config.image_size}."
        )
    clip = TransformersCLIP(
        model,
        tokenizer,
        size["shortest_edge"],
        crop["height"],
        pictures.image_mean,
        pictures.image_std,
    )
    return clip.eval().requires_grad_(False)


def _file(folder: Path, name: str) -> Path:
    """Return a file of the folder, or say that it is missing."""
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{str(folder)!r} has no {name}: save the model again. {SAVE}")
    return folder / name


def _json(folder: Path, name: str) -> dict[str, Any]:
    """Return what a JSON file of the folder holds."""
    try:
        content = json.loads(_file(folder, name).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is no mapping")
    except ValueError as error:
        raise ValueError(
            f"{name} in {str(folder)!r} is damaged ({error}): save it again."
        ) from error
    return content


def _weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights of the folder in single precision."""
    names = [_WEIGHTS]
    if (folder / _PARTS).is_file():
        names = sorted(set(_json(folder, _PARTS)["weight_map"].values()))
    tensors: dict[str, Tensor] = {}
    for name in names:
        try:
            tensors |= load_file(_file(folder, name))
        except (SafetensorError, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(
                f"{name} in {str(folder)!r} is damaged ({error}): fetch it again."
            ) from error
    # older files also hold the numbers 0, 1, 2, ... of the positions
    return {k: v.float() for k, v in tensors.items() if not k.endswith(".position_ids")}
