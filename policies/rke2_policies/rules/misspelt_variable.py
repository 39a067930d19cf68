"""The variable is called IPTABLES_MODE."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule

# Names that other tools or other times have for the same wish.
_OTHERS = frozenset(
    {
        "FELIX_IPTABLESBACKEND",
        "IPTABLES_BACKEND",
        "IPTABLES_VARIANT",
        "IPTABLES_TYPE",
        "XTABLES_MODE",
    }
)


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        name = entry.name.strip()
        if name == pin.VARIABLE or not name:
            continue
        if name.upper() not in _OTHERS and nearest(name, (pin.VARIABLE,)) is None:
            continue
        lost = machine.reading.verdict == "unpinned"
        severity = None if lost else Severity.WARNING
        message = f"kube-proxy does not know {name}: the variable is called {pin.VARIABLE}"
        fix = pin.respelling(entry, Safety.UNSAFE)
        yield machine.problem(message, entry.place, fix=fix, explains=lost, severity=severity)
