"""Telling: findings become remarks, with lines for places, text for fixes, and no secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from rke2_lint.patch import pictured
from rke2_lint.remarks import Change, Line, Related, Remark, Suppressed, TextEdit
from rke2_lint.source_view import SourceView
from rke2_lint.unit import Member, Unit, object_of, pointer_of
from rke2_policies.document import Place, Span
from rke2_policies.edits import EditError
from rke2_policies.edits.as_text import Change as Planned
from rke2_policies.edits.as_text import Splice, rewrite_each
from rke2_policies.engine import Report
from rke2_policies.finding import Finding, Fix, Safety, Severity
from rke2_policies.yaml_source import Source

Told: TypeAlias = tuple[Splice, ...] | EditError
"""What a fix would do to the text, or why it cannot be made."""


class Teller:
    """Tells what was found in units."""

    def __init__(self, allow: Safety, *, pictures: bool, suggestions: bool = False) -> None:
        self._allow = allow
        self._pictures = pictures
        self._suggestions = suggestions

    def tell(self, unit: Unit, report: Report) -> Iterator[Remark]:
        """Yield the remarks on what was found in a unit."""
        findings = list(filter(_is_told(unit, report), report.findings))
        for finding, told in zip(findings, _fixes(unit, findings), strict=True):
            yield self._remark(unit, finding, told)

    def tell_as(
        self, unit: Unit, told: Iterable[tuple[Finding, tuple[Splice, ...]]]
    ) -> Iterator[Remark]:
        """Yield the remarks on findings of which is known what their fixes do to the text."""
        for finding, splices in told:
            yield self._remark(unit, finding, splices)

    def tell_suppressed(self, unit: Unit, report: Report) -> Iterator[Suppressed]:
        """Yield what was found in a unit and does not count, without fixes: none is made."""
        is_told = _is_told(unit, report)
        for finding, exemption in report.exempted:
            if is_told(finding):
                problem = finding.problem._replace(fix=None)
                remark = self._remark(unit, finding._replace(problem=problem), ())
                kind = "inSource" if exemption.place is not None else "external"
                secrets = unit.members[finding.problem.place.document.path].view.secrets
                yield Suppressed(remark, kind, secrets.message(exemption.reason))

    def _remark(self, unit: Unit, finding: Finding, told: Told) -> Remark:
        problem, place = finding.problem, finding.problem.place
        member = unit.members[place.document.path]
        view = member.view
        span = member.span(place)
        change, refusal = self._change(member, problem.fix, told) if problem.fix else (None, "")
        if change is not None and not unit.policy.may_fix(finding.rule):
            refusal = refusal or f"the configuration leaves fixes of {finding.rule} to people"
        return Remark(
            finding.rule,
            finding.severity.name.lower(),
            view.secrets.message(problem.message),
            place.document.path,
            place.document.number + 1,
            view.region(span),
            finding.machines,
            tuple(self._related(unit, *one) for one in problem.related),
            change,
            refusal,
            bool(change and not refusal and problem.fix and problem.fix.safety >= self._allow),
            view.around(span.start) if self._pictures else (),
            pointer_of(member, place),
            in_bytes=view.region_in_bytes(span),
            object=object_of(member, place),
        )

    def _related(self, unit: Unit, place: Place, message: str) -> Related:
        member = unit.members[place.document.path]
        span = member.span(place)
        view = member.view
        message = view.secrets.message(message)
        line = view.line(span.start) if self._pictures else Line(0, "")
        in_bytes = view.region_in_bytes(span)
        return Related(message, place.document.path, view.region(span), line, in_bytes)

    def _change(self, member: Member, fix: Fix, told: Told) -> tuple[Change | None, str]:
        """Return a fix as text, and why it cannot be made."""
        view = member.view
        if isinstance(told, EditError):
            return None, view.secrets.message(str(told))
        if not told:
            return None, ""
        picture = pictured(view, told) if self._pictures else ()
        title = view.secrets.message(fix.title)
        edits = _edits(view, told)
        change = Change(title, fix.safety.name.lower(), edits, picture)
        if self._suggestions:
            from rke2_lint.suggesting import suggestion

            change = change._replace(suggestion=suggestion(view, told))
        return change, member.obstacle


def concerning(unit: Unit, report: Report) -> list[Finding]:
    """Return the findings of a unit that are told, and not in the baseline."""
    return list(filter(_is_told(unit, report), unit.counting(report)))


def _is_told(unit: Unit, report: Report) -> Callable[[Finding], bool]:
    own = {one.name for one in report.machines if unit.members[one.place.document.path].own}

    def is_told(finding: Finding) -> bool:
        member = unit.members[finding.problem.place.document.path]
        return (member.own or not own.isdisjoint(finding.machines)) and _concerns(unit, finding)

    return is_told


def _fixes(unit: Unit, findings: Sequence[Finding]) -> list[Told]:
    """Return what the fix of each finding would do, or why it cannot be made."""
    told: list[Told] = [()] * len(findings)
    by_path: dict[str, list[int]] = {}
    for index, finding in enumerate(findings):
        if finding.problem.fix is not None:
            by_path.setdefault(finding.problem.place.document.path, []).append(index)
    for path, indices in by_path.items():
        source = unit.members[path].source
        changes = [
            Planned(problem.place.document.number, problem.fix.edits)
            for problem in (findings[index].problem for index in indices)
            if problem.fix is not None
        ]
        if not isinstance(source, Source):
            refusal = EditError("environment files are not changed")
            told_here: Sequence[Told] = [refusal] * len(changes)
        else:
            told_here = rewrite_each(source, changes)
        for index, one in zip(indices, told_here, strict=True):
            told[index] = one
    return told


def _concerns(unit: Unit, finding: Finding) -> bool:
    """Tell whether a finding is about the files that were given.

    What is only read to understand them may be untidy; but where it takes the pin from a machine of
    theirs, that is what people want to know.
    """
    problem = finding.problem
    places = [problem.place, *(place for place, _ in problem.related)]
    return finding.severity == Severity.ERROR or any(
        unit.members[place.document.path].file.given for place in places
    )


def _edits(view: SourceView, splices: Sequence[Splice]) -> tuple[TextEdit, ...]:
    """Return the edits of a fix; none where a secret would have to stand in them."""
    edits = []
    for splice in splices:
        for start, end, text in _around_what_stays(view.source.text, splice):
            if view.secrets.inserted(text) != text:
                return ()
            span = Span(start, end)
            edits.append(TextEdit(view.region(span), text, view.region_in_bytes(span)))
    return tuple(edits)


def _around_what_stays(text: str, splice: Splice) -> tuple[Splice, ...]:
    """Return a splice that repeats what it replaces as two: before it and behind it."""
    stays = text[splice.start : splice.end]
    before, same, behind = splice.text.partition(stays) if stays else ("", "", "")
    if not same:
        return (splice,)
    parts = Splice(splice.start, splice.start, before), Splice(splice.end, splice.end, behind)
    return tuple(part for part in parts if part.text)
