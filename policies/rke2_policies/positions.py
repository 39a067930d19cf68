"""Positions: from offsets in a text to lines and columns, and what is wrong at one."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from rke2_policies.document import Span
from rke2_policies.lazy_pattern import lazily

_LINE_END = lazily(r"\r\n|\n|\r")


class Position(NamedTuple):
    """Line and column of a character, from 1, in code points."""

    line: int
    column: int


class SyntaxProblem(NamedTuple):
    """Why a document cannot be read, or why RKE2 and Kubernetes would refuse it."""

    document: int
    """The document's place in the file, from 0."""
    message: str
    span: Span


class Lines:
    """The lines of a text. They end at LF, CR LF and CR, as in editors."""

    __slots__ = ("starts",)

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def position(self, offset: int) -> Position:
        """Return where the character at `offset` stands."""
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1] + 1)


def newline_of(text: str) -> str:
    """Return the line ending that a text uses most; LF where it has none."""
    both = text.count("\r\n")
    counts = {"\n": text.count("\n") - both, "\r\n": both, "\r": text.count("\r") - both}
    return max(counts, key=counts.__getitem__)
