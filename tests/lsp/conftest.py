"""Editors for the tests, each with a server of its own, of which nothing may be complained about."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from editor import UTF16, Editor, capabilities

Open = Callable[..., Editor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Open]:
    """Start editors in the test's folder. At the end, each server has to end well, and in silence."""
    started: list[Editor] = []

    def start(*, pulls: bool = False, encoding: str = UTF16) -> Editor:
        editor = Editor(tmp_path, capabilities(pulls=pulls, encoding=encoding))
        started.append(editor)
        return editor

    yield start
    ends = [(one.stop(), one.log, one.errors) for one in started]
    assert ends == [(0, [], b"")] * len(started)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(tmp_path_factory.mktemp("workspace"), capabilities())
    yield editor
    assert (editor.stop(), editor.errors) == (0, b"")


@pytest.fixture
def editor(shared: Editor, tmp_path: Path) -> Iterator[Editor]:
    """An editor that is sent diagnostics, with nothing open. Its server is the same for many tests."""
    shared.folder = tmp_path
    yield shared
    for name in [*shared.texts]:
        shared.close(name)
    log, shared.log, shared.shown = shared.log, [], []
    assert log == []
