"""The course's colours have a contrast of at least 4.5 : 1 wherever text stands on ground."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).resolve().parents[2] / "book" / "_static"
# text and the ground it stands on, as course.css and quiz.css use them
PAIRS = [
    *(("ink", ground) for ground in ("ground", "surface", "right-surface", "ask-surface")),
    *(
        ("accent-text", ground)
        for ground in ("ground", "surface", "accent-surface", "right-surface")
    ),
    *(("ask", ground) for ground in ("ground", "ask-surface", "surface")),
    *(("right", ground) for ground in ("ground", "right-surface")),
    ("wrong", "ground"),
    ("wrong", "surface"),
    ("code", "ground"),
    ("code", "surface"),
    ("on-accent", "accent"),
]


def palette(theme: str) -> dict[str, str]:
    text = (STYLES / "course.css").read_text(encoding="utf-8")
    block = re.search(rf'html\[data-theme="{theme}"\] \{{(.*?)\}}', text, re.DOTALL)[1]
    return dict(re.findall(r"--course-([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(theme, text, ground):
    colours = palette(theme)
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_both_themes_define_the_same_colours():
    assert palette("light").keys() == palette("dark").keys()


def test_other_styles_use_the_palette_only():
    text = (STYLES / "quiz.css").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,6}\b", text)
    used = set(re.findall(r"var\(--course-([\w-]+)\)", text))
    assert used <= palette("light").keys()
