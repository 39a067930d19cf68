"""A file as people look at it: lines, columns, a few lines around a place, and no secrets."""

from __future__ import annotations

from rke2_lint.masking import AnySource, Secrets
from rke2_lint.remarks import Line, Region
from rke2_policies.document import Span


class SourceView:
    """Shows stretches of one source."""

    __slots__ = ("secrets", "source")

    def __init__(self, source: AnySource) -> None:
        self.source = source
        self.secrets = Secrets(source)

    def region(self, span: Span) -> Region:
        """Return where a span is."""
        start, end = self.source.position(span.start), self.source.position(span.end)
        return Region(start.line, start.column, end.line, end.column)

    def region_in_bytes(self, span: Span) -> Region | None:
        """Return where a span is with columns in bytes of UTF-8; None where that is the same."""
        text = self.source.text
        if text.isascii():
            return None
        region = self.region(span)
        start, end = (
            len(text[offset - column + 1 : offset].encode("utf-8", "surrogatepass")) + 1
            for offset, column in ((span.start, region.column), (span.end, region.end_column))
        )
        told = region._replace(column=start, end_column=end)
        return told if told != region else None

    def around(self, offset: int) -> tuple[Line, ...]:
        """Return the line of an offset, with the ones above and below that say something."""
        start, end = self._line(offset)
        lines = [self._shown(start, end)]
        if start > 0 and (above := self._shown(*self._line(start - 1))).text.strip():
            lines.insert(0, above)
        if end < len(self.source.text) and (below := self._shown(*self._line(end))).text.strip():
            lines.append(below)
        return tuple(lines)

    def line(self, offset: int) -> Line:
        """Return the line of an offset."""
        return self._shown(*self._line(offset))

    def _line(self, offset: int) -> tuple[int, int]:
        """Return where the line of an offset starts, and where the next one does."""
        position = self.source.position(offset)
        start = offset - position.column + 1
        text = self.source.text
        ends = [at for mark in "\r\n" if (at := text.find(mark, start)) >= 0]
        if not ends:
            return start, len(text)
        end = min(ends)
        return start, end + (2 if text[end : end + 2] == "\r\n" else 1)

    def _shown(self, start: int, end: int) -> Line:
        number = self.source.position(start).line
        return Line(number, self.secrets.shown(start, end).rstrip("\r\n"))
