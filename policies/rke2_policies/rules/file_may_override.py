"""A file that Rancher writes into config.yaml.d may take the pin away."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    for file in cluster.files:
        if file.unknown and any(
            machine.verdict == "unknown" and machine.reason.startswith(file.by)
            for machine in cluster.machines
        ):
            when = "is read after 50-rancher.yaml and may replace" if file.wins else "may set"
            message = f"{file.path} {when} {pin.KEY}: {file.unknown}"
            yield Problem(message, file.place)
        elif file.dynamic and file.said is not None:
            message = f"{file.path} sets {pin.KEY}, but is dynamic: no change of it restarts RKE2"
            yield Problem(message, file.place)
