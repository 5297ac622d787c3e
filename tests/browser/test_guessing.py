"""The guessing game in the page: by keyboard, by touch, with the numbers that the package gives."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from test_pages import CONTRAST, RULES

from ravm_course import metrics
from ravm_course.text.guessing import SYMBOLS, bounds

NAME = "notebooks/01_probability.html"
CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "01_probability.ipynb"
MIME = "application/vnd.ravm-course.guessing+json"


@pytest.fixture(scope="module")
def stored() -> dict:
    """Return the data of the game as the notebook has them."""
    notebook = json.loads(CHAPTER.read_text(encoding="utf-8"))
    return next(
        output["data"][MIME]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    )


class Game:
    """The game in a page, as a reader sees it."""

    def __init__(self, visit) -> None:
        self.visit = visit
        self.page = visit.open(NAME)
        self.root = self.page.locator("[data-guessing]")
        self.field = self.root.get_by_label("Next letter, or space")
        self.root.scroll_into_view_if_needed()

    def status(self) -> str:
        """Return what the game last said."""
        return self.root.locator(".guessing-status").inner_text()

    def counts(self) -> list[int]:
        """Return the numbers of guesses under the letters."""
        return [int(text) for text in self.root.locator("rt").all_inner_texts()]

    def rows(self) -> dict[str, list[str]]:
        """Return the table of the comparison, by the first cell of each row."""
        found = {}
        for row in self.root.locator("tbody tr").all():
            name = row.locator("th").inner_text()
            found[name] = row.locator("td").all_inner_texts()
        return found

    def type(self, text: str) -> None:
        """Type into the field for guesses."""
        self.field.focus()
        self.page.keyboard.type(text)

    def faults_of_accessibility(self) -> list[str]:
        """Return what axe finds in the game, light and dark."""
        from axe_playwright_python.sync_playwright import Axe

        found = []
        for theme, options in itertools.product(("light", "dark"), (RULES, CONTRAST)):
            self.visit.theme(theme)
            options = {"resultTypes": ["violations"], "preload": False, **options}
            response = Axe().run(self.page, context=".guessing", options=options).response
            found += [
                f"{theme}: {v['id']}: {v['nodes'][0]['html']}" for v in response["violations"]
            ]
        self.visit.theme("light")
        return found


def near(shown: str, value: float) -> bool:
    return abs(float(shown.split(" ")[0]) - value) < 0.0051


def test_a_player_who_knows_the_text_needs_one_guess_each(desktop, stored):
    game, passage = Game(desktop), stored["passages"][0]
    assert passage["shown"].strip() in game.root.locator(".guessing-text").inner_text()
    game.type(passage["hidden"])
    n = len(passage["hidden"])
    assert game.counts() == [1] * n
    assert "Done" in game.status()
    rows = game.rows()
    assert rows["right at the first guess, %"][0] == "100 [100, 100]"
    assert rows["guesses, mean"][0] == "1.00 [1.00, 1.00]"
    assert rows["lower bound, bits a symbol"][0] == "0.00"
    assert rows["upper bound, bits a symbol"][0] == "0.00"
    lower, upper = bounds(passage["guesses"])
    assert near(rows["lower bound, bits a symbol"][1], lower)
    assert near(rows["upper bound, bits a symbol"][1], upper)
    assert near(rows["guesses, mean"][1], sum(passage["guesses"]) / n)
    assert near(rows["bits a symbol by its probabilities"][1], sum(passage["bits"]) / n)
    assert game.field.is_disabled()
    assert game.page.evaluate("document.activeElement.className").startswith("guessing-result")
    assert desktop.faults == []


def test_wrong_guesses_count_and_the_bounds_are_those_of_the_package(desktop, stored):
    game, passage = Game(desktop), stored["passages"][1]
    game.root.get_by_label("Passage").select_option(passage["title"])
    expected = []
    for place, symbol in enumerate(passage["hidden"]):
        others = [s for s in "etaoins " if s != symbol][: place % 5]
        game.type("".join(others) + symbol)
        expected.append(len(others) + 1)
    assert game.counts() == expected
    rows = game.rows()
    lower, upper = bounds(expected)
    assert near(rows["lower bound, bits a symbol"][0], lower)
    assert near(rows["upper bound, bits a symbol"][0], upper)
    theirs = metrics.bootstrap_interval(expected)
    mean, low, high = (float(part.strip("[],")) for part in rows["guesses, mean"][0].split(" "))
    assert abs(mean - theirs.mean) < 0.0051
    assert abs(low - theirs.low) < 0.1
    assert abs(high - theirs.high) < 0.1


def test_the_worst_player_needs_27(desktop, stored):
    game, passage = Game(desktop), stored["passages"][0]
    symbol = passage["hidden"][0]
    game.type("".join(s for s in SYMBOLS if s != symbol) + symbol)
    assert game.counts() == [27]


def test_what_was_tried_is_shown_and_does_not_count_twice(desktop, stored):
    game, passage = Game(desktop), stored["passages"][0]
    wrong = "z" if passage["hidden"][0] != "z" else "y"
    game.type(wrong.upper() + "7")
    assert game.status() == f"Not “{wrong}”. 1 guess so far."
    assert game.root.locator(f"[data-symbol={wrong}]").is_disabled()
    game.type(wrong)
    assert "already" in game.status()
    game.type(passage["hidden"][0])
    assert game.counts() == [2]
    assert game.root.locator(f"[data-symbol={wrong}]").is_enabled()
    assert game.field.input_value() == ""


def test_the_keyboard_reaches_everything_in_order(desktop):
    game = Game(desktop)
    game.root.get_by_label("Passage").focus()
    reached = []
    for _ in range(3):
        game.page.keyboard.press("Tab")
        reached.append(
            game.page.evaluate("document.activeElement.textContent || document.activeElement.id")
        )
    assert reached == ["guessing-01-guess", "Stop and compare", "Start again"]


def test_it_is_played_by_touch_on_a_phone(phone, stored):
    game, passage = Game(phone), stored["passages"][0]
    assert game.root.locator(".guessing-keys button").count() == 27
    stop = game.root.get_by_role("button", name="Stop and compare")
    stop.click()
    assert "at least 10" in game.status()
    for symbol in passage["hidden"][:12]:
        game.root.locator(f'[data-symbol="{symbol}"]').click()
    stop.click()
    rows = game.rows()
    assert game.root.locator("caption").inner_text() == "The same 12 symbols"
    assert near(rows["upper bound, bits a symbol"][1], bounds(passage["guesses"][:12])[1])
    assert near(rows["bits a symbol by its probabilities"][1], sum(passage["bits"][:12]) / 12)
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert game.page.evaluate(fits)
    game.type(passage["hidden"][12])  # the game goes on
    assert len(game.counts()) == 13
    assert phone.faults == []


def test_start_again_and_another_passage_begin_anew(desktop, stored):
    game = Game(desktop)
    game.type(stored["passages"][0]["hidden"][:10])
    game.root.get_by_role("button", name="Stop and compare").click()
    game.root.get_by_role("button", name="Start again").click()
    assert game.counts() == []
    assert game.root.locator("table").count() == 0
    assert game.page.evaluate("document.activeElement.id") == "guessing-01-guess"
    game.root.get_by_label("Passage").select_option(stored["passages"][2]["title"])
    shown = game.root.locator(".guessing-text").inner_text()
    assert stored["passages"][2]["shown"].strip() in shown
    assert game.status() == f"{len(stored['passages'][2]['hidden'])} symbols to guess."


def test_what_is_read_aloud_is_the_text_so_far(desktop, stored):
    game, passage = Game(desktop), stored["passages"][0]
    game.type(passage["hidden"][:5])
    said = game.root.locator(".guessing-unseen").text_content()
    assert said == f"Text so far: {passage['shown']}{passage['hidden'][:5]}"
    assert game.root.locator(".guessing-text").get_attribute("aria-hidden") == "true"


def test_it_is_accessible_while_it_is_played_and_after(desktop, stored):
    game, passage = Game(desktop), stored["passages"][0]
    game.type("zq" + passage["hidden"][:10])
    game.type("xz")
    game.root.get_by_role("button", name="Stop and compare").click()
    assert game.faults_of_accessibility() == []
    assert desktop.faults == []


def test_without_javascript_it_says_so(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + NAME)
    assert "needs JavaScript" in page.locator("[data-guessing]").inner_text()
    assert page.locator("[data-guessing] button").count() == 0
    context.close()
