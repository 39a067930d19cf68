"""A selector's kube-proxy-extra-env replaces the whole list: it repeats the pin."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    loss = machine.environment.loss
    if (
        machine.origin != "rancher"
        or loss is None
        or machine.verdict not in ("unpinned", "unknown")
    ):
        return
    kept, taker = loss
    fix = pin.adding(taker.value, taker.place) if taker.by_configuration else None
    message = f"this replaces the list that pins kube-proxy: {taker.by} takes the pin away"
    related = ((pin.place_of(kept.entries, kept.place), f"{kept.by} says it"),)
    yield machine.problem(message, taker.place.key, fix=fix, related=related, explains=True)
