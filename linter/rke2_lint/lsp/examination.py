"""An examination: what was found in the files that decide together, and what an editor makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rke2_lint.files import CONFIGURATIONS, File, Lookup, UsageError
from rke2_lint.lsp import neighbours
from rke2_lint.lsp.addresses import uri_of
from rke2_lint.lsp.coordinates import Coordinates
from rke2_lint.lsp.neighbours import Buffers, Loaded
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_policies.recognise import may_matter

if TYPE_CHECKING:
    from rke2_lint.lsp.holders import Holders
    from rke2_lint.remarks import Remark
    from rke2_lint.unit import Member, Unit
    from rke2_policies.edits.as_text import Splice
    from rke2_policies.engine import Report

FindLookup: TypeAlias = Callable[[], Lookup]
"""Makes what finds configurations anew, so that each examination is under what they say now."""
_FROM_ELSEWHERE = b"machineSelectorFiles"


class Sheet:
    """One file of an examination, with the places in it as the editor counts them."""

    __slots__ = ("coordinates", "member", "uri", "version")

    def __init__(self, member: Member, buffers: Buffers, encoding: str) -> None:
        buffer = buffers.get(member.path)
        self.member = member
        self.uri = buffer.uri if buffer is not None else uri_of(member.path)
        self.version = buffer.version if buffer is not None else None
        """None where it is not open."""
        marked = buffer is not None and buffer.marked
        self.coordinates = Coordinates(member.original.text, encoding, marked=marked)


class Examination:
    """What was found in the files of one node, or in one file."""

    __slots__ = (
        "_holders", "_loaded", "_lookup", "fault", "refers", "remarks", "report", "sheets", "versions", "waits",
    )  # fmt: skip

    def __init__(self, loaded: Loaded, holders: Loaded | None, buffers: Buffers) -> None:
        self._loaded = loaded
        self._holders = holders or []
        self._lookup: Lookup | None = None
        self.versions = {
            file.path: buffers[file.path].version if file.path in buffers else None
            for file, _ in loaded
        }
        """Of each file that was looked at; None where it is not open."""
        self.refers = any(data is not None and _FROM_ELSEWHERE in data for _, data in loaded)
        """Whether a Cluster among them takes something from other files."""
        self.waits = self.refers and holders is None
        """Whether these were not known yet."""
        self.fault = ""
        """Why nothing was looked for: what is wrong with the configuration."""
        self.remarks: dict[str, list[Remark]] = {}
        """By path."""
        self.sheets: dict[str, Sheet] = {}
        """By path. Empty where nothing of it has to do with RKE2."""
        self.report: Report | None = None

    def look(self, buffers: Buffers, encoding: str, lookup: Lookup) -> None:
        """Look for what there is to find. Raises UsageError for a configuration that cannot be used."""
        for file, _ in self._loaded:
            configurations = lookup.at(file.path.rpartition("/")[0] or "/")
            file.given = not (configurations and configurations.excluded(file.path))
        if not any(file.given for file, _ in self._loaded):
            return
        self._lookup = lookup
        outcome = Outcome()
        unit, self.report = self._inspect(self._loaded, Options(lookup=lookup), outcome)
        outcome.sort()
        for remark in outcome.remarks:
            self.remarks.setdefault(remark.path, []).append(remark)
        self.sheets = {
            path: Sheet(member, buffers, encoding) for path, member in unit.members.items()
        }

    def fixed(self, path: str) -> tuple[Splice, ...]:
        """Return what `rke2-lint --fix` changes in a file if it is given that file alone."""
        if not any(one.fixable for one in self.remarks.get(path, ())):
            return ()
        options = Options(fix=True, lookup=self._lookup)
        unit, _ = self._inspect(self._only(path), options, Outcome())
        return unit.members[path].splices

    def ignored(self, path: str, remarks: Sequence[Remark]) -> list[tuple[Splice, ...]]:
        """Return for each of some remarks on a file how a comment is written that ignores it."""
        from rke2_lint.ignoring import Ignoring
        from rke2_lint.telling import concerning

        unit, report = self._inspect(self._only(path), Options(lookup=self._lookup), Outcome())
        member = unit.members[path]
        findings = concerning(unit, report)
        written = []
        for remark in remarks:
            meant = [
                one
                for one in findings
                if one.rule == remark.rule
                and one.problem.place.document.path == path
                and member.view.region(member.span(one.problem.place)) == remark.region
            ]
            # The reason is for a person to say: without one, the comment is a finding itself.
            Ignoring(unit, "").round(report._replace(findings=tuple(meant[:1])))
            written.append(member.splices)
            member.source, member.splices = member.original, ()
        return written

    def _only(self, path: str) -> Loaded:
        return [
            (File(file.path, given=file.given and file.path == path, data=file.data), data)
            for file, data in self._loaded
        ]

    def _inspect(self, loaded: Loaded, options: Options, outcome: Outcome) -> tuple[Unit, Report]:
        from rke2_lint.inspection import Inspector

        return Inspector(options, outcome, lambda path: path).inspect(loaded, [], self._holders)


def examine(
    node: str, buffers: Buffers, encoding: str, holders: Holders, find: FindLookup
) -> Examination:
    """Look at the files of a node as they are now, and at what a Cluster among them refers to."""
    loaded = neighbours.files_of(node, buffers)
    examination = Examination(loaded, [], buffers)
    if examination.refers:
        held = holders.load(buffers)
        own = {file.path for file, _ in loaded}
        others = None if held is None else [one for one in held if one[0].path not in own]
        examination = Examination(loaded, others, buffers)
    is_configuration = node.rpartition("/")[2] in CONFIGURATIONS
    try:
        if is_configuration:
            find().policy_for(node)
        elif any(data is None or may_matter(file.path, data) for file, data in loaded):
            examination.look(buffers, encoding, find())
    except UsageError as error:
        examination.fault = str(error)
    return examination
