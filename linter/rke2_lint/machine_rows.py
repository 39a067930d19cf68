"""The rows of `rke2-lint effective`: what each machine runs with, and the place that decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rke2_lint.remarks import MachineRow
from rke2_lint.unit import Unit
from rke2_policies.machine import Machine


def rows(unit: Unit, machines: Iterable[Machine]) -> Iterator[MachineRow]:
    """Yield a row a machine, without secrets."""
    for machine in machines:
        path, number = machine.place.document
        secrets = unit.members[path].view.secrets
        decided_by = None
        if machine.decided_by is not None:
            decider = unit.members[machine.decided_by.document.path]
            at = decider.source.position(decider.span(machine.decided_by).start)
            decided_by = (decider.path, at.line, at.column)
        yield MachineRow(
            machine.name,
            path,
            number + 1,
            machine.roles,
            machine.verdict,
            None if machine.value is None else secrets.message(machine.value),
            decided_by,
            secrets.message(machine.reason),
            machine.origin,
        )
