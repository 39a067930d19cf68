"""Telling: findings become remarks, with lines for places, text for fixes, and no secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rke2_lint.patch import pictured
from rke2_lint.remarks import Change, Related, Remark, TextEdit
from rke2_lint.source_view import SourceView
from rke2_lint.unit import Member, Unit
from rke2_policies.document import Place, Span
from rke2_policies.edits import EditError
from rke2_policies.edits.as_text import Rewritten, Splice, rewrite
from rke2_policies.finding import Finding, Safety, Severity
from rke2_policies.route import pointer
from rke2_policies.yaml_source import Source


class Teller:
    """Tells what was found in units."""

    def __init__(self, allow: Safety, *, pictures: bool) -> None:
        self._allow = allow
        self._pictures = pictures

    def tell(self, unit: Unit, findings: Iterable[Finding]) -> Iterator[Remark]:
        """Yield the remarks on what was found in a unit."""
        return (self._remark(unit, one) for one in findings if _concerns(unit, one))

    def _remark(self, unit: Unit, finding: Finding) -> Remark:
        problem, place = finding.problem, finding.problem.place
        member = unit.members[place.document.path]
        view = member.view
        span = member.span(place)
        change, refusal = self._change(member, finding)
        related = [self._related(unit, *one) for one in problem.related]
        fix = problem.fix
        return Remark(
            finding.rule,
            finding.severity.name.lower(),
            view.secrets.message(problem.message),
            place.document.path,
            place.document.number + 1,
            view.region(span),
            finding.machines,
            tuple(related),
            change,
            refusal,
            change is not None and fix is not None and fix.safety >= self._allow and not refusal,
            view.around(span.start) if self._pictures else (),
            pointer(place.route),
        )

    def _related(self, unit: Unit, place: Place, message: str) -> Related:
        member = unit.members[place.document.path]
        span = member.span(place)
        view = member.view
        message = view.secrets.message(message)
        return Related(message, place.document.path, view.region(span), view.line(span.start))

    def _change(self, member: Member, finding: Finding) -> tuple[Change | None, str]:
        """Return a finding's fix as text, and why it cannot be made."""
        fix = finding.problem.fix
        if fix is None:
            return None, ""
        if not isinstance(member.source, Source):
            return None, "environment files are not changed"
        try:
            done = rewrite(member.source, finding.problem.place.document.number, fix.edits)
        except EditError as error:
            return None, member.view.secrets.message(str(error))
        if not done.splices:
            return None, ""
        old, new = member.view, SourceView(done.source)
        edits = _edits(old, new, done)
        if edits is None:
            return None, "it would have to repeat a secret value"
        picture = pictured(old, new, done.splices) if self._pictures else ()
        title = old.secrets.message(fix.title)
        return Change(title, fix.safety.name.lower(), edits, picture), member.obstacle


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


def _edits(old: SourceView, new: SourceView, done: Rewritten) -> tuple[TextEdit, ...] | None:
    """Return the edits of a fix; None where a secret would have to stand in them."""
    edits = []
    moved = 0
    for splice in done.splices:
        for start, end, text in _around_what_stays(old.source.text, splice):
            if new.secrets.spans(start + moved, start + moved + len(text)):
                return None
            edits.append(TextEdit(old.region(Span(start, end)), text))
            moved += len(text) - (end - start)
    return tuple(edits)


def _around_what_stays(text: str, splice: Splice) -> tuple[Splice, ...]:
    """Return a splice that repeats what it replaces as two: before it and behind it."""
    stays = text[splice.start : splice.end]
    before, same, behind = splice.text.partition(stays) if stays else ("", "", "")
    if not same:
        return (splice,)
    parts = Splice(splice.start, splice.start, before), Splice(splice.end, splice.end, behind)
    return tuple(part for part in parts if part.text)
