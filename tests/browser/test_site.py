"""Is the site what a person, a keyboard, a screen reader and a phone can use?"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import visiting

pytest.importorskip("material", reason="`make site` installs MkDocs")

ROOT = Path(__file__).parents[2]
PHONE, DARK_PHONE, DESKTOP, DARK_DESKTOP = visiting.LOOKS
PAGES = (
    "", "examples/", "rules/", "rules/drop-in-drops-pin/", "rules/syntax/", "command-line/",
    "configuration/", "files/", "suppressions/", "output-formats/", "ci/", "editors/", "webhook/",
    "contributing/",
)  # fmt: skip
Open = Callable[..., visiting.Visit]


def named(page: str) -> str:
    return page.strip("/").replace("/", "-") or "start"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site on a server of its own, as an address."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    handler = functools.partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("look", [PHONE, DARK_DESKTOP], ids=lambda look: look.name)
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_it_fits_and_nobody_complains(
    site: str,
    page: str,
    look: visiting.Look,
    visit: Open,
    picture: Callable[[visiting.Visit], None],
) -> None:
    seen = visit(site + page, look)
    seen.page.wait_for_load_state("networkidle")
    picture(seen)
    assert seen.too_wide() == []
    assert seen.complaints == []


@pytest.mark.parametrize("look", [DARK_PHONE, DESKTOP], ids=lambda look: look.name)
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_axe_finds_nothing(site: str, page: str, look: visiting.Look, visit: Open) -> None:
    seen = visit(site + page, look)
    seen.page.wait_for_load_state("networkidle")
    # A link that is scrolled half out of sight is not too small to be hit.
    seen.page.set_viewport_size({"width": look.width, "height": 4000})
    assert seen.axe() == []


def test_nothing_comes_from_elsewhere(site: str, visit: Open) -> None:
    seen = visit(site)
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    for page in PAGES:
        seen.go(site + page)
        seen.page.wait_for_load_state("networkidle")
    assert asked
    assert [url for url in asked if not url.startswith((site, "data:", "blob:"))] == []


@pytest.mark.parametrize("look", [PHONE, DESKTOP], ids=lambda look: look.name)
def test_the_search_finds_a_rule(site: str, look: visiting.Look, visit: Open) -> None:
    seen = visit(site, look)
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("selector-drops-pin")
    # The results of half a word stand there until those of the whole one come.
    seen.page.wait_for_function(
        """start => document.querySelector(".md-search-result__link")?.href.startsWith(start)""",
        arg=f"{site}rules/selector-drops-pin/",
    )
    assert seen.complaints == []


def test_the_tabs_of_an_example_work_by_keyboard(site: str, visit: Open) -> None:
    seen = visit(f"{site}rules/drop-in-drops-pin/")
    fix = seen.page.locator(".tabbed-set").first.get_by_text("Fix", exact=True)
    block = seen.page.locator(".tabbed-set").first.locator(".language-diff").first
    assert not block.is_visible()
    seen.page.locator(".tabbed-set input").first.focus()
    for _ in range(2):
        seen.page.keyboard.press("ArrowRight")
    assert block.is_visible()
    assert "+  - IPTABLES_MODE=nft" in block.inner_text()
    assert fix.is_visible()


def test_the_first_link_leads_past_the_navigation(site: str, visit: Open) -> None:
    seen = visit(site)
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.matches('.md-skip')")
