"""IPTABLES_MODE in agentEnvVars reaches no kube-proxy."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    route = (*cluster.spec_route, "agentEnvVars")
    variables = cluster.document[route]
    for i, variable in enumerate(variables if isinstance(variables, list) else []):
        match variable:
            case {"name": pin.VARIABLE}:
                lost = any(machine.verdict == "unpinned" for machine in cluster.machines)
                message = (
                    f"{pin.VARIABLE} in agentEnvVars never reaches kube-proxy: "
                    f"it belongs into machineGlobalConfig.{pin.KEY}"
                )
                home = cluster.layers[0].place
                fix = (
                    pin.adding_to(home, Safety.UNSAFE)
                    if pin.KEY not in cluster.layers[0].config
                    else None
                )
                severity = None if lost else Severity.WARNING
                yield Problem(message, cluster.at((*route, i)), fix, (), severity, explains=lost)
            case {"name": pin.ENVIRONMENT_KEY, "value": str(value)} if pin.VARIABLE in value:
                message = (
                    f"{pin.ENVIRONMENT_KEY} works, but hides the pin from whoever reads "
                    f"machineGlobalConfig, and a {pin.KEY} there replaces it"
                )
                yield Problem(message, cluster.at((*route, i, "value")), severity=Severity.NOTE)
