"""Load the pairs of towers that ship with the course, or a published CLIP from a folder.

``emoji-clip`` was trained from scratch, on nothing but pictures and captions that ship with the
course, by ``tools/train_clip.py``. ``towers`` begins with what others learned, the published
weights of EfficientNet-Lite0 and MiniLM's vectors of words, and sees far better; it was trained by
``tools/train_towers.py``. The JSON file beside the weights of each holds the command, the seed, the
data's hash, the sizes and what was measured.
"""

from __future__ import annotations

import os
from pathlib import Path

from ravm_course.training import load_shipped, shipped_facts
from ravm_course.vlm.clip import CLIP, CLIPConfig
from ravm_course.vlm.transformers_clip import TransformersCLIP, load_transformers_clip

SHIPPED = ("emoji-clip", "towers")


def load_pretrained(name: str | os.PathLike[str] = "emoji-clip") -> CLIP | TransformersCLIP:
    """Load a model, ready for use: in evaluation mode, on the CPU.

    Parameters
    ----------
    name
        Of a shipped checkpoint, ``"emoji-clip"`` (small, from scratch) or ``"towers"`` (better);
        or a folder in which ``transformers`` saved a CLIP.

    Returns
    -------
    CLIP or TransformersCLIP
        The trained model. Both have ``encode_image``, ``encode_text`` and ``logit_scale``.

    Raises
    ------
    ravm_course.data.files.DataError
        If the checkpoint is missing or damaged.
    FileNotFoundError, ValueError
        If the folder is missing, lacks a file or does not hold a CLIP, see
        :func:`ravm_course.vlm.transformers_clip.load_transformers_clip`.

    Examples
    --------
    >>> model = load_pretrained("emoji-clip")
    >>> model.encode_text(["a red apple", "红苹果"]).shape
    torch.Size([2, 128])
    >>> load_pretrained("towers").encode_text(["a red apple", "红苹果"]).shape
    torch.Size([2, 256])
    """
    path = Path(name)
    if name not in SHIPPED and (len(path.parts) > 1 or path.is_dir()):
        return load_transformers_clip(path)
    config = shipped_facts(str(name))["config"]
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    return load_shipped(CLIP(CLIPConfig(**lists_as_tuples)), str(name))
