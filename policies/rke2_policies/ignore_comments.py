"""Ignores in comments: where a file says them, and what each of them reaches.

One at the end of a line is for that line: for what is found on it, and for all that belongs to the
key or the item that begins there. One on a line of its own is for the next line with YAML on it. One
beside or above `---` is for the document that begins there, and `ignore-file` for the whole file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from rke2_policies.document import DocumentId, Place, Span
from rke2_policies.edits.comments import comments
from rke2_policies.edits.lines import is_blank, line_end, line_start, next_line
from rke2_policies.environment_file import EnvironmentFile
from rke2_policies.ignore import MARK, Ignore, comments_in, read_comment
from rke2_policies.lazy_pattern import lazily
from rke2_policies.nodes import Mapping, Node, Sequence
from rke2_policies.yaml_source import Source

_DOCUMENT = lazily(r"(?:(?<=[\r\n])|\A)---(?=[ \t\r\n]|\Z)")
_ONLY_DASHES = lazily(r"[ \t]*(?:[-?][ \t]+)*[-?]?[ \t]*")
_NO_YAML = lazily(r"[ \t]*(?:#.*)?")
_NOT_ABOVE = "ignore-file stands at the top of the file, above everything else"


def ignores(source: Source | EnvironmentFile) -> tuple[Ignore, ...]:
    """Return what a file's comments ignore, in order."""
    if MARK not in source.text:
        return ()
    if isinstance(source, Source):
        reader = _Reader(source, *_entries(source), is_yaml=True)
        said = [Span(comment.start, comment.end) for comment in comments(source)]
    else:
        values = _values(source)
        reader = _Reader(source, [value.start for value in values], values, is_yaml=False)
        said = list(_lines_of_comments(source.text, values))
    return tuple(one for comment in said for one in reader.read(comment))


class _Reader:
    """Reads the ignores of one file."""

    def __init__(
        self,
        source: Source | EnvironmentFile,
        starts: list[int],
        entries: list[Span],
        *,
        is_yaml: bool,
    ) -> None:
        self.path = source.path
        self.text = source.text
        self.roots = source.roots
        self.is_whole = not source.problems
        self.starts = starts
        """Where something begins that is no comment."""
        self.entries = entries
        """Entries of mappings and lists, in the order of their starts."""
        self.is_yaml = is_yaml

    def read(self, comment: Span) -> Iterator[Ignore]:
        """Yield what one comment ignores."""
        is_first = not self.starts or comment.start < self.starts[0]
        for start, end in comments_in(self.text[comment.start : comment.end]):
            span = Span(comment.start + start, comment.start + end)
            text = self.text[span.start : span.end]
            said = read_comment(text)
            number, lines = (None, None) if said.for_file else self._reach(comment)
            if said.for_file and not is_first:
                said = said._replace(faults=(*said.faults, _NOT_ABOVE), holds=False)
            at = self._document_of(span if lines is None else lines) if number is None else number
            place = Place(DocumentId(self.path, at), (), span=span)
            inside = self._inside(lines) if lines is not None else ()
            yield Ignore(place, text, said, number, (), lines, inside, self.is_whole)

    def _reach(self, comment: Span) -> tuple[int | None, Span | None]:
        """Return the document that a comment is for, or its lines; neither for the whole file."""
        text = self.text
        first, last = line_start(text, comment.start), line_end(text, comment.end)
        beside = text[first : comment.start]
        if self.is_yaml and _DOCUMENT.match(text, first) and is_blank(beside[3:]):
            return self._document(first), None
        if not _ONLY_DASHES.fullmatch(beside):
            return None, Span(first, last)
        below = self._below(last)
        if below is None:  # a file that says nothing is its own next line
            return None, Span(first, last) if self.starts else None
        mark = _DOCUMENT.search(text, last, below + 1) if self.is_yaml else None
        if mark is not None:
            return self._document(mark.start()), None
        return None, Span(first, line_end(text, below))

    def _inside(self, lines: Span) -> tuple[Span, ...]:
        """Return the entries that begin on some lines and go on below them."""
        first = bisect_left(self.entries, Span(lines.start, 0))
        last = bisect_right(self.entries, Span(lines.end, len(self.text)))
        return tuple(entry for entry in self.entries[first:last] if entry.end > lines.end)

    def _below(self, at: int) -> int | None:
        """Return where the next thing begins that is no comment, and no dash alone on its line."""
        if self.is_whole:
            below = None
            for index in range(bisect_left(self.starts, at), len(self.starts)):
                below = self.starts[index]
                beside = self.text[line_start(self.text, below) : line_end(self.text, below)]
                if not _ONLY_DASHES.fullmatch(beside.partition(" #")[0]):
                    break
            return below
        # Nobody knows what begins where: the next line that is no comment has to do.
        line = next_line(self.text, at)
        while line < len(self.text):
            end = line_end(self.text, line)
            if not _NO_YAML.fullmatch(self.text, line, end):
                return line
            line = next_line(self.text, line)
        return None

    def _document_of(self, span: Span) -> int:
        """Return the number of the document in which a stretch ends."""
        found = 0
        for number, root in enumerate(self.roots):
            if root is not None and root.outer <= span.end:
                found = number
        return found

    def _document(self, at: int) -> int | None:
        """Return the number of the document that begins with the `---` at an offset."""
        for number, root in enumerate(self.roots):
            if root is not None and root.outer >= at:
                return number
        return None


def _entries(source: Source) -> tuple[list[int], list[Span]]:
    """Return where keys, items and values begin in a file, and what the entries are, both in order."""
    roots = [root for root in source.roots if root is not None]
    waiting: list[Node] = [root for root in roots if root.outer < root.end]
    starts: set[int] = set()
    entries: list[Span] = []
    while waiting:
        node = waiting.pop()
        starts.add(node.outer)
        if isinstance(node, Mapping):
            for key, value in node.pairs:
                waiting += (key, value)
                entries.append(Span(key.outer, max(key.end, value.end)))
        elif isinstance(node, Sequence):
            waiting += node.items
            entries += (Span(item.outer, item.end) for item in node.items)
    return sorted(starts), sorted(entries)


def _values(source: EnvironmentFile) -> list[Span]:
    """Return where the assignments of an environment file stand, in order."""
    [document] = source.documents
    found = []
    for route in (*((name,) for name in document.tree), *document.repeated):
        place = Place(document.id, route)
        key, value = document.span(place.key), document.span(place)
        if key is not None and value is not None:
            found.append(Span(key.start, value.end))
    return sorted(found)


def _lines_of_comments(text: str, values: list[Span]) -> Iterator[Span]:
    """Yield the comments of an environment file that may be ours: each has a line of its own."""
    at = text.find(MARK)
    while at >= 0:
        start, end = line_start(text, at), line_end(text, at)
        start += len(text[start:end]) - len(text[start:end].lstrip(" \t"))
        index = bisect_left(values, Span(at, at)) - 1
        in_value = index >= 0 and at < values[index].end
        if text[start] == "#" and not in_value:
            yield Span(start, end)
        at = text.find(MARK, end)
