r"""Load captions in the formats of Flickr30k: the lists that its users pass on.

Five sentences a picture (Young et al., TACL 2014). Three lists of them are about:

- ``dataset_flickr30k.json`` of Karpathy & Fei-Fei (CVPR 2015), with the splits that papers report;
  their ``dataset_coco.json`` and ``dataset_flickr8k.json`` have the same form;
- ``results_20130124.token``, one line a sentence: ``1000092795.jpg#0``, a tab, the sentence;
- ``results.csv``, one line a sentence: ``1000092795.jpg| 0| Two young guys ...``, under a line of
  headings. One line of the file that is passed on lacks its second bar; it is understood.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ravm_course.data.captioned import (
    Captioned,
    CaptionedFolder,
    CaptionError,
    entry,
    gather,
    read_json,
    read_list,
)

_TOKEN = re.compile(r"(?P<name>[^\t]+)#(?P<number>\d+)\t(?P<caption>.*)")
_BARS = re.compile(r"(?P<name>[^|]+)\|\s*(?P<number>\d+)(?:\s*\||\s)(?P<caption>.*)")
_HEADINGS = re.compile(r"image_name\s*\|")


def load_flickr30k(
    folder: str | os.PathLike[str],
    captions: str | os.PathLike[str],
    *,
    skip_missing: bool = False,
) -> CaptionedFolder:
    """Return the pictures of a folder with their captions.

    Parameters
    ----------
    folder
        Of the pictures, such as ``flickr30k_images``; for Karpathy's list of COCO the folder that
        holds ``train2014`` and ``val2014``.
    captions
        One of the three lists; which one is seen from what it holds.
    skip_missing
        Leave out pictures whose files are not there, instead of refusing.

    Returns
    -------
    CaptionedFolder
        In the order of the list. Only Karpathy's list knows splits.

    Raises
    ------
    FileNotFoundError
        If the list, the folder or a picture is missing.
    ravm_course.data.captioned.CaptionError
        If the list is damaged or of another format, or if a picture or a sentence occurs twice.

    Examples
    --------
    >>> load_flickr30k("flickr30k_images", "results.csv")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no list of captions 'results.csv': give the file ...
    """
    text = read_list(captions)
    if text.lstrip()[:1] in ("{", "["):
        items = _karpathy(read_json(captions), Path(captions).name)
    else:
        items = _lines(text, Path(captions).name)
    return gather(folder, items, skip_missing=skip_missing)


def _karpathy(content: Any, file: str) -> Iterator[Captioned]:
    """Read a list of pictures that each hold their sentences."""
    for row, image in enumerate(entry(content, "images", list, repr(file))):
        where = f"{file!r}: image {row}"
        name = entry(image, "filename", str, where)
        if image.get("filepath"):
            name = f"{entry(image, 'filepath', str, where)}/{name}"
        sentences = [
            entry(sentence, "raw", str, f"{where}, sentence {i}").strip()
            for i, sentence in enumerate(entry(image, "sentences", list, where))
        ]
        id = str(image["cocoid"]) if "cocoid" in image else PurePosixPath(name).stem
        yield Captioned(id, name, tuple(sentences), entry(image, "split", str, where))


def _lines(text: str, file: str) -> Iterator[Captioned]:
    """Read a list with one sentence a line."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    lines = text.split("\n")  # splitlines() would also cut at rare characters within a sentence
    start = 1 if _HEADINGS.match(lines[0]) else 0
    for number, line in enumerate(lines[start:], start=start + 1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        parts = _TOKEN.fullmatch(line) or _BARS.fullmatch(line)
        if parts is None:
            raise CaptionError(
                f"{file!r}, line {number}: {line[:60]!r} is neither 'name.jpg#0<tab>sentence' nor "
                "'name.jpg| 0| sentence': the file is damaged or of another format."
            )
        name, place = parts["name"].strip(), int(parts["number"])
        if place in found[name]:
            raise CaptionError(
                f"{file!r}, line {number}: sentence {place} of {name!r} stands there already."
            )
        found[name][place] = parts["caption"].strip()
    for name, sentences in found.items():
        ordered = tuple(sentences[place] for place in sorted(sentences))
        yield Captioned(PurePosixPath(name).stem, name, ordered)
