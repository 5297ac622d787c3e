"""MaxSim against a loop, and the parts that it compares."""

import numpy as np
import pytest
import torch

from ravm_course.vlm import CLIP, CLIPConfig
from ravm_course.vlm.late_interaction import max_sim, patch_vectors, unit_parts


def parts(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loop(query, document, mask, weights):
    total = 0.0
    for p, part in enumerate(query):
        best = max(
            sum(a * b for a, b in zip(part.tolist(), other.tolist(), strict=True))
            for r, other in enumerate(document)
            if mask[r]
        )
        total += weights[p].item() * best
    return total


def test_it_equals_a_loop_for_all_pairs():
    query, document = parts(3, 4, 5), parts(2, 6, 5, seed=1)
    mask = torch.ones(2, 6, dtype=torch.bool)
    mask[0, 2:] = False
    weights = torch.softmax(parts(3, 4, seed=2), dim=1)
    found = max_sim(query[:, None], document[None], mask[None], weights[:, None])
    plain = max_sim(query[:, None], document[None])
    for q in range(3):
        for d in range(2):
            expected = by_loop(query[q], document[d], mask[d], weights[q])
            assert found[q, d].item() == pytest.approx(expected)
            same = by_loop(query[q], document[d], [True] * 6, torch.full((4,), 0.25))
            assert plain[q, d].item() == pytest.approx(same)


def test_with_one_part_each_it_is_the_inner_product():
    query, document = parts(3, 1, 5), parts(4, 1, 5, seed=1)
    torch.testing.assert_close(
        max_sim(query[:, None], document[None]), query[:, 0] @ document[:, 0].T
    )


def test_order_of_parts_does_not_matter_and_more_parts_of_the_document_never_hurt():
    query, document = parts(4, 5), parts(6, 5, seed=1)
    base = max_sim(query, document)
    torch.testing.assert_close(max_sim(query.flip(0), document.flip(0)), base)
    assert max_sim(query, torch.cat([document, parts(3, 5, seed=2)])) >= base
    assert max_sim(query, document) != max_sim(document, query)


@pytest.mark.parametrize(
    ("query", "document", "mask", "message"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 4), None, "same D"),
        (torch.zeros(3), torch.zeros(2, 3), None, "same D"),
        (torch.zeros(0, 3), torch.zeros(2, 3), None, "at least one part"),
        (torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool), "leaves no part"),
    ],
)
def test_refusals(query, document, mask, message):
    with pytest.raises(ValueError, match=message):
        max_sim(query, document, mask)


def test_patches_are_the_towers_maps_row_by_row():
    model = CLIP(CLIPConfig(dim=8, image_size=32, backbone="efficientnet-lite0")).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    found = patch_vectors(model, images, batch=2)
    assert found.shape == (3, 4, 112)
    small = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
    small = torch.nn.functional.adaptive_avg_pool2d(small, 32)
    with torch.no_grad():
        maps = model.image_tower.backbone.maps(small, after=11)
    torch.testing.assert_close(found[:, 2], maps[:, :, 1, 0], rtol=1e-4, atol=1e-4)
    with pytest.raises(TypeError, match="expected a LiteTower"):
        patch_vectors(CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(0,))), images)


def test_unit_parts_are_centred_by_the_reference_only():
    reference = parts(20, 4, 6).float() * 3 + 5
    unit = unit_parts(reference, reference)
    torch.testing.assert_close(unit.norm(dim=-1), torch.ones(20, 4))
    torch.testing.assert_close(unit_parts(reference[:2], reference), unit[:2])
    raw = reference.mean((0, 1)).expand(1, 1, 6) + 2 * reference.std((0, 1))
    torch.testing.assert_close(
        unit_parts(raw, reference), torch.full((1, 1, 6), 6**-0.5), rtol=0.01, atol=0.01
    )
