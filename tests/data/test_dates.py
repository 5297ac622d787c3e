"""Dates are written as they should be, each part marks its characters, splits do not overlap."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.data.dates import (
    FIRST,
    FORMATS,
    ISO_PARTS,
    LAST,
    MONTHS,
    ORDINALS,
    random_date,
    split_dates,
    write_date,
)

DAYS = st.dates(FIRST, LAST)
FORMS = st.integers(0, len(FORMATS) - 1)


@pytest.mark.parametrize("form", range(len(FORMATS)))
def test_a_format_is_named_by_its_example(form):
    assert write_date(date(1997, 3, 4), form).text == FORMATS[form]


@given(day=DAYS, form=FORMS)
def test_every_part_marks_what_was_written_for_it(day, form):
    found = write_date(day, form)
    assert len(found.parts) == len(found.text)
    assert set(found.parts) <= set("ymd-")
    part = {
        letter: "".join(c for c, p in zip(found.text, found.parts, strict=True) if p == letter)
        for letter in "ymd"
    }
    assert int(part["y"]) in (day.year, day.year % 100)
    assert part["m"] == (str(day.month) if form in (3, 4) else MONTHS[day.month - 1])
    if form == 5:
        assert part["d"] == ORDINALS[day.day - 1]
    else:
        assert int(part["d"].rstrip("sthndr")) == day.day
    assert len(found.iso) == len(ISO_PARTS)
    assert date.fromisoformat(found.iso) == day


def test_no_text_stands_for_two_dates():
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    iso = {}
    for day in days:
        for form in range(len(FORMATS)):
            found = write_date(day, form)
            assert iso.setdefault(found.text, found.iso) == found.iso


@pytest.mark.parametrize(
    ("day", "ending"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(day, ending):
    assert f" {ending} " in write_date(date(2000, 5, day), 2).text


def test_splits_share_no_date_and_hold_them_all():
    parts = split_dates(seed=3, held_out=100)
    together = [day for part in parts for day in part]
    assert len(set(together)) == len(together) == (LAST - FIRST).days + 1
    assert parts == split_dates(seed=3, held_out=100)
    assert parts != split_dates(seed=4, held_out=100)


def test_chance_comes_from_the_generator():
    days = split_dates()[0]
    one, other = ([random_date(days, random.Random(0)) for _ in range(3)] for _ in range(2))
    assert one == other


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="format 7 is unknown"):
        write_date(FIRST, 7)
    with pytest.raises(ValueError, match="two digits of its year"):
        write_date(date(1850, 1, 1), 4)
