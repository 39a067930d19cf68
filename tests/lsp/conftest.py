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
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Editor]]:
    """Editors that many tests share, by how they count characters, each started when it is needed."""

    class Started(dict[str, Editor]):
        def __missing__(self, encoding: str) -> Editor:
            folder = tmp_path_factory.mktemp("workspace")
            self[encoding] = Editor(folder, capabilities(encoding=encoding))
            return self[encoding]

    started = Started()
    yield started
    for editor in started.values():
        assert (editor.stop(), editor.errors) == (0, b"")


@pytest.fixture
def editor_in(shared: dict[str, Editor], tmp_path: Path) -> Iterator[Callable[[str], Editor]]:
    """An editor that is sent diagnostics and counts characters in a certain way, with nothing open."""

    def editor_in(encoding: str) -> Editor:
        shared[encoding].folder = tmp_path
        return shared[encoding]

    yield editor_in
    for editor in shared.values():
        for name in [*editor.texts]:
            editor.close(name)
        log, editor.log, editor.shown = editor.log, [], []
        assert log == []


@pytest.fixture
def editor(editor_in: Callable[[str], Editor]) -> Editor:
    """One that counts as most do."""
    return editor_in(UTF16)
