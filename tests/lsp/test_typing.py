"""Does typing lead to the same text, and the same findings, as if the text had been there at once?"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import DROPPED, PINNED, UNPINNED, WRONG
from editor import UTF8, UTF16, UTF32, Editor, capabilities
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from rke2_lint.cli import main
from rke2_lint.lsp.buffers import Buffer, whole

# What changes the meaning of such a file, and what upsets whoever counts characters.
PIECES = (
    "IPTABLES_MODE=nft", "NFT", "kube-proxy-extra-env", ": ", "- ", "[", "]", "{", "}", "\n", "\r\n",
    "\r", "    ", "😀", "é", "中", "\u2028", "\x85", "\x0c", "# ", "---\n", "'", '"', "{{ x }}", "&a ", "*a",
    "null", "\ufeff", "\t",
)  # fmt: skip
TEXTS = st.sampled_from(
    [UNPINNED, WRONG, DROPPED, PINNED, WRONG.replace("\n", "\r\n"), WRONG.replace("cni", "é😀"), ""]
)


@st.composite
def edits(draw: st.DrawFn, text: str) -> list[tuple[int, int, str]]:
    """Draw edits that follow one another, where an editor can point to."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        places = [at for at in range(len(text) + 1) if text[at - 1 : at + 1] != "\r\n" or at == 0]
        start = draw(st.sampled_from(places))
        end = draw(st.sampled_from([at for at in places if start <= at <= start + 40]))
        new = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=3)))
        found.append((start, end, new))
        text = text[:start] + new + text[end:]
    return found


@st.composite
def typing(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """Draw a text, and edits of it."""
    text = draw(TEXTS)
    return text, draw(edits(text))


@pytest.fixture(scope="module")
def editors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Editor]]:
    folder = tmp_path_factory.mktemp("typing")
    started = {
        one: Editor(folder, capabilities(pulls=True, encoding=one)) for one in (UTF8, UTF16, UTF32)
    }
    yield started
    for editor in started.values():
        assert (editor.stop(), editor.log, editor.errors) == (0, [], b"")


def findings(text: str) -> list[dict[str, Any]]:
    """Return what the command line finds in a text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "prod.yaml")
        path.write_bytes(text.encode())
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            main(["--output-format", "json", str(path)])
    return list(json.loads(said.getvalue())["findings"])


def place(editor: Editor, text: str, at: types.Position) -> tuple[int, int]:
    """Return a position as line and column from 1, in code points, without a byte order mark."""
    line = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[at.line]
    start = editor.offset(text, types.Position(at.line, 0))
    column = editor.offset(text, at) - start + 1
    assert column - 1 <= len(line)
    return at.line + 1, column - (at.line == 0 and text.startswith("\ufeff"))


@given(typing(), st.sampled_from([UTF8, UTF16, UTF32]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_typing_comes_to_the_findings_of_the_command_line(
    editors: dict[str, Editor],
    typed: tuple[str, list[tuple[int, int, str]]],
    encoding: str,
    at_once: object,
) -> None:
    editor = editors[encoding]
    text, changes = typed
    editor.open("prod.yaml", text)
    for batch in [changes] if at_once else [[one] for one in changes]:
        editor.type_all("prod.yaml", batch)
    after = editor.texts["prod.yaml"]
    found = editor.pull("prod.yaml").items
    fixes = editor.actions("prod.yaml", only=["source.fixAll"])
    fixed = editor.apply(fixes[0].edit) if fixes else {}
    editor.close("prod.yaml")

    editor.open("again.yaml", after)
    again = editor.pull("again.yaml").items
    editor.close("again.yaml")
    assert repr(found) == repr(again).replace("again.yaml", "prod.yaml")

    assert sorted(
        (str(one.code), one.message, place(editor, after, one.range.start), place(editor, after, one.range.end))
        for one in found
    ) == sorted(
        (one["rule"], one["message"], (one["line"], one["column"]), (one["end_line"], one["end_column"]))
        for one in findings(after)
    )  # fmt: skip
    assert all(one != after for one in fixed.values())


@given(typing(), st.sampled_from([UTF8, UTF16, UTF32]))
def test_a_buffer_is_what_the_editor_has(
    typed: tuple[str, list[tuple[int, int, str]]], encoding: str
) -> None:
    text, changes = typed
    buffer = Buffer("file:///a", text, 1)
    editor = Editor.__new__(Editor)
    editor.encoding = encoding
    for start, end, new in changes:
        span = types.Range(editor.position(text, start), editor.position(text, end))
        change = types.TextDocumentContentChangePartial(range=span, text=new)
        buffer = buffer.changed([change], buffer.version + 1, encoding)
        text = text[:start] + new + text[end:]
        assert buffer.text == text
    assert buffer.version == 1 + len(changes)


def test_halves_of_a_character_come_together() -> None:
    """Some editors send the halves of an emoji one by one, as JavaScript has them."""
    buffer = Buffer("file:///a", whole("a: b"), 1)

    def type_in(character: int, text: str) -> types.TextDocumentContentChangePartial:
        at = types.Position(0, character)
        return types.TextDocumentContentChangePartial(range=types.Range(at, at), text=text)

    buffer = buffer.changed([type_in(3, "\ud83d")], 2, UTF16)
    assert buffer.data == b"a: ?b"
    buffer = buffer.changed([type_in(4, "\ude00")], 3, UTF16)
    assert buffer.text == "a: 😀b"
    assert buffer.changed([type_in(5, "!")], 4, UTF16).text == "a: 😀!b"
