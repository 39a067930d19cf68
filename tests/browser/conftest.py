"""A browser for all tests of this folder; without one they are skipped, and say what to do.

With RKE2_LINT_BROWSER=required they fail instead. With RKE2_LINT_PICTURES=FOLDER each page that is
looked at is also kept as a picture there, for people.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# pytest's importlib mode puts no folder on the path; the tests here share `visiting`.
sys.path.insert(0, str(Path(__file__).parent))

import visiting


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A running Chromium."""
    with ExitStack() as stack:
        try:
            visiting.axe_source()
            running = stack.enter_context(visiting.browsing())
        except visiting.MissingError as error:
            if os.environ.get("RKE2_LINT_BROWSER") == "required":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield running


@pytest.fixture(params=visiting.LOOKS, ids=lambda look: look.name)
def look(request: pytest.FixtureRequest) -> visiting.Look:
    """Phone and desktop, light and dark."""
    return request.param


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., visiting.Visit]]:
    """Open a page: `visit(url, look)`; `scripts=False` as where JavaScript is turned off."""
    with ExitStack() as stack:

        def opened(
            url: str, look: visiting.Look = visiting.LOOKS[2], *, scripts: bool = True
        ) -> visiting.Visit:
            tab = stack.enter_context(visiting.visiting(browser, look, scripts=scripts))
            return tab.go(url)

        yield opened


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[visiting.Visit], None]:
    """Keep a picture of a page as a whole, where somebody wants to look at it."""

    def taken(visit: visiting.Visit) -> None:
        folder = os.environ.get("RKE2_LINT_PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            name = request.node.name.replace("[", "-").replace("]", "")
            visit.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return taken
