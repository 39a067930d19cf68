"""Cilium in kube-proxy's place needs disable-kube-proxy: otherwise both run."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    route = (*cluster.config_route, "chartValues", "rke2-cilium", "kubeProxyReplacement")
    value = cluster.document[route]
    if value is not True and value not in ("true", "strict"):
        return
    if any(not machine.reason.startswith("disable-kube-proxy") for machine in cluster.machines):
        message = "Cilium is to replace kube-proxy, but kube-proxy still runs: set disable-kube-proxy: true"
        yield Problem(message, cluster.at(route))
