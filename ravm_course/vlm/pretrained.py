"""Load the pairs of towers that ship with the course.

``emoji-clip`` was trained from scratch, on nothing but pictures and captions that ship with the
course, by ``tools/train_clip.py``. ``towers`` begins with what others learned, the published
weights of EfficientNet-Lite0 and MiniLM's vectors of words, and sees far better; it was trained by
``tools/train_towers.py``. The JSON file beside the weights of each holds the command, the seed, the
data's hash, the sizes and what was measured.
"""

from __future__ import annotations

from ravm_course.training import load_shipped, shipped_facts
from ravm_course.vlm.clip import CLIP, CLIPConfig


def load_pretrained(name: str = "emoji-clip") -> CLIP:
    """Load a shipped model, ready for use: in evaluation mode, on the CPU.

    Parameters
    ----------
    name
        Name of the checkpoint: ``"emoji-clip"`` (small, from scratch) or ``"towers"`` (better).

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
    >>> load_pretrained("towers").encode_text(["a red apple", "红苹果"]).shape
    torch.Size([2, 256])
    """
    config = shipped_facts(name)["config"]
    lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    return load_shipped(CLIP(CLIPConfig(**lists_as_tuples)), name)
