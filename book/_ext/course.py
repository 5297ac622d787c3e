"""What the site decides for all pages: buttons, figure numbers, search marks, the 404 page.

The repository's address stands once, in ``_config.yml``; this extension turns it into the buttons
that need it, and leaves them out while it is empty.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlparse

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"
NOT_FOUND = """<h1>Page not found</h1>
<p>There is no page at this address. The <a href="{start}book/index.html">start of the course</a>
has a map of all chapters, the <a href="{start}search.html">search</a> finds English and Chinese
terms.</p>"""
CHAPTER = re.compile(r"^notebooks/(\d\d)_")


def set_buttons(app: Sphinx, config: Config) -> None:
    """Switch on what needs the repository's address, if there is one, and place the 404 page."""
    theme = config.html_theme_options
    known = bool(theme.get("repository_url"))
    for name in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        theme[name] = known
    theme["launch_buttons"] = (
        {"notebook_interface": "jupyterlab", "binderhub_url": BINDER, "colab_url": COLAB}
        if known
        else {}
    )
    config.ogp_site_url = config.html_baseurl or ""
    start = urlparse(config.html_baseurl or "").path.rstrip("/") + "/"
    config.notfound_urls_prefix = start
    config.notfound_context = {"title": "Page not found", "body": NOT_FOUND.format(start=start)}


def number_by_chapter(app: Sphinx, env: BuildEnvironment) -> None:
    """Give figures, tables and exercises a number such as 17.3, in the order they stand.

    Sphinx would count through the whole book, so that adding a chapter renumbers all later ones.
    """
    for docname, kinds in env.toc_fignumbers.items():
        match = CHAPTER.match(docname)
        for numbers in kinds.values():
            for count, identifier in enumerate(numbers, start=1):
                numbers[identifier] = (int(match.group(1)), count) if match else (count,)


def finish_page(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Leave out scripts that nothing uses: thebe would be fetched from another host."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in str(getattr(script, "filename", script))
        and "thebe" not in str(getattr(script, "attributes", {}).get("body", ""))
    ]
    context["css_files"] = [
        style
        for style in context.get("css_files", [])
        if "thebe" not in str(getattr(style, "filename", style))
    ]


def drop_repeated_ids(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take away the ids that sphinx-exercise gives to every exercise alike."""
    for node in doctree.findall(nodes.Element):
        if "ids" in node and {"exercise-content", "solution-content"} & set(node["ids"]):
            node["ids"] = []


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Connect the steps above to the build."""
    app.connect("config-inited", set_buttons, priority=100)
    app.connect("env-check-consistency", number_by_chapter)
    app.connect("doctree-resolved", drop_repeated_ids)
    app.connect("html-page-context", finish_page, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
