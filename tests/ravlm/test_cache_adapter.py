"""The cache adapter against its closed form, and what must hold of every head without training."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from ravm_course.ravlm.cache_adapter import CacheAdapter, knn_probabilities, prototype_scores
from ravm_course.vlm import classify

CLASSES, DIM = 5, 7


def unit(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def example(seed=0, count=23):
    """Return features, weights, keys and labels, with one class that has no key."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES - 1, (count,), generator=generator)
    return (
        unit(6, DIM, seed=seed),
        unit(CLASSES, DIM, seed=seed + 1),
        unit(count, DIM, seed=seed + 2),
        labels,
    )


def filled(weights, keys, labels, **options):
    adapter = CacheAdapter(weights, **options)
    adapter.add(keys, labels)
    return adapter


def closed_form(features, weights, keys, labels, scale, alpha, beta):
    """Compute the published formula number by number."""
    out = []
    for f in features.tolist():
        row = []
        for c, w in enumerate(weights.tolist()):
            total = scale * math.fsum(a * b for a, b in zip(f, w, strict=True))
            for key, label in zip(keys.tolist(), labels.tolist(), strict=True):
                if label == c:
                    near = math.fsum(a * b for a, b in zip(f, key, strict=True))
                    total += alpha * math.exp(-beta * (1 - near))
            row.append(total)
        out.append(row)
    return torch.tensor(out, dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(0.1, 100),
    alpha=st.floats(0, 50),
    beta=st.floats(0.1, 50),
)
def test_logits_are_the_published_formula(seed, scale, alpha, beta):
    features, weights, keys, labels = example(seed)
    adapter = filled(weights, keys, labels, logit_scale=scale, alpha=alpha, beta=beta)
    expected = closed_form(features, weights, keys, labels, scale, alpha, beta)
    torch.testing.assert_close(adapter.logits(features), expected, rtol=1e-9, atol=1e-9)


def test_logits_are_the_published_matrix_product():
    features, weights, keys, labels = example()
    adapter = filled(weights, keys, labels, alpha=1.17, beta=5.5)
    values = F.one_hot(labels, CLASSES).double()
    expected = 100 * features @ weights.T
    expected += 1.17 * ((-1) * (5.5 - 5.5 * features @ keys.T)).exp() @ values
    torch.testing.assert_close(adapter.logits(features), expected)


def test_an_empty_cache_is_the_zero_shot_head():
    features, weights, _, _ = example()
    adapter = CacheAdapter(weights, logit_scale=14.0)
    assert torch.equal(adapter.logits(features), 14.0 * features @ weights.T)
    torch.testing.assert_close(
        adapter.logits(features).softmax(1), classify(features, weights, 14.0)
    )


def test_alpha_zero_is_the_zero_shot_head():
    features, weights, keys, labels = example()
    adapter = filled(weights, keys, labels, alpha=0.0)
    torch.testing.assert_close(adapter.logits(features), 100 * features @ weights.T)


def test_the_order_of_the_keys_does_not_matter():
    features, weights, keys, labels = example()
    order = torch.randperm(len(keys), generator=torch.Generator().manual_seed(3))
    one, other = filled(weights, keys, labels), filled(weights, keys[order], labels[order])
    for k in (None, 1, 4, len(keys)):
        torch.testing.assert_close(one.cache_logits(features, k), other.cache_logits(features, k))


def test_all_keys_are_k_equal_to_their_number():
    features, weights, keys, labels = example()
    adapter = filled(weights, keys, labels)
    torch.testing.assert_close(
        adapter.cache_logits(features), adapter.cache_logits(features, k=len(keys))
    )


@pytest.mark.parametrize("k", [1, 3, 23])
def test_the_cache_of_k_keys_ranks_as_the_knn_head(k):
    features, weights, keys, labels = example()
    beta = 9.0
    cache = filled(weights, keys, labels, beta=beta).cache_logits(features, k)
    knn = knn_probabilities(features, keys, labels, CLASSES, k=k, temperature=1 / beta)
    torch.testing.assert_close(cache / cache.sum(1, keepdim=True), knn)
    torch.testing.assert_close(knn.sum(1), torch.ones(len(features), dtype=torch.float64))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_knn_probabilities_agree_with_scikit_learn(k):
    features, _, keys, labels = example()
    temperature = 0.2

    def weigh(distances):  # of unit vectors: 1 - cosine = distance squared / 2
        return np.exp(-(distances**2) / 2 / temperature)

    theirs = KNeighborsClassifier(k, weights=weigh, algorithm="brute")
    theirs.fit(keys.numpy(), labels.numpy())
    ours = knn_probabilities(features, keys, labels, CLASSES, k=k, temperature=temperature)
    expected = theirs.predict_proba(features.numpy())
    np.testing.assert_allclose(ours.numpy()[:, theirs.classes_], expected, atol=1e-9)
    assert ours[:, CLASSES - 1].eq(0).all(), "no key, no probability"


def test_of_equally_near_keys_the_first_counts():
    keys, features = torch.eye(2)[[1, 0, 0, 0, 1]], torch.eye(2)
    voted = knn_probabilities(features, keys, torch.tensor([3, 2, 0, 1, 4]), 5, k=1)
    assert voted.tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    voted = knn_probabilities(features, keys, torch.tensor([3, 2, 0, 1, 4]), 5, k=2)
    assert voted.tolist() == [[0.5, 0, 0.5, 0, 0], [0, 0, 0, 0.5, 0.5]]


def test_prototypes_are_means_of_unit_length():
    features, _, keys, labels = example()
    ours = prototype_scores(features, keys, labels, CLASSES)
    for c in range(CLASSES - 1):
        mean = keys[labels == c].mean(0)
        torch.testing.assert_close(ours[:, c], features @ (mean / mean.norm()))
    assert ours[:, CLASSES - 1].eq(-math.inf).all()


@pytest.mark.filterwarnings("ignore:.*standard deviation:UserWarning")
def test_prototypes_of_equally_long_means_agree_with_scikit_learn():
    """The library compares distances, which order as cosines where the means are equally long."""
    axes = torch.eye(DIM, dtype=torch.float64)
    keys, labels = axes[[0, 1, 2, 3, 4, 5]], torch.tensor([0, 0, 1, 1, 2, 2])
    features = unit(9, DIM, seed=4)
    theirs = NearestCentroid().fit(keys.numpy(), labels.numpy()).predict(features.numpy())
    ours = prototype_scores(features, keys, labels, 3).argmax(1)
    np.testing.assert_array_equal(ours.numpy(), theirs)


def test_with_one_shot_a_class_all_heads_agree():
    features, weights, _, _ = example()
    keys, labels = unit(CLASSES, DIM, seed=8), torch.arange(CLASSES)
    cache = filled(weights, keys, labels).cache_logits(features).argmax(1)
    knn = knn_probabilities(features, keys, labels, CLASSES, k=CLASSES).argmax(1)
    prototypes = prototype_scores(features, keys, labels, CLASSES).argmax(1)
    assert torch.equal(cache, knn)
    assert torch.equal(cache, prototypes)


def test_balanced_divides_by_the_number_of_keys():
    features, weights, keys, labels = example()
    plain = filled(weights, keys, labels)
    balanced = filled(weights, keys, labels, balanced=True)
    for k in (None, 4):
        expected = plain.cache_logits(features, k)
        for c in range(CLASSES):
            expected[:, c] /= max(1, int((labels == c).sum()))
        torch.testing.assert_close(balanced.cache_logits(features, k), expected)
    twice = filled(weights, keys.repeat(2, 1), labels.repeat(2), balanced=True)
    torch.testing.assert_close(twice.logits(features), balanced.logits(features))


def test_classes_and_keys_come_and_go():
    features, weights, keys, labels = example()
    adapter = CacheAdapter(weights[:3])
    assert adapter.add_classes(weights[3:]) == range(3, CLASSES)
    adapter.add(keys[:10], labels[:10])
    adapter.add(keys[10:], labels[10:])
    whole = filled(weights, keys, labels)
    assert torch.equal(adapter.logits(features), whole.logits(features))
    assert repr(adapter) == "CacheAdapter: 23 keys of 5 classes"

    gone = int(labels[0])
    assert adapter.forget(gone) == int((labels == gone).sum())
    assert adapter.forget(gone) == 0
    stays = labels != gone
    rest = filled(weights, keys[stays], labels[stays])
    assert torch.equal(adapter.logits(features), rest.logits(features))


def test_adding_a_class_leaves_the_logits_of_the_others():
    features, weights, keys, labels = example()
    adapter = filled(weights[:4], keys, labels)
    before = adapter.logits(features)
    adapter.add_classes(weights[4:])
    adapter.add(unit(3, DIM, seed=9), torch.tensor([4, 4, 4]))
    torch.testing.assert_close(adapter.logits(features)[:, :4], before)


def test_errors():
    features, weights, keys, labels = example()
    adapter = CacheAdapter(weights)
    with pytest.raises(ValueError, match="expected floats"):
        CacheAdapter(weights[0])
    with pytest.raises(ValueError, match="alpha is -1"):
        CacheAdapter(weights, alpha=-1)
    with pytest.raises(ValueError, match="beta nan"):
        CacheAdapter(weights, beta=math.nan)
    with pytest.raises(ValueError, match=r"expected \(N, 7\) and \(N,\)"):
        adapter.add(keys, labels[:-1])
    with pytest.raises(ValueError, match=r"between 0 and 5, expected 0 to 4.*add_classes"):
        adapter.add(keys[:2], torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="expected integers"):
        adapter.add(keys, labels.double())
    assert len(adapter) == 0, "what was refused left nothing behind"
    with pytest.raises(ValueError, match=r"expected \(M, 7\)"):
        adapter.add_classes(weights[:, :3])
    with pytest.raises(ValueError, match="label is 5"):
        adapter.forget(5)
    with pytest.raises(ValueError, match="k is 1, expected 1 to 0"):
        adapter.cache_logits(features, k=1)
    with pytest.raises(ValueError, match=r"expected \(Q, 7\)"):
        adapter.cache_logits(features[:, :2])
    with pytest.raises(ValueError, match="holds NaN"):
        knn_probabilities(features * math.nan, keys, labels, CLASSES, k=2)
    with pytest.raises(ValueError, match="temperature is 0"):
        knn_probabilities(features, keys, labels, CLASSES, k=1, temperature=0)
    with pytest.raises(ValueError, match="k is 24"):
        knn_probabilities(features, keys, labels, CLASSES, k=24)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        prototype_scores(features, keys, labels, 2)
