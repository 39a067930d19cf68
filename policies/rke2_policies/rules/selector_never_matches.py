"""Selectors match the labels of Machines, not of Nodes."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster, Layer, Pool
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Requirement, Selector
from rke2_policies.rule import rule

_NODE_LABELS = (
    "node-role.kubernetes.io/", "kubernetes.io/", "node.kubernetes.io/", "beta.kubernetes.io/",
    "topology.kubernetes.io/", "failure-domain.beta.kubernetes.io/",
)  # fmt: skip
_ROLES = tuple(f"rke.cattle.io/{role}-role" for role in ("control-plane", "etcd", "worker"))


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    unpinned = any(machine.verdict == "unpinned" for machine in cluster.machines)
    for layer in cluster.layers[1:]:
        if not isinstance(layer.selector, Selector):
            continue
        if any(layer.selector.matches(pool.labels) is not False for pool in cluster.pools):
            continue
        setting = layer.config.get(pin.KEY)
        pins = pin.read(pin.entries(setting, layer.place)).verdict == "pinned" if setting else False
        for requirement in layer.selector.requirements:
            why = _why_never(requirement, cluster.pools)
            if why is None:
                continue
            depends = pins and unpinned
            severity = Severity.ERROR if depends else None
            place = _place(layer, requirement)
            message = f"{layer.by} never matches: {why}"
            yield Problem(message, place, None, (), severity, explains=depends)
            break


def _why_never(requirement: Requirement, pools: tuple[Pool, ...]) -> str | None:
    if requirement.operator not in ("In", "Exists"):
        return None
    key = requirement.key
    if any(requirement.holds(pool.labels) is not False for pool in pools):
        return None
    if key in _ROLES and requirement.operator == "In":
        return f'{key} is only ever "true", and absent from machines without the role'
    if any(key in pool.deployment_labels for pool in pools):
        return f"{key} is in machineDeploymentLabels, which Machines do not get; labels would do"
    if key.startswith(_NODE_LABELS):
        return f"{key} is a label of Nodes, and selectors match the labels of Machines"
    return None


def _place(layer: Layer, requirement: Requirement) -> Place:
    place = layer.entry / "machineLabelSelector"
    for step in requirement.route:
        place = place / step
    return place.key if isinstance(requirement.route[-1], str) else place
