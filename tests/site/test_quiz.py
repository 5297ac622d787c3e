"""The quiz directive: what it reads, what it refuses, and what the page holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quiz import QuizError, read_quiz

GOOD = [
    "What?",
    "",
    "- [ ] a",
    "  Because a.",
    "- [x] b",
    "  Because b.",
    "",
    "  ```",
    "  x",
    "  ```",
]


def test_question_options_and_explanations_are_told_apart():
    question, options = read_quiz(GOOD)
    assert question == ["What?", ""]
    assert [(option.text, option.right) for option in options] == [("a", False), ("b", True)]
    assert options[1].why == ("Because b.", "", "```", "x", "```")
    assert [option.line for option in options] == [2, 4]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (GOOD[2:], "no question"),
        (GOOD[:4], "1 option"),
        (["What?"], "0 option"),
        ([line.replace("[x]", "[ ]") for line in GOOD], "0 options are marked right"),
        ([line.replace("[ ]", "[x]") for line in GOOD], "2 options are marked right"),
        ([*GOOD[:3], *GOOD[4:]], "'a' has no explanation"),
        ([*GOOD[:4], "stray", *GOOD[4:]], "'stray' belongs to no option"),
        ([*GOOD[:2], "- [ ] ", *GOOD[3:]], "has no text"),
    ],
)
def test_a_quiz_that_cannot_be_asked_is_refused(lines, word):
    with pytest.raises(QuizError, match=re.escape(word)):
        read_quiz(lines)


word = st.text("abc xyz", min_size=1).filter(str.strip)


@given(st.lists(st.tuples(word, word), min_size=2, max_size=6), st.data())
def test_what_is_written_is_read(pairs, data):
    right = data.draw(st.integers(0, len(pairs) - 1))
    lines = ["Question?"]
    for place, (text, why) in enumerate(pairs):
        lines += [f"- [{'x' if place == right else ' '}] {text}", f"  {why}"]
    _, options = read_quiz(lines)
    assert [option.text for option in options] == [text.strip() for text, _ in pairs]
    assert [option.why for option in options] == [(why,) for _, why in pairs]
    assert [option.right for option in options].index(True) == right


@pytest.fixture(scope="module")
def page(small_book):
    html, done = small_book()
    assert done.returncode == 0, done.stdout + done.stderr
    return (html / "book" / "index.html").read_text(encoding="utf-8")


def test_the_page_is_complete_without_javascript(page):
    assert page.count("<fieldset") == page.count("</fieldset>") == 1
    assert "<legend" in page
    assert page.count('type="radio"') == 2
    assert len(re.findall(r'<details class="quiz-why"><summary>', page)) == 2
    assert 'data-right="true"' in page
    for identifier in re.findall(r'<label for="([^"]+)"', page):
        assert f'id="{identifier}"' in page
    assert "<button" not in page.split('<form class="quiz"')[1].split("</form>")[0]


def test_mathematics_code_and_terms_work_inside(page):
    quiz = page.split('<form class="quiz"')[1].split("</form>")[0]
    assert r"\(1 + 1\)" in quiz
    assert "<em>plain</em>" in quiz
    assert 'class="highlight' in quiz
    assert "#term-perplexity" in quiz
    assert '<code class="docutils literal notranslate">' in quiz


def test_translators_get_question_options_and_explanations(small_book):
    folder, done = small_book(builder="gettext")
    assert done.returncode == 0, done.stdout + done.stderr
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.pot"))
    for message in ("What is $1 + 1$", "By definition.", "`3`", "That is one more", '"$2$"'):
        assert message in text, message


def test_a_wrong_quiz_stops_the_build_and_says_why(small_book):
    _, done = small_book(page="# P\n\n```{quiz}\n:label: q\nWhat?\n- [x] a\n  b\n```\n")
    assert done.returncode != 0
    assert "1 option(s), expected at least 2" in done.stdout + done.stderr


def test_a_quiz_needs_a_label(small_book):
    _, done = small_book(page="# P\n\n```{quiz}\nWhat?\n- [x] a\n  b\n- [ ] c\n  d\n```\n")
    assert done.returncode != 0
    assert "no label" in done.stdout + done.stderr
