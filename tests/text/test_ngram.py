"""The n-gram model against its definition, hostile input, and its promises."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text.counts import build_vocabulary, count_ngrams, encode
from ravm_course.text.ngram import NGramLM

SMOOTHINGS = ("mle", "add-k", "interpolated", "kneser-ney")
CORPUS = [s.split() for s in ("a b a c", "a b", "b c a b a", "", "c c c a b", "d a b", "e")]

word = st.sampled_from(["a", "b", "c", "d", "é", "𝔸", "\x00", "x\u00a0y", "\u2028"])
sentences = st.lists(st.lists(word, max_size=8), min_size=2, max_size=12)


def fitted(smoothing, order=3, corpus=CORPUS, **options):
    return NGramLM(order, smoothing, discount_fallback=True, **options).fit(corpus)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5, 12])
def test_every_distribution_sums_to_one(smoothing, order):
    lm = fitted(smoothing, order)
    contexts = itertools.product(["a", "c", "e", "never", "<s>", "</s>", "<unk>"], repeat=2)
    for context in [(), ("a",), ("<s>",), *contexts, ("<s>", "a", "b", "a"), ("b",) * 20]:
        probs = lm.distribution(context)
        assert probs.min() >= 0
        assert abs(probs.sum() - 1) < 1e-9
        assert probs[1] == 0  # <s> is never predicted


@settings(deadline=None, max_examples=60)
@given(sentences, st.sampled_from(SMOOTHINGS), st.integers(1, 4), st.lists(word, max_size=5))
def test_distribution_log_prob_and_log_probs_agree(corpus, smoothing, order, sentence):
    lm = fitted(smoothing, order, corpus)
    one_by_one = [
        lm.log_prob(word, ["<s>", *sentence[:i]]) for i, word in enumerate([*sentence, "</s>"])
    ]
    np.testing.assert_allclose(lm.log_probs([sentence]), one_by_one, rtol=1e-12)
    assert lm.score(sentence) == pytest.approx(sum(one_by_one), rel=1e-12)
    with np.errstate(divide="ignore"):
        from_table = np.log(lm.distribution(["<s>", *sentence])[lm.vocabulary["</s>"]])
    assert from_table == pytest.approx(one_by_one[-1], rel=1e-9, abs=1e-12)
    for context in (sentence, ["<s>", *sentence]):
        assert abs(lm.distribution(context).sum() - 1) < 1e-9


def test_many_sentences_score_as_one_at_a_time():
    for smoothing in SMOOTHINGS:
        lm = fitted(smoothing)
        together = lm.log_probs([*CORPUS, ["zzz"], []])
        apart = np.concatenate([lm.log_probs([s]) for s in [*CORPUS, ["zzz"], []]])
        np.testing.assert_array_equal(together, apart)
        assert len(together) == sum(len(s) + 1 for s in CORPUS) + 3


def relative_frequencies(corpus, order):
    """c(h w) and c(h) of every order up to the given one, in dictionaries."""
    ngram, context = Counter(), Counter()
    for sentence in corpus:
        tokens = ["<s>", *sentence, "</s>"]
        for i in range(1, len(tokens)):
            for n in range(1, min(order, i + 1) + 1):
                ngram[tuple(tokens[i - n + 1 : i + 1])] += 1
                context[tuple(tokens[i - n + 1 : i])] += 1
    return ngram, context


PROBES = list(itertools.product(["<s>", "a", "b", "e", "?"], ["a", "b", "d", "?"]))


def test_mle_is_the_relative_frequency():
    lm = fitted("mle")
    ngram, context = relative_frequencies(CORPUS, 3)
    for h in [*PROBES, ("<s>",), ("a",), ()]:
        shortened = tuple("<unk>" if w == "?" else w for w in h)
        while not context[shortened]:
            shortened = shortened[1:]
        for w in ["a", "b", "c", "e", "</s>", "<unk>"]:
            expected = ngram[(*shortened, w)] / context[shortened]
            assert math.exp(lm.log_prob(w, h)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1.0, 0.01])
def test_add_k_is_the_textbook_formula_in_every_context(k):
    lm = fitted("add-k", k=k)
    ngram, context = relative_frequencies(CORPUS, 3)
    n_predictable = len(lm.words) - 1
    for h in [*PROBES, ("<s>",), ("a",), ("?",), ()]:
        for w in ["a", "b", "c", "e", "</s>", "<unk>"]:
            expected = (ngram[(*h, w)] + k) / (context[h] + k * n_predictable)
            assert math.exp(lm.log_prob(w, h)) == pytest.approx(expected, rel=1e-12)


def test_interpolation_is_the_recursion():
    weights = [0.9, 0.6, 0.3]
    lm = fitted("interpolated", weights=weights)
    ngram, context = relative_frequencies(CORPUS, 3)

    def p(w, h):
        if not context[h]:
            return p(w, h[1:])
        below = p(w, h[1:]) if h else 1 / (len(lm.words) - 1)
        weight = weights[len(h)]
        return weight * ngram[(*h, w)] / context[h] + (1 - weight) * below

    for h in [*PROBES, ("<s>",), ("a",), ()]:
        for w in ["a", "b", "c", "e", "</s>", "<unk>"]:
            assert math.exp(lm.log_prob(w, h)) == pytest.approx(p(w, h), rel=1e-12)


def test_kneser_ney_is_the_definition():
    """Written a second time, from the paper, with dictionaries."""
    corpus = [
        [chr(97 + i) for i in np.random.default_rng(s).zipf(1.6, 9) if i < 40] for s in range(300)
    ]
    order = 3
    lm = NGramLM(order).fit(corpus)
    raw, left = Counter(), defaultdict(set)
    for sentence in corpus:
        tokens = ["<s>", *sentence, "</s>"]
        for i in range(len(tokens)):
            for n in range(1, min(order, i + 1) + 1):
                gram = tuple(tokens[i - n + 1 : i + 1])
                raw[gram] += 1
                left[gram[1:]].add(gram[0])
    adjusted = {
        g: c if len(g) == order or g[0] == "<s>" else len(left[g])
        for g, c in raw.items()
        if g != ("<s>",)
    }
    of = [Counter(a for g, a in adjusted.items() if len(g) == n) for n in range(order + 1)]

    def discount(n, a):
        if a == 0:
            return 0
        j, y = min(a, 3), of[n][1] / (of[n][1] + 2 * of[n][2])
        return j - (j + 1) * y * of[n][j + 1] / of[n][j]

    after = defaultdict(list)
    for gram, a in adjusted.items():
        after[gram[:-1]].append(a)

    def p(w, h):
        below = p(w, h[1:]) if h else 1 / (len(lm.words) - 1)
        counts, n = after[h], len(h) + 1
        if not counts:
            return below
        a = adjusted.get((*h, w), 0)
        gamma = sum(discount(n, c) for c in counts) / sum(counts)
        return (a - discount(n, a)) / sum(counts) + gamma * below

    assert lm.discounts[2].tolist() == pytest.approx([discount(3, j) for j in (1, 2, 3)])
    for h in itertools.product(["<s>", "b", "c", "h", "<unk>"], ["b", "c", "d", "z"]):
        for w in ["b", "c", "d", "m", "z", "</s>", "<unk>"]:
            assert math.exp(lm.log_prob(w, h)) == pytest.approx(p(w, h), rel=1e-10)


def test_fitted_weights_cannot_be_improved():
    rng = np.random.default_rng(0)
    corpus = [[f"w{i}" for i in rng.zipf(1.5, 12) if i < 200] for _ in range(400)]
    heldout = [[f"w{i}" for i in rng.zipf(1.5, 12) if i < 200] for _ in range(80)]
    lm = NGramLM(3, "interpolated").fit(corpus, heldout=heldout)
    best = lm.perplexity(heldout)
    for i, step in itertools.product(range(3), (-0.02, 0.02)):
        weights = lm.weights.copy()
        weights[i] = np.clip(weights[i] + step, 0, 1)
        other = NGramLM(3, "interpolated", weights=weights).fit(corpus)
        assert other.perplexity(heldout) >= best * (1 - 1e-4)


def test_order_twelve_does_not_overflow():
    rng = np.random.default_rng(0)
    corpus = [[f"w{i}" for i in rng.integers(0, 9000, 30)] for _ in range(600)]
    assert float(len({w for s in corpus for w in s})) ** 12 > 2**63
    lm = NGramLM(12, "interpolated", weights=[0.5] * 12).fit(corpus)
    assert lm.perplexity(corpus) < 3
    assert abs(lm.distribution(["<s>", *corpus[0][:14]]).sum() - 1) < 1e-9


def test_unknown_words():
    lm = fitted("kneser-ney")
    assert lm.log_prob("never seen") == lm.log_prob("<unk>")
    assert 0 < math.exp(lm.log_prob("<unk>")) < math.exp(lm.log_prob("e"))
    assert lm.is_unknown([["a", "?"], []]).tolist() == [False, True, False, False]
    known = lm.perplexity([["a", "?"]], skip_unknown=True)
    assert known < lm.perplexity([["a", "?"]]) < math.inf
    assert fitted("mle").perplexity([["?"]]) == math.inf


def test_min_count_turns_rare_words_into_unknown_ones():
    lm = fitted("mle", 1, min_count=2)
    assert set(lm.words) == {"<unk>", "<s>", "</s>", "a", "b", "c"}
    written_out = [[w if w in "abc" else "<unk>" for w in s] for s in CORPUS]
    assert lm.log_prob("d") == pytest.approx(fitted("mle", 1, written_out).log_prob("<unk>"))
    assert math.exp(lm.log_prob("d")) == pytest.approx(2 / 27)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_models_that_share_counts_equal_models_that_do_not(smoothing):
    vocabulary = build_vocabulary(CORPUS)
    tables = count_ngrams(*encode(CORPUS, vocabulary), len(vocabulary), 4)
    for order in (1, 2, 4):
        lm = NGramLM(order, smoothing, discount_fallback=True)
        lm.fit_counts(tables, vocabulary, heldout=CORPUS[:3])
        alone = NGramLM(order, smoothing, discount_fallback=True).fit(CORPUS, heldout=CORPUS[:3])
        np.testing.assert_array_equal(lm.log_probs(CORPUS), alone.log_probs(CORPUS))
    with pytest.raises(ValueError, match="end at order 4"):
        NGramLM(5, smoothing).fit_counts(tables, vocabulary)
    with pytest.raises(ValueError, match="weights are missing"):
        NGramLM(2, "interpolated").fit_counts(tables, vocabulary)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_closed_vocabulary_knows_unseen_words_and_no_others(smoothing):
    lm = NGramLM(2, smoothing, discount_fallback=True)
    lm.fit(CORPUS, vocabulary=["b", "unseen", "a", "<unk>"])
    assert lm.words == ("<unk>", "<s>", "</s>", "b", "unseen", "a")
    assert lm.is_unknown([["a", "unseen", "c"]]).tolist() == [False, False, True, False]
    written_out = [[w if w in "ab" else "<unk>" for w in s] for s in CORPUS]
    if smoothing == "mle":
        same = fitted("mle", 2, written_out)
        np.testing.assert_allclose(lm.log_probs(CORPUS), same.log_probs(written_out))
    for context in [(), ("a",), ("unseen",), ("c",)]:
        assert abs(lm.distribution(context).sum() - 1) < 1e-9


def test_samples_are_reproducible_possible_and_follow_the_model():
    lm = fitted("mle", 2)
    assert lm.sample(seed=3) == lm.sample(seed=3)
    samples = [lm.sample(seed=i, max_length=40) for i in range(400)]
    assert all(lm.score(s) > -math.inf for s in samples if len(s) < 40)
    first = Counter(s[0] if s else "</s>" for s in samples)
    for w in ("a", "b", "c", "d", "e", "</s>"):
        assert abs(first[w] / 400 - math.exp(lm.log_prob(w, ["<s>"]))) < 0.08
    assert lm.sample(context=["a", "b"], seed=1)[:2] == ["a", "b"]
    assert len({tuple(lm.sample(seed=i, temperature=0.01)) for i in range(9)}) < 4
    assert all("<unk>" not in fitted("add-k").sample(seed=i, temperature=9) for i in range(20))
    assert fitted("mle", corpus=[["<unk>"]]).sample() == ["<unk>"]  # nothing else is possible


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: NGramLM(0), ValueError, "order is 0"),
        (lambda: NGramLM(2.5), ValueError, "order is 2.5"),
        (lambda: NGramLM(2, "laplace"), ValueError, "kneser-ney"),
        (lambda: NGramLM(2, "add-k", k=0), ValueError, "k is 0"),
        (lambda: NGramLM(2, "interpolated", weights=[0.5]), ValueError, "give 2 numbers"),
        (lambda: NGramLM(2, min_count=0), ValueError, "min_count is 0"),
        (lambda: NGramLM(2).fit([]), ValueError, "no sentences"),
        (lambda: NGramLM(2).fit(["a b"]), TypeError, "sentence 0 is the string 'a b'"),
        (lambda: NGramLM(2).fit("a b"), TypeError, "list of sentences"),
        (lambda: NGramLM(2, "mle").fit([["a"], ["b", "<s>"]]), ValueError, "token 1 of sentence 1"),
        (lambda: NGramLM(2, "mle").fit([["a", 7]]), TypeError, "token 7 is a int"),
        (lambda: NGramLM(2).fit([["a", "b"]]), ValueError, "discount_fallback=True"),
        (lambda: NGramLM(2, "interpolated").fit([["a"]]), ValueError, "one sentence is too few"),
        (lambda: NGramLM(2, "interpolated").fit([["a"]], heldout=[]), ValueError, "heldout is"),
        (lambda: NGramLM(2).fit([["a"]], vocabulary="a"), TypeError, "vocabulary is the string"),
        (lambda: NGramLM(2).score(["a"]), ValueError, "call fit first"),
        (lambda: fitted("mle").perplexity([]), ValueError, "no tokens"),
        (lambda: fitted("mle").score("a b"), TypeError, "is the string"),
        (lambda: fitted("mle").score(["a", "</s>"]), ValueError, "token 1 of sentence 0"),
        (lambda: fitted("mle").log_probs([["a", ["b"]]]), TypeError, "must be strings"),
        (lambda: fitted("mle").log_prob("a", "b c"), TypeError, "is the string"),
        (lambda: fitted("mle").sample(temperature=0), ValueError, "temperature is 0"),
        (lambda: fitted("mle").sample(max_length=0), ValueError, "max_length is 0"),
    ],
)
def test_errors_say_what_was_given(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_generators_numpy_strings_and_empty_sentences_are_fine():
    lm = NGramLM(2, "mle").fit(np.array(s) for s in [["a", "b"], ["a", "c"]])
    assert lm.log_prob("b", ["a"]) == pytest.approx(math.log(0.5))
    only_ends = NGramLM(3, "mle").fit([[], []])
    assert only_ends.score([]) == 0
    assert only_ends.sample() == []
