"""Suggesting: a fix as whole lines, the way reviews take it: these lines, with those in their place.

Reviews count lines by LF, and keep what ends the last line. What cannot be said like that, or would
show a secret, is no suggestion.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from rke2_lint.patch import same_lines
from rke2_lint.remarks import Suggestion
from rke2_lint.source_view import SourceView
from rke2_policies.edits.as_text import Splice

_MOST_LINES = 40
"""A longer stretch is more than one place to look at."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def suggestion(view: SourceView, splices: Sequence[Splice]) -> Suggestion | None:
    """Return what splices do to one source as whole lines; None where that cannot be said."""
    data, text = view.source.data, view.source.text
    if data.startswith(_UTF_16) or not splices:
        return None
    start = text.rfind("\n", 0, splices[0].start) + 1
    end = _line_end(text, splices[-1].end)
    old, new = text[start:end], _spliced(text, start, end, splices)
    before, after = same_lines(old, new, "\n")
    start, end, new = start + before, end - after, new[before : len(new) - after]
    if start == end:
        # Nothing is replaced. A review hangs on a line that is there: the one above, or else the next.
        above = text.rfind("\n", 0, max(start - 1, 0)) + 1
        below = _line_end(text, end)
        if above < start:
            start, new = above, text[above:start] + new
        elif end < below:
            end, new = below, new + text[end:below]
        else:
            return None
    return _checked(view, start, end, new)


def _checked(view: SourceView, start: int, end: int, new: str) -> Suggestion | None:
    data, text, secrets = view.source.data, view.source.text, view.secrets
    old = text[start:end]
    if start == 0 and data.startswith(codecs.BOM_UTF8):
        return None  # the mark is part of the first line, and would be lost
    if old.endswith("\n") != (new.endswith("\n") or not new) or old.count("\n") > _MOST_LINES:
        return None
    if "\r" in (old + new).replace("\r\n", ""):
        return None  # who counts lines otherwise sees other lines here
    if secrets.spans(start, end) or secrets.inserted(new) != new:
        return None
    first = text.count("\n", 0, start) + 1
    last = first + old.count("\n") - old.endswith("\n")
    return Suggestion(first, last, new)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _spliced(text: str, start: int, end: int, splices: Sequence[Splice]) -> str:
    new, at = "", start
    for splice in splices:
        new += text[at : splice.start] + splice.text
        at = splice.end
    return new + text[at:end]
