"""Dates written in seven ways: a task of translation whose alignment is known.

Every date of a hundred years is written in one of seven formats, as people write them, and is to be
written as ISO 8601 has it, year, month, day. The writer of a format knows which characters it took
from the year, the month and the day, so that what attention *should* look at is known by
construction. Formats are chosen so that each has one reading: "3/4/1997" is always month first,
"3.4.97" always day first, and a year of two digits lies in 1930 to 2029.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
WEEKDAYS = tuple("Mon Tue Wed Thu Fri Sat Sun".split())  # noqa: SIM905
_UNDER_20 = tuple(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "  # noqa: SIM905
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split()
)
ORDINALS = (
    *_UNDER_20,
    "twentieth",
    *(f"twenty-{word}" for word in _UNDER_20[:9]),
    "thirtieth",
    "thirty-first",
)

#: names of the formats, by the fourth of March 1997
FORMATS = (
    "4 March 1997",
    "March 4, 1997",
    "March 4th 1997",
    "3/4/1997",
    "4.3.97",
    "the fourth of March, 1997",
    "Tue 04-March-1997",
)

FIRST, LAST = date(1930, 1, 1), date(2029, 12, 31)


@dataclass(frozen=True)
class DateText:
    """A date as somebody wrote it.

    Attributes
    ----------
    text
        Such as ``"4 Mar 1997"``.
    parts
        One letter for each character of the text: ``y``, ``m`` or ``d`` if it was written for the
        year, the month or the day, ``-`` if for neither (spaces, weekday, "the").
    iso
        The same date as ``"1997-03-04"``.
    """

    text: str
    parts: str
    iso: str


#: what each character of an ISO date is, in the letters of ``DateText.parts``
ISO_PARTS = "yyyy-mm-dd"


def write_date(day: date, form: int, month: str | None = None) -> DateText:
    """Write a date.

    Parameters
    ----------
    day
        The date.
    form
        Index into `FORMATS`.
    month
        How to write its name, where it has one: the whole name without.

    Returns
    -------
    DateText

    Raises
    ------
    ValueError
        If there is no such format, or the date is outside the hundred years and the format would
        write two digits of its year.

    Examples
    --------
    >>> write_date(date(1997, 3, 4), 2)
    DateText(text='March 4th 1997', parts='mmmmm-ddd-yyyy', iso='1997-03-04')
    """
    if not 0 <= form < len(FORMATS):
        raise ValueError(f"format {form} is unknown: choose 0 to {len(FORMATS) - 1}.")
    if form == 4 and not FIRST <= day <= LAST:
        raise ValueError(
            f"{day} is outside {FIRST.year} to {LAST.year}, so two digits of its year say too "
            "little: choose another format."
        )
    y, m, d = (str(day.year), "y"), (month or MONTHS[day.month - 1], "m"), (str(day.day), "d")
    pieces = {
        0: (d, " ", m, " ", y),
        1: (m, " ", d, ", ", y),
        2: (m, " ", (f"{day.day}{_ending(day.day)}", "d"), " ", y),
        3: ((str(day.month), "m"), "/", d, "/", y),
        4: (d, ".", (str(day.month), "m"), ".", (f"{day.year % 100:02d}", "y")),
        5: ("the ", (ORDINALS[day.day - 1], "d"), " of ", m, ", ", y),
        6: (f"{WEEKDAYS[day.weekday()]} ", (f"{day.day:02d}", "d"), "-", m, "-", y),
    }[form]
    marked = [piece if isinstance(piece, tuple) else (piece, "-") for piece in pieces]
    return DateText(
        text="".join(text for text, _ in marked),
        parts="".join(part * len(text) for text, part in marked),
        iso=day.isoformat(),
    )


def random_date(days: list[date], rng: random.Random, form: int | None = None) -> DateText:
    """Write one of some dates in a random format, its month in full, in capitals or as 3 letters.

    Parameters
    ----------
    days
        To choose from.
    rng
        Source of chance.
    form
        The format, if it is to be this one.

    Examples
    --------
    >>> random_date([date(1997, 3, 4)], random.Random(5)).iso
    '1997-03-04'
    """
    day = rng.choice(days)
    name = MONTHS[day.month - 1]
    month = rng.choice((name, name[:3], name.upper()))
    return write_date(day, rng.randrange(len(FORMATS)) if form is None else form, month)


def split_dates(seed: int = 0, held_out: int = 2000) -> tuple[list[date], list[date], list[date]]:
    """Divide all dates of the hundred years into training, validation and test.

    A date is on one side in all its formats.

    Parameters
    ----------
    seed
        Of the random order.
    held_out
        Dates for validation, and as many for the test.

    Returns
    -------
    tuple of list of date
        Training, validation, test.

    Examples
    --------
    >>> [len(part) for part in split_dates()]
    [32525, 2000, 2000]
    """
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    random.Random(seed).shuffle(days)
    return days[2 * held_out :], days[:held_out], days[held_out : 2 * held_out]


def _ending(day: int) -> str:
    """Return what makes an ordinal of a number."""
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
