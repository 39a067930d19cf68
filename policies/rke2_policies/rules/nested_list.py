"""An item of the environment is a string, not a list."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        if not isinstance(entry.value, list):
            continue
        outer = entry.place
        while outer.route and isinstance(outer.route[-1], int) and isinstance(outer.route[-2], int):
            outer = outer._replace(route=outer.route[:-1])
        message = "a list in the list: RKE2 takes its first item and forgets the rest"
        fix = None
        if len(entry.value) == 1 and isinstance(entry.value[0], str):
            fix = Fix("take the item out", (Set(outer.route, entry.value[0]),), Safety.SHOWN)
        yield machine.problem(message, outer, fix=fix)
