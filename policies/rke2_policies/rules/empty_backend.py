"""IPTABLES_MODE is not empty: the empty value means detection."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    entry = machine.reading.entry
    if entry is not None and machine.reading.verdict == "unpinned":
        message = f"{pin.VARIABLE} is empty, which means detection"
        fix = pin.respelling(entry, Safety.UNSAFE)
        yield machine.problem(message, entry.place, fix=fix, explains=True)
