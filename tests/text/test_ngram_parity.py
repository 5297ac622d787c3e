"""The n-gram model against KenLM's lmplz and nltk."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ravm_course.text.ngram import NGramLM

GOLDEN = Path(__file__).parent / "golden"


def lines(name):
    text = (GOLDEN / name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_kneser_ney_equals_lmplz(order):
    theirs = json.loads((GOLDEN / "lmplz.json").read_text(encoding="utf-8"))[str(order)]
    expected = np.array(theirs["log10_probs"])
    lm = NGramLM(order).fit(lines("train.txt"))
    np.testing.assert_allclose(lm.discounts, theirs["discounts"], rtol=1e-5)
    heldout = lines("heldout.txt")
    np.testing.assert_allclose(lm.log_probs(heldout) / math.log(10), expected, atol=2e-6)
    assert lm.perplexity(heldout) == pytest.approx(10 ** -expected.mean(), rel=1e-6)


def nltk_model(kind, order, corpus, *options):
    """Fit an nltk model; its vocabulary leaves <s> out, which nothing predicts."""
    lm_module = pytest.importorskip("nltk.lm")
    from nltk.util import everygrams

    vocabulary = lm_module.Vocabulary([w for s in corpus for w in s] + ["</s>"])
    model = getattr(lm_module, kind)(*options, order, vocabulary=vocabulary)
    # one <s> a sentence; <s> is unknown to the vocabulary, so nothing else may be
    padded = [["<s>", *s, "</s>"] for s in corpus]
    model.fit([list(everygrams(s, max_len=order)) for s in padded])
    return model


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("smoothing", ["mle", "add-k"])
def test_relative_frequencies_and_lidstone_equal_nltk(order, smoothing):
    corpus = lines("train.txt")[:80]
    if smoothing == "mle":
        theirs, ours = nltk_model("MLE", order, corpus), NGramLM(order, "mle")
    else:
        theirs, ours = nltk_model("Lidstone", order, corpus, 0.1), NGramLM(order, "add-k", k=0.1)
    ours.fit(corpus)
    compared = 0
    for sentence in corpus[::8]:
        tokens = ["<s>", *sentence, "</s>"]
        for i in range(1, len(tokens)):
            context = tokens[max(0, i - order + 1) : i]
            if order == 1:  # nltk counts <s> as a unigram: leave it out
                counts = theirs.counts[1]
                counts["<UNK>"] = 0
            for word in (tokens[i], "the"):
                expected = theirs.score(word, context)
                assert math.exp(ours.log_prob(word, context)) == pytest.approx(expected, rel=1e-9)
                compared += 1
    assert compared > 300
