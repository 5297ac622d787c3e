"""Load the two towers that ship with the course.

``emoji-clip`` was trained from scratch, on nothing but pictures and captions that ship with the
course, by ``tools/train_clip.py``; the JSON file beside its weights holds the command, the seed,
the data's hash, the sizes and what was measured.
"""

from __future__ import annotations

from ravm_course.training import load_shipped, shipped_facts
from ravm_course.vlm.clip import CLIP, CLIPConfig


def load_pretrained(name: str = "emoji-clip") -> CLIP:
    """Load a shipped model, ready for use: in evaluation mode, on the CPU.

    Parameters
    ----------
    name
        Name of the checkpoint.

    Returns
    -------
    CLIP
        The trained model.

    Raises
    ------
    ravm_course.data.files.DataError
        If the checkpoint is missing or damaged.

    Examples
    --------
    >>> model = load_pretrained("emoji-clip")
    >>> model.encode_text(["a red apple", "红苹果"]).shape
    torch.Size([2, 128])
    """
    config = shipped_facts(name)["config"]
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    return load_shipped(CLIP(CLIPConfig(**lists_as_tuples)), name)
