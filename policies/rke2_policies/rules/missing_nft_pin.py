"""Every kube-proxy is pinned to the nft backend."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.route import MISSING
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    undecided = machine.verdict == "unknown" and not machine.sure and not machine.open
    if machine.verdict != "unpinned" and not undecided:
        return
    setting = machine.environment
    if not setting.said:
        place = machine.home / pin.KEY if machine.home else machine.place
        fix = pin.adding_to(machine.home) if machine.home is not None else None
        message = f"kube-proxy is not pinned to nft: nothing sets {pin.KEY}"
        yield machine.problem(message, place.key, fix=fix, related=machine.elsewhere)
        return
    last = setting.said[-1]
    fix = None
    if last.by_configuration and not (machine.managed and machine.is_ranchers(last)):
        fix = pin.adding(last.value, last.place)
    empty = last.value in (None, "", [])
    what = f"{pin.KEY} is empty" if empty else f"{pin.KEY} does not set {pin.VARIABLE}"
    if setting.value is MISSING and setting.dropped and not empty:
        what = f"{pin.KEY} never arrives: {setting.dropped}"
    message = f"kube-proxy is not pinned to nft: {what}"
    yield machine.problem(message, last.place.key, fix=fix, related=machine.elsewhere)
