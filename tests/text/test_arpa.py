"""ARPA files: there and back, read by KenLM, and damaged in every way."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text.ngram import NGramLM

GOLDEN = Path(__file__).parent / "golden"
SMOOTHINGS = ("mle", "add-k", "interpolated", "kneser-ney")
word = st.text(
    st.characters(exclude_characters=" \t\n\r\v\f\0", exclude_categories=["Cs"]), min_size=1
).filter(lambda w: w not in ("<s>", "</s>"))
sentences = st.lists(st.lists(word, max_size=6), min_size=2, max_size=8)


def lines(name):
    text = (GOLDEN / name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines()]


@settings(deadline=None, max_examples=60)
@given(sentences, st.sampled_from(SMOOTHINGS), st.integers(1, 4))
def test_what_is_written_is_read_back_equal(tmp_path_factory, corpus, smoothing, order):
    path = tmp_path_factory.mktemp("arpa") / "lm.arpa"
    lm = NGramLM(order, smoothing, discount_fallback=True).fit(corpus)
    lm.to_arpa(path)
    again = NGramLM.from_arpa(path)
    assert again.words == lm.words
    assert again.order == lm.order
    probes = [*corpus, ["a", "never seen", "b"], []]
    np.testing.assert_array_equal(again.log_probs(probes), lm.log_probs(probes))
    if smoothing != "add-k":  # whose shorter contexts the format cannot express
        for one, other in zip(lm.levels, again.levels, strict=True):
            np.testing.assert_array_equal(one.keys, other.keys)
            np.testing.assert_array_equal(one.log10_prob, other.log10_prob)
            np.testing.assert_array_equal(one.log10_backoff, other.log10_backoff)
    for sentence in corpus[:3]:
        assert abs(again.distribution(["<s>", *sentence]).sum() - 1) < 1e-9
    second = path.with_suffix(".second")
    again.to_arpa(second)
    assert second.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [2, 3, 5])
def test_kenlm_reads_the_file_and_scores_word_by_word_alike(tmp_path, smoothing, order):
    if sys.version_info >= (3, 13):
        pytest.skip("kenlm does not compile on Python 3.13")
    import kenlm

    lm = NGramLM(order, smoothing).fit(lines("train.txt"))
    lm.to_arpa(tmp_path / "lm.arpa")
    theirs = kenlm.Model(str(tmp_path / "lm.arpa"))
    heldout = lines("heldout.txt")
    expected = np.array([s[0] for h in heldout for s in theirs.full_scores(" ".join(h))])
    ours = lm.log_probs(heldout) / math.log(10)
    possible = ours > -math.inf  # zero stands as -99 in the file
    assert (expected[~possible] <= -99).all()
    np.testing.assert_allclose(ours[possible], expected[possible], rtol=1e-6, atol=1e-6)
    if smoothing != "mle":
        assert possible.all()
        assert lm.perplexity(heldout) == pytest.approx(10 ** -expected.mean(), rel=1e-6)


def test_a_file_by_lmplz_is_read_and_equals_our_own_fit():
    theirs = NGramLM.from_arpa(GOLDEN / "small.arpa")
    ours = NGramLM(3, discount_fallback=True).fit(lines("small.txt"))
    assert sorted(theirs.words) == sorted(ours.words)
    probes = [*lines("small.txt"), *lines("heldout.txt")]
    np.testing.assert_allclose(theirs.log_probs(probes), ours.log_probs(probes), atol=5e-6)
    assert abs(theirs.distribution(["<s>", "the"]).sum() - 1) < 1e-5  # lmplz rounds


@pytest.mark.parametrize("bad", ["two words", "line\nend", "tab\t", "\0", "", "\ud800"])
def test_words_that_the_format_cannot_write_are_refused(tmp_path, bad):
    lm = NGramLM(1, "mle").fit([["a", bad]])
    with pytest.raises(ValueError, match="the word"):
        lm.to_arpa(tmp_path / "lm.arpa")


GOOD = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-1\t<unk>
-99\t<s>\t-0.3
-0.5\t</s>
-0.4\ta\t-0.1

\\2-grams:
-0.2\t<s> a
-0.6\ta </s>

\\end\\
"""


def test_the_smallest_file_is_read(tmp_path):
    (tmp_path / "x").write_text("made by hand\n" + GOOD.replace("\n", "\r\n"), encoding="utf-8")
    lm = NGramLM.from_arpa(tmp_path / "x")
    assert lm.score(["a"]) == pytest.approx(-0.8 * math.log(10))
    assert lm.score(["a", "a"]) == pytest.approx((-0.2 - 0.1 - 0.4 - 0.6) * math.log(10))
    with pytest.raises(ValueError, match="read from an ARPA file"):
        lm.fit([["a"]])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\\data\\", "", "the file ends here"),
        ("ngram 1=4\nngram 2=2\n", "", "no line 'ngram 1='"),
        ("ngram 2=2", "ngram 3=2", "line 3: found 'ngram 3=2'"),
        ("ngram 1=4", "ngram 1=-4", "line 2: the number of 1-grams is '-4'"),
        ("ngram 1=4", "ngram 1=5", "line 10: there are 4 1-grams"),
        ("ngram 2=2", "ngram 2=1", "line 13: found '-0.6"),
        ("\\2-grams:", "\\3-grams:", "line 11: found"),
        ("-0.5\t</s>", "-O.5\t</s>", "line 8: found .* number cannot be read"),
        ("-0.5\t</s>", "nan\t</s>", "line 8: a log-probability is nan"),
        ("-0.5\t</s>", "0.5\t</s>", "line 8: a log-probability is 0.5"),
        ("-0.5\t</s>", "-0.5", "line 8: found '-0.5' where"),
        ("-0.2\t<s> a", "-0.2\t<s> a b c d", "line 12: found"),
        ("-0.5\t</s>", "-0.5\tb", "</s> is not among"),
        ("-0.4\ta", "-0.4\t<unk>", "stands twice"),
        ("-0.6\ta </s>", "-0.6\t<s> a", "line 13: this 2-gram stands in the file twice"),
        ("-0.6\ta </s>", "-0.6\tq </s>", "line 13: the word 'q' is not among the 1-grams"),
        ("\\end\\", "\\the end", "line 15: found"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, old, new, says):
    assert old in GOOD
    (tmp_path / "x.arpa").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=says.replace("\\", "\\\\")):
        NGramLM.from_arpa(tmp_path / "x.arpa")


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = GOOD.encode().rstrip()
    for end in range(len(whole)):
        (tmp_path / "x.arpa").write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"x\.arpa, line \d+: "):
            NGramLM.from_arpa(tmp_path / "x.arpa")


def test_a_missing_context_and_bad_bytes_name_their_line(tmp_path):
    trigram = GOOD.replace("ngram 2=2", "ngram 2=2\nngram 3=1")
    trigram = trigram.replace("\\end\\", "\\3-grams:\n-0.1\t</s> a a\n\n\\end\\")
    (tmp_path / "x").write_text(trigram, encoding="utf-8")
    with pytest.raises(ValueError, match="line 17: this 3-gram extends a 2-gram that is not"):
        NGramLM.from_arpa(tmp_path / "x")
    (tmp_path / "x").write_bytes(GOOD.encode().replace(b"-0.4\ta", b"-0.4\t\xff"))
    with pytest.raises(ValueError, match="line 9: this is not UTF-8"):
        NGramLM.from_arpa(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        NGramLM.from_arpa(tmp_path / "nothing")
