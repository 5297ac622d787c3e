"""The hash must be the same everywhere, and tell texts apart."""

import ast
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravm_course.vlm.hashing import bucket, features, hash_text, normalize


def test_buckets_are_those_the_shipped_checkpoint_was_trained_with():
    # frozen numbers: if they change, every stored text tower reads nonsense
    assert hash_text("cat", 8192) == (1189, 2247, 4516, 2931, 3256, 2040)
    assert hash_text("红苹果", 8192) == (3175, 6897, 6221, 1529, 2797)


def test_the_same_in_a_process_with_another_salt():
    code = "from ravm_course.vlm.hashing import hash_text; print(hash_text('red 苹果', 8192))"
    runs = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(runs) == 1
    assert ast.literal_eval(runs.pop()) == hash_text("red 苹果", 8192)


@given(st.text(), st.integers(2, 10_000))
def test_every_bucket_is_in_range(text, buckets):
    hashed = hash_text(text, buckets)
    assert hashed
    assert all(0 <= b < buckets for b in hashed)
    assert (hashed == (0,)) == (not features(text))


@given(st.text(alphabet="abc 猫狗-", max_size=12))
def test_case_width_and_punctuation_do_not_matter(text):
    assert features(text) == features(text.upper()) == features("!" + text.replace("-", "…") + "?")


def test_words_and_ngrams_are_different_features():
    assert bucket("w:cat", 1 << 30) != bucket("n:cat", 1 << 30)


def test_accents_and_full_width_letters_are_folded():
    assert normalize("Ｐｉñata") == "pinata"


def test_order_of_words_is_lost_in_the_bag_but_not_of_characters_in_a_word():
    assert sorted(hash_text("dog left of cat", 8192)) == sorted(hash_text("cat left of dog", 8192))
    assert sorted(hash_text("god", 8192)) != sorted(hash_text("dog", 8192))
    assert sorted(hash_text("狗追猫", 8192)) != sorted(hash_text("猫追狗", 8192))


def test_errors_say_what_to_do():
    with pytest.raises(TypeError, match="must be a str, got bytes"):
        hash_text(b"cat", 8192)
    with pytest.raises(ValueError, match="at least 2"):
        hash_text("cat", 1)
