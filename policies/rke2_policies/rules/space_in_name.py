"""A variable's name has no spaces around it."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        if entry.name != pin.VARIABLE and entry.name.strip() == pin.VARIABLE:
            lost = machine.reading.verdict == "unpinned"
            message = (
                f"the variable's name is {entry.name!r}, with the space: kube-proxy does not know it, "
                "and Kubernetes before 1.32 may refuse the pod"
            )
            fix = pin.respelling(entry, Safety.UNSAFE)
            yield machine.problem(message, entry.place, fix=fix, explains=lost)
