"""The matcher of patches: what it computes, what it learns from, what it may not see."""

import pytest
import torch
import torch.nn.functional as F

from ravm_course.retrieval.ranking import listwise_loss
from ravm_course.training import fit
from ravm_course.vlm.late_interaction import max_sim
from ravm_course.vlm.patch_matcher import (
    PAIRINGS,
    PatchMatcher,
    match_candidates,
    matching_drawer,
    stored_rows,
)


def unit(*shape, seed=0):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_untrained_it_is_max_sim_to_the_best_drawing():
    picture, drawings = unit(2, 4, 6), unit(2, 5, 3, 4, 6, seed=1)
    missing = torch.zeros(2, 5, 3, dtype=torch.bool)
    missing[0, 0, 1:] = True
    scores = PatchMatcher(6)(picture, drawings, missing)
    each = max_sim(picture[:, None, None], drawings)
    torch.testing.assert_close(scores[0, 0], 12 * each[0, 0, 0])
    torch.testing.assert_close(scores[1], 12 * each[1].amax(-1))


def test_pairings_differ_as_they_say():
    picture = unit(1, 4, 6)
    turned = picture.flip(1)[:, None, None]
    none = torch.zeros(1, 1, 1, dtype=torch.bool)
    best, same, mean = (PatchMatcher(6, pairing)(picture, turned, none) for pairing in PAIRINGS)
    torch.testing.assert_close(best, torch.full((1, 1), 12.0))
    torch.testing.assert_close(mean, torch.full((1, 1), 12.0))
    expected = 12 * (picture * picture.flip(1)).sum(-1).mean()
    torch.testing.assert_close(same.squeeze(), expected)
    with pytest.raises(ValueError, match="expected one of best, same, mean"):
        PatchMatcher(6, "worst")


def test_all_pairings_have_as_many_weights_and_gradients():
    picture, drawings = unit(2, 4, 6), unit(2, 3, 2, 4, 6, seed=1)
    missing = torch.tensor([[[False, True]] * 3] * 2)
    sizes = set()
    for pairing in PAIRINGS:
        model = PatchMatcher(6, pairing)
        sizes.add(sum(p.numel() for p in model.parameters()))
        listwise_loss(model(picture, drawings, missing), torch.eye(3)[:2]).backward()
        assert torch.isfinite(model.project.weight.grad).all()
        assert model.project.weight.grad.abs().sum() > 0
    assert len(sizes) == 1


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_a_store_encoded_once_gives_the_same_scores(pairing):
    torch.manual_seed(0)
    model, parts = PatchMatcher(6, pairing), unit(9, 4, 6)
    with torch.no_grad():
        model.project.weight.add_(0.3 * torch.randn(6, 6))
        model.trust.weight.add_(torch.randn(1, 6))
    rows = stored_rows(torch.arange(9) // 2, 5)
    candidates = torch.tensor([[0, 4, 2], [3, 1, 4]])
    chosen = rows[candidates]
    picture = unit(2, 4, 6, seed=1)
    expected = model(picture, parts[chosen.clamp(min=0)], chosen < 0)
    found = match_candidates(model, picture, parts, rows, candidates, batch=1)
    torch.testing.assert_close(found, expected)
    places = model.weigh(picture)
    torch.testing.assert_close(places.sum(1), torch.ones(2))


def test_rows_of_names():
    label = torch.tensor([2, 0, 2, 2, 0])
    rows = stored_rows(label, 4)
    assert rows.tolist() == [[1, 4, -1], [-1] * 3, [0, 2, 3], [-1] * 3]


def test_the_query_is_never_among_the_drawings_and_the_right_name_comes_first():
    parts = torch.arange(30.0)[:, None, None].expand(30, 2, 4)  # a drawing is known by its number
    label = torch.arange(30) // 3
    label[29] = 10  # a name with one drawing cannot be a query
    wrong = torch.stack([(label + step) % 11 for step in range(1, 6)], dim=1)
    draw = matching_drawer(parts, label, wrong, batch=64, candidates=4)
    (picture, drawings, missing), relevance = draw(torch.Generator().manual_seed(0))
    numbers, queries = drawings[..., 0, 0].long(), picture[:, 0, 0].long()
    assert 29 not in queries.tolist()
    kept = ~missing
    assert not ((numbers == queries[:, None, None]) & kept).any()
    names = torch.where(kept, label[numbers], -1).amax(-1)
    torch.testing.assert_close(names[:, 0], label[queries])
    assert (names[:, 1:] != names[:, :1]).all()
    assert relevance.sum(1).unique().tolist() == [1]
    assert (relevance[:, 0] == 1).all()
    again = draw(torch.Generator().manual_seed(0))
    torch.testing.assert_close(again[0][0], picture)


def test_a_changed_copy_never_meets_the_drawing_it_is_a_copy_of():
    parts = torch.arange(12.0)[:, None, None].expand(12, 2, 4)
    label, copied = torch.arange(12) // 3, torch.tensor([4, 4, 9])
    wrong = (label[:, None] + torch.arange(1, 4)) % 4
    queries = 100 + torch.arange(3.0)[:, None, None].expand(3, 2, 4)
    draw = matching_drawer(
        parts, label, wrong, queries=queries, copied=copied, batch=50, candidates=3
    )
    (picture, drawings, missing), _ = draw(torch.Generator().manual_seed(0))
    asked = (picture[:, 0, 0] - 100).long()
    assert set(asked.tolist()) == {0, 1, 2}
    numbers = drawings[..., 0, 0].long()
    assert not ((numbers == copied[asked][:, None, None]) & ~missing).any()
    first = torch.where(missing, -1, label[numbers]).amax(-1)[:, 0]
    torch.testing.assert_close(first, label[copied[asked]])
    for some in ({"queries": queries}, {"queries": queries, "copied": copied[:2]}):
        with pytest.raises(ValueError, match="one drawing for each query"):
            matching_drawer(parts, label, wrong, candidates=3, **some)


def test_it_learns_which_features_to_compare():
    """Half of the features name the drawing, the other half belong to the artist."""
    generator = torch.Generator().manual_seed(1)
    names, artists = torch.randn(40, 3, 8, generator=generator), 3
    noise = 3 * torch.randn(40, artists, 3, 8, generator=generator)
    parts = torch.cat([names[:, None].expand(-1, artists, -1, -1), noise], dim=-1).flatten(0, 1)
    parts, label = F.normalize(parts, dim=-1), torch.arange(120) // artists
    wrong = (label[:, None] + torch.arange(1, 20)) % 20
    wrong = torch.where(wrong == label[:, None], 39, wrong)
    train = label < 20
    model = PatchMatcher(16)
    rows = stored_rows(label, 40)
    held = torch.nonzero(~train).squeeze(1)
    candidates = torch.arange(20, 40).expand(len(held), -1)

    def right():
        hidden = rows.clone()
        hits = []
        for i in held.tolist():
            own = hidden[label[i]].clone()
            hidden[label[i]] = torch.where(own == i, -1, own)
            scores = match_candidates(model, parts[[i]], parts, hidden, candidates[:1])
            hits.append(scores.argmax().item() + 20 == label[i].item())
            hidden[label[i]] = own
        return sum(hits) / len(hits)

    before = right()
    draw = matching_drawer(parts[train], label[train], wrong[train] % 20, candidates=4)
    fit(
        model,
        lambda model, batch: listwise_loss(model(*batch[0]), batch[1]),
        draw,
        steps=60,
        lr=0.02,
        seed=0,
        progress=False,
    )
    assert right() > before + 0.2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.tensor([[0], [1], [0], [0]]), "is the right one"),
        (torch.tensor([[2], [2], [2], [2]]), "no drawing"),
        (torch.zeros(3, 1, dtype=torch.long), "M rows each"),
        (torch.zeros(4, 0, dtype=torch.long), "at least 1 wrong"),
    ],
)
def test_drawer_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        matching_drawer(torch.zeros(4, 2, 3), torch.tensor([0, 0, 1, 1]), wrong, candidates=2)


def test_other_refusals():
    with pytest.raises(ValueError, match="no name has two"):
        matching_drawer(
            torch.zeros(2, 2, 3), torch.tensor([0, 1]), torch.tensor([[1], [0]]), candidates=2
        )
    with pytest.raises(ValueError, match="no drawing to compare"):
        match_candidates(
            PatchMatcher(3),
            unit(1, 2, 3),
            unit(2, 2, 3),
            torch.tensor([[0, 1], [-1, -1]]),
            torch.tensor([[0, 1]]),
        )
