"""The checker of built pages finds each kind of fault, and nothing in a sound page."""

from __future__ import annotations

import pytest
import site_checks

GOOD = """<!DOCTYPE html><html lang="en"><head><title>T</title>
<meta name="description" content="d"><meta property="og:title" content="t">
<meta property="og:description" content="d"><meta property="og:type" content="website">
<meta property="og:url" content="u"><meta property="og:image" content="i">
<link rel="canonical" href="https://example.org/"></head>
<body><h1 id="a">T</h1><h2>U</h2><a href="#a">a</a><a href="https://example.org/">out</a>
{extra}</body></html>"""


def faults(tmp_path, extra="", page=GOOD):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "x.html").write_text(page.replace("{extra}", extra), encoding="utf-8")
    (tmp_path / "other.html").write_text(GOOD.replace("{extra}", ""), encoding="utf-8")
    return site_checks.problems(tmp_path)


def test_a_sound_page_passes(tmp_path):
    assert faults(tmp_path, '<a href="../other.html#a">b</a><img src="data:x" alt="a dog">') == []


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ('<a href="gone.html">x</a>', "leads to no file"),
        ('<a href="../other.html#gone">x</a>', "anchor that is not there"),
        ('<a href="#gone">x</a>', "anchor that is not there"),
        ('<a href="/other.html">x</a>', "root of the host"),
        ('<img src="data:x">', "no alt text"),
        ('<img src="data:x" alt=" ">', "no alt text"),
        ('<img src="data:x" alt="../_images/abc.png">', "only its path"),
        ('<script src="https://cdn.example.org/x.js"></script>', "<script> fetches"),
        ('<link rel="stylesheet" href="//cdn.example.org/x.css">', "<link> fetches"),
        ('<p id="a"></p>', "more than once"),
        ("<h1>again</h1>", "2 headings of level 1"),
        ("<h4>deep</h4>", "level 4 follows one of level 2"),
    ],
)
def test_each_fault_is_found(tmp_path, extra, word):
    (fault,) = faults(tmp_path, extra)
    assert word in fault
    assert fault.startswith("book/x.html")


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("<title>T</title>", "no title"),
        (' lang="en"', "language"),
        ('<meta name="description" content="d">', "no description"),
        ('<meta property="og:image" content="i">', "no og:image"),
    ],
)
def test_what_a_page_lacks_is_found(tmp_path, part, word):
    (fault,) = faults(tmp_path, page=GOOD.replace(part, ""))
    assert word in fault


def test_an_empty_folder_is_no_site(tmp_path):
    with pytest.raises(FileNotFoundError, match="build_site"):
        site_checks.read_pages(tmp_path)
