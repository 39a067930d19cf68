"""Splices for comments: how one is written anew, taken away, or put beside what it is about."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rke2_policies.document import Place
from rke2_policies.edits import Annotate, Reword, RewriteError
from rke2_policies.edits.comments import Comment
from rke2_policies.edits.layout import is_json
from rke2_policies.edits.lines import is_blank, line_end, line_start, newline_near, next_line
from rke2_policies.edits.splices import Splice
from rke2_policies.yaml_source import Source


def candidates(source: Source, number: int, edit: Reword | Annotate) -> Iterator[list[Splice]]:
    """Yield ways to change a comment, the one that reads best first. RewriteError: there is none."""
    if isinstance(edit, Reword):
        yield [_reworded(source.text, edit)]
        return
    if is_json(source, number):
        raise RewriteError("JSON has no comments")
    document = source.documents[number]
    span = document.span(Place(document.id, edit.route, on_key=edit.on_key))
    if span is None:
        raise RewriteError("nothing stands there")
    yield [_above(source, span.start, edit.text)]
    yield [_behind(source.text, span.start, edit.text)]


def comments_after(comments: Sequence[Comment], rewords: Iterable[Reword]) -> dict[int, str]:
    """Return what the comments that are changed say then, by their start; "" for those that go."""
    after: dict[int, str] = {}
    # The last of several in one comment comes first, so that the offsets of the others stay true.
    for change in sorted(rewords, key=lambda one: one.span, reverse=True):
        index = bisect_right(comments, change.span.start, key=lambda comment: comment.start) - 1
        if index < 0 or change.span.start >= comments[index].end:
            continue
        comment = comments[index]
        text = after.get(comment.start, comment.text)
        start, end = change.span.start - comment.start, change.span.end - comment.start
        before = text[:start] if change.new else text[:start].rstrip(" \t")
        text = before + change.new + text[end:]
        after[comment.start] = text if text.strip() else ""
    return after


def _reworded(text: str, edit: Reword) -> Splice:
    start, end = edit.span
    if text[start:end] != edit.old:
        raise RewriteError("the comment does not stand there any more")
    if edit.new:
        return Splice(start, end, edit.new)
    first = line_start(text, start)
    if is_blank(text[first:start]) and is_blank(text[end : line_end(text, end)]):
        return _whole_line(text, first, end)
    return Splice(first + len(text[first:start].rstrip(" \t")), end, "")


def _whole_line(text: str, first: int, end: int) -> Splice:
    """Take away a line. A file that ends without a line break still does afterwards."""
    last = next_line(text, end)
    if last == line_end(text, end) and first > 0:
        first -= 2 if text[first - 2 : first] == "\r\n" else 1
    return Splice(first, last, "")


def _above(source: Source, at: int, comment: str) -> Splice:
    """Write a comment on a line of its own above the line of `at`, indented like it."""
    text = source.text
    first = line_start(text, at)
    line = text[first : line_end(text, at)]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    return Splice(first, first, indent + comment + newline_near(text, at, source.newline))


def _behind(text: str, at: int, comment: str) -> Splice:
    """Write a comment at the end of the line of `at`."""
    first = line_start(text, at)
    end = first + len(text[first : line_end(text, at)].rstrip(" \t"))
    return Splice(end, end, f"  {comment}")
