"""What every built page must satisfy: links that lead somewhere, alt text, titles, no other host.

Reads the HTML that a browser would get, with the standard library alone, and returns problems as
sentences; an empty list is a pass. ``tools/build_site.py`` runs it after each build, and the tests
run it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGEST_PAGE = 6_000_000  # bytes of HTML with all its inlined text; pictures are files of their own
OUTSIDE = re.compile(r"^(https?:)?//", re.IGNORECASE)
# elements that make the browser fetch, as against links that a reader follows
FETCHES = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
# what a link element may name without fetching it
FOLLOWED = {"canonical", "next", "prev", "alternate", "author", "license", "edit", "help"}


@dataclass
class Page:
    """What one HTML page holds that the checks ask for."""

    path: Path
    size: int
    title: str = ""
    language: str = ""
    ids: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[tuple[str, str]] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    redirect: bool = False


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.in_title = False
        self.in_svg = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        page = self.page
        if "id" in given:
            (page.repeated if given["id"] in page.ids else page.ids).add(given["id"])
        if tag == "svg":
            self.in_svg += 1
        elif tag == "html":
            page.language = given.get("lang", "")
        elif tag == "title" and not self.in_svg:
            self.in_title = True
        elif tag == "a" and "href" in given:
            page.links.append(given["href"])
        elif tag == "a" and "name" in given:
            page.ids.add(given["name"])
        elif tag == "meta":
            key = given.get("property") or given.get("name") or ""
            page.meta[key] = given.get("content", "")
            page.redirect |= given.get("http-equiv", "").lower() == "refresh"
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            page.headings.append(int(tag[1]))
        if tag == "img":
            page.images.append(given)
        attribute = FETCHES.get(tag)
        relation = set(given.get("rel", "").split())
        if attribute and given.get(attribute) and not (tag == "link" and relation & FOLLOWED):
            page.fetched.append((tag, given[attribute]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self.in_title = False
        elif tag == "svg":
            self.in_svg -= 1

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.page.title += data


def read_pages(site: Path) -> dict[str, Page]:
    """Read every HTML page under `site`.

    Parameters
    ----------
    site : Path
        The folder that is served.

    Returns
    -------
    dict of str to Page
        By path relative to `site`, with forward slashes.

    Raises
    ------
    FileNotFoundError
        If there is no page.
    """
    pages = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name.startswith(("_static/", "pagefind/", "_sources/")):
            continue
        text = path.read_text(encoding="utf-8")
        page = Page(path, len(text.encode()))
        _Reader(page).feed(text)
        pages[name] = page
    if not pages:
        raise FileNotFoundError(f"{site} holds no page: run python tools/build_site.py")
    return pages


def course_pages(pages: dict[str, Page]) -> dict[str, Page]:
    """Return the pages written for readers: no indices, no source code, no redirects."""
    return {
        name: page
        for name, page in pages.items()
        if name.startswith(("book/", "notebooks/")) and not page.redirect
    }


def link_problems(site: Path, pages: dict[str, Page]) -> Iterator[str]:
    """Yield links and fetched files inside the site that lead nowhere, and missing anchors."""
    for name, page in pages.items():
        base = "" if name == "404.html" else name.rpartition("/")[0]
        for target in page.links + [url for _, url in page.fetched]:
            url = urlsplit(target)
            if url.scheme or OUTSIDE.match(target):
                continue
            path = unquote(url.path)
            if not path:
                goal = name
            elif path.startswith("/"):
                if name != "404.html":
                    yield f"{name}: {target} begins at the root of the host; make it relative"
                    continue
                goal = path.lstrip("/")
            else:
                parts: list[str] = base.split("/") if base else []
                for part in path.split("/"):
                    if part == "..":
                        parts = parts[:-1]
                    elif part not in ("", "."):
                        parts = [*parts, part]
                goal = "/".join(parts)
            if (site / goal).is_dir():
                goal = f"{goal}/index.html".lstrip("/")
            if not (site / goal).is_file():
                yield f"{name}: {target} leads to no file"
            elif url.fragment and goal in pages:
                anchor = unquote(url.fragment)
                if anchor not in pages[goal].ids and anchor != "top":
                    yield f"{name}: {target} names an anchor that is not there"


def host_problems(pages: dict[str, Page]) -> Iterator[str]:
    """Yield whatever a browser would fetch from another host."""
    for name, page in pages.items():
        for tag, url in page.fetched:
            if OUTSIDE.match(url):
                yield f"{name}: <{tag}> fetches {url}"


def page_problems(pages: dict[str, Page]) -> Iterator[str]:
    """Yield what a page lacks: title, language, description, previews, alt text, order."""
    for name, page in pages.items():
        if page.redirect:
            continue
        if not page.title.strip():
            yield f"{name}: has no title"
        if not page.language:
            yield f"{name}: does not say its language"
        if page.repeated:
            yield f"{name}: ids stand more than once: {', '.join(sorted(page.repeated)[:5])}"
        if page.size > LARGEST_PAGE:
            yield f"{name}: {page.size} bytes of HTML, at most {LARGEST_PAGE}"
        for image in page.images:
            source = image.get("src", "")[:60]
            if not image.get("alt", "").strip() and image.get("aria-hidden") != "true":
                yield f"{name}: image {source} has no alt text"
            elif re.fullmatch(r"(\.\./)*_images/.*", image.get("alt", "")):
                yield f"{name}: the alt text of {source} is only its path"
    for name, page in course_pages(pages).items():
        for key in ("description", "og:title", "og:description", "og:type", "og:url", "og:image"):
            if not page.meta.get(key, "").strip():
                yield f"{name}: has no {key}"
        if page.headings.count(1) != 1:
            yield f"{name}: has {page.headings.count(1)} headings of level 1, expected 1"
        for above, below in zip(page.headings, page.headings[1:], strict=False):
            if below > above + 1:
                yield f"{name}: a heading of level {below} follows one of level {above}"
                break


def problems(site: Path) -> list[str]:
    """Return every problem of the built site."""
    pages = read_pages(site)
    return [
        *link_problems(site, pages),
        *host_problems(pages),
        *page_problems(pages),
    ]
