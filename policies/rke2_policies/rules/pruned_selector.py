"""The field is called machineLabelSelector: any other is pruned, and the entry applies to all."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Rename
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.rule import rule

_FIELD = "machineLabelSelector"
_SELECTORS = frozenset(
    {
        "selector",
        "labelSelector",
        "machineSelector",
        "nodeSelector",
        "matchLabels",
        "matchExpressions",
    }
)


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    for layer in cluster.layers[1:]:
        entry = cluster.document[layer.entry.route]
        for key in entry:
            if key in ("config", _FIELD) or (
                key not in _SELECTORS and nearest(key, (_FIELD,)) is None
            ):
                continue
            taken = any(
                machine.verdict == "unpinned"
                and any(said.by == layer.by for said in machine.environment.said)
                for machine in cluster.machines
            )
            fix = None
            if _FIELD not in entry and key not in ("matchLabels", "matchExpressions"):
                rename = Rename((*layer.entry.route, key), _FIELD)
                fix = Fix(f"call it {_FIELD}", (rename,), Safety.UNSAFE)
            to_all = "" if _FIELD in entry else f", and {layer.by} applies to every machine"
            message = f"the API server prunes {key}{to_all}: the field is called {_FIELD}"
            severity = Severity.ERROR if taken and pin.KEY in layer.config else None
            yield Problem(message, (layer.entry / key).key, fix, (), severity)
