"""Making fixes: round after round, until there is nothing left that may be made."""

from __future__ import annotations

from collections.abc import Iterable

from rke2_lint.outcome import Outcome
from rke2_lint.patch import NoPatchError, unified
from rke2_lint.remarks import Patch
from rke2_lint.source_view import SourceView
from rke2_lint.unit import Member, Unit
from rke2_lint.writing import NotWrittenError, replace
from rke2_policies.document import DocumentId
from rke2_policies.edits import Edit
from rke2_policies.edits.as_text import Change, compose, rewrite_all
from rke2_policies.engine import Report, plan
from rke2_policies.finding import Finding, Safety
from rke2_policies.yaml_source import Source

_MOST_ROUNDS = 10


class Mending:
    """Makes the fixes of one unit: in memory, then in the files or as patches."""

    def __init__(self, unit: Unit, allow: Safety, outcome: Outcome) -> None:
        self._unit = unit
        self._allow = allow
        self._outcome = outcome
        self._tried: set[tuple[DocumentId, str]] = set()
        """Fixes that were refused, and those that were made: none is made twice."""
        self._made: dict[str, int] = {}
        self._ignored: dict[str, int] = {}

    def fix(self, report: Report) -> Report:
        """Make the fixes of a report in memory, and return the report on what is left."""
        for _ in range(_MOST_ROUNDS):
            if not self._round(self._unit.counting(report)):
                break
            report = self._unit.evaluate()
        return report

    def ignore(self, report: Report, reason: str) -> Report:
        """Write comments that accept what is found, in memory, and return the report on what is left."""
        from rke2_lint.ignoring import Ignoring

        ignoring = Ignoring(self._unit, reason)
        for _ in range(_MOST_ROUNDS):
            made = ignoring.round(report)
            if not made:
                break
            for path, count in made.items():
                self._ignored[path] = self._ignored.get(path, 0) + count
            report = self._unit.evaluate()
        self._outcome.warnings += ignoring.refusals
        return report

    def settle(self, report: Report, *, write: bool) -> Report:
        """Write what has changed, or tell it as patches, and return the report on what is there then."""
        changed = sorted({*self._made, *self._ignored})
        settled = [self._settle(self._unit.members[path], write=write) for path in changed]
        return report if all(settled) else self._unit.evaluate()

    def _round(self, findings: Iterable[Finding]) -> bool:
        """Make the fixes that are planned for these findings. Return whether one was made."""
        # A refused fix makes room for another one that touches the same spot.
        left = [one for one in findings if not self._was_tried(one)]
        by_path: dict[str, tuple[Member, Source, list[Change]]] = {}
        for document, fixes in plan(left, self._allow, self._unit.policy).items():
            member = self._unit.members[document.path]
            if isinstance(member.source, Source) and not member.obstacle:
                new = (member, member.source, list[Change]())
                changes = by_path.setdefault(document.path, new)[2]
                changes += (Change(document.number, fix.edits) for fix in fixes)
        made = [self._make(*one) for one in by_path.values()]
        return any(made)

    def _make(self, member: Member, source: Source, changes: list[Change]) -> bool:
        done = rewrite_all(source, changes)
        for change in changes:
            self._tried.add((DocumentId(member.path, change.number), _key(change.edits)))
        if not done.splices:
            return False
        member.source = done.source
        member.splices = compose(member.splices, done.splices)
        made = len(changes) - len(done.refused)
        self._made[member.path] = self._made.get(member.path, 0) + made
        return True

    def _was_tried(self, finding: Finding) -> bool:
        fix = finding.problem.fix
        return fix is not None and (finding.problem.place.document, _key(fix.edits)) in self._tried

    def _settle(self, member: Member, *, write: bool) -> bool:
        """Write what has changed, or tell it as a patch. Return False where it is taken back."""
        outcome, path = self._outcome, member.path
        if not write:
            self._tell_patch(member)
        elif member.file.data is not None:
            outcome.fixed_stdin = member.source.data
        else:
            try:
                replace(path, member.original.data, member.source.data)
            except NotWrittenError as error:
                outcome.warnings.append(f"{path}: not fixed: {error}")
                member.source, member.splices = member.original, ()
                return False
        outcome.changed.append(path)
        outcome.fixes += self._made.get(path, 0)
        outcome.ignored += self._ignored.get(path, 0)
        return True

    def _tell_patch(self, member: Member) -> None:
        try:
            text = unified(member.path, SourceView(member.original), member.splices)
        except NoPatchError as error:
            self._outcome.unpatched += 1
            self._outcome.warnings.append(
                f"{member.path}: no patch: {error}; --fix makes the change"
            )
        else:
            self._outcome.patches.append(Patch(member.path, text))


def _key(edits: tuple[Edit, ...]) -> str:
    # Edits hold lists, which no set takes.
    return repr(edits)
