"""Ignoring: `--add-ignores` writes a comment beside each finding that is left, with a reason."""

from __future__ import annotations

from typing import NamedTuple

from rke2_lint.telling import concerning
from rke2_lint.unit import Member, Unit, object_of
from rke2_policies.document import DocumentId, Place
from rke2_policies.edits import Annotate, Reword
from rke2_policies.edits.as_text import Change, compose, rewrite_all
from rke2_policies.edits.layout import is_json
from rke2_policies.edits.lines import line_end, line_start
from rke2_policies.engine import Report
from rke2_policies.exempting import ABOUT_IGNORES
from rke2_policies.ignore import ANNOTATION, Ignore, with_names, written
from rke2_policies.route import Route
from rke2_policies.yaml_source import Source


class _Spot(NamedTuple):
    """A line of a file on which something is found."""

    place: Place
    start: int
    rules: dict[str, int]
    """How often each rule finds something on it."""


class Ignoring:
    """Writes the ignores of one unit, in memory: one comment a line, with all its rules."""

    def __init__(self, unit: Unit, reason: str) -> None:
        self._unit = unit
        self._reason = " ".join(reason.split())
        self._refused: set[tuple[DocumentId, Route, str]] = set()
        self.refusals: list[str] = []
        """What could not be ignored, why, and what can be done instead."""

    def round(self, report: Report) -> dict[str, int]:
        """Write comments for what is found. Return how many findings of each file they are for."""
        made = {}
        for path, spots in self._spots(report).items():
            count = self._write(self._unit.members[path], spots)
            if count:
                made[path] = count
        return made

    def _spots(self, report: Report) -> dict[str, list[_Spot]]:
        found: dict[str, dict[int, _Spot]] = {}
        for finding in concerning(self._unit, report):
            if finding.rule in ABOUT_IGNORES:
                continue
            place = finding.problem.place
            member = self._unit.members[place.document.path]
            at = member.span(place).start
            start = line_start(member.source.text, at)
            spots = found.setdefault(member.path, {})
            rules = spots.setdefault(start, _Spot(place, start, {})).rules
            rules[finding.rule] = rules.get(finding.rule, 0) + 1
        return {path: list(spots.values()) for path, spots in found.items()}

    def _write(self, member: Member, spots: list[_Spot]) -> int:
        source = member.source
        spots = [spot for spot in spots if _key(spot) not in self._refused]
        obstacle = _obstacle(member)
        if obstacle or not isinstance(source, Source):
            for spot in spots:
                self._refuse(member, spot, obstacle)
            return 0
        ends = self._ends_of_the_same(member)
        changes = [self._change(source, spot, ends) for spot in spots]
        done = rewrite_all(source, changes)
        refused = dict(done.refused)
        for number, why in refused.items():
            self._refuse(member, spots[number], why)
        if done.splices:
            member.source = done.source
            member.splices = compose(member.splices, done.splices)
        return sum(sum(spot.rules.values()) for i, spot in enumerate(spots) if i not in refused)

    def _change(self, source: Source, spot: _Spot, same: dict[int, Ignore]) -> Change:
        number = spot.place.document.number
        ignore = same.get(line_end(source.text, spot.start))
        if ignore is not None and ignore.place.span is not None:
            names = sorted({*ignore.said.names, *spot.rules})
            text = with_names(ignore.text, names, is_comment=True)
            return Change(number, (Reword(ignore.place.span, ignore.text, text),))
        comment = written(spot.rules, self._reason)
        return Change(number, (Annotate(spot.place.route, comment, spot.place.on_key),))

    def _ends_of_the_same(self, member: Member) -> dict[int, Ignore]:
        """Return the comments that give this reason already, by the end of the line that they are for."""
        return {
            ignore.lines.end: ignore
            for ignore in member.ignores
            if ignore.lines is not None
            and ignore.said.holds
            and " ".join(ignore.text.partition("]")[2].split()) == self._reason
        }

    def _refuse(self, member: Member, spot: _Spot, why: str) -> None:
        self._refused.add(_key(spot))
        line = member.source.position(spot.start).line
        rules = _rules(spot)
        remedy = "write the comment yourself, or let the policy exempt the file"
        if _is_json(member, spot):
            why, remedy = "JSON has no comments", "let the policy exempt the file"
            about = object_of(member, spot.place)
            if " " in about:
                remedy = f'give {about} the annotation {ANNOTATION}: "{rules} {self._reason}"'
        self.refusals.append(f"{member.path}:{line}: {rules} is not ignored: {why}; {remedy}")


def _key(spot: _Spot) -> tuple[DocumentId, Route, str]:
    return spot.place.document, spot.place.route, _rules(spot)


def _rules(spot: _Spot) -> str:
    return ",".join(sorted(spot.rules))


def _obstacle(member: Member) -> str:
    """Return why nothing is written into a file; "" where it is."""
    if member.obstacle:
        return member.obstacle
    if not isinstance(member.source, Source):
        return "environment files are not changed"
    return ""


def _is_json(member: Member, spot: _Spot) -> bool:
    source, number = member.source, spot.place.document.number
    return isinstance(source, Source) and number < len(source.roots) and is_json(source, number)
