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
    """Whole lines, from offset `start` to `end` of the old text, and what is there instead."""

    start: int
    end: int
    text: str
    shown: str
    """The same without secrets, and as long."""


def blocks(view: SourceView, splices: Iterable[Splice], mark: str = "\n") -> list[Block]:
    """Return the lines that splices change. Splices that touch the same line make one block."""
    text = view.source.text
    grouped: list[tuple[int, int, list[Splice]]] = []
    for splice in splices:
        start, end = _lines_of(text, splice, mark)
        if grouped and start <= grouped[-1][1]:
            first, last, inside = grouped[-1]
            grouped[-1] = (first, max(last, end), [*inside, splice])
        else:
            grouped.append((start, end, [splice]))
    return [_block(view, *group, mark) for group in grouped]


def _block(view: SourceView, start: int, end: int, inside: list[Splice], mark: str) -> Block:
    text, secrets = view.source.text, view.secrets
    new, shown, at = "", "", start
    for splice in inside:
        new += text[at : splice.start] + splice.text
        shown += secrets.shown(at, splice.start) + secrets.inserted(splice.text)
        at = splice.end
    new += text[at:end]
    shown += secrets.shown(at, end)
    # A line that a splice begins or ends on may be the same as before.
    before, after = same_lines(text[start:end], new, mark)
    kept = slice(before, len(new) - after)
    return Block(start + before, end - after, new[kept], shown[kept])


def _lines_of(text: str, splice: Splice, mark: str) -> tuple[int, int]:
    start = text.rfind(mark, 0, splice.start) + 1
    ends_a_line = splice.end == 0 or text[splice.end - 1] == mark
    if start == splice.start and ends_a_line and (not splice.text or splice.text.endswith(mark)):
        return start, splice.end
    end = text.find(mark, splice.end)
    return start, end + 1 if end >= 0 else len(text)


def same_lines(old: str, new: str, mark: str) -> tuple[int, int]:
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


def pictured(view: SourceView, splices: Iterable[Splice]) -> tuple[Line, ...]:
    """Return the lines of a change as a report shows them, each block with a line above and below."""
    mark = view.source.newline[-1]
    lines: list[Line] = []
    moved = 0
    for block in blocks(view, splices, mark):
        number = view.source.position(block.start).line
        removed = _split(view.secrets.shown(block.start, block.end), mark)
        added = _split(block.shown, mark)
        if block.start > 0:
            lines += _context(view.line(block.start - 1), moved)
        lines += (Line(number + i, line.rstrip("\r\n"), "-") for i, line in enumerate(removed))
        number += moved
        lines += (Line(number + i, line.rstrip("\r\n"), "+") for i, line in enumerate(added))
        moved += len(added) - len(removed)
        if block.end < len(view.source.text):
            lines += _context(view.line(block.end), moved)
    return tuple(lines)


def _context(line: Line, moved: int) -> Iterator[Line]:
    if line.text.strip():
        yield line._replace(number=line.number + moved)


def unified(path: str, view: SourceView, splices: Iterable[Splice]) -> bytes:
    """Return a change of one file as a unified diff, in the file's own bytes. Raises NoPatchError.

    Where nothing changes, it is empty.
    """
    data, text = view.source.data, view.source.text
    splices = [one for one in splices if text[one.start : one.end] != one.text]
    if not splices:
        return b""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise NoPatchError("git and patch do not read UTF-16")
    # The byte order mark belongs to the first line, and is not in the text.
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    made = blocks(view, splices)
    if mark and not view.source.text:
        raise NoPatchError("there is nothing in the file but a byte order mark")
    if mark and made[0].start == 0:
        made[0] = _with_first_line(view, made[0])
    for block in made:
        if block.shown != block.text or view.secrets.spans(block.start, block.end):
            raise NoPatchError(
                "a line of the change holds a secret value, which a patch would show"
            )
    lines = _Lines(view)
    written = _header(path)
    moved = 0
    for hunk in _hunks(made, lines):
        first, body = lines.hunk(hunk)
        if mark and first == 0:
            body = _marked(body, mark)
        removed = sum(line[0] != "+" for line in body)
        added = sum(line[0] != "-" for line in body)
        written += f"@@ -{_range(first, removed)} +{_range(first + moved, added)} @@\n"
        moved += added - removed
        for line in body:
            written += line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
    return written.encode()


def _with_first_line(view: SourceView, block: Block) -> Block:
    """Return a block at the very beginning with the first line in it, if it was not."""
    text = view.source.text
    end = text.find("\n", block.end) + 1 or len(text)
    shown = block.shown + view.secrets.shown(block.end, end)
    return Block(0, end, block.text + text[block.end : end], shown)


def _marked(body: list[str], mark: str) -> list[str]:
    """Return the lines of the first hunk with the mark before the first old and the first new one."""
    for signs in (" -", "+"):
        at = next((i for i, line in enumerate(body) if line[0] in signs), None)
        if at is not None and (signs == " -" or body[0][0] != " "):
            body[at] = body[at][0] + mark + body[at][1:]
    return body


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

    def __init__(self, view: SourceView) -> None:
        self.lines = _split(view.source.text, "\n")
        self.starts = [0, *accumulate(map(len, self.lines))]
        self._secrets = view.secrets

    def is_secret(self, index: int) -> bool:
        return bool(self._secrets.spans(self.starts[index], self.starts[index + 1]))

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
        if below < min(_CONTEXT, len(self.lines) - last):
            # Patch takes a hunk with less context below than above for one at the end of the file.
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
    """Quote a name as git and patch read it: as bytes, where they are not UTF-8."""
    if any(character < " " or character in '"\\' or _is_a_byte(character) for character in name):
        return f'"{"".join(map(_escaped, name))}"'
    return f"{name}\t" if " " in name else name  # the tab ends a name with blanks in it


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character < " ":
        return f"\\{ord(character):03o}"
    return f"\\{ord(character) - 0xDC00:03o}" if _is_a_byte(character) else character


def _is_a_byte(character: str) -> bool:
    """Tell whether Python has put a character where a path has a byte that is not UTF-8."""
    return "\udc80" <= character <= "\udcff"
