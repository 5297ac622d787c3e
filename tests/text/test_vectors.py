"""Word vectors: brute force, properties, and answers to impossible questions."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ravm_course.text.vectors import (
    Corpus,
    GloVeConfig,
    SkipGramConfig,
    WordVectors,
    count_pairs,
    glove,
    pmi,
    ppmi,
    procrustes,
    skipgram,
    svd_vectors,
    train_glove,
    train_skipgram,
    weat,
)
from ravm_course.text.vectors.association import associations

SENTENCES = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=6)
TABLES = arrays.arrays(np.float64, (4, 5), elements=st.integers(0, 6)).filter(lambda t: t.sum() > 0)


def corpus_of(sentences):
    return Corpus.from_sentences(sentences, words=list("abcdef"))


@given(SENTENCES, st.integers(1, 9), st.booleans())
def test_pairs_are_those_that_two_loops_find(sentences, window, harmonic):
    expected = np.zeros((6, 6))
    for sentence in sentences:
        for i, j in itertools.permutations(range(len(sentence)), 2):
            if abs(i - j) <= window:
                place = tuple("abcdef".index(sentence[k]) for k in (i, j))
                expected[place] += 1 / abs(i - j) if harmonic else 1
    counted = count_pairs(corpus_of(sentences), window, harmonic=harmonic)
    np.testing.assert_allclose(counted, expected, rtol=1e-5)


def test_words_outside_the_vocabulary_close_their_gap():
    corpus = Corpus.from_sentences([["a", "rare", "b"], ["b", "a"]], min_count=2)
    assert corpus.words == ("a", "b")
    assert corpus.counts.tolist() == [2, 2]
    assert count_pairs(corpus, window=1).tolist() == [[0, 2], [2, 0]]


@pytest.mark.parametrize("sentences", [[], [[]], [["a"], [], ["b"]]])
def test_texts_without_pairs(sentences):
    corpus = corpus_of(sentences)
    assert count_pairs(corpus, 3).sum() == 0
    assert skipgram.draw_pairs(corpus, 3, 0.1, np.random.default_rng(0)).shape == (0, 2)
    with pytest.raises(ValueError, match="no pair is left"):
        train_skipgram(corpus)


def test_a_corpus_says_what_is_wrong():
    with pytest.raises(ValueError, match="no word occurs 5 times"):
        Corpus.from_sentences([["a"]], min_count=5)
    with pytest.raises(ValueError, match="names 'a' twice"):
        Corpus.from_sentences([["a"]], words=["a", "b", "a"])
    with pytest.raises(TypeError, match="sentence 0 is the string"):
        Corpus.from_sentences(["a b"])
    with pytest.raises(ValueError, match="at least 1 place"):
        count_pairs(corpus_of([["a"]]), window=0)


@given(TABLES, st.sampled_from([0.5, 0.75, 1.0]))
def test_pmi_is_its_definition(table, power):
    found = pmi(table, context_power=power)
    total, context = table.sum(), table.sum(axis=0) ** power
    for i, j in np.ndindex(table.shape):
        if table[i, j] == 0:
            assert found[i, j] == -np.inf
        else:
            chance = table[i].sum() / total * context[j] / context.sum()
            assert math.isclose(found[i, j], math.log(table[i, j] / total / chance), abs_tol=1e-9)
    np.testing.assert_allclose(ppmi(table, context_power=power), np.maximum(found, 0))


@given(TABLES)
def test_the_mean_pmi_is_the_mutual_information(table):
    from ravm_course.text.information import mutual_information

    p = table / table.sum()
    mean = (p[p > 0] * pmi(table)[p > 0]).sum() / math.log(2)
    assert math.isclose(mean, mutual_information(table), abs_tol=1e-9)


def test_a_shift_lowers_ppmi_before_the_cut():
    table = np.array([[8.0, 1], [1, 8]])
    np.testing.assert_allclose(
        ppmi(table, shift=math.log(1.2)), np.maximum(pmi(table) - math.log(1.2), 0)
    )


@pytest.mark.parametrize("table", [[[0, 0]], [[-1, 2]], [[math.nan, 1]], [[math.inf, 1]]])
def test_pmi_refuses_what_are_no_counts(table):
    with pytest.raises(ValueError, match="finite, not negative"):
        pmi(table)
    with pytest.raises(ValueError, match="expected words by contexts"):
        pmi(np.ravel(table))


def test_svd_is_the_best_approximation_of_the_products_of_rows():
    table = np.random.default_rng(0).random((30, 20)) * 0.3 ** np.arange(20)
    exact = np.linalg.svd(table)
    vectors = svd_vectors(table, 5, power=1)
    best = exact.U[:, :5] * exact.S[:5]
    np.testing.assert_allclose(vectors @ vectors.T, best @ best.T, atol=1e-5)
    with pytest.raises(ValueError, match="n_dims is 21"):
        svd_vectors(table, 21)


def test_the_gradient_of_skipgram_is_autograds():
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.randn(rows, 7, generator=generator, dtype=torch.float64, requires_grad=True)
        for rows in (11, 11, 4)
    ]
    centre, context, negative = tensors
    log_sigmoid = torch.nn.functional.logsigmoid
    loss = -log_sigmoid((centre * context).sum(1)).sum()
    loss = loss - 5 * log_sigmoid(-centre @ negative.T).mean(1).sum()
    loss.backward()
    found, *gradients = skipgram.loss_and_gradients(*(t.detach() for t in tensors), k=5)
    torch.testing.assert_close(found, loss.detach())
    for gradient, tensor in zip(gradients, tensors, strict=True):
        torch.testing.assert_close(gradient, tensor.grad)


def test_the_gradient_of_glove_is_autograds():
    generator = torch.Generator().manual_seed(0)
    v, u, a, b = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4), (6, 4), (3,), (6,))
    )
    counts = torch.randint(0, 9, (3, 6), generator=generator).double()
    f = glove.weight(counts, x_max=5)
    logs = torch.where(counts > 0, counts, 1).log()
    loss = (f * (v @ u.T + a[:, None] + b - logs) ** 2).sum()
    loss.backward()
    found, *gradients = glove.loss_and_gradients(*(t.detach() for t in (v, u, a, b)), logs, f)
    torch.testing.assert_close(found, loss.detach())
    for gradient, tensor in zip(gradients, (v, u, a, b), strict=True):
        torch.testing.assert_close(gradient, tensor.grad)


@pytest.mark.parametrize(("x", "expected"), [(0, 0), (1, 0.1**0.75), (10, 1), (1e6, 1)])
def test_the_weight_of_glove(x, expected):
    assert math.isclose(glove.weight(torch.tensor(float(x)), 10), expected, rel_tol=1e-6)


def test_drawn_pairs_have_the_expected_frequencies():
    """A pair d apart is drawn with probability 1 - (d - 1) / window, from both of its ends."""
    corpus = corpus_of([list("abcdef")] * 4000)
    pairs = skipgram.draw_pairs(corpus, 3, 0.0, np.random.default_rng(0))
    share = np.zeros((6, 6))
    np.add.at(share, tuple(pairs.T), 1 / 4000)
    for i, j in np.ndindex(6, 6):
        expected = max(0, 1 - (abs(i - j) - 1) / 3) if i != j else 0
        assert abs(share[i, j] - expected) < 0.04


def test_frequent_words_are_dropped():
    corpus = corpus_of([["a"] * 99 + ["b"]] * 50)
    pairs = skipgram.draw_pairs(corpus, 1, 0.01, np.random.default_rng(0))
    kept = math.sqrt(0.01 / 0.99) + 0.01 / 0.99
    tokens = 50 * 99 * kept
    assert abs(len(pairs) / (2 * tokens) - 1) < 0.1
    assert np.isin(1, pairs)


def test_without_limits_skipgram_finds_the_shifted_pmi():
    """With as many dimensions as words, v·u goes to ln p(c|w) / (k q(c)) (Levy and Goldberg)."""
    rng = np.random.default_rng(0)
    sentences = rng.choice(list("abcdef"), size=(4000, 2), p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    corpus = corpus_of(sentences.tolist())
    config = SkipGramConfig(
        n_dims=8, window=1, negatives=2, subsample=0, epochs=60, batch=800, shared=800, lr=0.05
    )
    learned = train_skipgram(corpus, config)
    counts = count_pairs(corpus, window=1)
    q = corpus.counts**0.75
    expected = np.log(counts / counts.sum(1, keepdims=True) / (2 * q / q.sum()))
    assert np.abs(learned.centres @ learned.contexts.T - expected).max() < 0.2


def test_a_seed_repeats_a_run_and_another_does_not():
    corpus = corpus_of([list("abcdef"), list("fedcba")] * 20)
    for train in (
        lambda seed: (
            train_skipgram(corpus, SkipGramConfig(n_dims=4, subsample=0, seed=seed)).centres
        ),
        lambda seed: train_glove(count_pairs(corpus), GloVeConfig(n_dims=4, seed=seed)).vectors,
    ):
        np.testing.assert_array_equal(train(1), train(1))
        assert not np.allclose(train(1), train(2))


@pytest.mark.parametrize("counts", [[[1.0, 2.0]], [[0.0]], [[-1.0]], [[math.nan]]])
def test_glove_refuses_what_are_no_counts(counts):
    with pytest.raises(ValueError, match="counts"):
        train_glove(np.array(counts))


def test_neighbours_leave_out_the_word_and_ask_for_no_more_than_there_are():
    space = WordVectors(["a", "b", "c"], np.array([[1.0, 0], [2, 0.1], [0, 0]]))
    assert [word for word, _ in space.neighbours("a", k=9)] == ["b", "c"]
    assert space.similarity("a", "c") == 0
    assert space.analogy("a", "b", "c", exclude=False)[0][0] in {"a", "b", "c"}
    assert space.analogy("a", "b", "c") == []


def test_a_space_says_what_is_wrong():
    matrix = np.eye(2)
    with pytest.raises(ValueError, match="one row a word"):
        WordVectors(["a"], matrix)
    with pytest.raises(ValueError, match="twice"):
        WordVectors(["a", "a"], matrix)
    space = WordVectors(["a", "b"], matrix)
    with pytest.raises(KeyError, match="no vector for"):
        space.neighbours("z")
    with pytest.raises(TypeError, match="list of words"):
        space.rows("ab")
    with pytest.raises(ValueError, match="at least one word"):
        space.neighbours("a", k=0)


def test_many_analogies_are_answered_as_one_by_one():
    rng = np.random.default_rng(0)
    space = WordVectors([f"w{i}" for i in range(50)], rng.normal(size=(50, 8)))
    questions = [tuple(f"w{i}" for i in rng.choice(50, 3, replace=False)) for _ in range(40)]
    for exclude in (True, False):
        single = [space.analogy(*q, k=1, exclude=exclude)[0][0] for q in questions]
        assert space.answer_analogies(questions, exclude=exclude) == single


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_procrustes_finds_the_rotation(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(5, 5))).Q
    a = rng.normal(size=(20, 5))
    np.testing.assert_allclose(procrustes(a, a @ turn), turn, atol=1e-8)
    noisy = a @ turn + 0.1 * rng.normal(size=a.shape)
    best = procrustes(a, noisy)
    np.testing.assert_allclose(best @ best.T, np.eye(5), atol=1e-8)
    assert np.linalg.norm(a @ best - noisy) <= np.linalg.norm(a @ turn - noisy) + 1e-9


def test_procrustes_needs_the_same_words():
    with pytest.raises(ValueError, match="same words"):
        procrustes(np.eye(3), np.eye(2))


def test_weat_is_its_definition():
    rng = np.random.default_rng(3)
    x, y, a, b = (rng.normal(size=(n, 6)) for n in (4, 5, 3, 2))

    def cosine(p, q):
        return p @ q / np.linalg.norm(p) / np.linalg.norm(q)

    s = [np.mean([cosine(w, v) for v in a]) - np.mean([cosine(w, v) for v in b]) for w in (*x, *y)]
    np.testing.assert_allclose(associations(np.concatenate([x, y]), a, b), s)
    found = weat(x, y, a, b)
    difference = np.mean(s[:4]) - np.mean(s[4:])
    assert math.isclose(found.effect, difference / np.std(s, ddof=1))
    larger = [
        np.mean([s[i] for i in some]) - np.mean([s[i] for i in range(9) if i not in some])
        >= difference - 1e-12
        for some in itertools.combinations(range(9), 4)
    ]
    assert found.n_divisions == 126
    assert math.isclose(found.p_value, np.mean(larger))


def test_weat_samples_where_divisions_are_many_and_holds_its_level():
    rng = np.random.default_rng(0)
    found = weat(*rng.normal(size=(4, 12, 5)))
    assert found.n_divisions == 20_000
    assert 1 / 20_000 <= found.p_value <= 1
    p_values = [weat(*rng.normal(size=(4, 4, 5))).p_value for _ in range(400)]
    assert abs(np.mean(np.array(p_values) <= 0.1) - 0.1) < 0.05


def test_weat_says_what_is_wrong():
    one = np.eye(2)
    with pytest.raises(ValueError, match="same association"):
        weat(one[:1], one[:1], one[:1], one[1:])
    with pytest.raises(ValueError, match="one space"):
        weat(one, one, np.ones((1, 3)), one)
    with pytest.raises(ValueError, match="at least one vector"):
        weat(one, one, one, np.empty((0, 2)))
