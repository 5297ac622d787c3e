"""Flags, stamps, products, glosses: shapes, links, labels, and the torch data set."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from ravm_course.data import sheets
from ravm_course.data.countries import load_countries
from ravm_course.data.emoji import load_concepts
from ravm_course.data.files import DataError
from ravm_course.data.flags import load_flags
from ravm_course.data.glosses import load_glosses
from ravm_course.data.products import load_products
from ravm_course.data.stamps import load_stamps
from ravm_course.data.torch_sets import ImageTextDataset


def test_every_country_with_a_flag_has_it_in_three_styles():
    flags = load_flags()
    assert flags.images.shape == (len(flags), 64, 64, 3)
    assert flags.images.dtype == np.uint8
    styles = {}
    for style, country in zip(flags.style.tolist(), flags.country.tolist(), strict=True):
        styles.setdefault(country, []).append(style)
    complete = [c for c, found in styles.items() if len(found) == len(set(found)) == 3]
    assert len(complete) >= 240
    assert max(styles) < len(load_countries())


def test_flags_are_where_their_country_is():
    """Japan's is white with a red disc, Sweden's mostly blue: the index is not shifted."""
    flags, countries = load_flags(), load_countries()
    code = np.array([countries[index].iso2 for index in flags.country])
    for style in ("openmoji", "twemoji", "emojione"):
        (japan,) = flags.images[(code == "JP") & (flags.style == style)].astype(float)
        middle = japan[28:36, 28:36].mean((0, 1))
        assert middle[0] > 180 > middle[1]
        (sweden,) = flags.images[(code == "SE") & (flags.style == style)].astype(float)
        assert sweden[40:44, 44:50].mean((0, 1)).argmax() == 2


def test_stamps_have_a_caption_a_category_and_something_to_see():
    stamps = load_stamps()
    n = len(stamps)
    assert n >= 690
    assert {len(stamps.caption_en), len(stamps.caption_zh), len(stamps.category)} == {n}
    assert all(stamps.caption_en)
    assert sum(map(bool, stamps.caption_zh)) > 500
    assert "symbols" not in stamps.category
    assert not any(
        text.endswith((".", "!", "。")) for text in stamps.caption_en + stamps.caption_zh
    )
    assert ((stamps.images.min(3) < 231).reshape(n, -1).mean(1) > 0.005).all()
    assert len({image.tobytes() for image in stamps.images}) == n


def test_products_are_balanced_distinct_and_not_sorted():
    products = load_products()
    assert products.images.shape == (10_000, 28, 28)
    assert products.images.dtype == np.uint8
    assert np.bincount(products.labels).tolist() == [1000] * 10
    assert len(products.names) == 10
    assert len({image.tobytes() for image in products.images}) == 10_000
    assert np.bincount(products.labels[:1000]).min() > 60


def test_products_and_labels_belong_together():
    """A nearest class mean finds most of them: with labels mixed up it would find a tenth."""
    products = load_products()
    flat = products.images.reshape(10_000, -1).astype(np.float32)
    means = np.stack([flat[:8000][products.labels[:8000] == k].mean(0) for k in range(10)])
    distance = ((flat[8000:, None] - means) ** 2).sum(2)
    assert (distance.argmin(1) == products.labels[8000:]).mean() > 0.6


def test_glosses_link_pictures_to_the_sense_that_is_drawn():
    glosses, concepts = load_glosses(), load_concepts()
    by_name = {concepts[index].name_en: gloss for gloss in glosses for index in gloss.concepts}
    assert len(by_name) >= 500
    assert by_name["tiger"].kind == by_name["tiger face"].kind == "animal"
    assert "crustaceans" in by_name["lobster"].definition
    assert "rodents" in by_name["mouse"].definition
    assert "computer" in by_name["computer mouse"].definition
    assert "black cat" not in by_name


def test_no_concept_or_stamp_has_two_glosses():
    glosses = load_glosses()
    for name in ("concepts", "stamps"):
        links = [index for gloss in glosses for index in getattr(gloss, name)]
        assert len(links) == len(set(links)) > 300
    assert sum(not (gloss.concepts or gloss.stamps) for gloss in glosses) == 3000
    assert all(gloss.definition and gloss.words for gloss in glosses)
    assert not any('"' in gloss.definition for gloss in glosses)


def test_stamps_with_a_gloss_name_it():
    stamps = load_stamps()
    frog = next(gloss for gloss in load_glosses() if gloss.words[0] == "frog")
    assert {stamps.caption_en[index] for index in frog.stamps} == {"A frog"}


@pytest.mark.parametrize(
    "array",
    [
        lambda: load_flags().images,
        lambda: load_stamps().images,
        lambda: load_products().images,
        lambda: load_products().labels,
    ],
)
def test_shared_arrays_cannot_be_written(array):
    with pytest.raises(ValueError, match="read-only"):
        array()[0] = 0


def test_a_sheet_that_is_too_small_is_an_error_of_the_build():
    with pytest.raises(DataError, match="has room for 280 tiles, expected 9999"):
        sheets.unpack("flags/twemoji.webp", 9999)


def test_sheet_tiles_can_be_written_into_an_array_of_the_caller():
    wanted = sheets.unpack("flags/twemoji.webp", 83)
    out = np.zeros_like(wanted)
    assert sheets.unpack("flags/twemoji.webp", 83, out=out) is out
    np.testing.assert_array_equal(out, wanted)


def test_image_text_dataset_works_with_a_loader_and_takes_a_subset():
    stamps = load_stamps()
    pairs = ImageTextDataset(stamps.images, stamps.caption_en, index=[5, 0, 7])
    assert len(pairs) == 3
    assert pairs[1][1] == stamps.caption_en[0]
    images, captions = next(iter(DataLoader(pairs, batch_size=3)))
    assert images.shape == (3, 3, 64, 64)
    assert captions[2] == stamps.caption_en[7]
    torch.testing.assert_close(
        images[0], torch.tensor(stamps.images[5]).permute(2, 0, 1).float() / 255
    )


def test_image_text_dataset_takes_grey_images():
    products = load_products()
    image, name = ImageTextDataset(products.images, [products.names[k] for k in products.labels])[0]
    assert image.shape == (1, 28, 28)
    assert name == products.names[products.labels[0]]


def test_image_text_dataset_refuses_what_does_not_fit():
    stamps = load_stamps()
    with pytest.raises(ValueError, match=r"\d+ images came with 2 captions"):
        ImageTextDataset(stamps.images, ["a", "b"])
    with pytest.raises(ValueError, match="images are float64, expected uint8"):
        ImageTextDataset(np.zeros((1, 4, 4, 3)), ["a"])
