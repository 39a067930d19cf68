"""A pin for all machines is clearest in machineGlobalConfig."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Selector
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.NOTE)
def check(cluster: Cluster) -> Iterator[Problem]:
    for layer in cluster.layers[1:]:
        entry = cluster.document[layer.entry.route]
        if layer.selector != Selector(()) or set(entry) - {"config", "machineLabelSelector"}:
            continue
        if (
            pin.KEY in layer.config
            and pin.read(pin.entries(layer.config[pin.KEY], layer.place)).entry
        ):
            message = (
                f"{layer.by} has no selector: it applies to every machine, like machineGlobalConfig"
            )
            yield Problem(message, (layer.place / pin.KEY).key)
