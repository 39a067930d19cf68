"""Every variable is an item of its own: a block of lines is one variable."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        if "\n" in entry.text and pin.VARIABLE in entry.text:
            lost = machine.verdict in ("unpinned", "unknown", "broken")
            severity = None if lost else Severity.WARNING
            message = f"several lines are one variable: {entry.name or 'nothing'} gets all of them"
            yield machine.problem(message, entry.place, explains=lost, severity=severity)
