"""A pre-release of RKE2 is not in Rancher's table of settings."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.NOTE)
def check(cluster: Cluster) -> Iterator[Problem]:
    if cluster.version is not None and cluster.version.prerelease:
        message = f"{cluster.version_text} is a pre-release: Rancher lets the settings of all releases pass"
        yield Problem(message, cluster.at((*cluster.spec_route, "kubernetesVersion")))
