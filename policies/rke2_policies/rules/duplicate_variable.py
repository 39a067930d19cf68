"""IPTABLES_MODE is said once: of several the last one counts."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Remove
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    said = [entry for entry in machine.environment.entries if entry.name == pin.VARIABLE]
    for entry in said[:-1]:
        last = said[-1]
        message = f"{pin.VARIABLE} is said again further down, and the last one counts"
        fix = Fix("remove the earlier one", (Remove(entry.place.route),), Safety.SHOWN)
        related = ((last.place, f"this one counts: {last.text}"),)
        yield machine.problem(message, entry.place, fix=fix, related=related)
