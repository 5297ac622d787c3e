"""tokenizer.json there and back, and every kind of damage named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravm_course.text.pretokenise import to_visible
from ravm_course.text.tokenizer import BPETokenizer

tokenizers = pytest.importorskip("tokenizers")

TEXT = "the cat sat on the mat, the rat sat on the cat; 字典的字 naïve 1,234\n\n  end"
OURS = BPETokenizer.train(TEXT, 280, special=["<|end|>"])


@pytest.fixture
def path(tmp_path):
    OURS.save(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


def test_what_is_saved_is_loaded_and_saved_alike(path):
    again = BPETokenizer.load(str(path))
    assert again == OURS
    second = path.with_name("second.json")
    again.save(second)
    assert second.read_bytes() == path.read_bytes()


def test_a_failed_save_leaves_the_old_file(path):
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError, match="Create it first"):
        OURS.save(path.parent / "nowhere" / "tokenizer.json")
    assert path.read_bytes() == before


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_hugging_face_reads_ours(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("files") / "tokenizer.json"
    OURS.save(file)
    theirs = tokenizers.Tokenizer.from_file(str(file))
    assert theirs.encode(text).ids == OURS.encode(text, allow_special=True)
    assert theirs.decode(OURS.encode(text), skip_special_tokens=False) == text
    assert theirs.get_vocab_size() == len(OURS)


@pytest.mark.parametrize("pairs_as_text", [False, True])
def test_ours_reads_hugging_face(tmp_path, pairs_as_text):
    theirs = tokenizers.ByteLevelBPETokenizer()
    theirs.train_from_iterator([TEXT], 280, min_frequency=0, special_tokens=["<s>", "</s>"])
    theirs.save(str(tmp_path / "theirs.json"))
    content = json.loads((tmp_path / "theirs.json").read_text(encoding="utf-8"))
    if pairs_as_text:  # as older versions wrote merges
        content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
        (tmp_path / "theirs.json").write_text(json.dumps(content), encoding="utf-8")
    ours = BPETokenizer.load(tmp_path / "theirs.json")
    assert ours.special == {"<s>": 0, "</s>": 1}
    for text in (TEXT, "never seen: 鬱 \0", ""):
        assert ours.encode(text) == theirs.encode(text).ids


def test_transformers_reads_ours(path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(path))
    assert theirs.encode(TEXT) == OURS.encode(TEXT)


def test_gpt2s_two_files(tmp_path):
    numbers = {to_visible(token): i - 1 for token, i in OURS.vocabulary.items()}
    numbers["<|end|>"] = len(OURS) - 1
    lines = [f"{to_visible(left)} {to_visible(right)}" for left, right in OURS.merges]
    (tmp_path / "encoder.json").write_text(json.dumps(numbers), encoding="utf-8")
    merges = tmp_path / "vocab.bpe"
    merges.write_text("#version: 0.2\n" + "\n".join(lines) + "\n", encoding="utf-8")
    files = tmp_path / "encoder.json", merges
    gpt2 = BPETokenizer.load_gpt2(*files, special=["<|end|>"])
    assert gpt2.encode(TEXT) == [i - 1 for i in OURS.encode(TEXT)]
    with pytest.raises(ValueError, match="is not in the vocabulary: name those"):
        BPETokenizer.load_gpt2(*files)
    merges.write_text("#version: 0.2\n" + "\n".join(lines[5:]), encoding="utf-8")
    assert len(BPETokenizer.load_gpt2(*files, special=["<|end|>"]).merges) == len(lines) - 5
    merges.write_text("\n".join([*lines, "q Ġz"]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"vocab\.bpe: merge \d+ joins b'q' and b' z'"):
        BPETokenizer.load_gpt2(*files, special=["<|end|>"])
    merges.write_text("\n".join([*lines, "one two three"]), encoding="utf-8")
    with pytest.raises(ValueError, match="stands where two tokens should"):
        BPETokenizer.load_gpt2(*files, special=["<|end|>"])
    merges.write_text("\n".join(lines)[:-1], encoding="utf-8")  # cut off within a line
    with pytest.raises(ValueError, match=r"vocab\.bpe"):
        BPETokenizer.load_gpt2(*files, special=["<|end|>"])


def damage(path, *keys, value=None, remove=False):
    content = json.loads(path.read_text(encoding="utf-8"))
    place = content
    for key in keys[:-1]:
        place = place[key]
    if remove:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("keys", "value", "says"),
    [
        (("model", "type"), "WordPiece", "the model is 'WordPiece'"),
        (("model",), [], "'model' is missing or is not a dict"),
        (("model", "vocab"), [], "'vocab' is missing or is not a dict"),
        (("model", "merges"), {}, "'merges' is missing or is not a list"),
        (("model", "merges", 3), ["a"], "stands where two tokens should"),
        (("model", "merges", 3), "a b c", "stands where two tokens should"),
        (("model", "merges", 3), ["z", "z"], "merge 3 joins b'z' and b'z', but b'zz' is not"),
        (("model", "merges", 3), ["z", "▁z"], "'▁', which stands for no byte"),
        (("model", "vocab", "a"), "1", "the number of 'a' is '1'"),
        (("model", "vocab", "a"), True, "the number of 'a' is True"),
        (("model", "vocab", "a"), 7, "each once"),
        (("model", "vocab", "▁the"), 280, "'▁', which stands for no byte"),
        (("model", "dropout"), 0.1, "the model's 'dropout' is 0.1"),
        (("model", "ignore_merges"), True, "'ignore_merges' is True"),
        (("model", "end_of_word_suffix"), "</w>", "'end_of_word_suffix' is '</w>'"),
        (("normalizer",), {"type": "NFC"}, "'normalizer' is set"),
        (("truncation",), {"max_length": 5}, "'truncation' is set"),
        (("pre_tokenizer",), None, "the pre_tokenizer is not 'ByteLevel'"),
        (("pre_tokenizer",), {"type": "Whitespace"}, "the pre_tokenizer is not 'ByteLevel'"),
        (("pre_tokenizer", "add_prefix_space"), True, "adds a space at the beginning"),
        (("pre_tokenizer", "use_regex"), False, "does not cut between words"),
        (("post_processor",), {"type": "TemplateProcessing"}, "the post_processor adds tokens"),
        (("added_tokens", 0), "<|end|>", "among the added tokens stands"),
        (("added_tokens", 0, "id"), None, "the number of '<|end|>' is None"),
        (("added_tokens", 0, "lstrip"), True, "has lstrip=true, which is not supported"),
    ],
)
def test_what_would_give_other_numbers_is_refused(path, keys, value, says):
    damage(path, *keys, value=value)
    with pytest.raises(ValueError, match=says) as error:
        BPETokenizer.load(path)
    assert "tokenizer.json" in str(error.value)


def test_a_missing_byte_is_named(path):
    damage(path, "model", "vocab", "!", remove=True)
    with pytest.raises(ValueError, match="lacks 1 of the 256 single bytes, such as 0x21"):
        BPETokenizer.load(path)


def test_a_file_cut_anywhere_is_refused(path):
    whole = path.read_bytes().rstrip()
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"tokenizer\.json: this is not .*again"):
            BPETokenizer.load(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"[1, 2]", "this is a list"),
        (b"{}", "'model' is missing"),
        (b"\xff\xfe{}", "this is not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_tokenizer_is_refused(path, content, says):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        BPETokenizer.load(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        BPETokenizer.load(tmp_path / "nothing.json")
