"""IPTABLES_MODE is no argument of kube-proxy: RKE2 does not start with it."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Remove, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.arguments("kube-proxy"):
        if entry.text.lstrip("-").partition("=")[0].strip() != pin.VARIABLE:
            continue
        fix = None
        if machine.home is not None and not machine.environment.said:
            route = entry.place.route
            edits = (Set((*machine.home.route, pin.KEY), [pin.PIN]), Remove(route))
            fix = Fix(f"move it to {pin.KEY}", edits, Safety.UNSAFE)
        message = f"RKE2 does not start: {pin.VARIABLE} is no flag of kube-proxy; it belongs into {pin.KEY}"
        yield machine.problem(message, entry.place, fix=fix, explains=True)
