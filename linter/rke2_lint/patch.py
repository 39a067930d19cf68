"""Changes as whole lines: for people to look at, and as a patch that git and patch(1) apply.

A patch may neither show a secret nor mask one, for then it would not apply. So lines with secrets
stay out of its context, which is shortened; where that does not help, there is no patch.
"""

from __future__ import annotations

import codecs
import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from rke2_lint.remarks import Line
from rke2_lint.source_view import SourceView
from rke2_policies.edits.as_text import Splice

_CONTEXT = 3


class NoPatchError(Exception):
    """These changes cannot be written as a patch: the reason, for people."""


class Block(NamedTuple):
    """Whole lines, from offset `start` to `end` of the old text, and what is there instead.

    `new_start` is where that stands in the new text.
    """

    start: int
    end: int
    text: str
    new_start: int


def blocks(text: str, splices: Iterable[Splice], line_mark: str = "\n") -> list[Block]:
    """Return the lines that splices change. Splices that touch the same line make one block."""
    grouped: list[tuple[int, int, list[Splice]]] = []
    for splice in splices:
        start, end = _lines_of(text, splice, line_mark)
        if grouped and start < grouped[-1][1]:
            first, last, inside = grouped[-1]
            grouped[-1] = (first, max(last, end), [*inside, splice])
        else:
            grouped.append((start, end, [splice]))
    made = []
    moved = 0
    for start, end, inside in grouped:
        new, at = "", start
        for splice in inside:
            new += text[at : splice.start] + splice.text
            at = splice.end
        new += text[at:end]
        # A line that a splice begins or ends on may be the same as before.
        before, after = _same_lines(text[start:end], new, line_mark)
        made.append(
            Block(
                start + before, end - after, new[before : len(new) - after], start + moved + before
            )
        )
        moved += len(new) - (end - start)
    return made


def _lines_of(text: str, splice: Splice, mark: str) -> tuple[int, int]:
    start = text.rfind(mark, 0, splice.start) + 1
    ends_a_line = splice.end == 0 or text[splice.end - 1] == mark
    if start == splice.start and ends_a_line and (not splice.text or splice.text.endswith(mark)):
        return start, splice.end
    end = text.find(mark, splice.end)
    return start, end + 1 if end >= 0 else len(text)


def _same_lines(old: str, new: str, mark: str) -> tuple[int, int]:
    """Return how many characters of whole lines two texts share at their start and at their end."""
    olds, news = _split(old, mark), _split(new, mark)
    before = after = 0
    most = min(len(olds), len(news))
    while before < most and olds[before] == news[before]:
        before += 1
    while after < most - before and olds[-1 - after] == news[-1 - after]:
        after += 1
    return sum(map(len, olds[:before])), sum(map(len, olds[len(olds) - after :]))


def _split(text: str, mark: str) -> list[str]:
    """Return the lines of a text with their ends: only `mark` ends one."""
    *ended, last = text.split(mark)
    return [f"{line}{mark}" for line in ended] + ([last] if last else [])


def pictured(old: SourceView, new: SourceView, splices: Iterable[Splice]) -> tuple[Line, ...]:
    """Return the lines of a change as a report shows them, each block with a line above and below."""
    text = new.source.text
    lines: list[Line] = []
    for block in blocks(old.source.text, splices, old.source.newline[-1]):
        end = block.new_start + len(block.text)
        if block.new_start > 0:
            lines += _context(new.line(block.new_start - 1))
        lines += _signed("-", old, block.start, block.end)
        lines += _signed("+", new, block.new_start, end)
        if end < len(text):
            lines += _context(new.line(end))
    return tuple(lines)


def _context(line: Line) -> Iterator[Line]:
    if line.text.strip():
        yield line


def _signed(sign: str, view: SourceView, start: int, end: int) -> Iterator[Line]:
    number = view.source.position(start).line
    for line in view.secrets.shown(start, end).splitlines():
        yield Line(number, line, sign)
        number += 1


def unified(path: str, old: SourceView, new: SourceView, splices: Iterable[Splice]) -> bytes:
    """Return a change of one file as a unified diff, in the file's own bytes. Raises NoPatchError."""
    data = old.source.data
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise NoPatchError("git and patch do not read UTF-16")
    # The byte order mark belongs to the first line, and is not in the text.
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    text = mark + old.source.text
    made = blocks(text, (Splice(s.start + len(mark), s.end + len(mark), s.text) for s in splices))
    for block in made:
        if old.secrets.spans(block.start - len(mark), block.end - len(mark)) or new.secrets.spans(
            block.new_start - len(mark), block.new_start - len(mark) + len(block.text)
        ):
            raise NoPatchError(
                "a line of the change holds a secret value, which a patch would show"
            )
    lines = _Lines(text, old, len(mark))
    written = _header(path)
    moved = 0
    for hunk in _hunks(made, lines):
        first, body = lines.hunk(hunk)
        removed = sum(line[0] != "+" for line in body)
        added = sum(line[0] != "-" for line in body)
        written += f"@@ -{_range(first, removed)} +{_range(first + moved, added)} @@\n"
        moved += added - removed
        for line in body:
            written += line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
    return written.encode()


def _hunks(made: Iterable[Block], lines: _Lines) -> list[list[Block]]:
    """Put blocks together whose context would overlap."""
    hunks: list[list[Block]] = []
    for block in made:
        if hunks and lines.near(hunks[-1][-1], block):
            hunks[-1].append(block)
        else:
            hunks.append([block])
    return hunks


class _Lines:
    """The lines of the old text as patches count them: only LF ends one."""

    def __init__(self, text: str, view: SourceView, shift: int) -> None:
        self.lines = _split(text, "\n")
        self.starts = [0, *accumulate(map(len, self.lines))]
        self._secrets = view.secrets
        self._shift = shift

    def is_secret(self, index: int) -> bool:
        start, end = self.starts[index] - self._shift, self.starts[index + 1] - self._shift
        return bool(self._secrets.spans(start, end))

    def near(self, one: Block, other: Block) -> bool:
        between = range(self._index(one.end), self._index(other.start))
        return len(between) <= 2 * _CONTEXT and not any(map(self.is_secret, between))

    def hunk(self, hunk: list[Block]) -> tuple[int, list[str]]:
        """Return a hunk's first line, from 0, and its lines with their signs."""
        first, last = self._index(hunk[0].start), self._index(hunk[-1].end)
        above = self._open(range(first - 1, -1, -1))
        below = self._open(range(last, len(self.lines)))
        if not below and last < len(self.lines):
            # Git takes a hunk that ends without context for one at the end of the file.
            raise NoPatchError(
                "the line below the change holds a secret value, which a patch would show"
            )
        # Patch takes a hunk with less context at one end for one at that end of the file.
        if above < min(_CONTEXT, first):
            below = min(below, max(above, 1))
        if below < min(_CONTEXT, len(self.lines) - last):
            above = min(above, below)
        body = [f" {line}" for line in self.lines[first - above : first]]
        at = first
        for block in hunk:
            start, end = self._index(block.start), self._index(block.end)
            body += [f" {line}" for line in self.lines[at:start]]
            body += [f"-{line}" for line in self.lines[start:end]]
            body += [f"+{line}" for line in _split(block.text, "\n")]
            at = end
        body += [f" {line}" for line in self.lines[at : at + below]]
        return first - above, body

    def _index(self, offset: int) -> int:
        return bisect_left(self.starts, offset)

    def _open(self, indices: range) -> int:
        """Return how many of the next lines can be shown as context."""
        count = 0
        for index in indices[:_CONTEXT]:
            if self.is_secret(index):
                break
            count += 1
        return count


def _range(first: int, count: int) -> str:
    if count == 0:
        # `1,0` would be right behind line 1; git takes it for the very beginning.
        return f"{2 if first == 1 else first},0"
    return f"{first + 1}" if count == 1 else f"{first + 1},{count}"


def _header(path: str) -> str:
    # Without git's own header, git takes the paths as relative to where it is called, as we do.
    name = posixpath.normpath(path).lstrip("/")
    return "".join(
        f"{sign} {_quoted(side + name)}\n" for sign, side in (("---", "a/"), ("+++", "b/"))
    )


def _quoted(name: str) -> str:
    if any(character < " " or character in '"\\' for character in name):
        escaped = "".join(
            f"\\{ord(character):03o}"
            if character < " "
            else f"\\{character}"
            if character in '"\\'
            else character
            for character in name
        )
        return f'"{escaped}"'
    return f"{name}\t" if " " in name else name  # the tab ends a name with blanks in it
