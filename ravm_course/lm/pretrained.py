"""Load the GPT that ships with the course."""

from __future__ import annotations

from ravm_course.lm.gpt import GPT, GPTConfig
from ravm_course.training import load_shipped, shipped_facts


def load_speech_gpt() -> GPT:
    """Return the GPT that ``tools/train_gpt.py`` trained on the training speeches.

    Its tokens are those of :func:`ravm_course.lm.speech_tokens.load_speech_tokens` with the
    vocabulary that its record names; the last of them ends a speech and begins a text.

    Returns
    -------
    GPT
        In evaluation mode, without gradients.

    Raises
    ------
    ravm_course.data.files.DataError
        If the checkpoint is missing or damaged.

    Examples
    --------
    >>> from ravm_course.lm import generate, load_speech_tokens
    >>> model, speeches = load_speech_gpt(), load_speech_tokens(4096)
    >>> prompt = speeches.tokenizer.encode("The President of the United")
    >>> import torch
    >>> ids = generate(model, torch.tensor([[speeches.end, *prompt]]), 1, temperature=0)
    >>> speeches.tokenizer.decode(ids[0, 1:].tolist())
    'The President of the United States'
    """
    return load_shipped(GPT(GPTConfig(**shipped_facts("speech-gpt")["config"])), "speech-gpt")
