"""No kube-proxy is pinned to the legacy backend."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "legacy" and machine.decided_by is not None:
        message = "kube-proxy is pinned to legacy: its rules go where the kernel may not look"
        yield machine.problem(message, machine.decided_by)
