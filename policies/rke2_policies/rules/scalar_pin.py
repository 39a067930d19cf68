"""The environment is best a list, so that more can be added to it."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    for said in machine.environment.said:
        if isinstance(said.value, str) and said.by_configuration and pin.read(said.entries).entry:
            message = f"{pin.KEY} is one string: RKE2 takes it, but a list can grow"
            edit = Set(said.place.route, [said.value])
            fix = Fix("make it a list", (edit,), Safety.SHOWN)
            yield machine.problem(message, said.place, fix=fix)
