"""Ignores: what people write beside a finding that they accept: which rules, why, and until when.

A comment says it for lines, a document or a file, an annotation for an object:

    # rke2-lint: ignore[legacy-backend] until=2027-03-31 old hosts, OPS-112
    # rke2-lint: ignore-file[syntax, second-document] made by a tool of ours
    rke2-lint.dev/ignore: "legacy-backend,missing-nft-pin until=2027-03-31 old hosts, OPS-112"
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from rke2_policies.day import is_day
from rke2_policies.document import Place, Span
from rke2_policies.edit_distance import nearest
from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Route

MARK = "rke2-lint:"
"""What a comment begins with that is for us."""
ANNOTATION = "rke2-lint.dev/ignore"
UNTIL = "until="
LINES, FILE = "ignore", "ignore-file"

_DIRECTIVE = lazily(r"(?:(?<=[ \t])|\A)#[ \t]*rke2-lint:")
_WORD = lazily(r"[ \t]*([^\s\[\]]*)")
_NAMES = lazily(r"[ \t]*\[([^\[\]]*)\]")
# In an annotation the first word is the list; blanks are allowed behind its commas.
_LISTED = lazily(r"\s*([^\s,]+(?:,\s*[^\s,]+)*),?(?=\s|\Z)")
_IN_FRONT_OF_REASON = " \t\r\n:-\u2013\u2014"


class Said(NamedTuple):
    """What a comment or an annotation says, and what is wrong with how it says it."""

    names: tuple[str, ...]
    """The rules, once each. Whether there are such rules is not known here."""
    reason: str
    until: str | None
    """The last day on which it holds."""
    for_file: bool = False
    faults: tuple[str, ...] = ()
    holds: bool = True
    """False where a fault leaves it open what is meant. Without a reason it is clear what is meant."""


class Ignore(NamedTuple):
    """One comment or annotation, and what it reaches."""

    place: Place
    """Where it is said; a comment's place is a span, from its `#` to its last character."""
    text: str
    said: Said
    document: int | None = None
    """The document that it is for; None where the file or its lines say it."""
    route: Route = ()
    """The object that it is for, in its document."""
    lines: Span | None = None
    """The lines that it is for; None where all of the document or file is meant."""
    inside: tuple[Span, ...] = ()
    """What belongs to the keys and items that begin on these lines."""
    is_sure: bool = True
    """False in a file that cannot be read as a whole: it may stand in a text, and be no comment."""
    is_alone: bool = False
    """An annotation without others beside it."""

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment, and no annotation."""
        return self.place.span is not None


class Examined(NamedTuple):
    """An ignore, and what came of it where every rule was asked."""

    ignore: Ignore
    unknown: tuple[tuple[str, str], ...] = ()
    """Names that no rule has, each with the nearest that one has, or ""."""
    not_here: tuple[str, ...] = ()
    """Rules about ignores themselves, which no ignore takes out."""
    unused: tuple[str, ...] = ()
    """Rules that were asked, and found nothing here."""
    is_over: bool = False
    """Its last day has passed."""
    is_missed: bool = False
    """It is over, and something is found that it was for."""


def comments_in(comment: str) -> Iterator[Span]:
    """Yield where a YAML comment has something for us, from its `#`: behind other words, or alone."""
    starts = [found.start() for found in _DIRECTIVE.finditer(comment)]
    for start, end in zip(starts, [*starts[1:], len(comment)], strict=False):
        yield Span(start, start + len(comment[start:end].rstrip()))


def read_comment(text: str) -> Said:
    """Read a comment of ours, from its `#` on."""
    rest = text.partition(MARK)[2]
    word = _WORD.match(rest)
    verb = word[1] if word else ""
    rest = rest[word.end() if word else 0 :]
    if verb not in (LINES, FILE):
        near = nearest(verb, (LINES, FILE)) or LINES
        said = f"{MARK} {verb} means nothing" if verb else "this says nothing"
        fault = f"{said}; did you mean {MARK} {near}[RULE] REASON?"
        return Said((), "", None, faults=(fault,), holds=False)
    listed = _NAMES.match(rest)
    if listed is None:
        fault = f"this does not say which rules it ignores: write {verb}[RULE,RULE] REASON"
        return Said((), "", None, verb == FILE, (fault,), holds=False)
    return _said(listed[1], rest[listed.end() :], for_file=verb == FILE)


def read_annotation(text: str) -> Said:
    """Read the value of an annotation."""
    listed = _LISTED.match(text)
    if listed is None:
        fault = 'this does not say which rules it ignores: write "RULE,RULE REASON"'
        return Said((), "", None, faults=(fault,), holds=False)
    return _said(listed[1], text[listed.end() :], for_file=False)


def _said(listed: str, rest: str, *, for_file: bool) -> Said:
    names = tuple(dict.fromkeys(name for each in listed.split(",") if (name := each.strip())))
    words = rest.strip(_IN_FRONT_OF_REASON).split()
    days = [word.removeprefix(UNTIL) for word in words if word.startswith(UNTIL)]
    left = [word for word in words if not word.startswith(UNTIL)]
    reason = " ".join(left).lstrip(_IN_FRONT_OF_REASON)
    faults = []
    holds = True
    if not names:
        faults.append("this does not say which rules it ignores: its list is empty")
        holds = False
    if len(days) > 1 or not all(map(is_day, days)):
        faults.append("until is one day of the calendar, such as until=2027-03-31")
        holds = False
    if not any(character.isalnum() for character in reason):
        faults.append("this does not say why: the reason belongs behind the rules")
    until = days[0] if holds and days else None
    return Said(names, reason, until, for_file, tuple(faults), holds)


def written(names: Collection[str], reason: str) -> str:
    """Write a comment that ignores rules. Without a reason it is a finding until somebody adds one."""
    return f"# {MARK} {LINES}[{','.join(sorted(names))}] {reason}".rstrip()


def with_names(text: str, names: Collection[str], *, is_comment: bool) -> str:
    """Return an ignore's text with other rules in its list, and all else as it is; "" without any."""
    if not names:
        return ""
    start, end = _list_of(text, is_comment=is_comment)
    comma = ", " if ", " in text[start:end] else ","
    return text[:start] + comma.join(names) + text[end:]


def _list_of(text: str, *, is_comment: bool) -> Span:
    """Return where the list of rules stands in a text that has one."""
    if is_comment:
        return Span(text.index("[") + 1, text.index("]"))
    listed = _LISTED.match(text)
    return Span(*listed.span(1)) if listed else Span(0, 0)
