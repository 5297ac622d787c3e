"""Nearest neighbours as a measure, and the baseline of pixels."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import KNeighborsClassifier

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.vlm import CLIP, CLIPConfig, encode_images, hits, pixel_features, to_float


def unit(n, d, seed):
    return F.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_hits_equal_a_search_by_hand():
    queries, gallery = unit(30, 4, 0), unit(9, 4, 1)
    labels, classes = np.arange(30) % 5, np.arange(9) % 5
    for k in (1, 3, 9):
        order = np.argsort(-(queries @ gallery.T).numpy(), axis=1)[:, :k]
        expected = [labels[i] in classes[order[i]] for i in range(30)]
        assert hits(queries, gallery, labels, classes, k).tolist() == expected
    assert hits(queries, gallery, labels, classes, 9).all()


def test_hits_agrees_with_scikit_learn():
    queries, gallery = unit(40, 6, 2), unit(25, 6, 3)
    labels, classes = np.arange(40) % 7, np.arange(25) % 7
    reference = KNeighborsClassifier(1).fit(gallery.numpy(), classes).predict(queries.numpy())
    assert np.array_equal(hits(queries, gallery, labels, classes), reference == labels)


def test_hits_takes_text_labels_and_says_what_is_wrong():
    assert hits(torch.eye(2), torch.eye(2), ["猫", "dog"], ["猫", "cow"]).tolist() == [True, False]
    with pytest.raises(ValueError, match="3 labels for 2 queries"):
        hits(torch.eye(2), torch.eye(2), [0, 1, 2], [0, 1])
    with pytest.raises(ValueError, match="k is 3, expected 1 to 2"):
        hits(torch.eye(2), torch.eye(2), [0, 1], [0, 1], k=3)


def test_encoding_in_batches_equals_encoding_at_once():
    torch.manual_seed(0)
    model = CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64)).eval()
    images = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    with torch.no_grad():
        at_once = model.encode_image(to_float(images))
    torch.testing.assert_close(encode_images(model, images, batch=3), at_once)


def test_pixel_features_are_correlations():
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    small = images.reshape(3, 16, 2, 16, 2, 3).mean((2, 4)).reshape(3, -1)
    got = pixel_features(images)
    np.testing.assert_allclose((got @ got.T).numpy(), np.corrcoef(small), atol=1e-5)


def test_the_pixel_baseline_of_the_test_artist_is_not_weakened():
    # chapter 17 prints it beside every result: if it falls, comparisons become too easy
    emoji, splits = load_emoji(), load_emoji_splits()
    train = pixel_features(emoji.images[splits.train])
    right = hits(
        pixel_features(emoji.images[splits.test_artist]),
        train,
        emoji.concept[splits.test_artist],
        emoji.concept[splits.train],
    )
    assert 0.25 < right.mean() < 0.40
