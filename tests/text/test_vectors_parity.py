"""Held equal to gensim and SciPy: neighbours and analogies exactly, trained vectors in rank."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from gensim.models import KeyedVectors, Word2Vec

from ravm_course.data import load_speeches
from ravm_course.data.sentences import split_sentences
from ravm_course.text.vectors import (
    Corpus,
    SkipGramConfig,
    WordVectors,
    count_pairs,
    ppmi,
    procrustes,
    train_skipgram,
)


@pytest.fixture(scope="module")
def both():
    rng = np.random.default_rng(0)
    words, matrix = [f"w{i}" for i in range(200)], rng.normal(size=(200, 16)).astype(np.float32)
    theirs = KeyedVectors(16)
    theirs.add_vectors(words, matrix)
    return WordVectors(words, matrix), theirs


def test_neighbours_are_gensims(both):
    ours, theirs = both
    for word in ours.words[:50]:
        found, expected = ours.neighbours(word, 10), theirs.most_similar(word, topn=10)
        assert [w for w, _ in found] == [w for w, _ in expected]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=1e-6)


def test_analogies_are_gensims(both):
    ours, theirs = both
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b, c = (f"w{i}" for i in rng.choice(200, 3, replace=False))
        expected = theirs.most_similar(positive=[b, c], negative=[a], topn=5)
        assert [w for w, _ in ours.analogy(a, b, c, 5)] == [w for w, _ in expected]


def test_procrustes_is_scipys():
    a, b = np.random.default_rng(0).normal(size=(2, 40, 6))
    np.testing.assert_allclose(procrustes(a, b), scipy.linalg.orthogonal_procrustes(a, b)[0])


@pytest.mark.slow
def test_word2vec_ranks_words_as_gensim_does():
    """Cosines of all pairs of frequent words agree in rank about as well as two gensim runs do."""
    sentences = [s for speech in load_speeches()[::6] for s in split_sentences(speech.text)]
    corpus = Corpus.from_sentences(sentences, min_count=60)
    known = [[w for w in s if w in corpus.number] for s in sentences]

    def of_gensim(seed):
        model = Word2Vec(
            known, vector_size=32, window=5, negative=5, sg=1, sample=1e-3, min_count=1,
            epochs=8, seed=seed, workers=1,
        )  # fmt: skip
        return np.array([model.wv[word] for word in corpus.words])

    def cosines(matrix):
        unit = WordVectors(corpus.words, matrix).unit[:400]
        return (unit @ unit.T)[np.triu_indices(400, 1)]

    theirs, again = cosines(of_gensim(1)), cosines(of_gensim(2))
    config = SkipGramConfig(n_dims=32, window=5, subsample=1e-3, lr=0.02, epochs=4, batch=1024)
    ours = cosines(train_skipgram(corpus, config).centres)
    counted = cosines(ppmi(count_pairs(corpus, 5), context_power=0.75))
    between_runs = scipy.stats.spearmanr(theirs, again).statistic
    agreement = scipy.stats.spearmanr(ours, theirs).statistic
    print(f"gensim and gensim {between_runs:.3f}, ours and gensim {agreement:.3f}, ", end="")
    print(f"ours and PPMI {scipy.stats.spearmanr(ours, counted).statistic:.3f}")
    assert agreement > 0.7
    assert agreement > scipy.stats.spearmanr(theirs, np.roll(ours, 1)).statistic + 0.5
