"""kube-proxy-extra-env is a list of NAME=VALUE, not a mapping."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    setting = machine.environment
    if not setting.said or not isinstance(setting.said[-1].value, dict):
        return
    said = setting.said[-1]
    value = said.value
    one = pin.variable_of(value)
    if one is not None:
        safety = Safety.SAFE if one[0] == pin.VARIABLE and pin.means_nft(one[1]) else Safety.UNSAFE
        items = [pin.PIN if safety is Safety.SAFE else f"{one[0]}={one[1]}"]
    else:
        safety = Safety.UNSAFE
        items = [f"{name}={text}" for name, text in value.items() if isinstance(text, str)]
    fix = None
    if value and (one is not None or len(items) == len(value)):
        fix = Fix("make it a list", (Set(said.place.route, items),), safety)
    gone = "Rancher drops it" if machine.origin == "rancher" else "RKE2 finds no variable in it"
    lost = machine.reading.verdict == "unpinned"
    message = f"{pin.KEY} is a mapping: {gone}"
    yield machine.problem(
        message, said.place.key, fix=fix, explains=lost and pin.names_variable(value)
    )
