"""From a file or a query that means no good to the store: refused with a reason, nothing lost."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from ravm_course.data import PictureError, fit_square, load_emoji, read_picture
from ravm_course.ravlm import Datastore
from ravm_course.ravlm.reader import Reader
from ravm_course.ravlm.visual_qa import VisualQA
from ravm_course.retrieval import VectorIndex
from ravm_course.training import fingerprint
from ravm_course.vlm import encode_images, hashing, load_pretrained, to_float

LONG = 100_000
QUERIES = {
    "one word": "x" * LONG,
    "many words": "a cat " * (LONG // 6),
    "Chinese": "猫" * LONG,
    "accents": "e\u0301" * (LONG // 2),
    "marks": "!" * LONG,
    "one letter that becomes eighteen": "\ufdfa" * (LONG // 10),
    "half a character": "\ud800" * LONG,
    "nothing printed": "\0\u200b" * (LONG // 2),
}
KINDS = {
    "flat": {},
    "ivf": {"nlist": 4, "nprobe": 4},
    "pq": {"m": 4, "nbits": 4},
    "ivfpq": {"nlist": 4, "nprobe": 4, "m": 4, "nbits": 4},
    "hnsw": {},
}


@pytest.fixture(scope="module", params=["emoji-clip", "towers"])
def model(request):
    return load_pretrained(request.param)


def file_of(picture, format="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def ingest(model, store, files):
    """Add pictures by the bytes of their files: all of them, or none."""
    squares = [fit_square(read_picture(data), 64) for data in files.values()]
    store.add(list(files), encode_images(model, np.stack(squares)), images=squares)


def test_odd_pictures_are_found_again_and_none_of_the_bad_enters(model):
    drawing = Image.fromarray(load_emoji().images[0])
    grey = np.asarray(drawing.convert("L")).astype(np.uint16) * 257
    clear = drawing.convert("RGBA")
    clear.putalpha(drawing.convert("L").point(lambda level: 0 if level > 250 else 255))
    odd = {
        "plain": file_of(drawing),
        "four inks": file_of(drawing.convert("CMYK"), "JPEG", quality=95),
        "animated": file_of(
            drawing,
            "WEBP",
            save_all=True,
            append_images=[Image.new("RGB", drawing.size)],
            lossless=True,
        ),
        "transparent": file_of(clear),
        "16 bits": file_of(Image.fromarray(grey)),
        "grey": file_of(drawing.convert("L")),
        "huge": file_of(drawing.resize((2500, 2500), Image.Resampling.BICUBIC)),
        "one pixel": file_of(Image.new("RGB", (1, 1))),
        "a strip": file_of(Image.new("1", (60_000, 1))),
    }
    store = Datastore(model.config.dim, fingerprint(model))
    ingest(model, store, odd)
    assert len(store) == len(odd)
    found = store.search(store.get("plain").vector[None], len(odd))[0]
    scores = {hit.id: hit.score for hit in found}
    same = ["four inks", "animated", "transparent", "huge"]
    assert min(scores[id] for id in same) > 0.95, scores
    assert scores["16 bits"] == pytest.approx(scores["grey"], abs=0.01)
    for name, bad in {
        "truncated": odd["plain"][:-200],
        "no picture": b"GIF89a but no more",
        "empty": b"",
        "bomb": file_of(Image.new("1", (10_000, 10_000))),
    }.items():
        with pytest.raises(PictureError):
            ingest(model, store, {"good": odd["plain"], name: bad})
        assert len(store) == len(odd)
    with pytest.raises(ValueError, match="'grey' is in the store already"):
        ingest(model, store, {"new": odd["plain"], "grey": odd["grey"]})
    assert "new" not in store


def test_a_picture_of_nan_gives_a_vector_that_the_store_refuses(model):
    store = Datastore(model.config.dim, fingerprint(model))
    good = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    vectors = model.encode_image(torch.cat([good, torch.full_like(good, math.nan)]))
    with pytest.raises(ValueError, match="vector 1 is NaN"):
        store.add(["good", "bad"], vectors)
    assert len(store) == 0
    store.add(["good"], vectors[:1])
    with pytest.raises(ValueError, match="query 0 is NaN"):
        store.search(vectors[1:], 1)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_a_hundred_thousand_characters_is_answered_and_not_kept(model, name):
    kept = hashing._remembered.cache_info().currsize
    vectors = model.encode_text([QUERIES[name], "a cat"])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(vectors[1], model.encode_text(["a cat"])[0], atol=1e-6, rtol=0)
    assert hashing._remembered.cache_info().currsize <= kept + 1


def test_queries_that_say_nothing_are_one_and_the_same(model):
    vectors = model.encode_text(["", " \n\t", "!?", "\0", "😀"])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    # no letter, digit or Chinese character: no feature
    torch.testing.assert_close(vectors, vectors[:1].expand_as(vectors), atol=1e-6, rtol=0)
    assert not torch.allclose(model.encode_text(["a"])[0], vectors[0])


@pytest.mark.parametrize("text", [None, 3, b"cat", ["cat"]])
def test_what_is_no_text_is_refused(model, text):
    with pytest.raises(TypeError, match=r"a text must be a str|unhashable"):
        model.encode_text(["a cat", text])


def test_a_store_of_another_model_is_refused(tmp_path):
    ours, theirs = load_pretrained("emoji-clip"), load_pretrained("towers")
    store = Datastore(ours.config.dim, fingerprint(ours))
    store.add(["cat"], ours.encode_text(["a cat"]), texts=["a cat"])
    store.save(tmp_path / "store")
    with pytest.raises(ValueError, match=f"{fingerprint(ours)}.*{fingerprint(theirs)}"):
        Datastore.load(tmp_path / "store", encoder=fingerprint(theirs))
    again = Datastore.load(tmp_path / "store", encoder=fingerprint(ours))
    with pytest.raises(ValueError, match=r"shape \(1, 256\): expected \(number, 128\)"):
        again.search(theirs.encode_text(["a cat"]), 1)
    assert again.search(ours.encode_text(["a cat"]), 1)[0][0].id == "cat"


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_index_keeps_what_it_has(kind, metric, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32)
    index = VectorIndex(8, kind, metric, **KINDS[kind])
    with pytest.raises(ValueError, match="add vectors first"):
        index.search(vectors[:1], 1)
    index.add(vectors, np.arange(80))
    for bad in (math.nan, math.inf, -math.inf, 1e30):
        spoilt = vectors[:2].copy()
        spoilt[1, 3] = bad
        with pytest.raises(ValueError, match="vector 1 is NaN, infinite or longer"):
            index.add(spoilt, [100, 101])
        with pytest.raises(ValueError, match="query 1 is NaN, infinite or longer"):
            index.search(spoilt, 1)
    for ids in ([100, 100], [100, 5]):
        with pytest.raises(ValueError, match="is used twice"):
            index.add(vectors[:2], ids)
    with pytest.raises(ValueError, match="k is 81 but the index holds 80"):
        index.search(vectors[:1], 81)
    np.testing.assert_array_equal(index.ids, np.arange(80))
    scores, found = index.search(vectors[:3], 80)
    assert [sorted(row) for row in found.tolist()] == [list(range(80))] * 3
    assert np.isfinite(scores).all()
    if kind == "hnsw":
        with pytest.raises(ValueError, match="cannot remove"):
            index.remove(index.ids)
        assert len(index) == 80
        return
    index.remove(index.ids)
    index.save(tmp_path / "index.npz")
    for empty in (index, VectorIndex.load(tmp_path / "index.npz")):
        assert len(empty) == 0
        with pytest.raises(ValueError, match="add vectors first"):
            empty.search(vectors[:1], 1)
        empty.add(vectors[:5], [7, 1, 2, 3, 4])
        assert set(empty.search(vectors[:1], 5)[1][0].tolist()) == {7, 1, 2, 3, 4}


def test_questions_that_cannot_be_read_leave_the_system_as_it_was():
    store = Datastore(3, encoder="mean colour")
    store.add(["a"], [[0.0, 0, 1.0]], texts=["It is Oslo."])
    picture = np.full((8, 8, 3), 9, np.uint8)

    def colours(images):
        return to_float(images).mean((2, 3)).numpy()

    qa = VisualQA(colours, store, Reader(("is",)).eval())
    for question in ("", " \n\t"):
        with pytest.raises(ValueError, match="question 0 has no words"):
            qa.answer(picture, question)
    with pytest.raises(ValueError, match="cut it into pieces"):
        qa.answer(picture, "What is it? " * (LONG // 12))
    for question in ("x" * LONG, "What is it?"):
        assert qa.answer(picture, question, may_abstain=False).text in "It is Oslo."
    with pytest.raises(ValueError, match="k is 2 but the store holds 1"):
        qa.answer(picture, "What is it?", k=2)
    broken = VisualQA(lambda images: np.full((1, 3), math.nan), store, qa.reader)
    with pytest.raises(ValueError, match="query 0 is NaN"):
        broken.answer(picture, "What is it?")
    store.remove(["a"])
    with pytest.raises(ValueError, match="the store is empty"):
        qa.answer(picture, "What is it?")
