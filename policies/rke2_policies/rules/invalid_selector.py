"""A selector is valid: with an invalid one no machine of the cluster can be planned."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Invalid
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    for layer in cluster.layers:
        if isinstance(layer.selector, Invalid):
            place = layer.entry / "machineLabelSelector"
            for step in layer.selector.route:
                place = place / step
            message = f"{layer.selector.message}; Rancher can plan no machine of {cluster.name}"
            yield Problem(message, place, explains=True)
