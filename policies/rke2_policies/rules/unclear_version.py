"""kubernetesVersion says which runtime it is, such as v1.33.4+rke2r1."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    text = cluster.version_text
    if cluster.version is not None or isinstance(text, Templated):
        return  # What a template decides is said of the machines.
    if text in (None, ""):
        what = "kubernetesVersion is missing"
    else:
        what = f"kubernetesVersion {text} names no release of RKE2"
    message = f"{what}: whether this is RKE2, and what it knows, cannot be told"
    yield Problem(message, cluster.at((*cluster.spec_route, "kubernetesVersion")))
