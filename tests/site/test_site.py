"""The built site as a whole: no warning, no broken link, no outside fetch, nothing missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import site_checks
import yaml

ROOT = Path(__file__).resolve().parents[2]


def toc_files() -> list[str]:
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"]]
    for part in toc["parts"]:
        for item in part["chapters"]:
            files += [item["file"], *(inner["file"] for inner in item.get("sections", []))]
    return files


@pytest.fixture(scope="module")
def pages(site):
    return site_checks.read_pages(site)


def test_the_build_gave_no_warning(site):
    log = (site.parent / "site.log").read_text(encoding="utf-8")
    assert not re.findall(r".*(?:WARNING|ERROR).*", log)


def test_every_page_of_the_toc_is_there(site):
    for name in toc_files():
        assert (site / f"{name}.html").is_file(), name
    assert (site / "404.html").is_file()
    assert (site / "index.html").is_file()


def test_links_and_anchors_lead_somewhere(site, pages):
    assert list(site_checks.link_problems(site, pages)) == []


def test_nothing_is_fetched_from_another_host(pages):
    assert list(site_checks.host_problems(pages)) == []


def test_every_page_has_title_previews_alt_texts_and_ordered_headings(pages):
    assert list(site_checks.page_problems(pages)) == []


def test_styles_and_scripts_of_the_site_name_no_other_host(site):
    for path in [*site.glob("_static/*.css"), *site.glob("_static/*.js")]:
        found = re.findall(
            r"""(?:url\(|import\s*\(?|fetch\()\s*["']?(https?://[^"')\s]+)""",
            path.read_text(encoding="utf-8"),
        )
        assert not found, f"{path.name}: {found}"


def test_vendored_mathjax_is_whole_and_small(site):
    folder = site / "_static" / "vendor" / "mathjax"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert (folder / "LICENSE").is_file()
    assert len([path for path in files if path.suffix == ".woff"]) == 23
    assert sum(path.stat().st_size for path in files) < 2_500_000


def test_sphinx_search_is_gone_and_pagefind_is_there(site):
    assert not (site / "searchindex.js").exists()
    assert (site / "pagefind" / "pagefind.js").is_file()
    assert "searchtools.js" not in (site / "search.html").read_text(encoding="utf-8")


def test_a_second_build_does_nothing(site, capsys):
    import build_site

    before = (site / "index.html").stat().st_mtime_ns
    again = build_site.build(ROOT, ROOT / "build", ROOT / "_config.yml", ROOT / "book" / "_toc.yml")
    assert "up to date" in capsys.readouterr().out
    assert (again / "index.html").stat().st_mtime_ns == before


def test_the_stamp_changes_with_a_page(tmp_path):
    import build_site

    (tmp_path / "book").mkdir()
    page, config, toc = (tmp_path / name for name in ("book/index.md", "_config.yml", "_toc.yml"))
    for path in (page, config, toc):
        path.write_text("a", encoding="utf-8")
    first = build_site.stamp(tmp_path, config, toc)
    assert build_site.stamp(tmp_path, config, toc) == first
    page.write_text("b", encoding="utf-8")
    assert build_site.stamp(tmp_path, config, toc) != first


def test_every_public_module_is_in_the_reference(pages):
    import pkgutil

    import ravm_course

    ids = set().union(*(page.ids for name, page in pages.items() if name.startswith("book/api/")))
    for found in pkgutil.walk_packages(ravm_course.__path__, prefix="ravm_course."):
        if "._" not in found.name:
            assert f"module-{found.name}" in ids, f"{found.name} is in no page of book/api"


def test_no_page_tells_where_it_was_built(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text, path.name


def test_figures_are_numbered_by_chapter(site):
    for path in site.glob("notebooks/*.html"):
        number = str(int(path.stem[:2]))
        found = re.findall(r'caption-number">\s*Fig\. ([\d.]+)', path.read_text(encoding="utf-8"))
        assert found == [f"{number}.{count}" for count in range(1, len(found) + 1)]


def test_the_glossary_has_both_languages(site):
    text = (site / "book" / "appendix" / "glossary.html").read_text(encoding="utf-8")
    entries = re.split(r"</dd>", text.split('<dl class="simple glossary">')[1].split("</dl>")[0])
    entries = [re.findall(r"<dt[^>]*>([^<]+)", entry) for entry in entries[:-1]]
    assert len(entries) > 60
    for names in entries:
        assert len(names) >= 2, names
        assert re.search("[A-Za-z]", names[0]), names
        assert any(re.search("[\u4e00-\u9fff]", name) for name in names), names
