"""An examination: what was found in the files that decide together, and what an editor makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rke2_lint.files import File
from rke2_lint.lsp import neighbours
from rke2_lint.lsp.addresses import uri_of
from rke2_lint.lsp.coordinates import Coordinates
from rke2_lint.lsp.neighbours import Buffers, Loaded
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_policies.recognise import may_matter

if TYPE_CHECKING:
    from rke2_lint.lsp.holders import Holders
    from rke2_lint.remarks import MachineRow, Remark
    from rke2_lint.unit import Member, Unit
    from rke2_policies.edits.as_text import Splice
    from rke2_policies.engine import Report

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
        "_holders",
        "_loaded",
        "refers",
        "remarks",
        "report",
        "rows",
        "sheets",
        "unit",
        "waits",
    )

    def __init__(self, loaded: Loaded, holders: Loaded, *, refers: bool, waits: bool) -> None:
        self._loaded = loaded
        self._holders = holders
        self.refers = refers
        """Whether a Cluster among them takes something from other files."""
        self.waits = waits
        """Whether these were not known yet."""
        self.remarks: dict[str, list[Remark]] = {}
        """By path."""
        self.rows: list[MachineRow] = []
        self.sheets: dict[str, Sheet] = {}
        """By path. Empty where nothing of it has to do with RKE2."""
        self.unit: Unit | None = None
        self.report: Report | None = None

    def fixed(self, path: str) -> tuple[Splice, ...]:
        """Return what `rke2-lint --fix` changes in a file if it is given that file alone."""
        if not any(one.fixable for one in self.remarks.get(path, ())):
            return ()
        loaded = [
            (File(file.path, given=file.path == path, data=file.data), data)
            for file, data in self._loaded
        ]
        unit, _ = _inspect(loaded, self._holders, Options(fix=True), Outcome())
        return unit.members[path].splices


def examine(node: str, buffers: Buffers, encoding: str, holders: Holders) -> Examination:
    """Look at the files of a node as they are now, and at what a Cluster among them refers to."""
    loaded = neighbours.files_of(node, buffers)
    refers = any(data is not None and _FROM_ELSEWHERE in data for _, data in loaded)
    own = {file.path for file, _ in loaded}
    held = holders.load(buffers) if refers else []
    others = [one for one in held or () if one[0].path not in own]
    examination = Examination(loaded, others, refers=refers, waits=held is None)
    if not any(data is None or may_matter(file.path, data) for file, data in loaded):
        return examination
    outcome = Outcome()
    unit, report = _inspect(loaded, others, Options(machines=True), outcome)
    outcome.sort()
    for remark in outcome.remarks:
        examination.remarks.setdefault(remark.path, []).append(remark)
    examination.rows = outcome.rows
    examination.sheets = {
        path: Sheet(member, buffers, encoding) for path, member in unit.members.items()
    }
    examination.unit, examination.report = unit, report
    return examination


def _inspect(
    loaded: Loaded, holders: Loaded, options: Options, outcome: Outcome
) -> tuple[Unit, Report]:
    from rke2_lint.inspection import Inspector

    return Inspector(options, outcome, lambda path: path).inspect(loaded, [], holders)
