"""On a machine that Rancher manages the pin belongs into the Cluster."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict != "pinned" or not machine.managed or machine.decided_by is None:
        return
    if not machine.is_ranchers(machine.environment.said[-1]):
        message = "the pin works, but Rancher does not know of it: say it in the Cluster's machineGlobalConfig"
        yield machine.problem(message, machine.decided_by)
