"""IPTABLES_MODE has no spaces around its value."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    entry = machine.reading.entry
    if entry is not None and machine.verdict == "pinned" and entry.setting != pin.WANTED:
        message = f"{pin.VARIABLE} is {entry.setting!r}: it works only because a script leaves it unquoted"
        yield machine.problem(message, entry.place, fix=pin.respelling(entry))
