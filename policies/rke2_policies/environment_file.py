"""Environment files of systemd units: `NAME=value` lines, as `EnvironmentFile=` reads them.

systemd.exec(5), and src/basic/env-file.c (`parse_env_file_internal`) where the manual is not exact.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rke2_policies.document import Document, DocumentId, Span
from rke2_policies.lazy_pattern import lazily
from rke2_policies.positions import Lines, Position, SyntaxProblem, newline_of
from rke2_policies.route import Json, Repeated, Route, Templated
from rke2_policies.templates import is_templated

MAX_BYTES = 16 * 1024 * 1024

_BLANK = " \t\r\n"
# A comment ends with its line even behind a backslash, since systemd 254.
_UP_TO_NAME = lazily(r"(?:[ \t\r\n]|[#;][^\r\n]*+)*+")
_NAME = lazily(r"[^=\r\n]*")
_IN_DOUBLE = lazily(r'(?:[^"\\]|\\.)*', re.DOTALL)
_ESCAPED = lazily(r"\\(.)", re.DOTALL)
_UNQUOTED = lazily(r"(?:[^\\\r\n]|\\.)*", re.DOTALL)
_TRAILING_BLANKS = lazily(r"(?:[^\\ \t]|\\.|[ \t]+(?![ \t]|\Z))*", re.DOTALL)


class _Entry(NamedTuple):
    name: str
    key: Span
    value: str
    span: Span


class EnvironmentFile:
    """An environment file. It offers what a YAML `Source` does, and is never changed."""

    __slots__ = (
        "_lines",
        "data",
        "documents",
        "masked",
        "newline",
        "path",
        "problems",
        "roots",
        "text",
    )

    def __init__(self, path: str, text: str, data: bytes) -> None:
        self.path = path
        self.text = text
        self.data = data
        self.roots: tuple[None, ...] = (None,)
        self.documents: tuple[Document, ...] = (Document(DocumentId(path), {}),)
        self.problems: tuple[SyntaxProblem, ...] = ()
        self.masked: str | None = None
        self.newline = newline_of(text)
        self._lines: Lines | None = None

    def position(self, offset: int) -> Position:
        """Return where the character at `offset` stands."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines.position(offset)


def read(path: str, data: bytes) -> EnvironmentFile:
    """Read an environment file. Any bytes will do: what is wrong is among the `problems`."""
    text = data[:MAX_BYTES].decode("utf-8", "replace")
    source = EnvironmentFile(path, text, data)
    fault = _fault(data, text)
    if fault is not None:
        source.problems = (fault,)
        return source
    entries = list(_entries(text))
    tree: dict[str, Json] = {}
    spans: dict[Route, tuple[Span, Span]] = {}
    repeated: dict[Route, Json] = {}
    said: dict[str, int] = {}
    for entry in entries:
        value = Templated(entry.value) if is_templated(entry.value) else entry.value
        if entry.name in tree:
            earlier: Route = (Repeated(entry.name, said[entry.name]),)
            repeated[earlier] = tree.pop(entry.name)
            spans[earlier] = spans[(entry.name,)]
        said[entry.name] = said.get(entry.name, -1) + 1
        tree[entry.name] = value
        spans[(entry.name,)] = (entry.key, entry.span)
    whole = Span(0, len(text))

    def locate(route: Route, on_key: bool) -> Span | None:  # noqa: FBT001 - Document's Locate
        if not route:
            return None if on_key else whole
        found = spans.get(route)
        return None if found is None else found[0 if on_key else 1]

    source.documents = (Document(DocumentId(path), tree, locate, repeated=repeated),)
    return source


def _fault(data: bytes, text: str) -> SyntaxProblem | None:
    """Say why systemd would not load the file at all."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB, and was not read"
        return SyntaxProblem(0, message, Span(0, 0))
    at = text.find("\0")
    if at >= 0:
        return SyntaxProblem(
            0, "systemd loads no environment file with a NUL in it", Span(at, at + 1)
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as bad:
        at = len(data[: bad.start].decode("utf-8"))
        message = "systemd loads no environment file that is not UTF-8"
        return SyntaxProblem(0, message, Span(at, at + 1))
    return None


def _entries(text: str) -> list[_Entry]:
    entries: list[_Entry] = []
    at = 0
    while True:
        start = _end(_UP_TO_NAME, text, at)
        if start == len(text):
            return entries
        stop = _end(_NAME, text, start)
        if text[stop : stop + 1] != "=":
            at = stop  # a line without `=` is ignored
            continue
        name = text[start:stop].rstrip(_BLANK)
        value, span, at = _value(text, stop + 1)
        entries.append(_Entry(name, Span(start, start + len(name)), value, span))


def _value(text: str, at: int) -> tuple[str, Span, int]:
    """Return the value that begins at `at`, its span, and where its line ends."""
    parts: list[str] = []
    start = end = at
    while True:
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        if not parts and end <= at:
            start = end = at
        quote = text[at : at + 1]
        if quote in ("", "\n", "\r"):
            return "".join(parts), Span(min(start, end), end), at
        if quote == "'":
            close = text.find("'", at + 1)
            close = close if close >= 0 else len(text)
            parts.append(text[at + 1 : close])
        elif quote == '"':
            close = _end(_IN_DOUBLE, text, at + 1)
            parts.append(_ESCAPED.sub(_in_double, text[at + 1 : close]))
        else:
            # From here to the end of the line quotes are characters like others.
            stop = _end(_UNQUOTED, text, at)
            end = _end(_TRAILING_BLANKS, text, at, stop)
            parts.append(_ESCAPED.sub(_unquoted, text[at:end]))
            return "".join(parts), Span(start, end), stop
        at = end = min(close + 1, len(text))


def _end(pattern: re.Pattern[str], text: str, at: int, stop: int | None = None) -> int:
    found = pattern.match(text, at, len(text) if stop is None else stop)
    return found.end() if found else at


def _in_double(found: re.Match[str]) -> str:
    return found[1] if found[1] in '"\\`$' else "" if found[1] == "\n" else found[0]


def _unquoted(found: re.Match[str]) -> str:
    return "" if found[1] in "\r\n" else found[1]
