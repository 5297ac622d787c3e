"""Shannon's guessing game: players, what is counted, and the bounds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text import guessing
from ravm_course.text.guessing import SYMBOLS, LetterGuesser, Passage, bounds, play, to_symbols
from ravm_course.text.information import entropy
from ravm_course.text.ngram import NGramLM

text = st.text(SYMBOLS, min_size=1, max_size=12)
TEXTS = ["the people of the states", "the state of the union", "we the people"]


def fitted(order=3):
    lm = NGramLM(order, discount_fallback=True)
    return lm.fit([list(t) for t in TEXTS], vocabulary=list(SYMBOLS))


@given(st.text(max_size=60))
def test_symbols_are_27_and_spaces_stand_alone(given_text):
    symbols = to_symbols(given_text)
    assert set(symbols) <= set(SYMBOLS)
    assert "  " not in symbols
    assert symbols == symbols.strip() == to_symbols(symbols)


def test_every_sentence_of_a_speech_reads_as_words():
    assert to_symbols("Mr. Polk's $15,000,000 -- was it much?") == "mr polk s was it much"


@given(text, text, st.permutations(SYMBOLS))
def test_a_fixed_order_takes_as_many_guesses_as_its_place(shown, hidden, order):
    guesses = play(Passage(shown, hidden), lambda _, tried: order[len(tried)])
    assert guesses == [order.index(symbol) + 1 for symbol in hidden]


def test_a_player_sees_what_came_and_what_was_tried():
    seen = []

    def player(so_far, tried):
        seen.append((so_far, tried))
        return "abc"[len(tried)]

    play(Passage("x", "ba"), player)
    assert seen == [("x", ""), ("x", "a"), ("xb", "")]


def test_a_player_may_stop():
    assert play(Passage("", "aaa"), lambda so_far, _: "a" if len(so_far) < 2 else None) == [1, 1]


@pytest.mark.parametrize("guess", ["A", "ab", "", "é", "a"])
def test_a_guess_that_is_none_is_refused(guess):
    with pytest.raises(ValueError, match="give a symbol not tried"):
        play(Passage("", "b"), lambda so_far, tried: guess if tried else "a")


@pytest.mark.parametrize(
    ("shown", "hidden", "message"),
    [("The", "x", "shown holds 'T'"), ("", "a1", "hidden holds '1'"), ("a", "", "hidden is empty")],
)
def test_a_passage_holds_symbols_only(shown, hidden, message):
    with pytest.raises(ValueError, match=message):
        Passage(shown, hidden)


@settings(deadline=None, max_examples=30)
@given(text, text)
def test_the_model_guesses_in_the_order_of_its_probabilities(shown, hidden):
    player = LetterGuesser(fitted())
    passage = Passage(shown, hidden)
    guesses, bits = play(passage, player), player.bits(passage)
    for place, (count, cost) in enumerate(zip(guesses, bits, strict=True)):
        p = player.probabilities(shown + hidden[:place])
        assert abs(p.sum() - 1) < 1e-12
        own = p[SYMBOLS.index(hidden[place])]
        assert cost == pytest.approx(-math.log2(own))
        assert (p > own).sum() < count <= (p >= own).sum()


def test_the_model_looks_at_its_last_letters_only():
    player = LetterGuesser(fitted(order=3))
    np.testing.assert_array_equal(
        player.probabilities("xxxxxxthe"), player.probabilities("zzz zzz zhe")
    )


def test_its_probabilities_are_those_of_the_language_model_among_symbols():
    lm = fitted()
    p = LetterGuesser(lm).probabilities("we th")
    raw = np.exp([lm.log_prob(symbol, list("we th")) for symbol in SYMBOLS])
    np.testing.assert_allclose(p, raw / raw.sum(), rtol=1e-12)


def test_a_model_of_order_one_needs_no_context():
    player = LetterGuesser(NGramLM(1, "add-k").fit([list(SYMBOLS)]))
    np.testing.assert_allclose(player.probabilities("we the"), 1 / 27)


def test_a_model_of_words_is_refused():
    with pytest.raises(ValueError, match="does not know 'a'"):
        LetterGuesser(NGramLM(2, "add-k").fit([["we", "the", "people"]]))


def test_a_person_is_asked_until_the_guess_is_one(monkeypatch, capsys):
    answers = iter(["", "ab", "7", "_", "E", "stop"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert guessing.ask("we th", "a") == " "  # a blank is a space
    assert guessing.ask("we th", "a ") == "e"  # two letters, a digit, a tried blank: asked again
    assert guessing.ask("we th", "") is None
    out = capsys.readouterr().out
    assert "we_th▢   not a, _" in out
    assert out.count("not tried yet") == 3


def test_a_person_plays(monkeypatch):
    answers = iter(["t", "h", "a", "e", "_", "w", "stop"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert play(Passage("see ", "the we"), guessing.ask) == [1, 1, 2, 1, 1]


def shannon(guesses):
    """Shannon's two sums, term by term."""
    q = [guesses.count(i) / len(guesses) for i in range(1, 29)]
    lower = sum(i * (q[i - 1] - q[i]) * math.log2(i) for i in range(1, 28))
    return lower, -sum(p * math.log2(p) for p in q if p)


@given(st.lists(st.integers(1, 27), min_size=1, max_size=60))
def test_the_bounds_are_shannons_sums(guesses):
    assert bounds(guesses) == pytest.approx(shannon(guesses), abs=1e-12)


@given(st.lists(st.integers(0, 100), min_size=27, max_size=27).filter(any))
def test_the_lower_bound_is_below_the_upper_one(times):
    times = sorted(times, reverse=True)  # as for an ideal player
    guesses = np.repeat(np.arange(1, 28), times)
    lower, upper = bounds(guesses)
    assert -1e-12 <= lower <= upper + 1e-12 <= math.log2(27) + 2e-12


def test_they_enclose_the_entropy_of_an_ideal_player():
    rng = np.random.default_rng(0)
    for _ in range(20):
        contexts = rng.dirichlet(np.full(27, 0.2), size=50)  # p(next | context), 50 contexts
        shares = -np.sort(-contexts, axis=1)
        guesses = np.repeat(np.arange(1, 28), np.round(shares.mean(axis=0) * 1e6).astype(int))
        lower, upper = bounds(guesses)
        assert lower < np.mean([entropy(p) for p in contexts]) < upper


def test_a_certain_player_and_a_blind_one():
    assert bounds([1, 1, 1]) == (0, 0)
    lower, upper = bounds(list(range(1, 28)))
    assert lower == pytest.approx(math.log2(27))
    assert upper == pytest.approx(math.log2(27))


@pytest.mark.parametrize("guesses", [[], [0, 1], [28]])
def test_impossible_numbers_of_guesses_are_refused(guesses):
    with pytest.raises(ValueError, match="from 1 to 27"):
        bounds(guesses)


def test_every_symbol_can_be_reached():
    for symbol, order in itertools.product(SYMBOLS, (SYMBOLS, SYMBOLS[::-1])):
        assert 1 <= play(Passage("", symbol), lambda _, tried, o=order: o[len(tried)])[0] <= 27
