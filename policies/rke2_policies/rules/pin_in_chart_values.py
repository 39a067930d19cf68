"""kube-proxy is no chart: values for rke2-kube-proxy reach nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.rule import rule

_CHART = "rke2-kube-proxy"


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    route = (*cluster.config_route, "chartValues")
    values = cluster.document[route]
    if not isinstance(values, dict) or _CHART not in values:
        return
    lost = pin.names_variable(values[_CHART]) and any(
        machine.verdict == "unpinned" for machine in cluster.machines
    )
    message = f"there is no chart {_CHART} since v1.21.3: kube-proxy is a static pod, set {pin.KEY}"
    fix = None
    if lost and pin.KEY not in cluster.layers[0].config:
        fix = pin.adding_to(cluster.layers[0].place, Safety.UNSAFE)
    severity = None if lost else Severity.WARNING
    yield Problem(message, cluster.at((*route, _CHART)).key, fix, (), severity, explains=lost)
