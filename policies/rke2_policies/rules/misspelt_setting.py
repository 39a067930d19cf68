"""The setting is called kube-proxy-extra-env."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Rename
from rke2_policies.facts import rancher_settings, rke2_flags
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine, Setting
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    known = rancher_settings() if machine.origin == "rancher" else rke2_flags()
    for name, setting in machine.settings.items():
        if name in known or name.endswith("+") or not setting.said:
            continue
        if not _means_the_key(name, setting, tuple(known)):
            continue
        said = setting.said[-1]
        fix = None
        if not machine.environment.said:
            fix = Fix(f"call it {pin.KEY}", (Rename(said.place.route, pin.KEY),), Safety.UNSAFE)
        who = "Rancher drops it" if machine.origin == "rancher" else "RKE2 skips it"
        lost = machine.reading.verdict == "unpinned"
        message = f"there is no setting {name}: {who}; it is called {pin.KEY}"
        severity = None if lost else Severity.WARNING
        yield machine.problem(message, said.place.key, fix=fix, explains=lost, severity=severity)


def _means_the_key(name: str, setting: Setting, known: tuple[str, ...]) -> bool:
    near = nearest(name, known)
    if near == pin.KEY:
        return True
    # `kube-proxy-env` lies nearer to other names, but its value tells.
    return "proxy" in name.lower() and pin.names_variable(setting.said[-1].value)
