"""Made vectors: one endless set a recipe, and what each recipe is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.data import made_vectors as module
from ravm_course.data.made_vectors import RECIPES, made_vectors
from ravm_course.retrieval import VectorIndex
from ravm_course.retrieval.neighbours import intrinsic_dimension, relative_contrast


@settings(max_examples=20)
@given(st.integers(0, 90), st.integers(0, 90), st.sampled_from(RECIPES))
def test_rows_do_not_depend_on_how_many_are_asked_for(n, start, recipe):
    before, module._BLOCK = module._BLOCK, 32
    try:
        whole = made_vectors(180, dim=6, recipe=recipe)
        np.testing.assert_array_equal(
            made_vectors(n, dim=6, recipe=recipe, start=start), whole[start : start + n]
        )
    finally:
        module._BLOCK = before


@pytest.mark.parametrize("recipe", RECIPES)
def test_unit_vectors_repeatable_and_without_twins(recipe):
    vectors = made_vectors(3000, recipe=recipe)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors, made_vectors(3000, recipe=recipe))
    assert not np.allclose(vectors, made_vectors(3000, recipe=recipe, seed=1))
    assert len(np.unique(vectors, axis=0)) == 3000


def difficulty(recipe):
    base, queries = made_vectors(8000, recipe=recipe), made_vectors(100, recipe=recipe, start=10**6)
    index = VectorIndex(128, metric="euclidean")
    index.add(base)
    near = -index.search(queries, 100)[0]
    far = np.linalg.norm(queries[:, None] - base[:300], axis=2).mean(axis=1)
    return relative_contrast(near[:, 0], far), intrinsic_dimension(near), near


def test_the_recipes_are_what_their_description_says():
    contrast, dimension, near = difficulty("mapped")
    assert 2 < contrast < 3.5
    assert 6 < dimension < 13
    assert np.median(near[:, 9] / near[:, 0]) > 1.2, "the tenth is clearly farther than the first"
    assert difficulty("normal")[0] < 1.3
    contrast, _, near = difficulty("copies")
    assert contrast > 10
    assert np.median(near[:, 4] / near[:, 0]) < 1.15


def test_refusals():
    with pytest.raises(ValueError, match="expected one of mapped, copies, normal"):
        made_vectors(1, recipe="other")
    for arguments in ({"n": -1}, {"n": 1, "start": -1}, {"n": 1, "dim": 0}):
        with pytest.raises(ValueError, match="expected 0, 0 and 1"):
            made_vectors(**arguments)
    assert made_vectors(0).shape == (0, 128)
