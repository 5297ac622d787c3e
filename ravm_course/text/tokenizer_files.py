"""The files of byte-level BPE tokenizers: Hugging Face's ``tokenizer.json``, and GPT-2's two.

A ``tokenizer.json`` can describe many kinds of tokenizers. Those that
:class:`ravm_course.text.tokenizer.BPETokenizer` would not reproduce to the number are refused with
the name of the setting: a tokenizer that is almost right ruins a model without a word.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ravm_course.data.atomic import write_text
from ravm_course.text.pretokenise import from_visible, to_visible

#: Vocabulary (token to number), merges, and special tokens with their numbers.
_Parts = tuple[dict[bytes, int], list[tuple[bytes, bytes]], dict[str, int]]

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
# what the settings of the model must be, if they are there at all
_MODEL = {
    "dropout": (None, 0.0),
    "continuing_subword_prefix": (None, ""),
    "end_of_word_suffix": (None, ""),
    "byte_fallback": (False, None),
    "ignore_merges": (False, None),
}
_ADDED = {"single_word": False, "lstrip": False, "rstrip": False}


def write_json(
    path: str | os.PathLike[str],
    vocabulary: Mapping[bytes, int],
    merges: Sequence[tuple[bytes, bytes]],
    special: Mapping[str, int],
) -> None:
    """Write a ``tokenizer.json``.

    Parameters
    ----------
    path
        The file; replaced in one step.
    vocabulary
        Token to number.
    merges
        The pairs to merge, in order.
    special
        Special token to number.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    numbers = {to_visible(token): i for token, i in vocabulary.items()} | dict(special)
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, **_ADDED, "normalized": False, "special": True}
            for token, i in sorted(special.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {**_BYTE_LEVEL, "use_regex": True},
        "post_processor": None,
        "decoder": {**_BYTE_LEVEL, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": dict(sorted(numbers.items(), key=lambda item: item[1])),
            "merges": [[to_visible(left), to_visible(right)] for left, right in merges],
        },
    }
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read_json(path: str | os.PathLike[str]) -> _Parts:
    """Read a ``tokenizer.json`` of a byte-level BPE tokenizer.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    vocabulary : dict
        Token to number.
    merges : list of tuple
        The pairs to merge, in order.
    special : dict
        Added token to number.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, cut off, or describes a tokenizer that would give other numbers.
    """
    name = os.fspath(path)
    content = _load(path)
    model = _part(content, "model", dict, name)
    if model.get("type", "BPE") != "BPE":
        raise ValueError(f"{name}: the model is {model['type']!r}: only 'BPE' can be read.")
    _refuse_other_kinds(content, model, name)
    special = {}
    for added in content.get("added_tokens") or []:
        if not (isinstance(added, dict) and isinstance(added.get("content"), str)):
            raise ValueError(f"{name}: among the added tokens stands {str(added)[:60]}. {_DAMAGED}")
        for setting, expected in _ADDED.items():
            if added.get(setting, expected) != expected:
                raise ValueError(
                    f"{name}: the added token {added['content']!r} has {setting}=true, which is "
                    "not supported: use Hugging Face's tokenizers for this file."
                )
        special[added["content"]] = added.get("id")
    numbers = _part(model, "vocab", dict, name) | special
    merges = [_pair(merge, name) for merge in _part(model, "merges", list, name)]
    return _parts(numbers, merges, special, name)


def read_gpt2(
    vocabulary: str | os.PathLike[str],
    merges: str | os.PathLike[str],
    special: Sequence[str] = ("<|endoftext|>",),
) -> _Parts:
    """Read ``encoder.json`` (or ``vocab.json``) and ``vocab.bpe`` (or ``merges.txt``).

    Parameters
    ----------
    vocabulary
        The file with token to number.
    merges
        The file with a pair a line, the first line a comment.
    special
        Which tokens of the vocabulary are special.

    Returns
    -------
    vocabulary : dict
    merges : list of tuple
    special : dict

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file is damaged, or a special token is not in the vocabulary.
    """
    numbers = _load(vocabulary)
    lacking = [token for token in special if token not in numbers]
    if lacking:
        raise ValueError(
            f"{os.fspath(vocabulary)}: the special token {lacking[0]!r} is not in the vocabulary: "
            "name those that are, in special=[...]."
        )
    name = os.fspath(merges)
    lines = _read(merges).split("\n")
    if lines and lines[0].startswith("#version"):
        lines = lines[1:]
    pairs = [_pair(line, name) for line in lines if line]
    return _parts(numbers, pairs, {token: numbers[token] for token in special}, name)


_DAMAGED = "The file is damaged or no tokenizer's: save or fetch it again."


def _read(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{os.fspath(path)}: this is not UTF-8 (byte {error.start}). {_DAMAGED}"
        ) from None


def _load(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        content = json.loads(_read(path))
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if hasattr(error, "lineno") else "nested deeply"
        raise ValueError(
            f"{os.fspath(path)}: this is not JSON ({where}). The file is damaged or was cut off: "
            "save or fetch it again."
        ) from None
    if not isinstance(content, dict):
        raise ValueError(f"{os.fspath(path)}: this is a {type(content).__name__}. {_DAMAGED}")
    return content


def _part(of: dict[str, Any], key: str, kind: type, name: str) -> Any:
    if not isinstance(of.get(key), kind):
        raise ValueError(f"{name}: {key!r} is missing or is not a {kind.__name__}. {_DAMAGED}")
    return of[key]


def _refuse_other_kinds(content: dict[str, Any], model: dict[str, Any], name: str) -> None:
    """Raise if a setting would change the numbers."""
    before = content.get("pre_tokenizer")
    after = content.get("post_processor")
    problems = []
    if not isinstance(before, dict) or before.get("type") != "ByteLevel":
        problems.append("the pre_tokenizer is not 'ByteLevel'")
    else:
        if before.get("add_prefix_space", True):
            problems.append("the pre_tokenizer adds a space at the beginning")
        if not before.get("use_regex", True):
            problems.append("the pre_tokenizer does not cut between words")
    if after is not None and not (isinstance(after, dict) and after.get("type") == "ByteLevel"):
        problems.append("the post_processor adds tokens")
    problems += [
        f"{key!r} is set" for key in ("normalizer", "truncation", "padding") if content.get(key)
    ]
    problems += [
        f"the model's {key!r} is {model[key]!r}"
        for key, allowed in _MODEL.items()
        if key in model and model[key] not in allowed
    ]
    if problems:
        raise ValueError(
            f"{name}: {problems[0]}. BPETokenizer would give other numbers: use Hugging Face's "
            "tokenizers for this file."
        )


def _pair(merge: object, name: str) -> tuple[str, str]:
    """Return a merge as two tokens: it stands as ``"a b"`` or as ``["a", "b"]``."""
    pair = merge.split(" ") if isinstance(merge, str) else merge
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, str) for t in pair)):
        raise ValueError(f"{name}: {str(merge)[:60]!r} stands where two tokens should. {_DAMAGED}")
    return pair[0], pair[1]


def _parts(
    numbers: dict[str, Any], merges: list[tuple[str, str]], special: dict[str, Any], name: str
) -> _Parts:
    """Turn visible characters into bytes, and check the numbers."""
    for token, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"{name}: the number of {token[:40]!r} is {number!r}. {_DAMAGED}")
    try:
        vocabulary = {
            from_visible(token): number for token, number in numbers.items() if token not in special
        }
        pairs = [(from_visible(left), from_visible(right)) for left, right in merges]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return vocabulary, pairs, special
