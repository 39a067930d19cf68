"""Every item of the environment is NAME=VALUE: RKE2 skips all else."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        if "=" in entry.text or not entry.text or isinstance(entry.value, dict):
            continue
        if isinstance(entry.text, Templated):
            continue
        ours = entry.text.split()[0].upper().rstrip(":") == pin.VARIABLE
        lost = ours and machine.reading.verdict == "unpinned"
        fix = pin.respelling(entry, Safety.UNSAFE) if ours else None
        message = f"{entry.text!r} has no =: RKE2 logs it and goes on without it"
        severity = Severity.ERROR if lost else None
        yield machine.problem(message, entry.place, fix=fix, explains=lost, severity=severity)
