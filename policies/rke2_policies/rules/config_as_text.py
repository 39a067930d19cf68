"""machineGlobalConfig is a mapping: the API server refuses text."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    for field, kind, name in (
        ("machineGlobalConfig", dict, "mapping"),
        ("machineSelectorConfig", list, "list"),
        ("machinePools", list, "list"),
    ):
        route = (*cluster.config_route, field)
        value = cluster.document[route]
        if value is None or isinstance(value, kind | Templated):
            continue
        hint = ""
        if isinstance(value, str):
            hint = "; text is for Terraform: here its lines stand below the key, without the |"
        yield Problem(
            f"{field} has to be a {name}: the API server refuses the whole object{hint}",
            cluster.at(route).key,
            explains=True,
        )
