"""Coordinates: from offsets to the lines and characters of an editor, and back.

Editors count the characters of a line from 0, in the units that were agreed on when they started:
UTF-16 (what JavaScript has), UTF-8 or UTF-32. Ours are code points.
"""

from __future__ import annotations

from bisect import bisect_right

from lsprotocol.types import Position, PositionEncodingKind, Range

from rke2_lint.remarks import Region
from rke2_policies.positions import Lines

_UTF8, _UTF16 = PositionEncodingKind.Utf8.value, PositionEncodingKind.Utf16.value
_LONE = "surrogatepass"  # half a character, as JSON can hold it and editors send it


class Coordinates:
    """The lines of one text.

    `marked`: the editor counts a byte order mark before the text, which is no part of it.
    """

    __slots__ = ("_encoding", "_mark", "_starts", "_text")

    def __init__(self, text: str, encoding: str, *, marked: bool = False) -> None:
        self._text = text
        self._encoding = encoding
        self._starts = Lines(text).starts
        self._mark = len("\ufeff".encode()) if encoding == _UTF8 else 1
        self._mark = self._mark if marked else 0

    def offset(self, position: Position) -> int:
        """Return the offset of a position; where there is no such character, of the nearest before."""
        line, units = max(position.line, 0), max(position.character, 0)
        if line >= len(self._starts):
            return len(self._text)
        start, end = self._bounds(line)
        return start + _points(self._text[start:end], units - self._lead(line), self._encoding)

    def position(self, offset: int, line: int | None = None) -> Position:
        """Return the position of an offset, whose line may be known."""
        if line is None:
            line = bisect_right(self._starts, offset) - 1
        before = self._text[self._starts[line] : offset]
        return Position(line, _units(before, self._encoding) + self._lead(line))

    def range(self, region: Region) -> Range:
        """Return a region as a range."""
        return Range(
            self._at(region.line, region.column), self._at(region.end_line, region.end_column)
        )

    def between(self, start: int, end: int) -> Range:
        """Return the range between two offsets."""
        return Range(self.position(start), self.position(end))

    def line(self, offset: int) -> str:
        """Return the line of an offset, without its end."""
        start, end = self._bounds(bisect_right(self._starts, offset) - 1)
        return self._text[start:end]

    def start_of_line(self, offset: int) -> int:
        """Return where the line of an offset starts."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def _at(self, line: int, column: int) -> Position:
        line = min(line, len(self._starts)) - 1
        return self.position(self._starts[line] + column - 1, line)

    def _lead(self, line: int) -> int:
        return self._mark if line == 0 else 0

    def _bounds(self, line: int) -> tuple[int, int]:
        """Return where a line starts and where it ends, before what ends it."""
        start = self._starts[line]
        if line + 1 == len(self._starts):
            return start, len(self._text)
        end = self._starts[line + 1] - 1
        return start, end - 1 if self._text[max(end - 1, start) : end + 1] == "\r\n" else end


def _units(text: str, encoding: str) -> int:
    if text.isascii():
        return len(text)
    if encoding == _UTF8:
        return len(text.encode("utf-8", _LONE))
    return len(text.encode("utf-16-le", _LONE)) // 2 if encoding == _UTF16 else len(text)


def _points(line: str, units: int, encoding: str) -> int:
    """Return how many whole characters of a line fit into a number of units."""
    units = max(units, 0)
    if line.isascii() or encoding not in (_UTF8, _UTF16):
        return min(units, len(line))
    low, high = 0, min(units, len(line))
    while low < high:
        middle = (low + high + 1) // 2
        if _units(line[:middle], encoding) <= units:
            low = middle
        else:
            high = middle - 1
    return low
