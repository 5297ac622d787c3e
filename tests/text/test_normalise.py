"""Cleaning and normal forms."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text.normalise import _characters, changed, clean

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
marks = st.sampled_from("e\u0301\u0323aA\u030a각ᄀ\u1161\u11a8ﬁ²½，Ω豈ञ\u093cঅ\u09be\u09c7 x")
texts = st.one_of(st.text(marks, max_size=20), st.text(max_size=30))


@settings(deadline=None, max_examples=300)
@given(texts, st.sampled_from(FORMS))
def test_the_pieces_give_the_normal_form_of_the_whole(text, form):
    pieces = list(_characters(text, form))
    assert "".join(pieces) == text
    normal = unicodedata.normalize(form, text)
    assert "".join(unicodedata.normalize(form, piece) for piece in pieces) == normal
    assert (changed(text, form).total() == 0) == (normal == text)


@settings(deadline=None, max_examples=300)
@given(texts)
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()  # nothing is left that UTF-8 cannot write


def test_what_carries_meaning_stays():
    for text in (
        "👩\u200d🚀",
        "می\u200cخواهم",
        "soft\u00adhyphen",
        "a\tb\nc",
        "\u3000 字",
        "\u200e",
    ):
        assert clean(text) == text


def test_what_was_never_meant_goes():
    assert clean("a\r\nb\rc\u2028d\x85e") == "a\nb\nc\nd\ne"
    assert clean("once\x0bmore\x0cand more") == "once\nmore\nand more"  # words stay apart
    assert clean("\ufeffa\x00b\x1bc\x7f\ud800\ufffe") == "abc"
    assert clean("\u212b") == "\u00e5".upper()  # the angstrom sign is the letter, even in NFC


def test_counts_before_and_after():
    counts = changed("m² m² ①，" * 2)
    assert counts == {("²", "2"): 4, ("①", "1"): 2, ("，", ","): 2}
    assert changed("e\u0301", "NFC") == {("e\u0301", "é"): 1}
    assert changed("é", "NFD") == {("é", "e\u0301"): 1}


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form is 'NFX'"):
        changed("a", "NFX")
