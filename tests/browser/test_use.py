"""What a reader does in a page: search, unfold a solution, answer a quiz, copy code."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [f"notebooks/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
each_chapter = pytest.mark.parametrize("name", CHAPTERS)


@pytest.mark.parametrize(
    ("term", "goal"),
    [
        ("perplexity", "appendix/glossary.html"),
        ("困惑度", "appendix/glossary.html"),
        ("检索增强", "appendix/glossary.html"),
        ("Kneser-Ney", "appendix/glossary.html"),
        ("retrieval", "part4.html"),
    ],
)
def test_search_finds_english_and_chinese(desktop, term, goal):
    page = desktop.open("search.html")
    page.fill("#course-search-field", term)
    page.wait_for_function(
        "term => document.getElementById('search-status').textContent.includes(term)", arg=term
    )
    page.locator("#search-results a.search-title").first.wait_for()
    links = page.eval_on_selector_all("#search-results a", "all => all.map(a => a.href)")
    assert any(goal in link for link in links), links
    assert all(link.startswith(desktop.address) for link in links)
    assert "<mark>" in page.inner_html("#search-results")
    assert desktop.faults == []


def test_a_found_place_opens(desktop):
    page = desktop.open("search.html?q=%E5%9B%B0%E6%83%91%E5%BA%A6")
    page.locator("#search-results a.search-title").first.click()
    page.wait_for_load_state()
    assert "困惑度" in page.locator("article").inner_text()


def test_what_is_nowhere_is_said_to_be_nowhere(desktop):
    page = desktop.open("search.html?q=%E9%BE%98")
    page.get_by_text("No page for “龘”").wait_for()


def test_the_shortcut_and_the_field_lead_to_the_results(desktop):
    page = desktop.open("book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("smoothing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=smoothing")
    page.locator("#search-results a.search-title").first.wait_for()
    assert "smoothing" in page.locator("#search-status").inner_text()


@each_chapter
def test_a_solution_is_folded_and_unfolds(desktop, name):
    page = desktop.open(name)
    solutions = page.locator("div.solution.dropdown")
    assert solutions.count() >= 3
    solution = solutions.first
    body = solution.locator(".section, section, .solution-content").first
    assert not body.is_visible()
    button = solution.locator("button.toggle-button")
    button.scroll_into_view_if_needed()
    button.click()
    body.wait_for(state="visible")
    button.focus()
    page.keyboard.press("Enter")
    body.wait_for(state="hidden")
    assert desktop.faults == []


@each_chapter
def test_every_quiz_is_answered_by_mouse(desktop, name):
    page = desktop.open(name)
    quizzes = page.locator("form.quiz")
    assert 3 <= quizzes.count() <= 5
    for number in range(quizzes.count()):
        quiz = quizzes.nth(number)
        status = quiz.locator(".quiz-status")
        check = quiz.get_by_role("button", name="Check")
        check.click()
        assert status.inner_text() == "Choose an answer first."
        wrong = quiz.locator(".quiz-option[data-right=false]").first
        wrong.locator("label").click(position={"x": 5, "y": 5})
        assert wrong.locator("input").is_checked()
        check.click()
        assert "try again" in status.inner_text()
        assert wrong.locator(".quiz-text").is_visible()
        right = quiz.locator(".quiz-option[data-right=true]")
        assert not right.locator(".quiz-text").is_visible()
        right.locator("label").click(position={"x": 5, "y": 5})
        check.click()
        assert status.inner_text().startswith("Right")
        texts = quiz.locator(".quiz-text")
        assert all(texts.nth(place).is_visible() for place in range(texts.count()))
    assert desktop.faults == []


@each_chapter
def test_a_quiz_is_answered_by_keyboard(phone, name):
    page = phone.open(name)
    quiz = page.locator("form.quiz").first
    radios = quiz.locator("input[type=radio]")
    right = quiz.locator(".quiz-option[data-right=true] input").get_attribute("id")
    radios.first.focus()
    page.keyboard.press("Space")
    for _ in range(radios.count()):
        chosen = quiz.locator("input:checked").get_attribute("id")
        if chosen == right:
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Check"
    page.keyboard.press("Enter")
    assert quiz.locator(".quiz-status").inner_text().startswith("Right")
    assert phone.faults == []


@each_chapter
def test_every_explanation_can_be_read_without_javascript(browser, address, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + name)
    quiz = page.locator("form.quiz").first
    assert quiz.locator("button").count() == 0
    whys = quiz.locator("details.quiz-why")
    assert whys.count() == quiz.locator(".quiz-option").count()
    whys.first.locator("summary").click()
    assert whys.first.locator(".quiz-text").is_visible()
    context.close()


@each_chapter
def test_the_folded_answer_to_the_prediction_unfolds(desktop, name):
    page = desktop.open(name)
    details = page.locator("details.sd-dropdown").first
    assert details.get_attribute("open") is None
    details.locator("summary").click()
    assert details.get_attribute("open") is not None


@each_chapter
def test_formulas_are_set(desktop, name):
    page = desktop.open(name)
    formulas = page.locator("mjx-container").count()
    raw = page.locator("span.math, div.math").count()
    assert formulas >= raw > 0
    assert page.locator("mjx-merror").count() == 0
