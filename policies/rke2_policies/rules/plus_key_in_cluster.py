"""A `+` behind a key is for RKE2's own files: Rancher drops such a key."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Rename
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    setting = machine[f"{pin.KEY}+"]
    if machine.origin != "rancher" or not setting.said:
        return
    said = setting.said[-1]
    lost = machine.reading.verdict == "unpinned"
    fix = None
    if not machine.environment.said:
        fix = Fix("take the + away", (Rename(said.place.route, pin.KEY),), Safety.UNSAFE)
    message = f"Rancher does not know {pin.KEY}+ and drops it"
    severity = None if lost else Severity.WARNING
    yield machine.problem(message, said.place.key, fix=fix, explains=lost, severity=severity)
