"""All servers agree whether kube-proxy runs."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule

_KEY = "disable-kube-proxy"


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    servers = [machine for machine in cluster.machines if machine.is_server]
    off = [machine for machine in servers if machine[_KEY].value is True]
    on = [machine for machine in servers if machine[_KEY].value is not True]
    if not off or not on:
        return
    machine = _most_special(off, on)
    place = machine[_KEY].place
    if place is None:
        return
    message = (
        f"{_KEY} has to be the same on all servers: it is true for "
        f"{_names(off)}, and not for {_names(on)}"
    )
    yield Problem(message, place.key)


def _most_special(off: list[Machine], on: list[Machine]) -> Machine:
    """Return the machine whose setting stands furthest down: it is the exception."""
    said = [machine for machine in (*off, *on) if machine[_KEY].said]
    return max(said, key=lambda machine: len(machine[_KEY].said))


def _names(machines: list[Machine]) -> str:
    names = [machine.name.rpartition("/")[2] for machine in machines]
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
