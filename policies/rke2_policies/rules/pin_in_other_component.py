"""IPTABLES_MODE belongs to kube-proxy, not to another component."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for name, setting in machine.settings.items():
        if name in (pin.KEY, "kube-proxy-arg") or not name.endswith(("-extra-env", "-arg")):
            continue
        for entry in setting.entries:
            if entry.name.lstrip("-").strip() != pin.VARIABLE:
                continue
            lost = machine.reading.verdict == "unpinned"
            fix = None
            if machine.home is not None and not machine.environment.said:
                fix = pin.adding_to(machine.home, Safety.UNSAFE)
            message = (
                f"{pin.VARIABLE} in {name} never reaches kube-proxy: it belongs into {pin.KEY}"
            )
            severity = None if lost else Severity.WARNING
            yield machine.problem(message, entry.place, fix=fix, explains=lost, severity=severity)
