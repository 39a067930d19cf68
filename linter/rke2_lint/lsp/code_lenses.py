"""Code lenses: the verdict on a Cluster above it, on each pool above that, on a node in its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

from rke2_lint.lsp.examination import Examination, Sheet
from rke2_lint.paint import harmless
from rke2_policies.document import Place
from rke2_policies.machine import Machine
from rke2_policies.route import Route

SHOW = "rke2-lint.show"
"""The command of a lens: show the place that decides."""
_MOST_NAMES = 3


def code_lenses(examination: Examination, path: str) -> Iterator[types.CodeLens]:
    """Yield the lenses of one file."""
    sheet, report = examination.sheets.get(path), examination.report
    if sheet is None or report is None or not sheet.member.own:
        return
    clusters: dict[Place, list[Machine]] = {}
    for machine in report.machines:
        if machine.origin == "file":
            yield _lens(examination, sheet, types.Position(0, 0), _one(sheet, machine), machine)
        elif machine.origin == "rancher" and machine.place.document.path == path:
            clusters.setdefault(machine.place, []).append(machine)
    for place, machines in clusters.items():
        kind = place / "kind"
        top = sheet.coordinates.position(sheet.member.span(kind.key).start)
        yield _lens(examination, sheet, top, _all(machines), machines[0])
        yield from _pools(examination, sheet, place, machines)


def _pools(
    examination: Examination, sheet: Sheet, place: Place, machines: Sequence[Machine]
) -> Iterator[types.CodeLens]:
    document = sheet.member.original.documents[place.document.number]
    route: Route = (*place.route, "spec", "rkeConfig", "machinePools")
    pools = document[route]
    there = [
        i for i, one in enumerate(pools if isinstance(pools, list) else ()) if isinstance(one, dict)
    ]
    if len(there) != len(machines):
        return  # a custom cluster: its machines register themselves
    for number, machine in zip(there, machines, strict=True):
        span = sheet.member.span(Place(place.document, (*route, number)))
        yield _lens(
            examination,
            sheet,
            sheet.coordinates.position(span.start),
            _one(sheet, machine),
            machine,
        )


def _lens(
    examination: Examination, sheet: Sheet, at: types.Position, title: str, machine: Machine
) -> types.CodeLens:
    place = machine.decided_by or machine.place
    decider = examination.sheets.get(place.document.path, sheet)
    start = decider.coordinates.position(decider.member.span(place).start)
    arguments = [decider.uri, start.line, start.character]
    return types.CodeLens(
        range=types.Range(at, at), command=types.Command(title, SHOW, arguments=arguments)
    )


def _one(sheet: Sheet, machine: Machine) -> str:
    reason = sheet.member.view.secrets.message(machine.reason)
    return f"nft pin: {machine.verdict} ({harmless(reason)})"


def _all(machines: Sequence[Machine]) -> str:
    by_verdict: dict[str, list[str]] = {}
    for machine in machines:
        by_verdict.setdefault(machine.verdict, []).append(machine.name.rpartition("/")[2])
    parts = []
    for verdict, names in by_verdict.items():
        more = len(names) - _MOST_NAMES
        shown = ", ".join(map(harmless, names[:_MOST_NAMES]))
        parts.append(f"{verdict}: {shown}" + (f" and {more:,} more" if more > 0 else ""))
    return f"nft pin: {' · '.join(parts)}"
