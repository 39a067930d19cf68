"""kube-proxy-extra-env exists since RKE2 v1.21.3+rke2r2 and v1.22.3."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.facts import too_old
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    if not too_old(cluster.version):
        return
    for layer in cluster.layers:
        if pin.KEY in layer.config:
            message = f"{cluster.version_text} does not know {pin.KEY}: nothing of it arrives"
            related = ((cluster.at((*cluster.spec_route, "kubernetesVersion")), "the version"),)
            yield Problem(message, (layer.place / pin.KEY).key, None, related)
