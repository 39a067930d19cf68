"""YAML files as RKE2 and Kubernetes read them: bytes in, documents with true positions out."""

from __future__ import annotations

import codecs
import gc
from collections.abc import Iterator
from itertools import islice
from typing import Final

from rke2_policies.composer import Composed, Refused, Script, compose, mended, script_of
from rke2_policies.document import Document, DocumentId, Span
from rke2_policies.meaning import Meaning
from rke2_policies.nodes import Node
from rke2_policies.positions import Lines, Position, SyntaxProblem, newline_of
from rke2_policies.templates import mask

__all__ = ["MAX_BYTES", "Position", "Source", "SyntaxProblem"]

MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_TRIED: Final = 128 * 1024
"""Larger texts are not read again in another way if the first one fails."""

_MAX_TRIES: Final = 8

_ENCODINGS = (
    # go-yaml and libyaml tell UTF-16 by its mark only (readerc.go, yaml_parser_determine_encoding).
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Source:
    """A file: its text, its nodes, and the documents they say.

    `roots` and `documents` run side by side; a document that cannot be read has the root None and
    the tree None, and is among the `problems`.
    """

    __slots__ = (
        "_encoding",
        "_lines",
        "_mark",
        "_original",
        "documents",
        "masked",
        "newline",
        "path",
        "problems",
        "roots",
        "text",
    )

    def __init__(
        self, path: str, text: str, mark: bytes, encoding: str, original: bytes | None
    ) -> None:
        self.path = path
        self.text = text
        """The text without its byte order mark."""
        self.masked: str | None = None
        """Why the text had to be masked before it was parsed ("Go/Helm template"); never fixed then."""
        self.roots: tuple[Node | None, ...] = ()
        self.documents: tuple[Document, ...] = ()
        self.problems: tuple[SyntaxProblem, ...] = ()
        self.newline = newline_of(text)
        """The line ending that the file uses most."""
        self._mark = mark
        self._encoding = encoding
        self._original = original
        self._lines: Lines | None = None

    @classmethod
    def read(cls, path: str, data: bytes) -> Source:
        """Read a file. Any bytes will do: what is wrong with them is among the `problems`."""
        mark, encoding = next(((m, e) for m, e in _ENCODINGS if data.startswith(m)), (b"", "utf-8"))
        if len(data) > MAX_BYTES:
            source = cls(path, "", mark, encoding, data)
            message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB, and was not read"
            source.problems = (SyntaxProblem(0, message, Span(0, 0)),)
            return source
        body = data[len(mark) :]
        try:
            source = cls(path, body.decode(encoding), mark, encoding, None)
            readable = len(source.text)
        except UnicodeDecodeError as bad:
            source = cls(path, body.decode(encoding, "replace"), mark, encoding, data)
            readable = len(body[: bad.start].decode(encoding, "replace"))
        source._parse(readable)
        return source

    def with_text(self, text: str) -> Source:
        """Read another text as this file. Byte order mark and encoding are kept."""
        source = Source(self.path, text, self._mark, self._encoding, None)
        source._parse(len(text))
        return source

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        if self._original is not None:
            return self._original
        return self._mark + self.text.encode(self._encoding)

    def position(self, offset: int) -> Position:
        """Return where a character stands. Lines end at LF, CR LF and CR, as in editors."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines.position(offset)

    def _parse(self, readable: int) -> None:
        collecting = gc.isenabled()
        gc.disable()  # composing makes nothing but what is kept: 1.9 times as fast without
        try:
            best = _best(_readings(self.path, self.text, readable))
        finally:
            if collecting:
                gc.enable()
        self.roots = tuple(best.roots)
        self.documents = tuple(best.documents)
        self.problems = tuple(best.problems)
        self.masked = best.masked


class _Reading:
    """What a text says if it is written for libyaml in one certain way."""

    def __init__(self, path: str, script: Script, readable: int) -> None:
        self.masked = script.template.kind if script.template is not None else None
        self.roots: list[Node | None] = []
        self.documents: list[Document] = []
        self.problems: list[SyntaxProblem] = []
        self.refused: Refused | None = None
        """The first reason for which a document cannot be read."""
        for number, result in enumerate(compose(script, readable)):
            try:
                self._add(DocumentId(path, number), result, script)
            except Refused as refused:
                self.problems.append(SyntaxProblem(number, refused.message, refused.span))
                self.roots.append(None)
                self.documents.append(Document(DocumentId(path, number), None))
        if not self.documents:
            self.roots.append(None)
            self.documents.append(Document(DocumentId(path), None))

    def _add(self, id: DocumentId, result: Composed | Refused, script: Script) -> None:
        if isinstance(result, Refused):
            self.refused = self.refused or result
            raise result
        meaning = Meaning(id, result, script)
        self.documents.append(meaning.document())
        self.roots.append(result.root)
        self.problems += (SyntaxProblem(id.number, *problem) for problem in meaning.problems)


def _best(readings: Iterator[_Reading]) -> _Reading:
    """Return the first reading without problems, or the first with the fewest."""
    best = next(readings)
    if best.problems:
        for reading in islice(readings, _MAX_TRIES):
            if len(reading.problems) < len(best.problems):
                best = reading
            if not best.problems:
                break
    return best


def _readings(path: str, text: str, readable: int) -> Iterator[_Reading]:
    """Yield the ways to read a text, the plainest first; what comes after is for broken ones."""
    template = mask(text)
    is_json = _is_json(path, text)
    plain = script_of(text, template, is_json=is_json)
    first = reading = _Reading(path, plain, readable)
    yield first
    if len(text) > _MAX_TRIED:
        return
    script: Script | None = plain
    while script is not None and reading.refused is not None:
        script = mended(script, reading.refused)
        if script is not None:
            reading = _Reading(path, script, readable)
            yield reading
    reading = first
    while template is not None and reading.problems:
        at = reading.problems[0].span.start
        template = template.without_branch(at) or template.without_line(at)
        if template is not None:
            reading = _Reading(path, script_of(text, template, is_json=is_json), readable)
            yield reading
    substituted = mask(text, placeholders=True)
    if substituted is not None:
        yield _Reading(path, script_of(text, substituted, is_json=is_json), readable)


def _is_json(path: str, text: str) -> bool:
    """Tell whether a text is read as JSON where it is JSON.

    RKE2 reads its own files, none of which is called so, as YAML; kubectl reads what begins with a
    brace as JSON (k8s.io/apimachinery pkg/util/yaml/decoder.go `GuessJSONStream`).
    """
    return path.lower().endswith(".json") and text.lstrip().startswith("{")
