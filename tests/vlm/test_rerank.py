"""Reading picture and name together, its control, and what a second stage may change."""

import pytest
import torch

from ravm_course.data import load_emoji, load_emoji_splits
from ravm_course.vlm import encode_images, load_pretrained, to_float
from ravm_course.vlm.hard_lists import list_drawer, picture_grids
from ravm_course.vlm.rerank import CrossEncoder, TwoVectors, reorder

SIZES = {"channels": (8, 16), "sides": (4, 2), "name_dim": 12, "width": 16}


def example(pictures=3, names=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    maps = [
        torch.randn(pictures, 8, 4, 4, generator=generator),
        torch.randn(pictures, 16, 2, 2, generator=generator),
    ]
    return (
        maps,
        torch.randn(pictures, names, 12, generator=generator),
        torch.rand(pictures, names, generator=generator),
    )


def stirred(kind):
    """Return a model in evaluation mode whose last layers are not zero."""
    torch.manual_seed(1)
    model = kind(**SIZES).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return model


@pytest.mark.parametrize("kind", [CrossEncoder, TwoVectors])
def test_training_starts_from_the_first_stage(kind):
    maps, names, similarity = example()
    torch.testing.assert_close(kind(**SIZES)(maps, names, similarity), 10 * similarity)


@pytest.mark.parametrize("kind", [CrossEncoder, TwoVectors])
def test_a_candidate_is_scored_the_same_in_any_company(kind):
    maps, names, similarity = example()
    model = stirred(kind)
    scores = model(maps, names, similarity)
    torch.testing.assert_close(model(maps, names[:, 2:4], similarity[:, 2:4]), scores[:, 2:4])
    one = model([some[1:2] for some in maps], names[1:2], similarity[1:2])
    torch.testing.assert_close(one, scores[1:2])


def test_attention_sums_to_one_and_reads_the_name():
    maps, names, _ = example()
    weights = stirred(CrossEncoder).look(maps, names)[3]
    assert weights.shape == (3, 4, 5, 20)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 5))
    assert not torch.allclose(weights[:, :, 0], weights[:, :, 1])


def test_only_the_cross_encoder_can_go_beyond_a_sum_over_coordinates():
    """Two vectors of d numbers give a score matrix of rank d; a cross-encoder need not."""
    maps, _, _ = example(12)
    names = torch.randn(1, 12, 12, generator=torch.Generator().manual_seed(3)).expand(12, -1, -1)
    nothing = torch.zeros(12, 12)
    torch.manual_seed(1)
    two = TwoVectors(**SIZES, dim=2).eval()
    with torch.no_grad():
        two.added.fill_(1.0)
        assert torch.linalg.matrix_rank(two(maps, names, nothing), rtol=1e-4) == 2
        assert torch.linalg.matrix_rank(stirred(CrossEncoder)(maps, names, nothing), rtol=1e-4) > 2


def test_the_control_is_as_large():
    sizes = {"channels": (96, 192), "sides": (4, 2), "name_dim": 128}
    ours, control = (
        sum(p.numel() for p in k(**sizes).parameters()) for k in (CrossEncoder, TwoVectors)
    )
    assert 1 <= control / ours < 1.1
    with pytest.raises(ValueError, match="multiple of 4"):
        CrossEncoder((8,), (4,), 12, width=18)


def test_reorder_keeps_the_rest_and_ties():
    first = torch.tensor([[0.1, 0.9, 0.5, 0.7], [4.0, 3.0, 2.0, 1.0]])
    candidates = first.topk(2, dim=1).indices
    again = reorder(first, candidates, torch.tensor([[0.0, 1.0], [5.0, 5.0]]))
    assert again.argsort(dim=1, descending=True).tolist() == [[3, 1, 2, 0], [0, 1, 2, 3]]
    everything = torch.arange(4).expand(2, -1)
    assert reorder(first, everything, -first).argmax(1).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("candidates", "scores", "message"),
    [
        ([[0, 1]], [[1.0]], "expected"),
        ([[0, 0]], [[1.0, 2.0]], "twice"),
        ([[0, 1]], [[1.0, float("nan")]], "NaN"),
        ([[0], [1]], [[1.0], [1.0]], "expected"),
    ],
)
def test_reorder_refuses(candidates, scores, message):
    with pytest.raises(ValueError, match=message):
        reorder(torch.zeros(1, 3), torch.tensor(candidates), torch.tensor(scores))


def test_grids_end_in_the_towers_own_vector():
    model, emoji = load_pretrained(), load_emoji()
    maps, vectors = picture_grids(model, to_float(emoji.images[:5]))
    assert [tuple(some.shape[1:]) for some in maps] == [(96, 4, 4), (192, 2, 2)]
    torch.testing.assert_close(vectors, encode_images(model, emoji.images[:5]))
    with pytest.raises(TypeError, match="expected an ImageTower"):
        picture_grids(load_pretrained("towers"), to_float(emoji.images[:1]))


def test_lists_hold_the_right_name_first_and_wrong_ones_that_are_near():
    model, emoji, splits = load_pretrained(), load_emoji(), load_emoji_splits()
    options = {"batch": 32, "candidates": 4, "pool": 10, "views": 1}
    draw = list_drawer(model, emoji, splits, **options)
    (maps, names, similarity), relevance = draw(torch.Generator().manual_seed(0))
    again = draw(torch.Generator().manual_seed(0))
    torch.testing.assert_close(again[0][2], similarity)
    assert maps[0].shape == (32, 96, 4, 4)
    assert names.shape == (32, 4, 128)
    assert relevance.tolist() == [[1.0, 0.0, 0.0, 0.0]] * 32
    gallery = sorted({emoji.concepts[c].name_en for c in emoji.concept[splits.train]})
    with torch.no_grad():
        texts = model.encode_text(gallery)
    listed = (names @ texts.T).argmax(-1)  # which name each vector is
    assert all(len(set(row)) == 4 for row in listed.tolist())
    assert similarity[:, 0].mean() > similarity[:, 1:].mean()
    at_random = (texts @ texts.T).mean()
    near = (texts[listed[:, 0]][:, None] * texts[listed[:, 1:]]).sum(-1).mean()
    assert near > at_random + 0.1
    with pytest.raises(ValueError, match="expected 2 to 11"):
        list_drawer(model, emoji, splits, candidates=12, pool=10)
