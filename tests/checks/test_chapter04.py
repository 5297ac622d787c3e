"""Each check of chapter 4 accepts right answers and rejects plausible mistakes."""

import itertools

import pytest

from ravm_course.checks import chapter04
from ravm_course.checks.compare import CheckFailed

MERGES = [("e", "n"), ("h", "en"), ("t", "hen")]
TENTH = ["t", "en", "t", "h"]
MINHASH = (0.04, 0.9996, 0.186)


@pytest.mark.parametrize("merges", [MERGES, [list(pair) for pair in MERGES], tuple(MERGES)])
def test_merges_accepts(merges, capsys):
    chapter04.check_merges(merges, tuple(TENTH))
    assert capsys.readouterr().out.count("Right") == 2


@pytest.mark.parametrize(
    "merges",
    [
        [("e", "n"), ("p", "i"), ("h", "en")],  # each word counted once
        [("e", "n"), ("h", "e"), ("t", "h")],  # not counted anew
        [("e", "n"), ("t", "h"), ("th", "en")],  # a neighbour of the merged piece forgotten
        [("e", "n"), ("h", "en")],  # one missing
        ["en", "hen", "then"],  # pieces, not pairs
        [("en", "h"), ("hen", "t"), ("n", "e")],
        "en",
    ],
)
def test_merges_rejects(merges):
    with pytest.raises(CheckFailed):
        chapter04.check_merges(merges, TENTH)


def test_the_wrong_form_is_named():
    with pytest.raises(CheckFailed, match="give three pairs"):
        chapter04.check_merges(["en", "hen", "then"], TENTH)
    with pytest.raises(CheckFailed, match="give the list of its pieces"):
        chapter04.check_merges(MERGES, "t en t h")


@pytest.mark.parametrize(
    "tenth",
    [
        ["t", "e", "n", "t", "h"],  # nothing merged
        ["ten", "th"],  # pieces that were never learned
        ["t", "en", "th"],  # a pair that was not merged in training
        ["tenth"],
        "t en t h",
    ],
)
def test_tenth_rejects(tenth):
    with pytest.raises(CheckFailed):
        chapter04.check_merges(MERGES, tenth)


def test_minhash_accepts(capsys):
    chapter04.check_minhash(*MINHASH)
    assert capsys.readouterr().out.count("Right") == 3


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        (0, 0.0016),  # the variance
        (0, 0.4),  # not divided by the number of places
        (0, 0.004),  # divided by 100 outside the root
        (0, 0.08),  # twice the error
        (1, 0.8**5),  # one band only
        (1, 1 - (1 - 0.8**20) ** 5),  # bands and rows exchanged
        (2, (1 - 0.4**5) ** 20),  # of not meeting
        (2, 20 * 0.4**5),  # added up
        (2, 1 - (1 - 0.4**20) ** 5),
        (2, 0.4**100),
    ],
)
def test_minhash_rejects(place, answer):
    answers = [*MINHASH]
    answers[place] = answer
    with pytest.raises(CheckFailed):
        chapter04.check_minhash(*answers)


def bpe(pieces, ranks):
    pieces = list(pieces)
    while found := [
        (ranks[pair], i) for i, pair in enumerate(itertools.pairwise(pieces)) if pair in ranks
    ]:
        i = min(found)[1]
        pieces = [*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2 :]]
    return pieces


def test_bpe_accepts(capsys):
    chapter04.check_bpe(bpe)
    assert "Right: 8" in capsys.readouterr().out


def leftmost(pieces, ranks):
    """Take the first pair that can be merged."""
    pieces = list(pieces)
    i = 0
    while i < len(pieces) - 1:
        if (pieces[i], pieces[i + 1]) in ranks:
            pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
            i = 0
        else:
            i += 1
    return pieces


def longest(pieces, ranks):
    """Take the longest known piece from the left."""
    known = {a + b for a, b in ranks} | set(pieces)
    text, result = "".join(pieces), []
    while text:
        piece = max((k for k in known if text.startswith(k)), key=len)
        result.append(piece)
        text = text[len(piece) :]
    return result


def rightmost(pieces, ranks):
    """Take the last of equal ranks."""
    pieces = list(pieces)
    while found := [
        (ranks[pair], -i) for i, pair in enumerate(itertools.pairwise(pieces)) if pair in ranks
    ]:
        i = -min(found)[1]
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
    return pieces


def one_pass(pieces, ranks):
    """Go through the merges once, in order: right only if their order is consistent."""
    pieces = list(pieces)
    for pair in sorted(ranks, key=ranks.get):
        i = 0
        while i < len(pieces) - 1:
            if (pieces[i], pieces[i + 1]) == pair:
                pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
            i += 1
    return pieces


def highest(pieces, ranks):
    """Take the pair that was learned last."""
    return bpe(pieces, {pair: -rank for pair, rank in ranks.items()})


def once(pieces, ranks):
    """Merge one pair and stop."""
    found = [(ranks[p], i) for i, p in enumerate(itertools.pairwise(pieces)) if p in ranks]
    if not found:
        return pieces
    i = min(found)[1]
    return [*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2 :]]


def in_place(pieces, ranks):
    """Change the list that was given."""
    pieces[:] = bpe(pieces, ranks)
    return pieces


@pytest.mark.parametrize(
    "wrong",
    [leftmost, longest, rightmost, one_pass, highest, once, in_place, lambda p, r: "".join(p)],
)
def test_bpe_rejects(wrong):
    with pytest.raises(CheckFailed):
        chapter04.check_bpe(wrong)


def test_stubs_are_not_attempted(capsys):
    chapter04.check_merges(..., ...)
    chapter04.check_minhash(..., ..., ...)
    chapter04.check_bpe(lambda pieces, ranks: ...)
    chapter04.check_bpe(...)
    assert capsys.readouterr().out.count("Not attempted yet") == 6
