"""Every page in a real browser: no error, no outside request, no sideways scrolling, accessible."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa"],
    "rules": {"color-contrast": {"enabled": False}},
}
CONTRAST = {"runOnly": ["color-contrast"]}


def toc_pages() -> list[str]:
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    names = [toc["root"]]
    for part in toc["parts"]:
        for item in part["chapters"]:
            names += [item["file"], *(inner["file"] for inner in item.get("sections", []))]
    return [f"{name}.html" for name in names] + ["search.html", "genindex.html"]


PAGES = toc_pages()


def serious(page, options: dict) -> list[str]:
    """Return axe's serious and critical findings, one line for each element."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False, **options}
    found = []
    for violation in Axe().run(page, options=options).response["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            target = " ".join(map(str, node["target"]))
            found.append(f"{violation['id']}: {target}: {node['html'][:120]}")
    return found


def unfold(page) -> None:
    """Open solutions, dropdowns and explanations, so that the rules see them."""
    page.evaluate(
        """async () => {
            document.querySelectorAll('.solution button.toggle-button').forEach((b) => b.click());
            document.querySelectorAll('.bd-article details').forEach((d) => { d.open = true; });
            document.querySelectorAll('.quiz-why').forEach((d) => { d.hidden = false; });
            await new Promise((done) => setTimeout(done, 400));
        }"""
    )


def thin(page) -> None:
    """Take away what only repeats, so that contrast is computed in seconds instead of minutes.

    Of the pieces of highlighted code three of each colour stay, of formulas and of entries of the
    reference the first 12, of the index 60. All rules but contrast see the whole page.
    """
    page.evaluate(
        """() => {
            const seen = {};
            for (const span of document.querySelectorAll('.highlight span[class]')) {
                seen[span.className] = (seen[span.className] || 0) + 1;
                if (seen[span.className] > 3) span.replaceWith(span.textContent);
            }
            const repeated = [['dl.py', 12], ['.indextable li', 60], ['mjx-container', 12]];
            for (const [selector, kept] of repeated) {
                [...document.querySelectorAll(selector)].slice(kept).forEach((e) => e.remove());
            }
        }"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_it_works_and_is_accessible_in_light_and_dark(desktop, name):
    page = desktop.open(name)
    assert page.title()
    unfold(page)
    assert serious(page, RULES) == []
    thin(page)
    assert serious(page, CONTRAST) == []
    desktop.theme("dark")  # the same elements in other colours
    assert serious(page, CONTRAST) == []
    assert desktop.faults == []


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_phone(phone, name):
    page = phone.open(name)
    width, limit, widest = page.evaluate(
        """() => {
            const limit = document.documentElement.clientWidth;
            const seen = (element) => {
                for (let box = element.parentElement; box; box = box.parentElement) {
                    if (getComputedStyle(box).overflowX !== 'visible') return false;
                }
                return true;
            };
            const wide = [...document.querySelectorAll('.bd-article *')]
                .filter((e) => e.getBoundingClientRect().right > limit + 1 && seen(e))
                .map((e) => `${e.tagName}.${e.className}`);
            return [document.documentElement.scrollWidth, limit, wide.slice(0, 5)];
        }"""
    )
    assert width <= limit, widest
    assert widest == []
    assert phone.faults == []


def test_a_phone_opens_the_table_of_contents(phone):
    page = phone.open("book/index.html")
    page.locator("button.primary-toggle, label.primary-toggle").first.click()
    page.locator(".bd-sidebar-primary").get_by_text("Glossary").first.wait_for(state="visible")


def test_a_page_that_does_not_exist_leads_back(desktop):
    page = desktop.open("no/such/page.html")
    assert "404" in page.content() or "not found" in page.content().lower()
    page.locator(".bd-sidebar-primary a.navbar-brand, .bd-article a").first.wait_for()
    assert [fault for fault in desktop.faults if "404" not in fault] == []


def test_the_root_leads_to_the_start(desktop):
    page = desktop.open("")
    page.wait_for_url("**/book/index.html")
    assert page.locator("h1").inner_text().startswith("Large language models")


def test_the_theme_button_changes_the_theme_and_it_is_kept(desktop):
    page = desktop.open("book/index.html")
    button = page.locator("button.theme-switch-button:visible").first
    seen = set()
    for _ in range(3):
        button.click()
        seen.add(page.evaluate("document.documentElement.dataset.mode"))
    assert seen == {"light", "dark", "auto"}
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        button.click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(20, 24, 26)"
    page.evaluate("localStorage.clear()")


def test_figures_keep_their_light_ground_in_the_dark(desktop):
    pages = [name for name in PAGES if name.startswith("notebooks/")]
    if not pages:
        pytest.skip("no chapter yet")
    page = desktop.open(pages[0])
    desktop.theme("dark")
    style = page.evaluate(
        """() => {
            const image = document.querySelector('.bd-article figure img');
            const style = getComputedStyle(image);
            return [style.filter, style.backgroundColor];
        }"""
    )
    assert style == ["none", "rgb(255, 255, 255)"]


def test_a_link_to_a_wide_box_can_be_scrolled_by_keyboard(phone):
    page = phone.open("book/appendix/installing.html")
    loose = page.evaluate(
        """() => [...document.querySelectorAll('.bd-article pre')]
            .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.tabIndex !== 0).length"""
    )
    assert loose == 0
