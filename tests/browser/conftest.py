"""One headless Chromium and one server for all browser tests; the site is built if it must be."""

from __future__ import annotations

import http.server
import shutil
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
collect_ignore = ["conftest.py"]  # or the search for doctests imports it a second time
sys.path.insert(0, str(ROOT / "tools"))
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def pytest_collection_modifyitems(items):
    """Mark every test of this folder, so that ``-m "not browser"`` leaves them out."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the site if it is not up to date, and return its folder."""
    import build_site

    return build_site.build(ROOT, ROOT / "build", ROOT / "_config.yml", ROOT / "book" / "_toc.yml")


@pytest.fixture(scope="session")
def address(site):
    """Serve the site, with its own 404 page, and return its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(site), **options)

        def log_message(self, *_):
            pass

        def send_error(self, code, message=None, explain=None):
            if code != 404:
                return super().send_error(code, message, explain)
            page = (site / "404.html").read_bytes()
            self.send_response(404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Start the Chromium of the system."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next((path for path in map(shutil.which, NAMES) if path), None)
    if program is None:
        pytest.fail(f"no browser: install Chromium (looked for {', '.join(NAMES)})")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page that remembers what went wrong in it."""

    def __init__(self, browser, address: str, size: str) -> None:
        self.address = address
        self.context = browser.new_context(
            viewport=SIZES[size], color_scheme="light", reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text}")

    def _request(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"asks another host: {request.url}")

    def _response(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def open(self, name: str):
        """Open a page, wait until its formulas are set, and return it."""
        self.faults.clear()
        self.page.goto(self.address + name, wait_until="load")
        if name:  # the root only leads on to another page
            self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => 0)")
        return self.page

    def theme(self, name: str) -> None:
        """Switch the theme as its button does."""
        self.page.evaluate(
            """name => {
                document.documentElement.dataset.theme = name;
                document.documentElement.dataset.mode = name;
            }""",
            name,
        )


@pytest.fixture(scope="session")
def desktop(browser, address):
    """Open a window 1280 wide."""
    visit = Visit(browser, address, "desktop")
    yield visit
    visit.context.close()


@pytest.fixture(scope="session")
def phone(browser, address):
    """Open a window 390 wide."""
    visit = Visit(browser, address, "phone")
    yield visit
    visit.context.close()
