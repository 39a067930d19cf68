"""Without kube-proxy there is nothing to pin."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    reading = machine.reading
    if machine.verdict == "not-applicable" and reading.verdict == "pinned" and reading.entry:
        if machine.reason.startswith("disable-kube-proxy"):
            message = "kube-proxy is disabled: the pin does nothing"
            yield machine.problem(message, reading.entry.place)
