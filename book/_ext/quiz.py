"""The ``quiz`` directive: one question, one right option, and an explanation for every option.

The directive parses question, options and explanations as ordinary content, so that mathematics,
code, references and translation catalogues work. The page is complete without JavaScript: each
explanation stands folded under its option; ``quiz.js`` adds the button that grades.

.. code-block:: markdown

    ```{quiz}
    :label: quiz-02-1
    What does a bigram model condition on?
    - [ ] On all words before.
      That is the chain rule; a bigram model cuts the context off.
    - [x] On one word before.
      Right: n - 1 words, and n is 2.
    ```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OPTION = re.compile(r"^[-*] \[([ xX])\]\s*(.*)$")


class Option(NamedTuple):
    """One option of a quiz: its text, whether it is right, and why.

    ``line`` and ``why_line`` are the offsets of text and explanation in the directive's content.
    """

    text: str
    right: bool
    why: tuple[str, ...]
    line: int
    why_line: int


class QuizError(ValueError):
    """A quiz that cannot be asked: says what is missing and how to write it."""


def read_quiz(lines: Sequence[str]) -> tuple[list[str], list[Option]]:
    """Split the content of the directive into the question's lines and the options.

    Parameters
    ----------
    lines : sequence of str
        The content. An option is one line that begins with ``- [ ]`` or, if right, ``- [x]``; its
        explanation is what stands below it, indented.

    Returns
    -------
    question : list of str
    options : list of Option

    Raises
    ------
    QuizError
        If there is no question, fewer than two options, not exactly one right option, an option
        without text or without explanation, or a line that belongs to nothing.

    Examples
    --------
    >>> question, options = read_quiz(["1 + 1?", "- [x] 2", "  By definition.", "- [ ] 3", "  No."])
    >>> question, [option.text for option in options if option.right]
    (['1 + 1?'], ['2'])
    """
    starts = [number for number, line in enumerate(lines) if OPTION.match(line)]
    question = list(lines[: starts[0]] if starts else lines)
    if not "".join(question).strip():
        raise QuizError("the quiz has no question: write it above the first option.")
    if len(starts) < 2:
        raise QuizError(
            f"the quiz has {len(starts)} option(s), expected at least 2: write each as a line that "
            "begins with '- [ ] ' or, if it is the right one, '- [x] '."
        )
    options = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        mark, text = OPTION.match(lines[start]).groups()
        below = list(lines[start + 1 : stop])
        stray = [line for line in below if line.strip() and not line.startswith("  ")]
        if stray:
            raise QuizError(
                f"the line {stray[0]!r} belongs to no option: indent explanations by two spaces."
            )
        why = [line[2:] for line in below]
        if not text.strip():
            raise QuizError(f"option {len(options) + 1} has no text.")
        if not "".join(why).strip():
            raise QuizError(
                f"option {text!r} has no explanation: write it below, indented by two spaces."
            )
        options.append(Option(text.strip(), mark in "xX", tuple(why), start, start + 1))
    right = sum(option.right for option in options)
    if right != 1:
        raise QuizError(f"{right} options are marked right with '- [x] ', expected exactly 1.")
    return question, options


class quiz(nodes.General, nodes.Element):
    """A whole question."""


class quiz_question(nodes.General, nodes.Element):
    """What is asked."""


class quiz_option(nodes.General, nodes.Element):
    """One option with its label and explanation."""


class quiz_label(nodes.General, nodes.TextElement):
    """The text of an option."""


class quiz_why(nodes.General, nodes.Element):
    """The explanation of an option."""


class QuizDirective(SphinxDirective):
    """Parse one question into nodes."""

    has_content = True
    option_spec: ClassVar = {"label": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the quiz node, or stop the build with a message that says what is wrong."""
        try:
            question, options = read_quiz(list(self.content))
        except QuizError as error:
            raise self.error(str(error)) from None
        if "label" not in self.options:
            raise self.error("the quiz has no label: add a line such as ':label: quiz-02-1'.")
        number = self.env.temp_data["quiz_number"] = self.env.temp_data.get("quiz_number", 0) + 1
        identifier = nodes.make_id(self.options["label"])
        node = quiz(ids=[identifier], number=number)
        self.set_source_info(node)
        node += self._parse(question, 0, quiz_question())
        for place, option in enumerate(options):
            child = quiz_option(
                name=f"{identifier}-{place + 1}",
                place=place,
                right=option.right,
                quiz=identifier,
            )
            parsed = self._parse([option.text], option.line, nodes.container())
            label = quiz_label()
            for part in parsed.children:  # a label holds phrases, not paragraphs
                label += part.children if isinstance(part, nodes.paragraph) else [part]
            paragraph = next(iter(parsed.findall(nodes.paragraph)), None)
            if paragraph is not None:
                label.rawsource, label.source, label.line = (
                    paragraph.rawsource or option.text,
                    paragraph.source,
                    paragraph.line,
                )
            child += label
            child += self._parse(option.why, option.why_line, quiz_why(right=option.right))
            node += child
        return [node]

    def _parse(self, lines: Sequence[str], offset: int, node: nodes.Element) -> nodes.Element:
        source = self.get_source_info()[0]
        block = StringList(list(lines), items=[(source, offset + n) for n in range(len(lines))])
        self.state.nested_parse(block, self.content_offset + offset, node)
        return node


def _visit_quiz(self, node: quiz) -> None:
    identifier = node["ids"][0]
    self.body.append(
        f'<form class="quiz" id="{identifier}" data-quiz action="#{identifier}">'
        f'<fieldset aria-labelledby="{identifier}-n {identifier}-q">'
        f'<legend id="{identifier}-n">Question {node["number"]}</legend>'
    )


def _depart_quiz(self, node: quiz) -> None:
    self.body.append("</fieldset></form>\n")


def _visit_question(self, node: quiz_question) -> None:
    self.body.append(f'<div class="quiz-question" id="{node.parent["ids"][0]}-q">')


def _visit_option(self, node: quiz_option) -> None:
    right = "true" if node["right"] else "false"
    self.body.append(
        f'<div class="quiz-option" data-right="{right}">'
        f'<input type="radio" name="{node["quiz"]}" id="{node["name"]}" value="{node["name"]}">'
    )


def _visit_label(self, node: quiz_label) -> None:
    letter = chr(ord("A") + node.parent["place"])
    self.body.append(
        f'<label for="{node.parent["name"]}"><span class="quiz-letter">{letter}.</span> '
    )


def _depart_label(self, node: quiz_label) -> None:
    self.body.append("</label>")


def _visit_why(self, node: quiz_why) -> None:
    verdict = "Right." if node["right"] else "Not this one."
    self.body.append(
        '<details class="quiz-why"><summary>Why?</summary>'
        f'<div class="quiz-text"><p class="quiz-verdict">{verdict}</p>'
    )


def _depart_why(self, node: quiz_why) -> None:
    self.body.append("</div></details>")


def _depart_div(self, node: nodes.Element) -> None:
    self.body.append("</div>\n")


def _nothing(self, node: nodes.Element) -> None:
    """Let other builders print the children as they stand."""


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the directive and how its nodes are written."""
    app.add_directive("quiz", QuizDirective)
    other = dict.fromkeys(("latex", "text", "man", "texinfo"), (_nothing, _nothing))
    app.add_node(quiz, html=(_visit_quiz, _depart_quiz), **other)
    app.add_node(quiz_question, html=(_visit_question, _depart_div), **other)
    app.add_node(quiz_option, html=(_visit_option, _depart_div), **other)
    app.add_node(quiz_label, html=(_visit_label, _depart_label), **other)
    app.add_node(quiz_why, html=(_visit_why, _depart_why), **other)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
