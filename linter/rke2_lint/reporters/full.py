"""Findings for people: the lines, why it matters, who is affected, and the fix as a small diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rke2_lint.explain import why
from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint, harmless
from rke2_lint.remarks import Change, Line, Region, Related, Remark

_WIDTH = 110
_LEFT_OF_CARET = 40
_RIGHT_OF_CARET = 20
_MOST_MACHINES = 4
_MOST_RELATED = 4
_MOST_LINES = 40
_HOW = {
    "safe": "rke2-lint --fix",
    "unsafe": "rke2-lint --fix --unsafe-fixes",
    "shown": "by hand: it deletes something, or reaches further than this place",
}


def render(outcome: Outcome, paint: Paint) -> str:
    """Return the findings, an empty line after each. What a rule is about is said once."""
    told: set[str] = set()
    parts = []
    for one in outcome.remarks:
        parts += [*_finding(one, paint, first=one.rule not in told), ""]
        told.add(one.rule)
    return "".join(f"{part}\n" for part in parts)


def _finding(one: Remark, paint: Paint, *, first: bool) -> Iterator[str]:
    star = " [*]" if one.fixable else ""
    rule = paint(one.severity, f"{one.severity}[{one.rule}]")
    yield f"{rule}: {paint('bold', harmless(one.message))}{star}"
    shown = [*one.lines, *(related.line for related in one.related)]
    shown += one.change.picture if one.change else ()
    gutter = len(str(max((line.number for line in shown), default=1)))
    frame = _Frame(gutter, paint)
    yield frame.arrow("-->", one.path, one.region)
    yield from frame.excerpt(one.lines, one.region, "^", one.severity)
    for related in one.related[:_MOST_RELATED]:
        yield from _related(related, frame)
    if len(one.related) > _MOST_RELATED:
        yield frame.remark("and", f"{len(one.related) - _MOST_RELATED} more places")
    if first and (reason := why(one.rule)):
        yield from frame.paragraph("why", reason)
    if one.machines:
        yield from frame.paragraph("machines", _folded(one.machines))
    if one.change is not None:
        yield from _fix(one.change, frame, made=not one.refusal)
    if one.refusal:
        label = "not by --fix" if one.change else "no fix"
        yield from frame.paragraph(label, one.refusal)
    if first:
        yield frame.remark("help", f"rke2-lint rule {one.rule}")


def _related(related: Related, frame: _Frame) -> Iterator[str]:
    yield frame.arrow(":::", related.path, related.region, related.message)
    yield from frame.excerpt([related.line], related.region, "-", "frame")


def _fix(change: Change, frame: _Frame, *, made: bool) -> Iterator[str]:
    how = f"  ({_HOW[change.safety]})" if made else ""
    yield frame.remark(f"fix ({change.safety})", f"{change.title}{how}")
    yield frame.bar()
    left = _left(_shared(change.picture), max(len(line.text) for line in change.picture))
    for line in change.picture[:_MOST_LINES]:
        if line.sign != " " or harmless(line.text)[left:]:
            yield frame.line(line, left)
    if len(change.picture) > _MOST_LINES:
        yield frame.bar(f"… {len(change.picture) - _MOST_LINES} more lines")
    yield frame.bar()


def _shared(picture: Sequence[Line]) -> int:
    """Return how far the first line of a change is the same before and after."""
    old, new = (next((line.text for line in picture if line.sign == sign), "") for sign in "-+")
    return next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)


def _folded(machines: Sequence[str]) -> str:
    shown = ", ".join(map(harmless, machines[:_MOST_MACHINES]))
    more = len(machines) - _MOST_MACHINES
    return f"{shown} and {more} more" if more > 0 else shown


class _Frame:
    """The frame left of the source, as wide as the line numbers need."""

    def __init__(self, gutter: int, paint: Paint) -> None:
        self._gutter = gutter
        self._blank = " " * gutter
        self._paint = paint

    def arrow(self, arrow: str, path: str, region: Region, message: str = "") -> str:
        """Return the line that names a place."""
        sign = self._paint("frame", f"{self._blank}{arrow}")
        said = f": {harmless(message)}" if message else ""
        return f"{sign} {harmless(path)}:{region.line}:{region.column}{said}"

    def bar(self, text: str = "") -> str:
        """Return a line without a number."""
        return f"{self._paint('frame', f'{self._blank} |')} {text}".rstrip()

    def line(self, line: Line, left: int) -> str:
        """Return a line of source, cut so that it begins at `left`."""
        number = str(line.number).rjust(self._gutter)
        text = _cut(harmless(line.text), left)
        if line.sign == " ":
            return f"{self._paint('frame', f'{number} |')} {text}".rstrip()
        return self._paint(line.sign, f"{number} {line.sign} {text}".rstrip())

    def excerpt(
        self, lines: Iterable[Line], region: Region, mark: str, style: str
    ) -> Iterator[str]:
        """Yield some lines of source, with marks below the stretch that is meant."""
        yield self.bar()
        lines = list(lines)
        meant = next(line for line in lines if line.number == region.line)
        start = len(harmless(meant.text[: region.column - 1]))
        if region.end_line == region.line:
            end = len(harmless(meant.text[: region.end_column - 1]))
        else:
            end = len(harmless(meant.text.rstrip()))
        left = _left(start, max(len(harmless(line.text)) for line in lines))
        for line in lines:
            if harmless(line.text)[left:]:
                yield self.line(line, left)
            if line is meant:
                text = harmless(line.text)
                blank = " " * _columns(_cut(text[:start], left))
                marks = mark * max(1, _columns(text[start : min(end, left + _WIDTH)]))
                yield self.bar(blank + self._paint(style, marks))
        yield self.bar()

    def remark(self, label: str, text: str) -> str:
        """Return a line that says something about the finding."""
        sign = self._paint("frame", f"{self._blank} =")
        return f"{sign} {self._paint('bold', label)}: {harmless(text)}"

    def paragraph(self, label: str, text: str) -> Iterator[str]:
        """Yield a remark that may be longer than a line."""
        first, *others = _wrapped(text, _WIDTH - len(label))
        yield self.remark(label, first)
        for line in others:
            yield f"{' ' * (self._gutter + len(label) + 5)}{harmless(line)}"


def _left(start: int, longest: int) -> int:
    """Return where lines are cut, so that `start` is seen with what is before it."""
    if longest <= _WIDTH or start + _RIGHT_OF_CARET <= _WIDTH:
        return 0
    return start - _LEFT_OF_CARET


def _cut(text: str, left: int) -> str:
    cut = text[left : left + _WIDTH]
    if left and cut:
        cut = f"…{cut[1:]}"
    return f"{cut}…" if len(text) > left + _WIDTH else cut


def _columns(text: str) -> int:
    """Return how wide a terminal shows a text."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(combining(character) > 0 for character in text)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines
