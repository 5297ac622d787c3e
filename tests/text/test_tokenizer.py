"""The tokenizer by itself: nothing lost, nothing guessed, clear words where it cannot go on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text import tokenizer as module
from ravm_course.text.bpe_apply import apply_merges
from ravm_course.text.bpe_train import count_pretokens, learn_merges
from ravm_course.text.pretokenise import BYTES, from_visible, pretokenise, to_visible
from ravm_course.text.tokenizer import BPETokenizer

TEXT = "the cat sat on the mat, the rat sat on the cat; 字典的字 naïve 1,234 🙂\n\n  end"
TOKENIZER = BPETokenizer.train([TEXT] * 2, 300, special=["<|end|>", "<|end|><|pad|>"])
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def naive_merges(texts, n_merges):
    """Count all pairs anew for each merge: the definition."""
    words = [
        ([bytes([b]) for b in piece.encode()], count)
        for piece, count in count_pretokens(texts).items()
    ]
    number = {token: i for i, token in enumerate(BYTES)}
    merges = []
    while len(merges) < n_merges:
        counts = {}
        for word, times in words:
            for pair in itertools.pairwise(word):
                counts[pair] = counts.get(pair, 0) + times
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], number[pair[0]], number[pair[1]]))
        merges.append(best)
        number.setdefault(best[0] + best[1], len(number))
        for word, _ in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [best[0] + best[1]]
                i += 1
    return merges


def naive_apply(tokens, ranks):
    """Look for the best pair anew after each merge."""
    tokens = list(tokens)
    while True:
        found = [
            (ranks[pair][0], i, ranks[pair][1])
            for i, pair in enumerate(itertools.pairwise(tokens))
            if pair in ranks
        ]
        if not found:
            return tokens
        _, i, merged = min(found)
        tokens[i : i + 2] = [merged]


@settings(deadline=None)
@given(st.lists(st.text("ab c", max_size=25), max_size=6), st.integers(0, 40))
def test_the_merges_are_those_of_the_definition(texts, n_merges):
    counts = {piece.encode(): count for piece, count in count_pretokens(texts).items()}
    ours, naive = learn_merges(counts, n_merges), naive_merges(texts, n_merges)
    # runs of one letter overlap themselves ("aaa" holds "aa" twice): there the two may count
    # differently, and Hugging Face's way is followed (test_tokenizer_parity)
    if not any(letter * 3 in text for text in texts for letter in "abc "):
        assert ours == naive
    assert len(ours) == len({left + right for left, right in ours})


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(0, 2**32 - 1))
def test_merges_are_applied_as_by_definition_whatever_their_order(tokens, seed):
    rng = np.random.default_rng(seed)
    pairs = {tuple(pair) for pair in rng.integers(0, 8, (12, 2)).tolist()}
    ranks = {pair: (rank, int(rng.integers(4, 8))) for rank, pair in enumerate(sorted(pairs))}
    assert apply_merges(list(tokens), ranks) == naive_apply(tokens, ranks)


@settings(deadline=None, max_examples=300)
@given(any_text)
def test_no_text_is_lost(text):
    ids = TOKENIZER.encode(text)
    assert all(0 <= i < len(TOKENIZER) for i in ids)
    assert TOKENIZER.decode(ids, errors="strict") == text
    assert TOKENIZER.decode(np.array(ids, np.int64)) == text
    assert "".join(pretokenise(text)) == text
    visible = TOKENIZER.tokenize(text)
    assert from_visible("".join(visible)) == text.encode()
    assert [to_visible(TOKENIZER.decode_bytes([i])) for i in ids] == visible
    assert TOKENIZER.encode(text) == ids  # the second time from memory


@pytest.mark.parametrize(
    "text", ["", "\0", "\0" * 50, " ", "\n \t\u3000", "🧑🏽‍🚀", "e\u0301", "\U0010ffff"]
)
def test_odd_texts_come_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text), errors="strict") == text


def test_memory_stays_bounded(monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 10)
    tokenizer = BPETokenizer.train(TEXT, 280)
    first = tokenizer.encode(" ".join(map(str, range(100))) + " " + "x" * 1000)
    assert len(tokenizer._ids_of) <= 10
    assert first == BPETokenizer.train(TEXT, 280).encode(tokenizer.decode(first))


def test_training_twice_and_in_pieces():
    assert BPETokenizer.train(TEXT, 290) == BPETokenizer.train(iter([TEXT]), 290)
    assert BPETokenizer.train(TEXT, 290) != BPETokenizer.train(TEXT, 289)
    assert BPETokenizer.train(TEXT, 290) != "a tokenizer"
    assert len(BPETokenizer.train("ab", 1000)) == 257  # there is nothing more to merge
    assert BPETokenizer.train("", 256).merges == ()


@given(st.integers(258, 300))
def test_a_smaller_vocabulary_is_a_prefix(size):
    one = BPETokenizer.train([TEXT] * 2, size, special=["<|end|>", "<|end|><|pad|>"])
    assert TOKENIZER.shrink(size) == one
    assert TOKENIZER.shrink(size).encode(TEXT) == one.encode(TEXT)


@pytest.mark.parametrize("size", [0, 257, 301])
def test_shrinking_too_far_is_refused(size):
    with pytest.raises(ValueError, match=f"vocab_size is {size}: give 258 to 300"):
        TOKENIZER.shrink(size)


def test_special_tokens_are_text_unless_allowed():
    text = "a<|end|>b<|end|><|pad|><|end|>"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text
    assert not {0, 1} & set(TOKENIZER.encode(text))
    ids = TOKENIZER.encode(text, allow_special=True)
    assert [i for i in ids if i < 2] == [0, 1, 0]  # the longest that fits, as Hugging Face does
    assert TOKENIZER.decode(ids) == text
    plain = BPETokenizer.train(TEXT, 280)
    assert plain.encode(text, allow_special=True) == plain.encode(text)


@pytest.mark.parametrize("text", ["\ud800", "ab \udfff c", "字\ud83d"])
def test_half_a_surrogate_pair_is_refused_with_what_to_do(text):
    with pytest.raises(ValueError, match=r"half of a surrogate pair.*surrogatepass"):
        TOKENIZER.encode(text)
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        BPETokenizer.train(text, 300)
    repaired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert TOKENIZER.decode(TOKENIZER.encode(repaired)) == repaired


@pytest.mark.parametrize("wrong", [-1, 300, 10**9, "a", 1.5, None])
def test_what_is_no_token_is_named(wrong):
    with pytest.raises(ValueError, match=r"is no token: this tokenizer has the numbers 0 to 299"):
        TOKENIZER.decode([5, wrong])


def test_part_of_a_character():
    ids = TOKENIZER.encode("鬱")[:2]
    assert TOKENIZER.decode(ids) == "�"
    assert TOKENIZER.decode(ids, errors="ignore") == ""
    with pytest.raises(UnicodeDecodeError):
        TOKENIZER.decode(ids, errors="strict")


@pytest.mark.parametrize("wrong", [b"bytes", None, ["a"]])
def test_only_strings_are_encoded(wrong):
    with pytest.raises(TypeError, match="give a string"):
        TOKENIZER.encode(wrong)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"vocab_size": 255}, "give at least 256, for 256 bytes"),
        ({"vocab_size": 256, "special": ["<|end|>"]}, "at least 257"),
        ({"vocab_size": 300, "special": ["<|a|>", "<|a|>"]}, "names a token twice"),
        ({"vocab_size": 300, "special": [""]}, "empty string"),
    ],
)
def test_training_refuses(arguments, says):
    with pytest.raises(ValueError, match=says):
        BPETokenizer.train("some text", **arguments)


BYTE_NUMBERS = {token: i for i, token in enumerate(BYTES)}


@pytest.mark.parametrize(
    ("vocabulary", "merges", "special", "says"),
    [
        ({b"a": 0}, [], {}, "lacks 255 of the 256 single bytes, such as 0x21"),
        (BYTE_NUMBERS | {b"ab": 300}, [], {}, r"numbers 0 to 256, each once.*place 256 stands 300"),
        (BYTE_NUMBERS | {b"ab": 5}, [], {}, "place 6 stands 5"),
        (BYTE_NUMBERS, [], {"<|x|>": 0}, "place 1 stands 0"),
        (BYTE_NUMBERS, [(b"a", b"b")], {}, r"merge 0 joins b'a' and b'b', but b'ab' is not in"),
        (BYTE_NUMBERS | {b"abc": 256}, [(b"ab", b"c")], {}, "b'ab' is not in the vocabulary"),
        (BYTE_NUMBERS | {b"ab": 256}, [(b"a", b"b")] * 2, {}, "stands twice among the merges"),
    ],
)
def test_a_vocabulary_that_does_not_hold_together_is_refused(vocabulary, merges, special, says):
    with pytest.raises(ValueError, match=says):
        BPETokenizer(vocabulary, merges, special)


@given(st.binary(max_size=40))
def test_the_visible_alphabet_is_one_character_a_byte(data):
    text = to_visible(data)
    assert len(text) == len(data)
    assert text.isprintable()
    assert " " not in text
    assert from_visible(text) == data


def test_what_stands_for_no_byte_is_named():
    with pytest.raises(ValueError, match="'字', which stands for no byte"):
        from_visible("a字")
