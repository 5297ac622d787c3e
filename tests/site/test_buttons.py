"""What appears once the addresses of repository and site stand in ``_config.yml``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = "# A page\n\nText.\n"


def html_of(small_book, change):
    folder, done = small_book(change, page=PAGE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def with_addresses(small_book):
    return html_of(
        small_book,
        {
            "repository": {"url": "https://github.com/somebody/course"},
            "html": {"baseurl": "https://example.org/course/"},
        },
    )


@pytest.fixture(scope="module")
def without(small_book):
    return html_of(small_book, {"repository": {"url": ""}, "html": {"baseurl": ""}})


def test_a_chapter_opens_in_colab_and_binder(with_addresses):
    page = (with_addresses / "notebooks" / "99_small.html").read_text(encoding="utf-8")
    repository = "somebody/course"
    notebook = "notebooks/99_small.ipynb"
    assert f"colab.research.google.com/github/{repository}/blob/main/{notebook}" in page
    assert f"mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{notebook}" in page


def test_a_page_can_be_edited_and_reported(with_addresses):
    page = (with_addresses / "book" / "index.html").read_text(encoding="utf-8")
    assert "github.com/somebody/course/edit/main/book/index.md" in page
    assert "github.com/somebody/course/issues/new" in page


def test_previews_and_the_404_page_know_where_the_site_is(with_addresses):
    page = (with_addresses / "book" / "index.html").read_text(encoding="utf-8")
    assert 'property="og:url" content="https://example.org/course/book/index.html"' in page
    assert 'content="https://example.org/course/_static/landing.png"' in page
    lost = (with_addresses / "404.html").read_text(encoding="utf-8")
    local = re.findall(r'(?:href|src)="(/[^"]*)"', lost)
    assert local
    assert all(url.startswith("/course/") for url in local)


def test_nothing_of_it_without_addresses(without):
    for name in ("notebooks/99_small.html", "book/index.html"):
        page = (without / name).read_text(encoding="utf-8")
        for word in ("colab.research", "mybinder", "/edit/", "issues/new", "github.com", "None/"):
            assert word not in page, word
    lost = (without / "404.html").read_text(encoding="utf-8")
    assert "/course/" not in lost
    assert 'href="/book/index.html"' in lost


def test_the_address_stands_in_one_place():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert set(config["repository"]) == {"url", "branch", "path_to_book"}
    assert "launch_buttons" not in config
    assert "use_edit_page_button" not in text
