"""The API reference finds every module, and names as docstrings write them."""

from __future__ import annotations

import pytest
from api_room import homes_of, imports_of, modules_of


def test_modules_are_found_and_private_ones_left_out():
    found = modules_of("ravm_course.text")
    assert found[0] == "ravm_course.text"
    assert "ravm_course.text.ngram" in found
    assert not [name for name in found if "._" in name]


@pytest.mark.parametrize(
    ("written", "home"),
    [
        ("ravm_course.vlm.clip_loss", "ravm_course.vlm.loss.clip_loss"),
        ("ravm_course.text.ngram.NGramLM.fit", "ravm_course.text.ngram.NGramLM.fit"),
        ("ravm_course.retrieval.VectorIndex.add", "ravm_course.retrieval.index.VectorIndex.add"),
    ],
)
def test_an_imported_name_leads_to_its_definition(written, home):
    assert homes_of(written)[0] == home


@pytest.mark.parametrize("name", ["ravm_course.vlm.nothing", "ravm_course.nowhere", "elsewhere.x"])
def test_what_does_not_exist_has_no_home(name):
    assert homes_of(name) == []


def test_a_package_lists_what_can_be_imported_from_it():
    import ravm_course.vlm

    (line, _) = imports_of(ravm_course.vlm)
    assert ":py:obj:`clip_loss <ravm_course.vlm.loss.clip_loss>`" in line
