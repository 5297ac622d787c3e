"""Folders in the formats of COCO and Flickr30k, whole and damaged, written by the test."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from ravm_course.data.captioned import CaptionError
from ravm_course.data.coco import load_coco
from ravm_course.data.flickr30k import load_flickr30k
from ravm_course.data.pictures import PictureError

NAMES = ["000000000139.jpg", "000000000285.jpg", "000000000632.jpg"]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with three pictures of different sizes and colours."""
    pictures = tmp_path / "val2017"
    pictures.mkdir()
    for i, name in enumerate(NAMES):
        Image.new("RGB", (20 + i, 10), (50 * i, 0, 0)).save(pictures / name, quality=95)
    return pictures


def coco():
    """Return a list as COCO writes it, captions in no order."""
    return {
        "info": {"year": 2017},
        "licenses": [{"id": 1, "name": "x"}],
        "images": [
            {"id": int(name[:12]), "file_name": name, "height": 10, "width": 20, "license": 1}
            for name in NAMES
        ],
        "annotations": [
            {"id": 4, "image_id": 285, "caption": "A bear.\n"},
            {"id": 9, "image_id": 139, "caption": "A room with a TV."},
            {"id": 2, "image_id": 285, "caption": "一只熊"},
        ],
    }


def karpathy():
    """Return a list as Karpathy's split files have it."""
    return {
        "dataset": "flickr30k",
        "images": [
            {
                "filename": name,
                "imgid": i,
                "sentids": [2 * i, 2 * i + 1],
                "split": split,
                "sentences": [
                    {"raw": f"Picture {i}, {j}.", "tokens": ["x"], "imgid": i, "sentid": 2 * i + j}
                    for j in range(2)
                ],
            }
            for i, (name, split) in enumerate(zip(NAMES, ["train", "val", "test"], strict=True))
        ],
    }


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_coco_ties_captions_to_pictures(folder, tmp_path):
    loaded = load_coco(folder, written(tmp_path / "captions.json", coco()), split="val")
    assert [item.id for item in loaded] == ["139", "285", "632"]
    assert [item.captions for item in loaded] == [
        ("A room with a TV.",),
        ("A bear.", "一只熊"),
        (),
    ]
    assert {item.split for item in loaded} == {"val"}
    assert loaded.file(1) == folder / NAMES[1]
    picture = loaded.read(2)
    assert (picture.shape, picture.dtype) == ((10, 22, 3), np.uint8)
    assert abs(int(picture[0, 0, 0]) - 100) < 4


def test_coco_test_pictures_have_no_captions(folder, tmp_path):
    content = coco()
    del content["annotations"]
    loaded = load_coco(folder, written(tmp_path / "image_info_test2017.json", content))
    assert [item.captions for item in loaded] == [(), (), ()]


def test_karpathy_knows_splits(folder, tmp_path):
    loaded = load_flickr30k(folder, written(tmp_path / "dataset.json", karpathy()))
    assert [item.split for item in loaded] == ["train", "val", "test"]
    assert loaded[1].captions == ("Picture 1, 0.", "Picture 1, 1.")
    assert [item.id for item in loaded.part("train", "test")] == [NAMES[0][:-4], NAMES[2][:-4]]


def test_karpathys_list_of_coco_names_folders_and_numbers(folder, tmp_path):
    content = karpathy()
    for image in content["images"]:
        image |= {"filepath": "val2017", "cocoid": int(image["filename"][:12])}
    loaded = load_flickr30k(tmp_path, written(tmp_path / "dataset_coco.json", content))
    assert [item.id for item in loaded] == ["139", "285", "632"]
    assert loaded.read(0).shape == (10, 20, 3)


TOKEN = "".join(f"{name}#{i}\tPicture of {name}, {i} .\n" for name in NAMES for i in (1, 0))
BARS = "image_name| comment_number| comment\n" + "".join(
    f"{name}| {i}| Picture of {name}, {i} .\n" for name in NAMES for i in (1, 0)
)
# a line of the file that is passed on: its second bar is missing
FAULT = BARS.replace(f"{NAMES[1]}| 0| ", f"{NAMES[1]}| 0   ")


@pytest.mark.parametrize("text", [TOKEN, BARS, FAULT, "\ufeff" + BARS.replace("\n", "\r\n")])
def test_lists_with_a_sentence_a_line(folder, tmp_path, text):
    loaded = load_flickr30k(folder, written(tmp_path / "list", text))
    assert [item.name for item in loaded] == NAMES
    for item in loaded:
        assert item.captions == tuple(f"Picture of {item.name}, {i} ." for i in (0, 1))
        assert item.split == ""


def test_a_sentence_may_hold_bars_and_rare_line_ends(folder, tmp_path):
    text = "".join(f"{name}| 0| a | b\u2028c\n" for name in NAMES)
    loaded = load_flickr30k(folder, written(tmp_path / "results.csv", text))
    assert loaded[0].captions == ("a | b\u2028c",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "'captions.json' has no 'images'"),
        (lambda c: c.update(images={}), "expected a value of type list"),
        (lambda c: c.update(annotations=None), "has 'annotations': None"),
        (lambda c: c["annotations"].append(3), "annotation 3 has no 'id'"),
        (lambda c: c["images"].append(dict(c["images"][0])), "image 3 has the id 139"),
        (lambda c: c["images"][1].update(file_name=NAMES[0]), "two pictures have the name"),
        (lambda c: c["images"][1].pop("file_name"), "image 1 has no 'file_name'"),
        (lambda c: c["images"][1].update(id="285"), "image 1 has 'id': '285'.*int"),
        (lambda c: c["images"][1].update(id=True), "image 1 has 'id': True"),
        (lambda c: c["images"].__setitem__(0, None), "image 0 has no 'id'"),
        (lambda c: c["annotations"][1].update(id=4), "annotation 1 has the id 4"),
        (lambda c: c["annotations"][2].update(image_id=7), "annotation 2 belongs to image 7"),
        (lambda c: c["annotations"][2].update(caption=None), "annotation 2 has 'caption': None"),
        (lambda c: c["annotations"][0].pop("caption"), "annotation 0 has no 'caption'"),
        (
            lambda c: [a.update(category_id=1) or a.pop("caption") for a in c["annotations"]],
            "captions_",
        ),
        (lambda c: c["images"][0].update(file_name="../secret.jpg"), "leads out of"),
        (lambda c: c["images"][0].update(file_name="/etc/passwd"), "leads out of"),
        (lambda c: c["images"][0].update(file_name="a\\..\\..\\b"), "leads out of"),
        (lambda c: c["images"][0].update(file_name="C:\\x.jpg"), "leads out of"),
        (lambda c: c["images"][0].update(file_name="a\0.jpg"), "leads out of"),
        (lambda c: c["images"][0].update(file_name=""), "leads out of"),
        (lambda c: (c["images"].clear(), c["annotations"].clear()), "no picture is left"),
    ],
)  # fmt: skip
def test_a_damaged_list_of_coco_is_refused(folder, tmp_path, change, message):
    content = coco()
    change(content)
    with pytest.raises(CaptionError, match=message):
        load_coco(folder, written(tmp_path / "captions.json", content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"][1].pop("sentences"), "image 1 has no 'sentences'"),
        (lambda c: c["images"][1].pop("split"), "image 1 has no 'split'"),
        (lambda c: c["images"][1]["sentences"][1].pop("raw"), "image 1, sentence 1 has no 'raw'"),
        (lambda c: c["images"][1].update(filename=NAMES[0]), "two pictures have the id"),
        (lambda c: c["images"][1].update(filepath="../.."), "leads out of"),
        (lambda c: c["images"][1].update(filepath=3), "image 1 has 'filepath': 3"),
    ],
)  # fmt: skip
def test_a_damaged_list_of_karpathy_is_refused(folder, tmp_path, change, message):
    content = karpathy()
    change(content)
    with pytest.raises(CaptionError, match=message):
        load_flickr30k(folder, written(tmp_path / "dataset.json", content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOKEN + "no number\n", "line 7: 'no number' is neither"),
        (TOKEN + f"{NAMES[0]}#1\tagain\n", f"line 7: sentence 1 of '{NAMES[0]}' stands there"),
        (BARS + "a.jpg| x| y\n", "line 8: 'a.jpg| x| y' is neither"),
        ("", "no picture is left"),
        ("../a.jpg#0\tx\n", "leads out of"),
    ],
)
def test_a_damaged_list_of_lines_is_refused(folder, tmp_path, text, message):
    with pytest.raises(CaptionError, match=re.escape(message)):
        load_flickr30k(folder, written(tmp_path / "list", text))


@pytest.mark.parametrize("load", [load_coco, load_flickr30k])
def test_lists_that_are_missing_or_no_text_or_no_json(folder, tmp_path, load):
    with pytest.raises(FileNotFoundError, match=r"no list of captions .*nowhere"):
        load(folder, tmp_path / "nowhere.json")
    with pytest.raises(CaptionError, match=r"'cut.json' is not whole JSON .*line 1"):
        load(folder, written(tmp_path / "cut.json", json.dumps(coco())[:-5]))
    with pytest.raises(CaptionError, match="not whole JSON"):
        load(folder, written(tmp_path / "deep.json", '{"images": ' + "[" * 100_000))
    (tmp_path / "packed.json").write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(CaptionError, match=r"'packed.json' is not text in UTF-8.*unpack"):
        load(folder, tmp_path / "packed.json")
    with pytest.raises(CaptionError, match="has no 'images'"):
        load(folder, written(tmp_path / "other.json", {"annotations": []}))
    with pytest.raises(FileNotFoundError, match="no folder of pictures"):
        load(
            tmp_path / "no",
            written(tmp_path / "x.json", "a.jpg#0\tx" if load is load_flickr30k else coco()),
        )


def test_missing_pictures_are_counted_or_skipped(folder, tmp_path):
    list_ = written(tmp_path / "captions.json", coco())
    (folder / NAMES[0]).unlink()
    with pytest.raises(FileNotFoundError, match=f"1 of 3 pictures .*'{NAMES[0]}'.*skip_missing"):
        load_coco(folder, list_)
    assert [item.id for item in load_coco(folder, list_, skip_missing=True)] == ["285", "632"]
    with pytest.raises(CaptionError, match="names 3, and none"):
        load_coco(tmp_path, list_, skip_missing=True)


def test_a_picture_that_cannot_be_read_is_named_when_it_is_read(folder, tmp_path):
    (folder / NAMES[1]).write_bytes((folder / NAMES[1]).read_bytes()[:200])
    loaded = load_coco(folder, written(tmp_path / "captions.json", coco()))
    assert loaded.read(0).shape == (10, 20, 3)
    with pytest.raises(PictureError, match=NAMES[1]):
        loaded.read(1)
