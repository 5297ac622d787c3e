"""The ``guessing`` directive: Shannon's guessing game, played in the page against a stored model.

The passages, and what the model made of them, come from the outputs of the notebook in which the
directive stands: a cell with the tag ``remove-output`` displays data of the type
``application/vnd.ravm-course.guessing+json``, so that no number is typed and nbval keeps them true.
``guessing.js`` plays; without JavaScript the page shows the content of the directive and says what
is missing.

.. code-block:: markdown

    ```{guessing}
    :label: guessing-01
    What stands here is shown above the game.
    ```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

MIME = "application/vnd.ravm-course.guessing+json"
SYMBOLS = re.compile("[a-z ]+")


class GuessingError(ValueError):
    """A game that cannot be played: says what is missing and how to give it."""


def read_game(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Find the data of the game among the outputs of a notebook, and check them.

    Parameters
    ----------
    notebook : mapping
        A notebook as JSON. One cell must have an output of the type `MIME` with ``model``, a
        string, and ``passages``, a list of mappings with ``title``, ``shown`` and ``hidden``
        (strings, the last two of a to z and spaces), ``guesses`` (how many the model took for each
        hidden symbol, 1 to 27) and ``bits`` (minus the logarithm to base 2 of its probability).

    Returns
    -------
    dict
        The data as they stand.

    Raises
    ------
    GuessingError
        If there are no data, two of them, or something in them does not fit.

    Examples
    --------
    >>> passage = {"title": "A", "shown": "th", "hidden": "e", "guesses": [1], "bits": [0.5]}
    >>> data = {MIME: {"model": "3-gram", "passages": [passage]}}
    >>> read_game({"cells": [{"outputs": [{"data": data}]}]})["model"]
    '3-gram'
    """
    found = [
        output["data"][MIME]
        for cell in notebook.get("cells", [])
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]
    if len(found) != 1:
        raise GuessingError(
            f"{len(found)} outputs of this page have the type {MIME}, expected 1: let one cell "
            "show the data of the game, and execute the notebook."
        )
    game = found[0]
    if not isinstance(game.get("model"), str) or not game.get("passages"):
        raise GuessingError("the data of the game lack the name of the model, or passages.")
    for place, passage in enumerate(game["passages"], start=1):
        where = f"passage {place}"
        for key in ("title", "shown", "hidden"):
            text = passage.get(key)
            if not isinstance(text, str) or not text.strip():
                raise GuessingError(f"{where} has no {key}.")
            if key != "title" and not SYMBOLS.fullmatch(text):
                raise GuessingError(f"{where}: {key} may hold a to z and spaces only.")
        size = len(passage["hidden"])
        for key, low, high in (("guesses", 1, 27), ("bits", 0, float("inf"))):
            values = passage.get(key, [])
            if len(values) != size or not all(low <= value <= high for value in values):
                raise GuessingError(
                    f"{where}: {key} must hold one number from {low} to {high} for each of the "
                    f"{size} hidden symbols."
                )
    return game


class guessing(nodes.General, nodes.Element):
    """The game, with its introduction as children."""


class GuessingDirective(SphinxDirective):
    """Put the game into the page."""

    has_content = True
    option_spec: ClassVar = {"label": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the node, or stop the build with a message that says what is wrong."""
        if "label" not in self.options:
            raise self.error("the game has no label: add a line such as ':label: guessing-01'.")
        path = Path(self.env.doc2path(self.env.docname))
        if path.suffix != ".ipynb":
            raise self.error("the game must stand in a notebook, whose outputs hold its passages.")
        try:
            game = read_game(json.loads(path.read_text(encoding="utf-8")))
        except GuessingError as error:
            raise self.error(str(error)) from None
        node = guessing(ids=[nodes.make_id(self.options["label"])], game=game)
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def _visit(self, node: guessing) -> None:
    identifier = node["ids"][0]
    self.body.append(
        f'<div class="guessing" id="{identifier}" data-guessing role="group" '
        'aria-label="Guessing game">'
    )


def _depart(self, node: guessing) -> None:
    data = json.dumps(node["game"], ensure_ascii=False).replace("<", "\\u003c")
    titles = ", ".join(escape(passage["title"]) for passage in node["game"]["passages"])
    self.body.append(
        f'<p class="guessing-off">The game needs JavaScript. Its passages: {titles}. In the '
        "notebook, the cells below play it.</p>"
        f'<script type="application/json" class="guessing-data">{data}</script></div>\n'
    )


def _nothing(self, node: guessing) -> None:
    """Let other builders print the introduction as it stands."""


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the directive and how its node is written."""
    app.add_directive("guessing", GuessingDirective)
    other = dict.fromkeys(("latex", "text", "man", "texinfo"), (_nothing, _nothing))
    app.add_node(guessing, html=(_visit, _depart), **other)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
