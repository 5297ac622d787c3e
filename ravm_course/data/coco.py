"""Load captions in the format of COCO: one JSON file for a folder of pictures.

``captions_val2017.json`` lists pictures under ``"images"`` and sentences under ``"annotations"``,
tied by the number of the picture (Chen et al., "Microsoft COCO captions", 2015). The set itself
does not ship: it is 19 GB, and its pictures have licences of their own.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from ravm_course.data.captioned import (
    Captioned,
    CaptionedFolder,
    CaptionError,
    entry,
    gather,
    read_json,
)


def load_coco(
    folder: str | os.PathLike[str],
    annotations: str | os.PathLike[str],
    *,
    split: str = "",
    skip_missing: bool = False,
) -> CaptionedFolder:
    """Return the pictures of a folder with their captions.

    Parameters
    ----------
    folder
        Of the pictures, such as ``val2017``.
    annotations
        Such as ``annotations/captions_val2017.json``.
    split
        What to call the split of all these pictures; the file itself does not say it.
    skip_missing
        Leave out pictures whose files are not there, instead of refusing.

    Returns
    -------
    CaptionedFolder
        In the order of ``"images"``; captions in the order of ``"annotations"``.

    Raises
    ------
    FileNotFoundError
        If the file, the folder or a picture is missing.
    ravm_course.data.captioned.CaptionError
        If the file is damaged or another one of COCO's, if a number occurs twice, or if a caption
        belongs to no picture.

    Examples
    --------
    >>> load_coco("val2017", "captions_val2017.json")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no list of captions 'captions_val2017.json': give the file ...
    """
    content, file = read_json(annotations), Path(annotations).name
    images = entry(content, "images", list, repr(file))
    names: dict[int, str] = {}
    for row, image in enumerate(images):
        where = f"{file!r}: image {row}"
        number = entry(image, "id", int, where)
        if number in names:
            raise CaptionError(f"{where} has the id {number} of an earlier one: mend the list.")
        names[number] = entry(image, "file_name", str, where)
    captions: dict[int, list[str]] = defaultdict(list)
    seen: set[int] = set()
    # the file of the test pictures has no such list
    rows = entry({"annotations": [], **content}, "annotations", list, repr(file))
    for row, annotation in enumerate(rows):
        where = f"{file!r}: annotation {row}"
        number, image = (entry(annotation, key, int, where) for key in ("id", "image_id"))
        if number in seen:
            raise CaptionError(f"{where} has the id {number} of an earlier one: mend the list.")
        seen.add(number)
        if image not in names:
            raise CaptionError(f"{where} belongs to image {image}, which the file does not list.")
        if "caption" not in annotation and "category_id" in annotation:
            raise CaptionError(
                f"{where} is an object and not a sentence: give the file whose name begins with "
                "captions_."
            )
        captions[image].append(entry(annotation, "caption", str, where).strip())
    items = (Captioned(str(n), name, tuple(captions[n]), split) for n, name in names.items())
    return gather(folder, items, skip_missing=skip_missing)
