"""What a template decides cannot be told: render it and lint the result."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict != "unknown":
        return
    if machine.reading.verdict == "unknown" and machine.decided_by is not None:
        message = f"a template decides {pin.VARIABLE}: render it and lint the result"
        yield machine.problem(message, machine.decided_by)
    elif machine.open:
        place = machine.home or machine.place
        message = f"a template may set {pin.KEY}: render it and lint the result"
        yield machine.problem(message, place.key if place.route else place)
