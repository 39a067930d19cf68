"""Visiting pages in a real Chromium: what a browser complains of, what does not fit, what axe finds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
CHROMIUMS = ("chromium-headless-shell", "chromium", "google-chrome-stable", "google-chrome")
# All that has a number in WCAG 2.2 up to AA, and what axe holds to be good practice.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Look(NamedTuple):
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: str


LOOKS = (
    Look("phone-light", 390, 844, "light"),
    Look("phone-dark", 390, 844, "dark"),
    Look("desktop-light", 1280, 900, "light"),
    Look("desktop-dark", 1280, 900, "dark"),
)


class MissingError(Exception):
    """There is no browser, or no axe-core: what to do about it."""


class Visit:
    """A page that is open, and what the browser has complained of so far."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on(
            "requestfailed", lambda request: self.complaints.append(f"not loaded: {request.url}")
        )

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def go(self, url: str) -> Visit:
        """Open a page, and wait until it is there."""
        self.page.goto(url)
        return self

    def too_wide(self) -> list[str]:
        """Return what makes the page scroll sideways, or sticks out of the window without that."""
        return list(
            self.page.evaluate("""() => {
                const width = document.documentElement.clientWidth;
                const found = document.documentElement.scrollWidth > width ? ["the page itself"] : [];
                for (const each of document.body.querySelectorAll("*")) {
                    const box = each.getBoundingClientRect();
                    const scrolls = each.closest("[data-md-component], pre, .md-typeset__scrollwrap, .scrolls");
                    if (box.width > 1 && box.right > width + 1 && !scrolls && each.checkVisibility()) {
                        found.push(each.tagName + "." + each.className + ": " + Math.round(box.right));
                    }
                }
                return found.slice(0, 10);
            }""")
        )

    def draw_everything(self) -> None:
        """Let what is out of sight be drawn, too: axe and pictures look at all of a page."""
        self.page.evaluate("""() => {
            const sheet = [...document.styleSheets].find((each) => !each.href);
            sheet.insertRule("* { content-visibility: visible !important }", sheet.cssRules.length);
        }""")

    def axe(self) -> list[str]:
        """Return what axe finds wrong, a line for each rule."""
        self.page.evaluate(axe_source())
        found = self.page.evaluate(
            "tags => axe.run({runOnly: tags}).then((result) => result.violations)", AXE_TAGS
        )
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: "
            + "; ".join(f"{node['target']} {node['html'][:120]}" for node in one["nodes"][:5])
            for one in found
        ]


@contextmanager
def browsing() -> Iterator[Any]:
    """Run a browser. Raises MissingError."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise MissingError("Playwright is not installed: `make browser` does it") from error
    program = os.environ.get("RKE2_LINT_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUMS)), None
    )
    with sync_playwright() as playwright:
        try:
            # Chromium's own sandbox needs rights that containers do not give; the pages are ours.
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except Error as error:
            reason = str(error).strip().splitlines()[0]
            raise MissingError(f"no Chromium: `make browser-assets` gets one ({reason})") from error
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Any, look: Look, *, scripts: bool = True) -> Iterator[Visit]:
    """Open a tab of its own, with nothing kept from another."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        java_script_enabled=scripts,
        has_touch=look.width < 600,
    )
    # A busy machine may need longer than Playwright's half a minute.
    context.set_default_timeout(120_000)
    try:
        yield Visit(context.new_page())
    finally:
        context.close()


def axe_source() -> str:
    """Return axe-core's source. Raises MissingError."""
    done = subprocess.run(
        [HERE / "assets.sh", "--where"], capture_output=True, text=True, check=True
    )
    path = Path(done.stdout.strip()) / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        raise MissingError(f"no axe-core in {path.parent}: `make browser-assets` gets it")
    return path.read_text(encoding="utf-8")
